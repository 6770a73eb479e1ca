"""Branch and bound proves the best of all orders; the beam keeps what promises most."""

import math
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budgeted
from hypothesis import strategies as st

import treeseek
from tests.sequences.bags import held_karp
from tests.sequences.test_optimise import (
    BEGIN,
    END,
    GOALS,
    Joining,
    Suite,
    bag,
    losses,
    model,
    objective,
    plain,
    proved,
    value_of,
)
from treeseek.backends.toy import Letters, ToyBackend
from treeseek.errors import InvalidOption
from treeseek.model import LM
from treeseek.result import Result
from treeseek.sequences import (
    PathCost,
    Permutation,
    Perplexity,
    bag_beam,
    bare,
    branch_and_bound,
    text_of,
)
from treeseek.sequences.growth import Growth

BOTH = [branch_and_bound, bag_beam]
ONE = [name for name in GOALS if name != "contrast"]


def run(by: Any, lm: LM, space: Permutation, goal: Perplexity, **options: Any) -> Result:
    budget = options.pop("budget", None)
    strategy = by(space=space, objective=goal, **options)
    return treeseek.search(goal.prompt([0]), model=lm, strategy=strategy, limit=40, budget=budget)


def brute(lm: LM, space: Permutation, goal: Perplexity) -> float:
    return min(plain(lm, space, goal, order) for order in set(permutations(space.bag)))


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("by", BOTH, ids=lambda by: by.name)
def test_the_least_of_all_orders_is_found_and_proved(by: Any, name: str) -> None:
    lm, goal = model(), objective(**GOALS[name])
    space = bag("abcda", prefix="fb", suffix="ec")
    result = run(by, lm, space, goal, width=3)
    assert proved(result) and value_of(result) == pytest.approx(brute(lm, space, goal), rel=1e-9)


@given(
    seed=st.integers(0, 50),
    words=st.text("abcdef", min_size=1, max_size=6),
    width=st.integers(1, 9),
    order=st.sampled_from([1, 2, None]),
)
@budgeted(max_examples=25)
def test_random_bags_are_proved(seed: int, words: str, width: int, order: int | None) -> None:
    lm, goal, space = model(order=order, seed=seed), objective(), bag(words)
    result = run(branch_and_bound, lm, space, goal, width=width)
    assert proved(result) and value_of(result) == pytest.approx(brute(lm, space, goal), rel=1e-9)


@pytest.mark.parametrize(
    ("n", "seed"), [(6, 0), *(pytest.param(8, seed, marks=pytest.mark.slow) for seed in range(1))]
)
def test_words_of_several_tokens_under_a_model_of_pairs(n: int, seed: int) -> None:
    """What the pairs of words cost says what the best of all orders costs."""
    lm, goal = model(order=1, seed=seed), objective(form="sum")
    words = ["a", "bc", "d", "ef", "a", "cab", "fd", "e"][:n]
    ids = [Letters().encode(word) for word in words]
    table = [[sum(losses(lm, [one[-1], *other])) for other in ids] for one in ids]
    first = [sum(losses(lm, [BEGIN, *one])) for one in ids]
    last = [sum(losses(lm, [one[-1], END])) for one in ids]
    result = run(branch_and_bound, lm, Permutation(words, separator=""), goal)
    best = held_karp(PathCost(table, first=first, last=last))
    assert proved(result) and value_of(result) == pytest.approx(best, rel=1e-9)


def test_fixed_words_and_lengths_that_differ_by_place() -> None:
    """The mean over more or fewer tokens: the bound counts with the most there may be."""
    lm, goal = model(), objective()
    space = Permutation(["ab", "c", "d", "e", "f"], separator="", fixed={1: "f", 4: "c"})
    result = run(branch_and_bound, lm, space, goal)
    assert proved(result) and value_of(result) == pytest.approx(brute(lm, space, goal), rel=1e-9)
    assert result.best is not None and result.best.text.endswith("c")


def test_a_bound_that_is_too_high_misses_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a rest that is thought to cost what it cost at its worst."""

    def boastful(self: Growth, one: Any) -> float:
        return self.objective.value(one.spelling, [one.loss + 4.0 * len(one.rest)])

    monkeypatch.setattr(Growth, "least", boastful)
    missed = 0
    for seed in range(6):
        lm, goal, space = model(seed=seed), objective(), bag("abcde")
        result = run(branch_and_bound, lm, space, goal, width=1)
        missed += value_of(result) > brute(lm, space, goal) + 1e-9
    assert missed


def test_equal_texts_are_one() -> None:
    """ "a" "aa" and "aa" "a" are the same text, and so is every end of theirs."""
    lm, goal = model(), objective()
    space = Permutation(["a", "aa", "b", "c"], separator="")
    result = run(branch_and_bound, lm, space, goal, width=100)
    texts = {text_of(space, order) for order in permutations(space.bag)}
    scored = max(c.scores["scored"] for c in result.candidates)
    assert proved(result) and scored <= len(texts) < 24


def test_what_is_bounded_costs_less_and_finds_the_same() -> None:
    lm, goal, space = model(), objective(), bag("abcde")
    cost = run(branch_and_bound, lm, space, goal, width=1).cost.tokens
    whole = run(bag_beam, lm, space, goal, width=10**6).cost.tokens
    assert cost < whole == sum(math.perm(5, k) for k in range(1, 6))


def costs(table: dict[str, dict[str, float]]) -> LM:
    """A model of pairs: the loss of a letter after another, all else impossible enough."""

    def row(prefix: Any) -> Any:
        last, found = "abcdefgh"[prefix[-1]], np.full(8, -30.0)
        for letter, loss in table.get(last, {}).items():
            found["abcdefgh".index(letter)] = -loss
        found[6] = math.log1p(-float(np.exp(found).sum()))  # what is left of the mass is the end's
        return found

    return LM(ToyBackend(row, 8), Letters(), name="pairs", ends=[6])


def test_branch_and_bound_comes_back_where_the_beam_does_not() -> None:
    missed = 0
    for seed in range(4):
        lm, space, goal = model(seed=seed), bag("abcde"), objective()
        narrow = run(bag_beam, lm, space, goal, width=1, scores=1)
        exact = run(branch_and_bound, lm, space, goal, width=1)
        assert proved(exact) and not proved(narrow)
        assert value_of(narrow) >= value_of(exact) - 1e-12
        missed += value_of(narrow) > value_of(exact) + 1e-9
    assert missed


def test_the_beam_looks_at_what_is_left_where_a_plain_one_looks_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One dear word must come somewhere: who has paid for it is not behind."""
    table = {
        "h": {"a": 1.0, "b": 1.2, "d": 4.0},
        "a": {"b": 1.0, "d": 9.0},
        "b": {"a": 1.0, "d": 9.0},
        "d": {"a": 0.7, "b": 0.7},
    }
    lm, space, goal = costs(table), bag("abd"), objective(end=())
    found = run(bag_beam, lm, space, goal, width=1, scores=1)
    assert found.best is not None and found.best.text[0] == "d"
    monkeypatch.setattr(Growth, "promise", lambda self, one: one.loss)
    blind = run(bag_beam, lm, space, goal, width=1, scores=1)
    assert blind.best is not None and blind.best.text[0] == "a"


@pytest.mark.parametrize("by", BOTH, ids=lambda by: by.name)
def test_budgets_end_a_search_with_what_it_holds(by: Any) -> None:
    lm, goal, space = model(), objective(), bag("abcdefab")
    for tokens in (5, 60, 300):
        lm.clear()
        result = run(by, lm, space, goal, budget=tokens, width=2)
        assert result.cost.tokens <= tokens and not proved(result)
        assert tokens < 60 or value_of(result) > 0


@pytest.mark.parametrize("by", BOTH, ids=lambda by: by.name)
def test_what_has_no_beginnings_is_refused(by: Any) -> None:
    with pytest.raises(InvalidOption, match="joins"):
        run(by, model(), bag("abcd"), Perplexity(Joining(), begin=(BEGIN,)))
    with pytest.raises(InvalidOption, match="contrast"):
        run(by, model(), bag("abcd"), objective(contrast=model(seed=9)))
    with pytest.raises(InvalidOption, match="one order"):
        run(by, model(), bag("ab", fixed={0: "a", 1: "b"}), objective())


@pytest.mark.parametrize(
    "words",
    ["the cat sat on mat", pytest.param("mat the cat sat on the", marks=pytest.mark.slow)],
)
def test_the_embedded_model(words: str) -> None:
    lm = treeseek.load("embedded")
    encode, begin = bare(lm.tokenizer.encode)
    goal = Perplexity(encode, begin=begin, end=(1,))
    space = Permutation(words.split())
    result = run(branch_and_bound, lm, space, goal)
    wide = run(bag_beam, lm, space, goal, width=1000)
    assert proved(result) and proved(wide)
    assert value_of(result) == pytest.approx(value_of(wide), rel=1e-6)


class TestBranchAndBound(Suite):
    strategy = branch_and_bound(space=bag("abca"), objective=objective(), width=3)


class TestBagBeam(Suite):
    strategy = bag_beam(space=bag("abca"), objective=objective(), width=2)


class TestBranchAndBoundWithoutBegin(Suite):
    strategy = branch_and_bound(space=bag("abca"), objective=objective(begin=()), width=4)
