"""One Monte Carlo tree search over steps, from which the whole family is configured.

This file believes that the published searches share more than they differ in: descents with several
leaves in flight, each drawing children; ends noted when they are met and not visited again;
children merged where they are worth the same. Every continuation that was paid for is in the tree,
but for those that the verifier calls lost. What completes an answer beside the tree is not covered.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeAlias

from treeseek.live import Context
from treeseek.replies import Continuation
from treeseek.requests import Request
from treeseek.strategies.births import Births
from treeseek.strategies.descents import Descents
from treeseek.strategies.measures import Measure, confidence
from treeseek.strategies.plans import MOST, Flight, Plan, renewed
from treeseek.strategies.rules import stir
from treeseek.strategies.steps import Worth, steps, worth
from treeseek.strategies.tallies import Tally, reopen

Mend: TypeAlias = Callable[["Growth", list[Flight]], Generator[list[Request], Any, list[Flight]]]
"""What is made of simulations that are over: those that go on after all."""


class Growth:
    """The tree of one search while it grows."""

    def __init__(self, ctx: Context, tree: Descents, plan: Plan, by: Measure) -> None:
        """Let `tree` grow as `plan` says, judging by `by`."""
        self.ctx, self.tree, self.plan, self.by = ctx, tree, plan, by
        self.births = Births(plan, tree, verified=ctx.verifier is not None)
        self.rounds, self.fresh = 1, 0
        self.ends, self.solved, self.ended = 0, 0, False

    @property
    def done(self) -> bool:
        """Whether what was looked for is found."""
        return self.ended or self.solved >= self.ctx.n

    def open(self) -> bool:
        """Whether something is left to look for; what is closed is opened again, if it may be."""
        if self.tree.root.closed and self.plan.restarts and self.fresh:
            self.rounds, self.fresh = self.rounds + 1, 0
            reopen(self.tree.root)
        return not (self.done or self.tree.root.closed)

    def room(self, tally: Tally) -> int:
        """Children that may be drawn from `tally` now, beyond those it has."""
        return self.plan.room(tally, self.rounds)

    def full(self, tally: Tally) -> bool:
        """Whether a node without an open child gets no other one."""
        return not self.plan.widening and self.room(tally) <= 0

    def run(self, mend: Mend | None = None) -> Generator[list[Request], Any, None]:
        """Simulate until none is left, nothing is open, or n candidates are solved."""
        left, flights = self.plan.simulations or MOST, list[Flight]()
        while True:
            while left and len(flights) < self.plan.parallel and self.open():
                path = self.tree.descend([self.tree.root], self.room)
                if path[-1].busy:
                    break
                left -= 1
                if path[-1].final:
                    self.tree.land(path, path[-1].worth)
                    continue
                self.tree.depart(path)
                flights.append(Flight(path, self.plan.ahead))
            if not flights:
                return
            replies = yield [steps(self.ctx, one.path[-1].node, self.count(one)) for one in flights]
            left = renewed(left, self.plan.simulations, replies)
            nodes = [run.node for reply in replies for run in reply.continuations]
            whats = iter((yield from worth(self.ctx, nodes, self.by)))
            for flight, reply in zip(flights, replies, strict=True):
                self.receive(flight, [(run, next(whats)) for run in reply.continuations])
            going = [flight for flight in flights if self.goes_on(flight)]
            over = [flight for flight in flights if flight not in going]
            flights = going
            if mend and over and not self.done:
                flights += yield from mend(self, over)

    def count(self, flight: Flight) -> int:
        """Continuations to draw at the tip of `flight`."""
        room = self.room(flight.path[-1])
        return self.plan.ahead_width if flight.first else room if room > 0 else self.plan.width

    def receive(self, flight: Flight, drawn: Sequence[tuple[Continuation, Worth]]) -> None:
        """Put what was drawn at the tip of `flight` into the tree, and back up what counts."""
        tree, plan, path = self.tree, self.plan, flight.path
        tip, fresh = path[-1], 0
        tip.draws, tip.busy = tip.draws + len(drawn), False
        for run, what in drawn:
            child = self.births.child(tip, run, what)
            if child is None:
                if what.lost:
                    flight.lost, flight.said = run.node, flight.said if flight.end else what
                continue
            fresh += 1
            way = path if child.steps else [*path, child]
            tree.adopt(tip, child)
            if what.closed:
                flight.end, flight.said = child, what
                self.ends += 1
                self.solved += what.solved
                self.ended |= plan.enough is not None and child.worth >= plan.enough
            if plan.judged and not plan.ahead:
                tree.note(way, child.worth)
            elif what.closed:
                tree.land(way, child.worth)
            if flight.first is not None:
                flight.best = child.worth if flight.best is None else max(flight.best, child.worth)
        self.fresh += fresh
        if tip is tree.root and plan.noise and fresh:
            priors = [confidence(child.node) for child in tip.children]
            stir(tip.children, priors, self.ctx.rng("root"), plan.noise)
        if not tip.open and (not fresh or self.full(tip)):
            tree.close(tip, self.full)

    def goes_on(self, flight: Flight) -> bool:
        """Lead `flight` one step further, or end it and back its value up."""
        tree, plan, path = self.tree, self.plan, flight.path
        tip, so_far = path[-1], len(path)
        onward = flight.ahead and [kid for kid in tip.open if not kid.busy and not kid.final]
        if onward and self.open():
            if plan.judged:
                path.append(max(onward, key=lambda child: child.worth))
            else:
                path.append(tree.choose(tip, onward))
            last = tree.descend(path, self.room)[-1]
            if not last.busy and not last.final:
                tree.depart(path[so_far:])
                flight.first = flight.first or so_far
                flight.ahead -= 1
                return True
            del path[so_far:]
        tree.release(path)
        if plan.judged and flight.first is not None:
            value = path[flight.first].worth
            if flight.best is not None:
                value = (1 - plan.mix) * value + plan.mix * flight.best
            tree.land(path[: flight.first + 1], value)
        elif not tip.children:
            tree.land(path, tree.loss)
        return False
