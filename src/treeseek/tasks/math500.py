"""MATH-500: competition problems with answers in LaTeX, judged by their meaning.

This room believes that two answers are the same where algebra shows it; what it cannot show counts
as different. It reads rows from a file and ships none.
"""

from dataclasses import dataclass, field
from typing import Annotated

from treeseek.decoding.stops import Step
from treeseek.options import Range, validate
from treeseek.tasks.rows import Question, Row, drawn, located, questions
from treeseek.verifiers.answers import normal, stated
from treeseek.verifiers.symbolic import Symbolic


@dataclass(frozen=True, slots=True)
class MATH500:
    """Rows with `problem` and `answer`, and `level` and `subject` where they are known.

    Judging needs math-verify. Reference: math
    """

    path: Annotated[str | None, "file of rows; none: that of TREESEEK_SHARED"] = None
    level: Annotated[int | None, Range(low=1, high=5), "only this level; none: all"] = None
    seconds: Annotated[float, Range(above=0, below=3600), "longest time to judge an answer"] = 5.0
    name: str = field(default="math500", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=512, init=False)

    def __post_init__(self) -> None:
        validate(self)

    def problems(self, seed: int, count: int) -> list[Question]:
        """Questions in the file's order for seed 0, else shuffled; as many as there are."""
        level = None if self.level is None else f"Level {self.level}"
        found = questions(located(self.path, "math500/data.jsonl"), _question, level=level)
        return drawn(found, seed=seed, count=count)

    def verifier(self, problem: Question) -> Symbolic:
        """The judge by meaning; raises BadRow for a bad row and MissingExtra without the extra."""
        problem.check()
        return Symbolic(problem.answer, seconds=self.seconds)

    def answer(self, problem: Question, text: str) -> str | None:
        """The stated answer as it is written, without case, spaces and sizes of brackets.

        Two ways to write one value are two answers here: no algebra is done for votes.
        """
        return symbolic_answer(text)


def symbolic_answer(text: str) -> str | None:
    """The answer a text states, in a form in which the commonest ways of writing are equal."""
    written = normal(stated(text))
    for spare in (r"\left", r"\right", r"\displaystyle", " "):
        written = written.replace(spare, "")
    return written.replace("dfrac", "frac").replace("tfrac", "frac") or None


def _question(row: Row) -> Question:
    name = row.get("unique_id")
    return Question(
        name if isinstance(name, str) else f"math500-{row.line}",
        f"Problem: {row.text('problem')}\n"
        "Reason step by step, then put the final answer in \\boxed{}.\nSolution:",
        row.text("answer"),
    )
