"""Intervals against other people's, and against the truth they are to cover."""

import math
from itertools import product

import pytest
from scipy import stats

from treeseek.solving.intervals import Z, by_chance, paired, wilson


@pytest.mark.parametrize(("successes", "of"), [(0, 5), (5, 5), (3, 7), (40, 100), (1, 1)])
def test_the_interval_of_a_share_is_wilsons(successes: int, of: int) -> None:
    expected = stats.binomtest(successes, of).proportion_ci(method="wilson")
    assert wilson(successes, of) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("ours", "theirs"), [(0, 0), (1, 0), (0, 4), (3, 3), (9, 2), (40, 20)])
def test_chance_is_the_exact_sign_test(ours: int, theirs: int) -> None:
    expected = stats.binomtest(ours, ours + theirs).pvalue if ours + theirs else 1.0
    assert by_chance(ours, theirs) == pytest.approx(expected)


def wald(only_first: int, only_second: int, of: int) -> tuple[float, float]:
    """The plain interval, without the problems that `paired` adds."""
    first, second = only_first / of, only_second / of
    reach = Z * math.sqrt(max(0.0, first + second - (first - second) ** 2) / of)
    return first - second - reach, first - second + reach


def coverage(interval: object, n: int, first: float, second: float) -> float:
    """How often the interval holds the true difference: every outcome of n problems, by weight."""
    logs = [math.log(share) if share else -math.inf for share in (first, second)]
    rest = 1 - first - second
    held = 0.0
    for b, c in product(range(n + 1), repeat=2):
        if b + c > n:
            continue
        low, high = interval(b, c, n)
        if low <= first - second <= high:
            parts = [(b, logs[0]), (c, logs[1]), (n - b - c, math.log(rest) if rest else -math.inf)]
            weight = math.lgamma(n + 1) - sum(math.lgamma(count + 1) for count, _ in parts)
            weight += sum(count * log for count, log in parts if count)
            held += math.exp(weight)
    return held


SHARES = [(first / 20, second / 20) for first, second in product(range(13), repeat=2)
          if first + second < 20]  # fmt: skip


@pytest.mark.parametrize("n", [10, 30])
def test_the_paired_interval_covers_what_it_says(n: int) -> None:
    ours = [coverage(paired, n, *shares) for shares in SHARES]
    assert min(ours) > 0.89 and sum(ours) / len(ours) >= 0.95
    plain = [coverage(wald, n, *shares) for shares in SHARES]
    assert min(plain) < 0.8 and sum(plain) / len(plain) < 0.95


def test_the_paired_interval_favours_neither_side() -> None:
    for first, second, of in product(range(6), range(6), (5, 12, 40)):
        if first + second > of:
            continue
        low, high = paired(first, second, of)
        assert paired(second, first, of) == pytest.approx((-high, -low))
        assert -1 <= low <= (first - second) / of <= high <= 1
    assert wilson(0, 0) == (0, 1) and paired(0, 0, 0) == (-1, 1)


def test_more_problems_tell_more() -> None:
    widths = [high - low for low, high in (paired(4 * k, k, 10 * k) for k in (1, 4, 16, 64))]
    assert widths == sorted(widths, reverse=True)
    assert paired(4, 1, 10)[0] < 0 < paired(256, 64, 640)[0]
