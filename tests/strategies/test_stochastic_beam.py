"""Stochastic beam search draws without replacement, exactly: order, inclusion, estimates."""

import math
from collections import Counter
from functools import cache
from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from treeseek import Warp, start
from treeseek.errors import InvalidOption
from treeseek.result import Result
from treeseek.scheduler import Scheduler
from treeseek.strategies import stochastic_beam
from treeseek.strategies.stochastic_beam import given_maximum, inclusion
from treeseek.testing import scripted

TABLE = {
    "": {"a": 0.5, "b": 0.3, ".": 0.2},
    "a": {"a": 0.6, "b": 0.3, ".": 0.1},
    "b": {"b": 1.0},
}
LAW = {"": 0.2, "aa": 0.3, "ab": 0.15, "a": 0.05, "bb": 0.3}
RUNS = 800


@cache
def runs(width: int, warp: Warp | None = None) -> list[Result]:
    """RUNS searches under different seeds, together."""
    lm, scheduler = scripted(TABLE), Scheduler()
    started = [
        start(
            "^",
            model=lm,
            strategy=stochastic_beam(width=width),
            seed=seed,
            warp=warp,
            scheduler=scheduler,
        )
        for seed in range(RUNS)
    ]
    scheduler.run()
    return [run.result for run in started]


def fits(counts: Counter[tuple[str, ...]], law: dict[tuple[str, ...], float]) -> bool:
    """Whether the counts are likely enough under the law; one error in a million runs."""
    assert set(counts) <= set(law)
    seen = [counts[key] for key in law]
    return bool(stats.chisquare(seen, [RUNS * p for p in law.values()]).pvalue > 1e-6)


def successive(law: dict[str, float], width: int) -> dict[tuple[str, ...], float]:
    """Probability of every order of drawing `width` without replacement."""
    orders = {}
    for order in permutations(law, width):
        left, p = 1.0, 1.0
        for text in order:
            p *= law[text] / left
            left -= law[text]
        orders[order] = p
    return orders


def test_the_order_is_that_of_successive_draws() -> None:
    counts = Counter(tuple(c.text for c in result.candidates) for result in runs(2))
    assert fits(counts, successive(LAW, 2))
    # The control: the same counts against the order of another law.
    other = {text: 0.2 for text in LAW}
    assert not fits(counts, successive(other, 2))


def test_under_a_warp_it_draws_from_the_warped_law() -> None:
    law = dict(LAW)
    rows = {text: np.array(list(row.values())) ** 2 for text, row in TABLE.items()}
    (a, b, end), (aa, ab, a_end) = (rows[text] / rows[text].sum() for text in ("", "a"))
    law = {"": end, "aa": a * aa, "ab": a * ab, "a": a * a_end, "bb": b}
    found = runs(2, Warp(temperature=0.5))
    counts = Counter(tuple(c.text for c in result.candidates) for result in found)
    assert fits(counts, successive(law, 2))
    for result in found[:20]:
        for candidate in result.candidates:
            assert candidate.scores["law"] == pytest.approx(math.log(law[candidate.text]))


@pytest.mark.parametrize("width", [2, 4, 8])
def test_weighted_sums_are_unbiased(width: int) -> None:
    worth = {"": 1.0, "aa": -2.0, "ab": 0.5, "a": 7.0, "bb": 3.0}
    exact = sum(LAW[text] * worth[text] for text in LAW)
    sums = np.array(
        [
            [
                sum(c.scores["weight"] * f(c.text) for c in result.candidates)
                for f in (worth.get, len)
            ]
            for result in runs(width)
        ]
    )
    for column, wanted in zip(sums.T, (exact, sum(LAW[t] * len(t) for t in LAW)), strict=True):
        error = column.std() / math.sqrt(RUNS)
        assert abs(column.mean() - wanted) < 5 * error + 1e-9
    if width > len(LAW):
        # Everything is drawn, so nothing is left to chance.
        assert np.allclose(sums[:, 0], exact)


def test_keys_are_ranked_and_the_first_key_is_a_standard_gumbel() -> None:
    found = runs(4)
    keys = np.array([[c.scores["key"] for c in result.candidates] for result in found])
    assert (np.diff(keys, axis=1) < 0).all()
    assert stats.kstest(keys[:, 0], stats.gumbel_r.cdf).pvalue > 1e-6


def test_siblings_given_their_maximum_follow_the_truncated_law() -> None:
    rng = np.random.default_rng(0)
    laws, maximum = np.log([0.5, 0.3, 0.2]), 0.4
    moved: list[float] = []
    for _ in range(4000):
        keys = laws + rng.gumbel(size=3)
        order = np.argsort(-keys)
        new = dict(zip(order.tolist(), given_maximum(keys[order].tolist(), maximum), strict=True))
        assert max(new.values()) == pytest.approx(maximum)
        if order[0] == 0:
            moved.append(new[1])

    def truncated(x: np.ndarray) -> np.ndarray:
        return np.exp(-np.exp(laws[1] - x) + np.exp(laws[1] - maximum))

    assert stats.kstest(moved, truncated).pvalue > 1e-6


@pytest.mark.parametrize("maximum", [-1e4, -40.0, 0.0, 40.0, 1e4])
def test_keys_keep_their_order_at_any_scale(maximum: float) -> None:
    keys = [3.0, 3.0 - 1e-12, 2.0, -30.0, -700.0, -1e5]
    moved = given_maximum(keys, maximum)
    assert moved[0] == maximum
    assert all(math.isfinite(key) for key in moved)
    assert moved == sorted(moved, reverse=True)


def test_inclusion_has_its_digits_at_both_ends() -> None:
    assert inclusion(-50.0, 0.0) == pytest.approx(-50.0)
    assert inclusion(0.0, -10.0) == pytest.approx(0.0, abs=1e-300)
    assert inclusion(-1.0, -math.inf) == 0.0


def test_fewer_draws_than_answers_are_refused() -> None:
    with pytest.raises(InvalidOption, match="widen to 3"):
        start("^", model=scripted(TABLE), strategy=stochastic_beam(width=2), n=3).run()
