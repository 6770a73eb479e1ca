"""Unbiased estimates from stored samples: how often at least one of k is right, and how rarely.

What is estimated is a property of the model and the problem, so these take counts, not candidates.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from treeseek.errors import InvalidOption


def pass_at_k(drawn: int, right: int, *, k: int) -> float:
    """Unbiased estimate of the chance that at least one of `k` fresh samples is right.

    1 - C(n - c, k) / C(n, k) for c right ones of n drawn, in whole numbers, so exact to the last
    bit. Equals the mean over all subsets of k. Raises InvalidOption unless 0 <= c <= n and
    1 <= k <= n. Reference: pass-at-k
    """
    if not (0 <= right <= drawn and 1 <= k <= drawn):
        raise InvalidOption(
            f"pass_at_k({drawn}, {right}, k={k}): give 0 <= right <= drawn and 1 <= k <= drawn."
        )
    every = math.comb(drawn, k)
    return (every - math.comb(drawn - right, k)) / every


@dataclass(frozen=True, slots=True)
class PassRate:
    """What sampling until the r-th success says of a pass rate.

    `likely` = r / K is the likeliest rate, `unbiased` = (r - 1) / (K - 1) the unbiased one (NaN for
    r = 1), after K = `drawn` samples; `reached` is False where the outcomes ended first, and then
    `likely` is the plain share of successes and `unbiased` NaN.
    """

    likely: float
    unbiased: float
    drawn: int
    reached: bool


def pass_until(outcomes: Iterable[bool], *, successes: int = 2) -> PassRate:
    """Read `outcomes` until the `successes`-th True: any rate, the same relative error.

    Tiny rates need many samples and large ones few, about r / p. Raises InvalidOption for fewer
    than one success. Reference: pass-until
    """
    if successes < 1:
        raise InvalidOption(f"successes={successes}: wait for at least 1; 2 or more are unbiased.")
    drawn = found = 0
    for outcome in outcomes:
        drawn += 1
        found += bool(outcome)
        if found == successes:
            unbiased = (found - 1) / (drawn - 1) if found > 1 else math.nan
            return PassRate(found / drawn, unbiased, drawn, True)
    return PassRate(found / drawn if drawn else math.nan, math.nan, drawn, False)
