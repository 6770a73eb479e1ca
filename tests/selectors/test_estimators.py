"""Estimators are unbiased: their expectation, summed over every outcome, is the rate."""

import math

import pytest

from treeseek.errors import InvalidOption
from treeseek.selectors import pass_at_k, pass_until


@pytest.mark.parametrize("rate", [0.1, 0.5])
@pytest.mark.parametrize("successes", [2, 3, 6])
def test_pass_until_is_unbiased(rate: float, successes: int) -> None:
    """Summed over when the last success came; r / K, the likeliest rate, is not unbiased."""
    expected = likely = 0.0
    for drawn in range(successes, 2000):
        chance = (
            math.comb(drawn - 1, successes - 1)
            * rate**successes
            * (1 - rate) ** (drawn - successes)
        )
        outcomes = [True] * (successes - 1) + [False] * (drawn - successes) + [True]
        found = pass_until(outcomes, successes=successes)
        assert found.drawn == drawn and found.reached
        expected += chance * found.unbiased
        likely += chance * found.likely
    assert expected == pytest.approx(rate, abs=1e-9)
    assert likely > rate * 1.05


def test_pass_until_reads_no_further_than_it_must() -> None:
    outcomes = iter([False, True, True, True])
    assert pass_until(outcomes).drawn == 3
    assert next(outcomes) is True


def test_an_end_without_success_is_said() -> None:
    found = pass_until([False, True, False])
    assert (found.likely, found.drawn, found.reached) == (1 / 3, 3, False)
    assert math.isnan(found.unbiased) and math.isnan(pass_until([]).likely)
    assert math.isnan(pass_until([True], successes=1).unbiased)
    with pytest.raises(InvalidOption, match="at least 1"):
        pass_until([], successes=0)


def test_pass_at_k_is_exact_where_floats_are_not() -> None:
    """One success in a million at k=1 is a millionth, with every digit."""
    assert pass_at_k(10**6, 1, k=1) == 1e-6
    assert pass_at_k(200, 200, k=200) == 1.0
    assert pass_at_k(200, 0, k=200) == 0.0


@pytest.mark.parametrize("counts", [(5, 6, 1), (5, 1, 6), (5, 1, 0), (0, 0, 1), (5, -1, 1)])
def test_counts_that_cannot_be_are_refused(counts: tuple[int, int, int]) -> None:
    drawn, right, k = counts
    with pytest.raises(InvalidOption, match="pass_at_k"):
        pass_at_k(drawn, right, k=k)
