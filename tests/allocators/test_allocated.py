"""Allocators at work on a model: laws, equal treatment, and the problem of each answer."""

from collections import Counter
from typing import Any

from treeseek import LM, load, search
from treeseek.allocators import (
    Posed,
    adaptive,
    compute_optimal,
    divide_and_conquer,
    even,
    thompson,
    tuning,
)
from treeseek.decoding.stops import Step
from treeseek.registry import find, names
from treeseek.requests import Verdict
from treeseek.strategies import best_of_n, sample, step_beam
from treeseek.testing import StrategySuite, scripted


class Says:
    """Verifier: solved by a text with `letter`, half a point for any other."""

    version = "1"

    def __init__(self, letter: str) -> None:
        self.letter, self.name = letter, f"says {letter}"

    def __repr__(self) -> str:
        return self.name

    def verify(self, text: str) -> Verdict:
        return Verdict(0.5 + 0.5 * (self.letter in text), self.letter in text)


def first(text: str) -> str | None:
    return text[:1] or None


PROBLEMS = tuple(
    Posed(prompt, Says(letter), first) for prompt, letter in (("ab", "c"), ("ba", "e"), ("dd", "a"))
)


class TestEven(StrategySuite):
    strategy = even(problems=PROBLEMS, draws=3)


class TestEvenAlone(StrategySuite):
    strategy = even(draws=4, each=best_of_n(n=2))

    def options(self) -> dict[str, Any]:
        return {"verifier": Says("c")}


class TestAdaptive(StrategySuite):
    strategy = adaptive(problems=PROBLEMS, most=5, confidence=0.8)


class TestThompson(StrategySuite):
    strategy = thompson(problems=PROBLEMS, batch=2, draws=9, discount=0.9)


class TestComputeOptimal(StrategySuite):
    strategy = compute_optimal(problems=PROBLEMS, probe=1, plans=(best_of_n(n=2), step_beam()))

    def options(self) -> dict[str, Any]:
        return {"step": Step((), tokens=2)}


class TestDivide(StrategySuite):
    strategy = divide_and_conquer(
        problems=PROBLEMS, probe=3, agreement=0.9, costlier=best_of_n(n=2)
    )


class TestTuning(StrategySuite):
    strategy = tuning(problems=PROBLEMS, plans=(sample(), best_of_n(n=3)), cap=12)


def model() -> LM:
    return load("toy:hash?vocabulary=6&seed=3")


def test_every_answer_says_which_problem_it_answers() -> None:
    result = search("ab", model=model(), strategy=even(problems=PROBLEMS, draws=4), limit=6)
    counts = Counter(candidate.scores["problem"] for candidate in result.candidates)
    assert counts == {0: 4, 1: 4, 2: 4}
    for candidate in result.candidates:
        letter = "cea"[int(candidate.scores["problem"])]
        assert (candidate.score > 2) == (letter in candidate.text)


def test_short_tokens_end_in_answers_and_not_in_scraps() -> None:
    """At most a few draws are cut, however many problems there are."""
    many = tuple(Posed(a + b, None, first) for a in "abcdef" for b in "abcdef")
    result = search(
        "aa", model=model(), strategy=even(problems=many, draws=50), limit=6, budget=400
    )
    cut = [c for c in result.candidates if c.finish == "budget"]
    assert result.cost.tokens <= 400
    assert len(cut) < 0.2 * len(result.candidates)


def test_draws_stop_where_answers_agree_and_go_on_where_they_do_not() -> None:
    sure = scripted({"": {"a": 0.95, "b": 0.05}})
    torn = scripted({"": {"a": 0.5, "b": 0.5}})
    counts = [
        len(search("^", model=lm, strategy=adaptive(most=30), seed=3).candidates)
        for lm in (sure, torn)
    ]
    assert 4 <= counts[0] < 10 < counts[1]


def test_the_cheaper_setting_is_chosen_more_often() -> None:
    """Four draws cost four times one; both solve everything."""
    lm = scripted({"": {"a": 1.0}, "a": dict.fromkeys("bcdefghi", 1.0)})
    stream = tuple(Posed("^", Says("a")) for _ in range(60))
    plans = (best_of_n(n=8), best_of_n(n=1))
    result = search("^", model=lm, strategy=tuning(problems=stream, plans=plans, cap=12))
    dear = (len(result.candidates) - 60) / 7
    assert 0 < dear < 20  # half of them, were nothing learnt


def test_allocators_have_names_at_the_edge() -> None:
    assert {find("allocators", name).name for name in names("allocators")} == {
        "adaptive", "compute-optimal", "divide-and-conquer", "even", "thompson", "tuning",
    }  # fmt: skip
