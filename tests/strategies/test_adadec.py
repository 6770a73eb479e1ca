"""AdaDec: when it pauses, what it chooses there, and what it learns."""

import math
import random

import pytest

from treeseek import search
from treeseek.errors import InvalidOption
from treeseek.strategies import adadec, greedy
from treeseek.strategies.adadec import cut
from treeseek.testing import scripted


def test_it_compares_the_mean_over_the_token_and_its_lookahead() -> None:
    # "a" is likelier and ends soon; "b" is certain for long, which only a long look shows.
    table = {
        "": {"a": 0.6, "b": 0.4},
        "a": {"c": 0.7, ".": 0.3},
        "ac": {".": 1.0},
        "b": {"d": 0.6, "e": 0.4},
        "bd": {"d": 1.0},
        "bdd": {"d": 1.0},
    }
    lm = scripted(table)
    means = {
        look: (
            sum(map(math.log, [0.6, 0.7, 1.0][: look + 1])) / min(look + 1, 3),
            sum(map(math.log, [0.4, 0.6, 1, 1, 1][: look + 1])) / min(look + 1, 5),
        )
        for look in (1, 2, 4)
    }
    assert means[1][0] > means[1][1] and means[4][0] < means[4][1]
    for look, (a, b) in means.items():
        found = search("^", model=lm, strategy=adadec(threshold=0.5, lookahead=look))
        assert found.best is not None
        assert found.best.text == ("ac" if a > b else "bddd"[: len(found.best.text)]), look


@pytest.mark.parametrize("seed", range(5))
def test_above_every_entropy_it_is_greedy(seed: int) -> None:
    model = f"toy:hash?vocabulary=7&seed={seed}"
    calm = search("ab", model=model, strategy=adadec(threshold=math.log(7) + 0.01), limit=9)
    plain = search("ab", model=model, strategy=greedy(), limit=9)
    assert calm.best is not None and plain.best is not None
    assert calm.best.token_ids == plain.best.token_ids
    assert calm.cost.tokens == plain.cost.tokens


def test_a_lower_threshold_costs_more_rows() -> None:
    costs = [
        search("ab", model="toy:hash?seed=2", strategy=adadec(threshold=t), limit=12).cost.tokens
        for t in (0.0, 1.8, 9.0)
    ]
    assert costs[0] > costs[2] and costs[0] >= costs[1] >= costs[2]


def test_the_cut_parts_what_changed_from_what_did_not() -> None:
    calm = [(0.1 * i, False) for i in range(10)]
    assert cut([*calm, (1.5, True), (1.7, True)]) == pytest.approx((0.9 + 1.5) / 2)
    # The rarer kind counts as much: one change among many.
    assert cut([*calm, *calm, *calm, (1.5, True)]) == pytest.approx(1.2)
    assert cut(calm) == pytest.approx(0.9)
    assert cut([(0.4, True), (0.2, True)]) == 0.0
    # No cut parts equals; then the step is not paused at again.
    assert cut([(0.4, True), (0.4, False)]) == 0.4


def test_the_cut_is_the_best_of_all_cuts() -> None:
    rng = random.Random(1)

    def right(seen: list[tuple[float, bool]], at: float) -> float:
        changed = [e > at for e, change in seen if change]
        kept = [e <= at for e, change in seen if not change]
        return sum(changed) / len(changed) + sum(kept) / len(kept)

    for _ in range(200):
        seen = [(rng.choice([0.2, 0.5, 0.9, 1.1, 1.6]), rng.random() < 0.4) for _ in range(12)]
        if len({change for _, change in seen}) == 2:
            best = max(right(seen, at) for at in (-1.0, 0.3, 0.7, 1.0, 1.3, 2.0))
            assert right(seen, cut(seen)) == pytest.approx(best)


def test_it_learns_to_pause_where_pausing_changed_its_mind() -> None:
    # Three kinds of step: sure; torn where the lookahead agrees; torn more where it does not.
    table = {}
    path = ""
    for step in range(12):
        if step % 3 == 2:
            table[path] = {"a": 0.4, "b": 0.35, "c": 0.25}
            table[path + "a"] = {"d": 0.25, "e": 0.25, "f": 0.25, "g": 0.25}
            path += "b"
        else:
            table[path] = {"a": 0.8, "b": 0.15, "c": 0.05}
            path += "a"
        table[path] = {"h": 1.0}
        path += "h"
    lm = scripted(table)
    always = search("^", model=lm, strategy=adadec(threshold=0.0, lookahead=1), limit=24)
    learnt = search(
        "^", model=lm, strategy=adadec(threshold="learn", trials=6, lookahead=1), limit=24
    )
    fixed = search("^", model=lm, strategy=adadec(threshold=0.9, lookahead=1), limit=24)
    assert always.best is not None and learnt.best is not None and fixed.best is not None
    assert always.best.token_ids == learnt.best.token_ids == fixed.best.token_ids
    assert fixed.cost.tokens < learnt.cost.tokens < always.cost.tokens


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidOption, match="threshold"):
        adadec(threshold=-0.1)
    with pytest.raises(InvalidOption, match="learn"):
        adadec(threshold="learned")
    with pytest.raises(InvalidOption, match="width"):
        adadec(width=1)
