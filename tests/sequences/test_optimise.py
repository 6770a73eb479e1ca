"""Searches under a model: the right numbers, the same path whatever is abandoned, and the laws."""

import math
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budgeted
from hypothesis import strategies as st

import treeseek
from tests.sequences.bags import letters, table
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.errors import InvalidOption
from treeseek.model import LM
from treeseek.result import Result
from treeseek.sequences import (
    Annealing,
    Bigram,
    Cand,
    Genetic,
    Iterated,
    Mcts,
    PathCost,
    Permutation,
    Perplexity,
    Rated,
    Study,
    Tempering,
    Trial,
    minimise,
    optimise,
    text_of,
)
from treeseek.testing import StrategySuite

BEGIN = 7
END = 6


def model(order: int | None = 2, seed: int = 3, slots: int | None = None) -> LM:
    """Letters a to f are words; g ends, h begins."""
    backend = ToyBackend(integer_hash(8, seed=seed, order=order), 8, slots=slots)
    return LM(backend, Letters(), name="toy", ends=[END])


def losses(lm: LM, tokens: list[int]) -> list[float]:
    """Loss of each token but the first, by the plain row function."""
    found = []
    for at in range(1, len(tokens)):
        row = np.asarray(lm.backend.row(tokens[:at]))  # type: ignore[attr-defined]
        found.append(float(np.logaddexp.reduce(row) - row[tokens[at]]))
    return found


def bag(words: str, **options: Any) -> Permutation:
    return Permutation(list(words), separator="", **options)


def objective(**options: Any) -> Perplexity:
    return Perplexity(Letters().encode, **{"begin": (BEGIN,), "end": (END,), **options})


def run(
    lm: LM,
    space: Permutation,
    goal: Perplexity,
    *,
    budget: Any = None,
    seed: int = 0,
    **options: Any,
) -> Result:
    strategy = optimise(space=space, objective=goal, **options)
    return treeseek.search(
        goal.prompt([0]), model=lm, strategy=strategy, limit=40, seed=seed, budget=budget
    )


def value_of(result: Result) -> float:
    return min(c.scores["value"] for c in result.candidates if "value" in c.scores)


def proved(result: Result) -> bool:
    return any(c.scores.get("optimal") for c in result.candidates)


def plain(lm: LM, space: Permutation, goal: Perplexity, cand: Cand) -> float:
    """The value of a candidate without any tree: the definition, written down again."""
    text = Letters().encode(text_of(space, cand))
    head, tail = len(space.head), len(space.tail)
    tokens = [*goal.begin, *text, *goal.end]
    given = len(goal.begin) or 1
    lost = losses(lm, tokens)
    if goal.contrast is not None:
        lost = [
            a - goal.weight * b for a, b in zip(lost, losses(goal.contrast, tokens), strict=True)
        ]
    words = slice(head + len(goal.begin) - 1 if given else head, len(text) - tail)
    parts = {
        "all": (lost, len(text)),
        "free": (lost[max(0, words.start) : len(text) - tail + len(goal.begin) - 1], 0),
        "suffix": (lost[len(text) - tail + len(goal.begin) - 1 :], tail),
    }
    some, size = parts[goal.span]
    size = size or len(text) - head - tail
    value = {
        "mean": sum(some) / len(some),
        "sum": sum(some),
        "byte": sum(some) / (size * math.log(2)),
    }[goal.form]
    return value if goal.target is None else abs(value - goal.target)


GOALS = {
    "mean": {},
    "sum": {"form": "sum"},
    "byte": {"form": "byte"},
    "no begin": {"begin": ()},
    "no end": {"end": ()},
    "free": {"span": "free"},
    "suffix": {"span": "suffix"},
    "target": {"target": 1.7},
    "contrast": {"contrast": model(seed=9), "weight": 0.5},
}


@pytest.mark.parametrize("name", GOALS)
@pytest.mark.parametrize("chunk", [1, 3])
def test_the_least_of_all_orders_is_found_and_proved(name: str, chunk: int) -> None:
    lm, goal = model(), objective(**GOALS[name])
    space = bag("abcda", prefix="fb", suffix="ec")
    best = min(plain(lm, space, goal, order) for order in set(permutations(space.bag)))
    result = run(lm, space, goal, by=Annealing(probes=8), chunk=chunk, scores=200)
    assert proved(result) and value_of(result) == pytest.approx(best, rel=1e-9)
    assert result.best is not None


@given(seed=st.integers(0, 50), words=st.text("abcdef", min_size=2, max_size=9))
@budgeted(max_examples=20)
def test_every_value_told_is_the_plain_one(seed: int, words: str) -> None:
    lm, goal, space = model(seed=seed), objective(), bag(words)
    result = run(lm, space, goal, by=Tempering(probes=4), scores=30, seed=seed)
    for candidate in result.candidates:
        if "value" in candidate.scores:
            ids = [BEGIN, *candidate.token_ids]
            if ids[-1] != END:  # the end token is left out where the search ends by it
                ids.append(END)
            assert candidate.scores["value"] == pytest.approx(
                sum(losses(lm, ids)) / (len(ids) - 1), rel=1e-9
            )


PURE = [Annealing(probes=8), Tempering(probes=4), Iterated(screen="none", choice="even")]


@pytest.mark.parametrize("by", PURE, ids=lambda by: by.name)
@pytest.mark.parametrize("seed", range(2))
def test_exact_abandonment_changes_no_step(by: Any, seed: int) -> None:
    space, goal = bag("aabcdeff"), objective()
    found = []
    for bound, chunk in (("none", 1), ("exact", 1), ("exact", 4)):
        options = {"by": by, "bound": bound, "chunk": chunk, "scores": 150, "seed": seed}
        result = run(model(), space, goal, **options)
        steps = [(c.text, c.scores["value"], c.scores["scored"]) for c in result.candidates]
        found.append((steps, result.cost.tokens))
    assert found[0][0] == found[1][0] == found[2][0]
    assert found[1][1] == found[2][1]  # nor does the size of a part change what is charged
    assert found[1][1] < found[0][1]


def test_what_is_abandoned_for_nothing_is_new_all_the_same() -> None:
    """Rows that are there abandon whole lists without a charge; nothing is heated again by that."""
    value, trails = PathCost(table(12, 1)), []
    for free in (False, True):
        study = Study(letters(12), Annealing(cold=0.001), scores=3000, seed=1)
        seen: dict[Cand, None] = {}
        while (trials := study.ask()) is not None:
            told = []
            for trial in trials:
                assert isinstance(trial, Trial)
                seen[trial.cand], loss = None, value(trial.cand)
                over = free and trial.above is not None and loss > trial.above
                told.append(
                    Rated(trial.cand, math.inf, loss) if over else Rated(trial.cand, loss, loss)
                )
                told[-1].charged = 0 if over else 1
            study.tell(told)
        trails.append(list(seen))
    assert trails[0] == trails[1]


def test_a_bound_that_is_too_low_does_change_steps() -> None:
    """The control: a margin below zero abandons what should have been taken."""
    space, goal = bag("aabcdeff"), objective()
    steps = []
    for margin in (50.0, 0.0):
        result = run(
            model(), space, goal, by=Annealing(probes=8), bound="calibrated", margin=margin,
            audit=0.0, chunk=1, scores=250,
        )  # fmt: skip
        steps.append(([c.text for c in result.candidates], result.cost.tokens))
    assert steps[1][1] < steps[0][1]


def test_audits_count_what_was_abandoned_wrongly() -> None:
    space, goal = bag("aabcdeff"), objective()
    result = run(
        model(order=1), space, goal, by=Annealing(probes=8), bound="calibrated", margin=0.0,
        audit=1.0, chunk=1, scores=400,
    )  # fmt: skip
    noted = [c.scores for c in result.candidates if "audited" in c.scores]
    assert noted and 0 <= noted[0]["wrong"] < noted[0]["audited"]
    same = run(model(order=1), space, goal, by=Annealing(probes=8), chunk=1, scores=400)
    assert value_of(same) == value_of(result)  # an audited candidate is walked by the exact bound


def test_accepting_costs_nothing_and_a_shared_beginning_is_charged_once() -> None:
    lm, goal, space = model(), objective(), bag("abcdef")
    strategy = optimise(
        space=space, objective=goal, by=Walked(((0, 1, 2, 3, 4, 5), (0, 1, 2, 3, 5, 4)))
    )
    result = treeseek.search(goal.prompt(), model=lm, strategy=strategy, limit=8)
    # Six words and an end: seven rows, of which the prompt's is free; then two behind the change.
    assert result.cost.tokens == 6 + 2


class Walked:
    """A strategy that asks for what it is told to, each made from the one before."""

    name, references = "walked", ()

    def __init__(self, cands: tuple[Cand, ...]) -> None:
        self.cands = cands

    def run(self, bench: Any, space: Any) -> Any:
        near = None
        for cand in self.cands:
            told: list[Rated] = yield [Trial(cand, near=near)]
            near = told[0].cand


def test_the_search_under_a_bigram_model_is_that_under_its_table() -> None:
    """Ask and tell with a function, and walks of a model: one search, one path."""
    lm, goal, space = model(order=1), objective(form="sum"), bag("abcdef")
    value = {order: plain(lm, space, goal, order) for order in permutations(space.bag)}
    study = minimise(value.__getitem__, space, Annealing(probes=8), scores=100, width=16)
    assert study.best is not None
    result = run(lm, space, goal, by=Annealing(probes=8), scores=100)
    assert study.scores == 100 and study.best.value >= min(value.values())
    assert value_of(result) >= min(value.values()) - 1e-9


def test_budgets_end_a_search_with_what_it_holds() -> None:
    lm, goal, space = model(), objective(), bag("abcdefab")
    for tokens in (9, 40, 200):
        lm.clear()
        result = run(lm, space, goal, budget=tokens, by=Annealing(probes=8))
        assert result.cost.tokens <= tokens
        assert any("value" in c.scores for c in result.candidates)


class Joining:
    """An encoder that writes "ab" as one token."""

    def __call__(self, text: str) -> list[int]:
        found, at = [], 0
        while at < len(text):
            pair = text[at : at + 2] == "ab"
            found.append(5 if pair else ord(text[at]) - 97)
            at += 2 if pair else 1
        return found


def test_tokens_across_words_are_those_of_the_whole_text() -> None:
    lm, space = model(), bag("abcd")
    goal = Perplexity(Joining(), begin=(BEGIN,), end=(END,))
    texts = ["".join(order) for order in permutations("abcd")]
    values = [losses(lm, [BEGIN, *Joining()(text), END]) for text in texts]
    best = min(sum(some) / len(some) for some in values)
    result = run(lm, space, goal, by=Iterated())
    assert proved(result) and value_of(result) == pytest.approx(best)
    with pytest.raises(InvalidOption, match="joins"):
        run(lm, bag("abcd", suffix="e"), Perplexity(Joining(), begin=(BEGIN,), span="suffix"))


def test_a_text_without_a_token_to_score_is_refused() -> None:
    with pytest.raises(InvalidOption, match="no token"):
        run(model(), bag("a"), objective(begin=(), end=()))
    with pytest.raises(InvalidOption, match="suffix"):
        run(model(), bag("ab"), objective(span="suffix", end=()))
    with pytest.raises(InvalidOption, match="contrast"):
        objective(contrast="another")


def test_the_definition_says_what_is_counted() -> None:
    words = objective(form="byte", span="free", target=2.0).definition
    assert "bits" in words and "given the prefix" in words and "distance to 2" in words
    assert "no begin token" in objective(begin=()).definition


class Suite(StrategySuite):
    prompt, other, limit = "h", "hh", 9

    def model(self, slots: int | None = None) -> LM:
        return model(slots=slots)


class TestAnnealing(Suite):
    strategy = optimise(
        space=bag("abcda"),
        objective=objective(),
        by=Annealing(probes=4),
        scores=14,
        width=4,
        chunk=4,
    )


class TestBigramCalibrated(Suite):
    strategy = optimise(
        space=bag("abcda"), objective=objective(), by=Bigram(), scores=14, width=4,
        bound="calibrated", chunk=3, audit=0.5,
    )  # fmt: skip


class TestWithoutBegin(Suite):
    strategy = optimise(
        space=bag("abcda"), objective=objective(begin=()), by=Genetic(population=8), scores=12
    )


class TestContrast(Suite):
    strategy = optimise(
        space=bag("abcd"), objective=objective(contrast=model(seed=9)), by=Mcts(), scores=12
    )
    test_it_is_charged_what_it_asked_for = None  # which counts the rows of one model only


def test_the_best_is_told_after_its_path_was_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are held for a while only; the best may have been met long before the end."""
    monkeypatch.setattr("treeseek.sequences.walking.KEPT", 4)
    lm, goal, space = model(), objective(), bag("abcde")
    best = min(plain(lm, space, goal, order) for order in permutations(space.bag))
    result = run(lm, space, goal, by=Mcts(), scores=200)
    assert proved(result) and value_of(result) == pytest.approx(best, rel=1e-9)
