"""Adaptive consistency: draw until the leading answer would very likely stay ahead."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from treeseek.allocators.allocated import ONE, Each, Problems, allocated
from treeseek.allocators.arms import Arm, Pick
from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node
from treeseek.strategies.posteriors import Rng


def leads(votes: Sequence[int]) -> float:
    """Chance that the answer with most of `votes` is truly ahead of the second.

    1 - I_0.5(first + 1, second + 1), by a uniform prior on their shares; exact, as the chance that
    first + second + 1 tosses of a fair coin show at most `first` heads.
    """
    first, second = [*votes, 0, 0][:2]
    tosses = first + second + 1
    ways: int = sum(math.comb(tosses, heads) for heads in range(first + 1))
    return ways / (1 << tosses)


@dataclass(frozen=True)
class Adaptive:
    """Draw until the leader is ahead with `confidence`, or `most` draws are done."""

    confidence: float
    most: int

    def pick(self, arms: Sequence[Arm], rng: Rng) -> list[Pick]:
        """Whose answer is not settled; the least settled first."""
        open_ = [
            (leads(arm.votes), at)
            for at, arm in enumerate(arms)
            if len(arm.draws) < self.most and leads(arm.votes) <= self.confidence
        ]
        return [Pick(at) for _, at in sorted(open_)]


@strategy("adaptive-consistency", tier="step")
def adaptive(
    ctx: Context,
    root: Node,
    *,
    problems: Problems = (),
    each: Each = ONE,
    confidence: Annotated[float, Range(low=0.5, below=1), "that the leader is ahead"] = 0.95,
    most: Annotated[int, Range(low=1), "draws for each problem"] = 40,
) -> Search:
    """Draw once a round for every problem whose leading answer may still be overtaken.

    Settled is 1 - I_0.5(v1 + 1, v2 + 1) > confidence for the votes of the first two answers. Cost:
    at least 4 draws where all agree, at the default; the same majority as `most` draws nearly
    always. It loses where answers never agree, for it saves nothing, and agrees on what is popular,
    not right. Deviations: none. Reference: adaptive-consistency
    """
    yield from allocated(ctx, root, problems, [each], Adaptive(confidence, most))
