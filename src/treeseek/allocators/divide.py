"""Divide and conquer by confidence: what the draws agree on is done, the rest gets more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from treeseek.allocators.allocated import ONE, Each, Problems, allocated
from treeseek.allocators.arms import Arm, Pick, lacking
from treeseek.declare import Search, Strategy, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node
from treeseek.strategies.posteriors import Rng
from treeseek.strategies.step_beam import step_beam

COSTLIER = step_beam()


@dataclass(frozen=True)
class Divided:
    """`probe` draws each by plan 0; below `agreement` one run of plan 1."""

    probe: int
    agreement: float

    def pick(self, arms: Sequence[Arm], rng: Rng) -> list[Pick]:
        """Whoever lacks probes, then those who disagree, the most contested first."""
        contested = [
            (arm.agreement, at)
            for at, arm in enumerate(arms)
            if len(arm.draws) == self.probe and arm.agreement < self.agreement
        ]
        return lacking(arms, self.probe) or [Pick(at, 1) for _, at in sorted(contested)]


@strategy("divide-conquer", tier="step")
def divide_and_conquer(
    ctx: Context,
    root: Node,
    *,
    problems: Problems = (),
    each: Each = ONE,
    probe: Annotated[int, Range(low=2), "draws that may agree"] = 5,
    agreement: Annotated[float, Range(low=0, high=1), "share of votes that settles it"] = 0.6,
    costlier: Annotated[Strategy, "the search for what is contested"] = COSTLIER,
) -> Search:
    """Draw `probe` answers to every problem; where too few agree, run a costlier search.

    Confidence is the share of the draws that give the commonest answer. Cost: `probe` runs of
    `each` a problem, and one of `costlier` a contested one, which share what is left. It loses
    where the model agrees with itself on what is wrong. Deviation: the costlier method is any
    strategy, not the paper's prompts. Reference: divide-conquer
    """
    rule = Divided(probe, agreement)
    yield from allocated(ctx, root, problems, [each, costlier], rule)
