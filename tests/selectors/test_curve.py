"""Every selector at every size: prefixes as they were drawn, or the mean over orders."""

import itertools

import numpy as np
import pytest

from treeseek.errors import InvalidOption
from treeseek.selectors import Pool, Pooled, at_every_size, best, majority, pass_at_k

CANDIDATES = tuple(
    Pooled(str(i), key, scores={"score": score})
    for i, (key, score) in enumerate(
        [("b", 0.9), ("a", 0.1), ("a", 0.2), ("c", 0.95), ("a", 0.3), ("b", 0.0)]
    )
)
POOL = Pool("one", CANDIDATES, frozenset(["a"]))
SIZES = [1, 2, 3, 4, 5, 6]


def test_one_order_is_the_order_of_drawing() -> None:
    hits = at_every_size(POOL, {"majority": majority(), "best": best()}, sizes=SIZES)
    assert hits["majority"].tolist() == [0, 0, 1, 1, 1, 1]
    assert hits["best"].tolist() == [0, 0, 0, 0, 0, 0]


def test_the_mean_over_orders_is_the_mean_over_subsets() -> None:
    """Against every order of the pool; a selector that takes whatever is right gives pass@k."""
    rules = {"majority": majority(), "any": best()}
    estimate = at_every_size(POOL, rules, sizes=SIZES, orders=2000)["majority"]
    exact = np.zeros(len(SIZES))
    orders = list(itertools.permutations(CANDIDATES))
    for order in orders:
        exact += [majority()(order[:size])[0].key == "a" for size in SIZES]
    assert estimate == pytest.approx(exact / len(orders), abs=0.05)


def test_k_answers_reach_what_any_candidate_reaches() -> None:
    hits = at_every_size(POOL, {"all": majority()}, sizes=SIZES, orders=2000, k=9)["all"]
    wanted = [pass_at_k(6, 3, k=size) for size in SIZES]
    assert hits == pytest.approx(wanted, abs=0.05)


def test_the_same_seed_gives_the_same_orders() -> None:
    rules = {"majority": majority()}
    first, again, other = (
        at_every_size(POOL, rules, sizes=SIZES, orders=5, seed=seed)["majority"].tolist()
        for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize("sizes, orders", [([0], 1), ([7], 1), ([1], 0)])
def test_sizes_are_those_of_the_pool(sizes: list[int], orders: int) -> None:
    with pytest.raises(InvalidOption, match="6 candidates"):
        at_every_size(POOL, {}, sizes=sizes, orders=orders)
