"""Tuning one setting over a stream of problems: a bandit that learns from cost alone."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated

from treeseek.allocators.allocated import Problems, allocated
from treeseek.allocators.arms import Arm, Draw, Pick
from treeseek.declare import Search, Strategy, strategy
from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node
from treeseek.strategies.posteriors import Rng


def shares(losses: Sequence[float], rate: float) -> list[float]:
    """Tsallis-INF: chances 4 / (rate * (loss - x))^2, with the x that lets them sum to 1.

    `losses` are estimated totals. Newton's method from the right of the root, where it is monotone.
    """
    x = min(losses) - 2.0 / rate
    for _ in range(64):
        chances = [4.0 / (rate * (loss - x)) ** 2 for loss in losses]
        excess = sum(chances) - 1.0
        if abs(excess) < 1e-12:
            break
        x -= excess / (rate * sum(chance**1.5 for chance in chances))
    total = sum(chances)
    return [chance / total for chance in chances]


class Tuned:
    """One problem after another, each by a plan drawn by Tsallis-INF from what the others cost.

    A plan's loss is its cost over `cap`, 1 where it solved nothing.
    """

    def __init__(self, plans: int, cap: int) -> None:
        """Nothing was served yet, so all plans are alike."""
        self.cap = cap
        self._served: list[Draw] = []
        self._losses = [0.0] * plans
        self._chances = shares(self._losses, 2.0)

    def pick(self, arms: Sequence[Arm], rng: Rng) -> list[Pick]:
        """The next problem of the stream, and the plan for it."""
        served = [arm.draws[0] for arm in arms if arm.draws]
        if len(served) == len(arms):
            return []
        sums = list(accumulate(self.chances(served)))
        plan = bisect_right(sums, rng.random() * sums[-1], hi=len(sums) - 1)
        return [Pick(len(served), plan, self.cap)]

    def chances(self, served: Sequence[Draw]) -> list[float]:
        """How likely each plan is next, after the draws `served`: those known and later ones."""
        for draw in served[len(self._served) :]:
            self._losses[draw.plan] += self.loss(draw) / self._chances[draw.plan]
            self._served.append(draw)
            self._chances = shares(self._losses, 2.0 / math.sqrt(len(self._served) + 1))
        return self._chances

    def loss(self, draw: Draw) -> float:
        """What a draw cost, in [0, 1]."""
        return min(1.0, draw.cost / self.cap) if draw.solved or draw.value >= 1.0 else 1.0


def _several(plans: Sequence[Strategy], **_: object) -> None:
    if not plans:
        raise InvalidOption("tuning(plans=()): give the strategies to choose from.")


@strategy("learning-to-relax", "tsallis-inf", tier="step", check=_several)
def tuning(
    ctx: Context,
    root: Node,
    *,
    problems: Problems = (),
    plans: Annotated[Sequence[Strategy], "one strategy in several settings"],
    cap: Annotated[int, Range(low=1), "tokens a problem may cost"] = 400,
) -> Search:
    """Solve a stream of problems one by one; learn from each what the setting it drew had cost.

    Settings are drawn by Tsallis-INF over a grid, which needs nothing but the cost of what was
    tried: mean cost approaches that of the best fixed setting, as fast as sqrt(settings / problems)
    whatever the order of the problems, faster where one setting is best throughout. Cost: at most
    `cap` tokens a problem. It loses on short streams, and where no setting suits all. Deviation: no
    features of a problem are used. Reference: learning-to-relax, tsallis-inf
    """
    yield from allocated(ctx, root, problems, plans, Tuned(len(plans), cap))
