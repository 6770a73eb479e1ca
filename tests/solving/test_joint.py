"""One budget for all problems: never exceeded, shared as the allocator says, and told apart."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from treeseek import allocators
from treeseek.allocators import adaptive, divide_and_conquer, even, thompson, tuning
from treeseek.decoding.stops import Step
from treeseek.errors import InvalidOption
from treeseek.registry import find, names
from treeseek.requests import Verdict
from treeseek.selectors import majority
from treeseek.solving.front import attempt, solve
from treeseek.strategies import best_of_n, pal, sample
from treeseek.testing import scripted

MODEL = scripted(
    {
        "e": {"a": 0.94, "b": 0.02, "c": 0.02, "d": 0.02},
        "h": {"a": 0.28, "b": 0.26, "c": 0.24, "d": 0.22},
    },
    default={**dict.fromkeys("abcd", 0.25), **dict.fromkeys("eh!?", 0.0)},
)
"""The first letter is the answer: after e nearly always a, after h any; what follows is noise."""


@dataclass(frozen=True)
class Asked:
    id: str
    prompt: str


class Right:
    """Solved by the right letter first, a tenth for any other; "!" breaks."""

    version = "1"

    def __init__(self, problem: Asked) -> None:
        self.name, self.right = problem.id, "a" if problem.prompt[-1] == "e" else "d"
        self.broken = problem.prompt[-1] == "!"

    def verify(self, text: str) -> Verdict:
        if self.broken:
            raise RuntimeError("this verifier is broken")
        solved = text.startswith(self.right)
        return Verdict(1.0 if solved else 0.1, solved, True)


@dataclass(frozen=True)
class Mixed:
    """Problems easy (e), hard (h), with a broken verifier (!) or with none (?)."""

    kinds: str = "eheh"
    name: str = field(default="mixed", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=4, init=False)

    def problems(self, seed: int, count: int) -> list[Asked]:
        kinds = (self.kinds[place % len(self.kinds)] for place in range(count))
        return [
            Asked(f"{kind}-{place}", f"{'abcd'[place // 4]}{'abcd'[place % 4]}^{kind}")
            for place, kind in enumerate(kinds)
        ]

    def verifier(self, problem: Asked) -> Right:
        if problem.prompt[-1] == "?":
            raise ValueError("there is no judge")
        return Right(problem)

    def answer(self, problem: Asked, text: str) -> str | None:
        return text[:1] or None


def solved(kinds: str, allocator: Any, *, budget: Any = None, **options: Any) -> Any:
    return solve(
        Mixed(kinds), model=MODEL, allocator=allocator, budget=budget, problems=len(kinds),
        **options,
    )  # fmt: skip


def tokens(side: Any) -> list[int]:
    return [one.cost.tokens for one in side.outcomes]


def made(name: str) -> Any:
    return find("allocators", name)(
        **({"plans": (sample(), best_of_n(n=2))} if name == "tuning" else {})
    )


@pytest.mark.parametrize("name", names("allocators"))
def test_no_more_is_spent_than_there_is_and_the_controls_get_equal_parts(name: str) -> None:
    for budget in (0, 1, 7, 30, 90):
        run = attempt(Mixed("ehh"), model=MODEL, allocator=made(name), budget=budget, problems=3)
        while run.step():
            pass
        found = run.solved
        assert sum(tokens(found.side)) == found.side.cost.tokens == run._searching.tally.charged
        assert found.side.cost.tokens <= budget
        assert sum(tokens(found.control)) <= budget
        parts = [budget // 3 + (place < budget % 3) for place in range(3)]
        assert all(one <= part for one, part in zip(tokens(found.control), parts, strict=True))
        assert [one.id for one in found.side.outcomes] == ["e-0", "h-1", "h-2"]
        assert not any(one.failure for one in found.side.outcomes)


def test_an_answer_belongs_to_its_problem_and_prompts_are_given() -> None:
    """A problem is charged for its answers alone, the same whoever is beside it."""
    together = solved("eeehe", even(draws=6))
    for place, one in enumerate(together.side.outcomes):
        assert one.answer.text.startswith("d" if place == 3 and one.solved else "a")
        assert 4 <= one.cost.tokens <= 6 * 4
    assert sum(tokens(together.side)) == together.side.cost.tokens
    # Nested searches stand at places of their own, so draws differ; nobody pays for a prompt.
    assert all(tokens(solved("e", even(draws=1)).side) == [3] for _ in range(2))


def test_adaptive_spends_less_than_even_and_elects_the_same() -> None:
    """What nearly all draws say is settled by few of them."""
    options: dict[str, Any] = {"verifier": False, "selector": majority()}
    for seed in range(3):
        full = solved("eeee", even(draws=24), seed=seed, **options)
        short = solved("eeee", adaptive(most=24), seed=seed, **options)
        elected = [[one.answer.text[0] for one in x.side.outcomes] for x in (full, short)]
        assert elected == [["a"] * 4] * 2
        assert 2 * short.side.cost.tokens < full.side.cost.tokens
    # The control: where nothing is settled it draws what it may.
    rigid = solved("hh", adaptive(most=24, confidence=0.9999), **options)
    assert rigid.side.cost.tokens > short.side.cost.tokens


def test_divide_and_conquer_gives_the_hard_ones_more() -> None:
    plan = divide_and_conquer(probe=3, agreement=0.9, costlier=best_of_n(n=16))
    found = solved("eheh", plan)
    easy, hard = tokens(found.side)[::2], tokens(found.side)[1::2]
    assert max(easy) < min(hard)
    # The control: where nothing counts as contested, they get what their probes cost.
    probed = solved("eheh", divide_and_conquer(probe=3, agreement=0.0, costlier=best_of_n(n=16)))
    assert sum(tokens(probed.side)[1::2]) < sum(hard)


def test_the_strategy_serves_the_picks() -> None:
    one = solved("h", even(draws=1))
    many = solved("h", even(draws=1), strategy=best_of_n(n=16))
    assert many.side.cost.tokens > one.side.cost.tokens
    assert "each=best-of-n(n=16" in many.side.strategy
    for allocator, strategy, words in (
        (tuning(plans=(sample(),)), sample(), "leave the strategy out"),
        (best_of_n(), sample(), r"treeseek\.allocators"),
        (None, None, "strategy is missing"),
        (even(), pal(), "executor="),
        (even(each=pal()), None, "executor="),
    ):
        with pytest.raises(InvalidOption, match=words):
            solved("e", allocator, strategy=strategy)


@pytest.mark.parametrize("broken", ["!", "?"])
def test_a_broken_problem_is_a_recorded_failure_and_the_others_go_on(broken: str) -> None:
    found = solved(f"e{broken}e", thompson(draws=12, target=1.0), budget=60)
    assert [bool(one.failure) for one in found.side.outcomes] == [False, True, False]
    assert [one.solved for one in found.side.outcomes] == [True, False, True]
    none = solved(broken, even(draws=2), budget=60)
    assert none.side.outcomes[0].failure and not none.side.solved


@pytest.mark.parametrize("shown", [True, False])
def test_a_search_is_shown_the_verifier_or_not(shown: bool) -> None:
    found = solved("hh", even(draws=24), verifier=shown)
    assert all(one.cost.verifier_calls > 1 for one in found.side.outcomes) is shown
    if shown:
        assert all(one.solved and one.answer.text[0] == "d" for one in found.side.outcomes)
    assert all(one.verdict is not None for one in found.side.outcomes)
    scored = solved("hh", even(draws=16), verifier=False, scorer=lambda problem: Likes("b"))
    plain = solved("hh", even(draws=16), verifier=False)
    for most, any_ in zip(scored.side.outcomes, plain.side.outcomes, strict=True):
        assert most.answer.text.count("b") >= max(2, any_.answer.text.count("b"))


class Likes:
    """A scorer by one letter."""

    version = "1"

    def __init__(self, letter: str) -> None:
        self.letter = self.name = letter

    def score(self, texts: list[str]) -> list[float]:
        return [float(text.count(self.letter)) for text in texts]


def test_it_is_the_same_every_time_and_another_seed_is_another() -> None:
    def texts(seed: int) -> list[str]:
        found = solved("hhh", even(draws=2), seed=seed)
        return [one.answer.text for one in found.side.outcomes]

    assert texts(1) == texts(1)
    assert len({tuple(texts(seed)) for seed in range(4)}) > 1


def test_an_interrupted_run_says_what_was_found() -> None:
    run = attempt(Mixed("eh"), model=MODEL, allocator=even(draws=40), budget=900, problems=2)
    for _ in range(8):
        run.step()
    run.cut()
    while run.step():
        pass
    assert not run.solved.done and len(run.solved.side.outcomes) == 2
    assert set(allocators.__all__) >= {"even", "adaptive"}
