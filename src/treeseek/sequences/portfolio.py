"""The default: several searches begin, the best is annealed, and the end is looked at closely.

This file believes that nobody knows beforehand which search finds a good beginning, that a tenth of
the budget finds it, and that what makes a good order better is a cool annealing whose neighbours
are screened. The last part is best spent near what was found.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from treeseek.errors import InvalidOption
from treeseek.options import Range, validate
from treeseek.sequences.annealing import Annealing
from treeseek.sequences.bigram import Bigram
from treeseek.sequences.crew import Member, distinct, served
from treeseek.sequences.endgame import Endgame, consensus, improved
from treeseek.sequences.genetic import Genetic
from treeseek.sequences.iterated import Iterated
from treeseek.sequences.space import Bag, Space
from treeseek.sequences.strategy import Strategy, lacking, serving
from treeseek.sequences.tempering import Tempering
from treeseek.sequences.trial import Bench, Hunt, Rated, Trial

OPEN = 6
"""Places whose every order is tried where the best candidates disagree on no more."""

FEW = 4
"""Lists that each was answered before any of them is cut."""


@dataclass(frozen=True)
class Portfolio:
    """Strategies at equal charge; at every `cut` the better half go on, at the last one `then`.

    None is cut before all have begun. Strategies that the space cannot serve are left out. Who
    stays is visited by the best, and so is `then`, which begins at the last cut; where it is none,
    the winner goes on. At `last` the endgame looks at all neighbours of the best and, where
    candidates are orders, at all orders of the few places on which the best of them disagree; what
    it found is a visitor of who goes on. Cost: what they ask for. Loses against whoever would have
    won alone by what the others cost. Deviation: no halving goes on to the end.
    Reference: sequential-halving
    """

    of: Annotated[tuple[Strategy, ...], "who begins"] = (
        Bigram(),
        Iterated(),
        Tempering(),
        Genetic(),
    )
    then: Annotated[Strategy | None, "who goes on from the best; none: who found it"] = Annealing(
        screen="pairs", hot=0.001
    )
    cuts: Annotated[tuple[float, ...], "parts of the budget at which half of them end"] = (
        0.05,
        0.1,
    )
    last: Annotated[float, Range(above=0.0, high=1.0), "part at which the endgame begins"] = 0.9

    name: ClassVar[str] = "portfolio"
    references: ClassVar[tuple[str, ...]] = ("sequential-halving",)

    def __post_init__(self) -> None:
        validate(self)
        if not self.of:
            raise InvalidOption("Portfolio(of=()): give at least one strategy.")

    def run(self, bench: Bench, space: Space) -> Hunt:
        """The generator; it ends when all strategies have."""
        guest, members = bench.guest(), list[Member]()
        for nth, strategy in enumerate(serving(self.of, space)):
            inner = bench.nested("member", nth)
            if guest is not None:
                inner.send(*guest)
            members.append(Member.of(strategy, inner, space))
        then = self.then if self.then and lacking(self.then, space) is None else None
        alive, cuts, closed, spent = members, sorted(self.cuts), False, 0.0
        while (going := [member for member in alive if not member.ended]) or (cuts and then):
            if going:
                least = min(member.effort for member in going)
                behind = [m for m in going if m.effort <= least + bench.width]
                spent = (yield from served(behind)) or 0.0
            begun = all(member.ended or member.lists >= FEW for member in alive)
            while cuts and (not going or (spent >= cuts[0] and begun)):
                cuts.pop(0)
                alive = sorted(alive, key=lambda member: member.best.value)
                alive = alive[: max(1, len(alive) // 2)]
                for member in alive:
                    member.visited(alive[0])
                if then and not cuts:
                    inner = bench.nested("then")
                    inner.send(alive[0].best.cand, alive[0].best.value)
                    alive = [Member.of(then, inner, space)]
                    members.append(alive[0])
            if spent >= self.last and not closed:
                closed = True
                found = yield from self._closed(space, members)
                alive[0].bench.send(found.cand, found.value)

    def _closed(
        self, space: Space, members: list[Member]
    ) -> Generator[list[Trial], list[Rated], Rated]:
        """What the endgame makes of the best candidates of all `members`."""
        end = Endgame()
        best = min((member.best for member in members), key=lambda one: one.value)
        best = yield from end.polished(space, best)
        if not isinstance(space, Bag):
            return best
        elites = [best.cand, *distinct(members)][:3]
        better = yield from improved(best, consensus(elites, OPEN), set(), end.batch)
        return best if better is None else (yield from end.polished(space, better))
