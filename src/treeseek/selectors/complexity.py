"""Complexity-based voting: only the candidates with the most steps vote."""

from collections.abc import Sequence
from typing import Annotated

from treeseek.options import Range
from treeseek.selectors.pool import Pooled
from treeseek.selectors.selector import Choice, answers, selector, summed


@selector("complexity")
def complexity(
    candidates: Sequence[Pooled],
    *,
    keep: Annotated[float, Range(above=0, high=1), "share of candidates that vote"] = 0.7,
) -> list[Choice]:
    """The answer most of the candidates with the most steps give.

    The ceil(keep * N) candidates with the most steps vote; of equally long ones the earlier drawn.
    keep=1 is the majority. It loses where length means wandering, not care. Deviation: the paper
    fixes K = 30-40 of N = 50 (default: 35 of 50); here the share is fixed, so that any N works.
    Reference: complexity
    """
    most = -int(-keep * len(candidates) // 1)
    order = sorted(range(len(candidates)), key=lambda index: -candidates[index].steps)
    heard = set(order[:most])
    votes = [float(index in heard) for index in range(len(candidates))]
    voted = summed(candidates, answers(candidates), votes)
    return [choice for choice in voted if choice.score > 0]
