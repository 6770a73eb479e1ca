"""pal on a task: a text is what it prints, for the votes, the choice and the table."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from treeseek import MemoryJournal, search
from treeseek.decoding.stops import Step
from treeseek.errors import InvalidOption
from treeseek.requests import Verdict
from treeseek.solving.front import compare, solve
from treeseek.solving.judging import Memory, Patient
from treeseek.strategies import best_of_n, pal, self_consistency
from treeseek.tasks.gsm8k import numeric_answer
from treeseek.testing import scripted
from treeseek.verifiers.numeric import Numeric

MODEL = scripted(
    {"": {"7": 0.4, "3": 0.28, "1": 0.28, "x": 0.04}, "3": {"+": 1.0}, "3+": {"1": 1.0}}
    | {"1": {"+": 1.0}, "1+": {"3": 1.0}}
)
"""Says 7 most often; 3+1 and 1+3 together as often; and x, which is no program."""


class Sums:
    """Runs sums of digits, and counts what it ran."""

    name, version = "sums", "1"

    def __init__(self) -> None:
        self.ran: list[str] = []

    def run(self, text: str) -> str | None:
        self.ran.append(text)
        parts = text.split("+")
        return f"{sum(map(int, parts))}.0" if all(part.isdecimal() for part in parts) else None


@dataclass(frozen=True)
class Asked:
    id: str
    prompt: str = "^"


@dataclass(frozen=True)
class Four:
    """Every problem's answer is 4."""

    name: str = field(default="four", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=4, init=False)

    def problems(self, seed: int, count: int) -> list[Asked]:
        return [Asked(f"four-{place}") for place in range(count)]

    def verifier(self, problem: Asked) -> Numeric:
        return Numeric("4")

    def answer(self, problem: Asked, text: str) -> str | None:
        return numeric_answer(text)


def solved(strategy: Any, **options: Any) -> Any:
    return solve(Four(), model=MODEL, strategy=strategy, budget=300, problems=2, **options)


@pytest.mark.parametrize("shown", [True, False])
def test_the_answer_of_pal_is_what_most_programs_print(shown: bool) -> None:
    found = solved(pal(n=300, executor=Sums()), verifier=shown)
    for one in found.side.outcomes:
        assert one.solved and one.answer.text in ("3+1", "1+3")
    # The same draws as they stand say 7, or, where the verifier chooses, nothing that is 4.
    assert found.control.solved == found.majority.solved == 0


def test_texts_that_print_the_same_are_judged_once_and_apart_from_what_they_say() -> None:
    memory = Memory()
    plain, ran = Patient(Numeric("4"), memory), Patient(Numeric("4"), memory, read=Sums().run)
    assert not plain.judge("1+3").solved and ran.judge("1+3").solved and ran.judge("3+1").solved
    assert set(memory.whole) == {"1+3", "4.0"} and not memory.shown
    assert not ran.judge("x").solved and ran.said("x") == ""


def test_one_table_holds_pal_and_what_its_draws_say() -> None:
    found = compare(
        Four(), model=MODEL, problems=2, budgets=[300],
        strategies=[pal(n=300, executor=Sums()), self_consistency(n=300), best_of_n(n=300)],
    )  # fmt: skip
    assert [row.solved for row in found.rows[:3]] == [2, 0, 0] and not found.failures


def test_pal_without_a_runner_is_refused_before_anything_runs() -> None:
    for call in (
        lambda: solved(pal()),
        lambda: compare(Four(), model=MODEL, strategies=[pal()], budgets=[9]),
    ):
        with pytest.raises(InvalidOption, match=r"executor=treeseek\.verifiers\.output\.Output"):
            call()


def test_votes_are_those_of_the_tasks_answers() -> None:
    """7 has .4 of the draws; 3+1 says 1 and 1+3 says 3, so the sums have .28 each."""
    found = solved(self_consistency(n=300), verifier=False)
    for one in found.side.outcomes:
        assert one.answer.text == "7" and 0.2 < one.answer.score < 0.6
    own = solved(self_consistency(n=300, answer=lambda text: text[1:2] or None), verifier=False)
    for one in own.side.outcomes:
        assert "+" in one.answer.text, "an answer of the caller's own is not replaced"


class Many(Sums):
    """Runs the programs of a batch together, and notes how many those were."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def run_all(self, texts: list[str]) -> list[str | None]:
        self.batches.append(len(texts))
        return [self.run(text) for text in texts]


def test_programs_of_a_batch_are_run_together_and_say_the_same() -> None:
    together, alone = Many(), Sums()
    one, other = (solved(pal(n=300, executor=executor)) for executor in (together, alone))
    assert [o.answer for o in one.side.outcomes] == [o.answer for o in other.side.outcomes]
    assert together.batches == [4, 4] and max(map(len, alone.ran)) == 3


class Batched:
    """A verifier of one word that can be asked for many texts at once."""

    name, version = "batched", "1"

    def __init__(self, word: str) -> None:
        self.word, self.alone = word, 0
        self.batches: list[list[str]] = []

    def verify(self, text: str) -> Verdict:
        self.alone += 1
        return Verdict(float(self.word in text), self.word in text, True)

    def verify_all(self, texts: list[str]) -> list[Verdict]:
        self.batches.append(list(texts))
        return [Verdict(float(self.word in text), self.word in text, True) for text in texts]


def test_a_verifier_that_can_is_asked_for_a_list_at_once() -> None:
    judge, found = Batched("3"), []
    for verifier, journal in ((judge, MemoryJournal()), (Patient(judge), None)):
        result = search(
            "^", model=MODEL, strategy=best_of_n(n=30), verifier=verifier, limit=4, journal=journal
        )
        found.append([(c.text, c.score) for c in result.candidates])
        if journal is not None:
            asked = len(judge.batches)
            again = search(
                "^", model=MODEL, strategy=best_of_n(n=30), verifier=verifier, limit=4,
                journal=journal,
            )  # fmt: skip
            assert again.candidates == result.candidates
            assert len(judge.batches) == asked == 1, "a recorded verdict is not asked for again"
    assert judge.alone == 0 and set(judge.batches[0]) == {"7", "3+1", "1+3", "x"}
    assert [text for text, _ in found[0]] == [text for text, _ in found[1]]


class Plain:
    """The control: the same verdicts, one at a time."""

    name, version = "batched", "1"

    def __init__(self) -> None:
        self.verify = Batched("3").verify


def test_together_or_one_by_one_the_verdicts_are_the_same() -> None:
    results = [
        search("^", model=MODEL, strategy=best_of_n(n=30), verifier=verifier, limit=4)
        for verifier in (Batched("3"), Plain())
    ]
    assert results[0].candidates == results[1].candidates
    assert results[0].cost.verifier_calls == results[1].cost.verifier_calls
