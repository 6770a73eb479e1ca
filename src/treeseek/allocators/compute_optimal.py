"""Compute-optimal allocation: guess how hard a problem is, then search as suits that."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from treeseek.allocators.allocated import ONE, Each, Problems, allocated
from treeseek.allocators.arms import Arm, Pick, lacking
from treeseek.declare import Search, Strategy, strategy
from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node
from treeseek.strategies.ab_mcts_a import ab_mcts_a
from treeseek.strategies.posteriors import Rng
from treeseek.strategies.step_beam import step_beam

PLANS = (ab_mcts_a(answers=8), ab_mcts_a(answers=16), step_beam(), step_beam(), step_beam())


def bins(arms: Sequence[Arm], count: int) -> list[int]:
    """The bin of each problem, 0 the easiest: equal shares by the mean value of its draws."""
    order = sorted(range(len(arms)), key=lambda at: -arms[at].value)
    found = [0] * len(arms)
    for place, at in enumerate(order):
        found[at] = place * count // len(arms)
    return found


@dataclass(frozen=True)
class ByDifficulty:
    """`probe` draws by plan 0 for everybody, then one run of the plan of its bin."""

    probe: int
    bins: int

    def pick(self, arms: Sequence[Arm], rng: Rng) -> list[Pick]:
        """Whoever lacks probes; then the plan of each bin, for what nobody solved yet."""
        return lacking(arms, self.probe) or [
            Pick(at, 1 + bin_)
            for at, bin_ in enumerate(bins(arms, self.bins))
            if len(arms[at].draws) == self.probe and not arms[at].solved
        ]


def _planned(plans: Sequence[Strategy], **_: object) -> None:
    if not plans:
        raise InvalidOption("compute-optimal(plans=()): give a strategy for each bin, easy first.")


@strategy("compute-optimal", tier="step", check=_planned)
def compute_optimal(
    ctx: Context,
    root: Node,
    *,
    problems: Problems = (),
    each: Each = ONE,
    probe: Annotated[int, Range(low=1), "draws that tell how hard a problem is"] = 4,
    plans: Annotated[Sequence[Strategy], "one a bin of difficulty, for the easiest first"] = PLANS,
) -> Search:
    """Probe every problem, sort them into bins by mean value, and search each bin by its own plan.

    What a probe solved is done. The rest shares what is left equally. Cost: `probe` runs of `each`
    and one of a plan a problem. The plans are what a calibration on other problems chose: the
    default, revising what is easy and searching what is hard, is the paper's finding, not yours.
    It loses where the probes say little. Deviation: the estimate's cost counts.
    Reference: compute-optimal
    """
    rule = ByDifficulty(probe, len(plans))
    yield from allocated(ctx, root, problems, [each, *plans], rule)
