"""Law 11: every selector gives the closed-form answer of its paper on the paper's own model."""

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import integrate, special

from tests.laws.pools import paths, plausible, rewarded
from treeseek.selectors import (
    Pool,
    Pooled,
    Selector,
    at_every_size,
    b4,
    best,
    best_of_majority,
    codet,
    complexity,
    majority,
    max_pass,
    mbr_exec,
    pass_at_k,
    rpc,
    weighted,
)

POOLS = st.lists(
    st.builds(
        Pooled,
        text=st.sampled_from("pqrst"),
        key=st.sampled_from([None, "a", "b", "c", "d"]),
        logprob=st.sampled_from([-0.5, -1.0, -2.0, -4.0]),
        scores=st.fixed_dictionaries({"score": st.sampled_from([0.0, 0.25, 0.5, 1.0])}),
        tests=st.tuples(st.booleans(), st.booleans(), st.booleans()),
        steps=st.integers(0, 4),
    ),
    min_size=1,
    max_size=12,
)


def answers(selector: Selector, pool: Sequence[Pooled]) -> dict[str | None, float]:
    return {choice.key: choice.score for choice in selector(pool, k=99)}


def votes(pool: Sequence[Pooled], weight: Callable[[Pooled], float]) -> dict[str, float]:
    total: dict[str, float] = defaultdict(float)
    for one in pool:
        if one.key is not None:
            total[one.key] += weight(one)
    return dict(total)


@given(POOLS)
def test_votes_are_counts_and_sums(pool: list[Pooled]) -> None:
    assert answers(majority(), pool) == votes(pool, lambda one: 1)
    assert answers(weighted(), pool) == votes(pool, lambda one: one.scores["score"])
    for selector in (majority(), weighted()):
        chosen = selector(pool, k=99)
        assert not chosen or math.fsum(choice.weight for choice in chosen) == pytest.approx(1)
        assert [choice.score for choice in chosen] == sorted(answers(selector, pool).values())[::-1]


@given(POOLS, st.sampled_from([0.2, 0.5, 1.0]))
def test_complexity_is_the_majority_of_the_longest(pool: list[Pooled], keep: float) -> None:
    longest = sorted(pool, key=lambda one: one.steps, reverse=True)[: math.ceil(keep * len(pool))]
    assert answers(complexity(keep=keep), pool) == votes(longest, lambda one: 1)


@given(POOLS)
def test_best_is_the_maximum(pool: list[Pooled]) -> None:
    top = {
        key: max(one.scores["score"] for one in pool if one.key == key)
        for key in votes(pool, lambda one: 1)
    }
    assert answers(best(), pool) == top


@given(POOLS, st.sampled_from([0.0, 0.2, 0.5]), st.integers(1, 4))
def test_best_of_majority_filters_then_ranks(pool: list[Pooled], threshold: float, k: int) -> None:
    counts = votes(pool, lambda one: 1)
    reward = answers(best(), pool)
    often = [key for key in counts if counts[key] / len(pool) >= threshold]
    often.sort(key=lambda key: reward[key], reverse=True)
    rare = sorted((key for key in counts if key not in often), key=lambda key: -counts[key])
    found = [choice.key for choice in best_of_majority(threshold=threshold)(pool, k=k)]
    wanted = (often + rare)[:k]
    assert [(key in often, reward[key]) for key in found if key in often] == [
        (True, reward[key]) for key in wanted if key in often
    ]
    assert [counts[str(key)] for key in found if key not in often] == [
        counts[key] for key in wanted if key not in often
    ]


@given(POOLS)
def test_selectors_by_tests_equal_their_formulas(pool: list[Pooled]) -> None:
    rows = Counter(one.tests for one in pool)
    for selector, formula in (
        (max_pass(), lambda row: sum(row)),
        (mbr_exec(), lambda row: rows[row]),
        (codet(), lambda row: sum(row) * math.sqrt(rows[row])),
    ):
        chosen = selector(pool, k=99)
        assert len(chosen) == len(rows)
        for choice in chosen:
            assert choice.score == pytest.approx(formula(pool[choice.index].tests))
        assert chosen[0].score == pytest.approx(max(map(formula, rows)))


def evidence(ones: int, of: int, a: float, b: float) -> float:
    """Chance of a sequence with so many ones, its rate drawn from Beta(a, b)."""
    value, _ = integrate.quad(
        lambda rate: rate ** (ones + a - 1) * (1 - rate) ** (of - ones + b - 1), 0, 1
    )
    return float(value / special.beta(a, b))


@pytest.mark.parametrize("alpha, beta", [(1.0, 1.0), (3.0, 2.0), (10.0, 10.0)])
def test_b4_is_the_posterior_of_its_model(alpha: float, beta: float) -> None:
    """Four integrals by quadrature for each set; the share of each is its weight."""
    pool = plausible(3, programs=6, tests=5).candidates
    passed = np.array([one.tests for one in pool])
    wanted = {}
    for row in passed:
        same = (passed == row).all(axis=1)
        others = passed[~same]
        wanted[tuple(row)] = (
            evidence(int(same.sum()), len(pool), alpha, 1)
            * evidence(int(row.sum()), len(row), alpha, 1)
            * evidence(int(others[:, row].sum()), others[:, row].size, 1, 1)
            * evidence(int(others[:, ~row].sum()), others[:, ~row].size, 1, beta)
        )
    whole = sum(wanted.values())
    for choice in b4(alpha=alpha, beta=beta)(pool, k=9):
        share = wanted[tuple(passed[choice.index])] / whole
        assert choice.weight == pytest.approx(share, rel=1e-6)


def means(
    make: Callable[[int], Pool], selectors: dict[str, Selector], sizes: list[int], *, pools: int
) -> dict[str, NDArray[np.float64]]:
    """Each selector's hits [pools, sizes]."""
    found = [at_every_size(make(i), selectors, sizes=sizes) for i in range(pools)]
    return {name: np.array([one[name] for one in found]) for name in selectors}


def test_b4_finds_what_its_rivals_miss() -> None:
    rules = {"b4": b4(), "codet": codet(), "mbr": mbr_exec(), "max": max_pass()}
    wrong = {"other world": b4(alpha=1e3, beta=1e4)}
    rate = means(plausible, rules, [10], pools=2000) | means(plausible, wrong, [10], pools=1000)
    figures = {name: float(hits.mean()) for name, hits in rate.items()}
    assert figures["b4"] == pytest.approx(0.983, abs=0.01)
    assert figures["codet"] == pytest.approx(0.823, abs=0.03)
    assert figures["mbr"] == pytest.approx(0.729, abs=0.03)
    assert figures["max"] == pytest.approx(0.591, abs=0.03)
    assert figures["other world"] < 0.973


def gain(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float]:
    """Mean difference of paired hits, and its standard error."""
    difference = first - second
    return float(difference.mean()), float(difference.std() / math.sqrt(len(difference)))


def test_rpc_halves_the_samples() -> None:
    """At 32 at least what self-consistency reaches at 64; not so where paths carry no signal."""

    def lead(make: Callable[[int], Pool], pools: int) -> tuple[float, float]:
        half = means(make, {"rpc": rpc()}, [32], pools=pools)["rpc"]
        return gain(half, means(make, {"sc": majority()}, [64], pools=pools)["sc"])

    mean, error = lead(paths, 150)
    assert mean > 2 * error
    mean, error = lead(lambda i: scrambled(paths(i)), 80)
    assert mean < 2 * error


def scrambled(pool: Pool) -> Pool:
    """The same texts and answers, with the log-probabilities of other candidates."""
    logprobs = np.random.default_rng(0).permutation([one.logprob for one in pool.candidates])
    mixed = (Pooled(f"{i}", one.key, float(logprobs[i])) for i, one in enumerate(pool.candidates))
    return Pool(pool.id, tuple(mixed), pool.right)


@pytest.mark.slow
def test_rpc_on_a_thousand_problems() -> None:
    """At 8, 32 and 64 samples: the majority below perplexity consistency below pruning."""
    rules = {"sc": majority(), "pc": rpc(prune=False), "rpc": rpc()}
    hits = means(paths, rules, [8, 32, 64], pools=1000)
    figures = {name: found.mean(axis=0) for name, found in hits.items()}
    assert figures["sc"] == pytest.approx([0.167, 0.239, 0.30], abs=0.05)
    assert figures["pc"] == pytest.approx([0.266, 0.400, 0.532], abs=0.05)
    assert figures["rpc"][1] > figures["sc"][2] + 0.05
    assert figures["rpc"][2] > figures["pc"][2] + 0.03


def test_best_of_majority_does_not_fall() -> None:
    """From 32 to 256 candidates with a noisy reward; best, or no threshold, falls."""
    rules = {"bom": best_of_majority(), "best": best(), "none": best_of_majority(threshold=0.0)}
    hits = means(rewarded, rules, [32, 256], pools=300)
    mean, error = gain(hits["bom"][:, 1], hits["bom"][:, 0])
    assert mean > -2 * error and error < 0.03
    for falling in ("best", "none"):
        mean, error = gain(hits[falling][:, 1], hits[falling][:, 0])
        assert mean < -5 * error


@pytest.mark.parametrize("drawn", range(1, 8))
def test_pass_at_k_is_the_mean_over_all_subsets(drawn: int) -> None:
    for right, k in itertools.product(range(drawn + 1), range(1, drawn + 1)):
        outcomes = [i < right for i in range(drawn)]
        subsets = [any(some) for some in itertools.combinations(outcomes, k)]
        assert pass_at_k(drawn, right, k=k) == pytest.approx(sum(subsets) / len(subsets))
