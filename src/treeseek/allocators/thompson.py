"""Thompson sampling over problems: next comes what would be solved as often as is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from treeseek.allocators.allocated import ONE, Each, Problems, allocated
from treeseek.allocators.arms import Arm, Pick
from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node
from treeseek.strategies.posteriors import BetaPrior, Moments, Rng


def rate(arm: Arm, discount: float) -> BetaPrior:
    """The success rate after its draws, uniform at first; a draw is worth `discount` of the next.

    A value in [0, 1] counts as that part of a success.
    """
    won = lost = 0.0
    for draw in arm.draws:
        success = 1.0 if draw.solved else min(1.0, max(0.0, draw.value))
        won, lost = won * discount + success, lost * discount + 1.0 - success
    return BetaPrior(1.0 + won, 1.0 + lost)


@dataclass(frozen=True)
class Thompson:
    """Draw a success rate for each problem from its Beta posterior; serve the nearest `target`."""

    target: float
    discount: float
    batch: int
    draws: int

    def pick(self, arms: Sequence[Arm], rng: Rng) -> list[Pick]:
        """The `batch` problems whose drawn rate is nearest, until `draws` are done in all."""
        left = self.draws - sum(len(arm.draws) for arm in arms)
        guesses = [rate(arm, self.discount).draw(Moments(), rng) for arm in arms]
        near = sorted(range(len(arms)), key=lambda at: abs(guesses[at] - self.target))
        return [Pick(at) for at in near[: max(0, min(self.batch, left))]]


@strategy("mopps", tier="step")
def thompson(
    ctx: Context,
    root: Node,
    *,
    problems: Problems = (),
    each: Each = ONE,
    target: Annotated[float, Range(low=0, high=1), "success rate that is wanted"] = 0.5,
    discount: Annotated[float, Range(above=0, high=1), "worth of a draw beside the next"] = 1.0,
    batch: Annotated[int, Range(low=1), "problems served a round"] = 8,
    draws: Annotated[int, Range(low=1), "draws for all problems together"] = 256,
) -> Search:
    """Serve the problems whose success rate, drawn from a Beta posterior, is nearest to `target`.

    At .5 draws go where they say most, as one wants for training and for votes; at 1 it is plain
    Thompson sampling for the problem that is solved most often. A posterior starts uniform and
    forgets by `discount` a draw. Cost: one run of `each` a pick. It leaves the hopeless alone, so
    it loses where those are what counts. Deviation: what is drawn are answers to keep, not rollouts
    to train on. Reference: mopps
    """
    rule = Thompson(target, discount, batch, draws)
    yield from allocated(ctx, root, problems, [each], rule)
