"""Every strategy finds the best order of a small bag, the default that of a larger one."""

import json
import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, ClassVar

import pytest

from tests.sequences.bags import TINY, brute, from_home, held_karp, letters, table, towns
from treeseek import registry
from treeseek.sequences import (
    Annealing,
    Bench,
    Bigram,
    Endgame,
    Hunt,
    Iterated,
    PathCost,
    Permutation,
    Portfolio,
    Space,
    Strategy,
    Trial,
    minimise,
)
from treeseek.sequences.bigram import every_pair
from treeseek.sequences.moves import exchange, insert, reverse, segment

NAMES = registry.names("sequences")
LONG = ("annealing", "bigram", "elites", "mcts", "portfolio", "repair")
"""Whose bags of eight words take more than a few seconds."""


def needed(
    strategy: Strategy, value: PathCost, space: Permutation, best: float, *, scores: int, seed: int
) -> int | None:
    """Candidates scored before one as good as `best` was met; None where none was."""
    enough = best + TINY
    found = minimise(value, space, strategy, enough=enough, scores=scores, seed=seed).best
    return None if found is None or found.value > enough else found.scores


@cache
def optimum(n: int, seed: int) -> float:
    """The least value of all orders of `n` words."""
    value = PathCost(table(n, seed))
    return brute(value, letters(n).bag) if n < 8 else held_karp(value)


def reached(strategy: Strategy, n: int, *, seeds: int, scores: int) -> int:
    """In how many of `seeds` bags of `n` words the best of all orders was met."""
    found = 0
    for seed in range(seeds):
        value, space, best = PathCost(table(n, seed)), letters(n), optimum(n, seed)
        found += needed(strategy, value, space, best, scores=scores, seed=seed) is not None
    return found


def whole(name: str) -> Strategy:
    """The strategy by itself; what ends at a local optimum begins anew."""
    found: Strategy = registry.find("sequences", name)()
    return Again() if name == "endgame" else found


@dataclass(frozen=True)
class Again:
    """Endgames from one start by chance after another."""

    name: ClassVar[str] = "again"
    references: ClassVar[tuple[str, ...]] = ()

    def run(self, bench: Bench, space: Space) -> Hunt:
        nth = 0
        while True:
            yield from Endgame().run(bench.nested(nth), space)
            nth += 1


@pytest.mark.parametrize("name", NAMES)
def test_every_strategy_finds_the_best_of_six_words(name: str) -> None:
    assert reached(whole(name), 6, seeds=4, scores=5000) == 4


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in NAMES],
)
def test_every_strategy_finds_the_best_of_eight_words(name: str) -> None:
    assert reached(whole(name), 8, seeds=20, scores=20_000) >= 19


@pytest.mark.parametrize(
    ("screen", "n", "seeds"),
    [
        ("pairs", 8, 20),
        ("regression", 6, 4),
        pytest.param("regression", 8, 20, marks=pytest.mark.slow),
        pytest.param("convolution", 6, 4, marks=pytest.mark.slow),
    ],
)
def test_so_does_annealing_by_any_screen(screen: Any, n: int, seeds: int) -> None:
    strategy = Annealing(screen=screen, drawn=16)
    assert reached(strategy, n, seeds=seeds, scores=20_000) >= 0.95 * seeds


@dataclass(frozen=True)
class Chance:
    """The control: orders by chance."""

    name: ClassVar[str] = "chance"
    references: ClassVar[tuple[str, ...]] = ()

    def run(self, bench: Bench, space: Space) -> Hunt:
        nth = 0
        while True:
            yield [Trial(space.sample(bench.rng(nth)))]
            nth += 1


def test_chance_does_not() -> None:
    assert reached(Chance(), 8, seeds=4, scores=1000) < 3


@pytest.mark.parametrize(("n", "seeds"), [(12, 3), pytest.param(18, 20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("strategy", [Bigram(), Portfolio()], ids=lambda strategy: strategy.name)
def test_a_cost_of_pairs_is_solved(strategy: Strategy, n: int, seeds: int) -> None:
    assert reached(strategy, n, seeds=seeds, scores=20_000) >= math.ceil(0.95 * seeds)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 9])
def test_every_pair_is_shown(n: int) -> None:
    orders = every_pair(tuple(range(n)))
    pairs = {pair for order in orders for pair in pairwise(order)}
    assert len(pairs) == n * (n - 1)
    assert len(orders) == (n if n % 2 == 0 else 2 * n)


ROUND = (insert, segment, reverse, exchange)


def test_a_round_trip_of_seventeen_towns(shared) -> None:  # type: ignore[no-untyped-def]
    value = PathCost(towns(shared("data/tsplib/gr17.tsp")), round_trip=True)
    assert held_karp(value) == 2085
    strategy = Annealing(hot=0.3, moves=ROUND)
    assert needed(strategy, value, letters(17), 2085, scores=60_000, seed=1) is not None


FEW = ("burma14", "gr17", "ulysses22", "fri26", "bayg29", "gr48", "hk48")
MANY = ("eil76", "pr76", "gr96")


@pytest.mark.parametrize(
    ("name", "within"),
    [
        *[(name, 1.0 if name == "gr17" else 1.01) for name in FEW],
        *[pytest.param(name, 1.03, marks=pytest.mark.slow) for name in MANY],
    ],
)
def test_round_trips_from_home(shared, name: str, within: float) -> None:  # type: ignore[no-untyped-def]
    best = float(json.loads(shared("data/tsplib/optima.json").read_text())[name])
    value = from_home(towns(shared(f"data/tsplib/{name}.tsp")))
    space = letters(len(value.steps))
    assert needed(Portfolio(), value, space, within * best, scores=2000, seed=1) is not None


def test_screens_spare_scores() -> None:
    value, space = PathCost(table(11, 5)), letters(11)
    best = held_karp(value)
    for make in (Iterated, Annealing):
        plain, *screened = (
            needed(make(screen=screen), value, space, best, scores=20_000, seed=2) or 20_000
            for screen in ("none", "pairs", "regression")
        )
        assert max(screened) < plain
