"""GSM8K: word problems of grade school, judged by the last number.

This room believes that `####` before the final number is a convention a model can learn from a few
worked examples, so examples are part of the prompt when they are asked for. It reads rows from a
file and ships none.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from treeseek.decoding.stops import Step
from treeseek.options import Range, validate
from treeseek.tasks.rows import Question, Row, drawn, located, questions, rows
from treeseek.verifiers.answers import number, stated
from treeseek.verifiers.numeric import Numeric

SHOTS = "fewshot_from_train.jsonl"
"""Worked examples, beside the rows."""


@dataclass(frozen=True, slots=True)
class GSM8K:
    """Rows with `question` and a worked `answer` that ends in `#### number`. Reference: gsm8k"""

    path: Annotated[str | None, "file of rows; none: that of TREESEEK_SHARED"] = None
    shots: Annotated[int, Range(low=0), "worked examples before each question"] = 0
    name: str = field(default="gsm8k", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=256, init=False)

    def __post_init__(self) -> None:
        validate(self)

    def problems(self, seed: int, count: int) -> list[Question]:
        """Questions in the file's order for seed 0, else shuffled; as many as there are."""
        file = located(self.path, "gsm8k/test.jsonl")
        before = _examples(file, self.shots) if self.shots else ""
        return drawn(questions(file, lambda row: _question(row, before)), seed=seed, count=count)

    def verifier(self, problem: Question) -> Numeric:
        """The judge of the last number; raises BadRow for a bad row."""
        problem.check()
        return Numeric(problem.answer)

    def answer(self, problem: Question, text: str) -> str | None:
        """The last number, as an exact fraction."""
        return numeric_answer(text)


def numeric_answer(text: str) -> str | None:
    """The number that a text gives for an answer, in one form; None without one."""
    value = number(stated(text))
    if value is None:
        value = number(text)
    return None if value is None else str(value)


def _question(row: Row, before: str) -> Question:
    answer = stated(row.text("answer"))
    if number(answer) is None:
        raise row.bad("no number after ####")
    prompt = f"{before}Question: {row.text('question')}\nAnswer:"
    return Question(f"gsm8k-{row.line}", prompt, answer)


def _examples(file: Path, shots: int) -> str:
    shown = rows(located(str(file.parent / SHOTS), SHOTS))[:shots]
    return "".join(
        f"Question: {row.text('question')}\nAnswer: {row.text('answer')}\n\n" for row in shown
    )
