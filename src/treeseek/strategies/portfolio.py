"""A portfolio: several strategies start, and the better half of them goes on, until one is left."""

import math
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from treeseek.declare import Search, Strategy, strategy
from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.options import Range
from treeseek.replies import Found, Spawned
from treeseek.requests import Continue, Node, Request, Spawn
from treeseek.strategies.ab_mcts_a import ab_mcts_a
from treeseek.strategies.answers import judged
from treeseek.strategies.particle import particle
from treeseek.strategies.step_beam import step_beam


def _several(strategies: Sequence[Strategy], **_: object) -> None:
    if not strategies:
        raise InvalidOption("portfolio(strategies=()): give at least one strategy.")


@strategy("sequential-halving", tier="step", check=_several)
def portfolio(
    ctx: Context,
    root: Node,
    *,
    strategies: Annotated[Sequence[Strategy], "who races"] = (
        ab_mcts_a(),
        step_beam(),
        particle(),
    ),
    first: Annotated[int, Range(low=1), "tokens each is given to begin with"] = 8,
) -> Search:
    """Race strategies by sequential halving: equal tokens each, then the better half goes on.

    Each of ceil(log2 strategies) rounds, and the winner's last, has an equal part of the budget,
    which those left share; of an odd number the larger half goes on. Without a budget a share
    begins at `first` and doubles. They stand by the mark of their best answer so far (verifier,
    else scorer, else confidence), those without one last. Cost: the union of what they ask for. It
    loses to one that is known to be best, and drops early what shows nothing before its end.
    Deviations: an arm is its best answer, not a mean; the winner has a round alone, and what it
    leaves goes to the others. Reference: sequential-halving
    """
    race = Field([Arm(one) for one in strategies])
    yield from race.served(ctx, [Spawn(arm.strategy, root, budget=first) for arm in race.arms])
    whole = race.charged / race.spent if race.spent else None
    rounds, alive = max(1, math.ceil(math.log2(len(race.arms)))), race.arms
    for nth in range(rounds):
        share = first * 2**nth if whole is None else int(whole / ((rounds + 1) * len(alive)))
        share -= first if nth == 0 and whole is not None else 0
        yield from race.gone_on(ctx, alive, max(1, share))
        alive = race.standing(alive)[: math.ceil(len(alive) / 2)]
    for arm in race.standing(race.arms):
        yield from race.gone_on(ctx, [arm], None)
    closing = [arm for arm in race.arms if arm.paused]
    if closing:
        yield from race.served(ctx, [Continue(arm.child, budget=0) for arm in closing], closing)


@dataclass(slots=True)
class Arm:
    """A strategy in the race: its nested search, and what it has shown."""

    strategy: Strategy
    child: int = -1
    paused: bool = True
    mark: float = -math.inf
    seen: Counter[tuple[int, ...]] = field(default_factory=Counter)

    def fresh(self, found: Sequence[Found]) -> list[Found]:
        """Those of `found` that it had not shown before."""
        now: Counter[tuple[int, ...]] = Counter()
        new = []
        for one in found:
            key = (*(one.prompt or ()), -1, *one.tokens)
            now[key] += 1
            if now[key] > self.seen[key]:
                new.append(one)
        self.seen = now
        return new


class Field:
    """The arms of a race, and what they cost together."""

    def __init__(self, arms: list[Arm]) -> None:
        """Nothing was given yet."""
        self.arms = arms
        self.charged = 0
        self.spent: float | None = None
        self.solved: set[str] = set()

    def served(
        self, ctx: Context, requests: list[Request], arms: Sequence[Arm] | None = None
    ) -> Generator[list[Request], Any, None]:
        """Yield `requests`, one for each of `arms`, and judge what they found that is new."""
        replies: list[Spawned] = yield requests
        for arm, reply in zip(self.arms if arms is None else arms, replies, strict=True):
            self.charged += reply.charged
            self.spent = reply.spent
            arm.child, arm.paused = reply.child, reply.status == "paused"
            nodes = [one.node for one in arm.fresh(reply.found)]
            for node, one in zip(nodes, (yield from judged(ctx, nodes)), strict=True):
                if one is not None:
                    arm.mark = max(arm.mark, one.mark)
                    self.solved |= {ctx.text(node)} if one.solved else set()

    def gone_on(
        self, ctx: Context, arms: Sequence[Arm], share: int | None
    ) -> Generator[list[Request], Any, None]:
        """Give `share` tokens (None: all that is left) to each of `arms` that can use them."""
        going = [arm for arm in arms if arm.paused]
        if going and (self.spent is None or self.spent < 1.0) and len(self.solved) < ctx.n:
            yield from self.served(ctx, [Continue(arm.child, budget=share) for arm in going], going)

    def standing(self, arms: Sequence[Arm]) -> list[Arm]:
        """`arms`, the best mark first."""
        return sorted(arms, key=lambda arm: -arm.mark)
