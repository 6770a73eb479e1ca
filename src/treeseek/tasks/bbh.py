"""BIG-Bench Hard: word sorting, brackets, truth values and small deductions, judged as text.

This room believes that these four of its sets have one right answer that can be compared letter by
letter. It reads rows from files and ships none; other sets of the same form are read by path.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Literal

from treeseek.decoding.stops import Step
from treeseek.options import validate
from treeseek.tasks.rows import Question, Row, drawn, located, questions
from treeseek.verifiers.answers import normal, stated
from treeseek.verifiers.exact import Exact

SETS = (
    "boolean_expressions",
    "dyck_languages",
    "logical_deduction_three_objects",
    "word_sorting",
)
BRACKETS = "dyck_languages"
"""Where spaces between signs do not count."""


@dataclass(frozen=True, slots=True)
class BBH:
    """Rows with `input` and `target`, of one set or of all four in turn. Reference: bbh"""

    path: Annotated[str | None, "file of rows, named after its set; none: TREESEEK_SHARED"] = None
    subset: Annotated[
        Literal[
            "all",
            "boolean_expressions",
            "dyck_languages",
            "logical_deduction_three_objects",
            "word_sorting",
        ],
        "which set, without a path",
    ] = "all"
    name: str = field(default="bbh", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=128, init=False)

    def __post_init__(self) -> None:
        validate(self)

    def problems(self, seed: int, count: int) -> list[Question]:
        """Questions in order, the sets taking turns, for seed 0, else shuffled."""
        names = SETS if self.subset == "all" else (self.subset,)
        files = (
            [located(self.path, "")]
            if self.path is not None
            else [located(None, f"bbh/{name}.jsonl") for name in names]
        )
        read = [questions(file, partial(_question, file.name.partition(".")[0])) for file in files]
        longest = max(map(len, read))
        turns = [found[place] for place in range(longest) for found in read if place < len(found)]
        return drawn(turns, seed=seed, count=count)

    def verifier(self, problem: Question) -> Exact:
        """The judge of the text; raises BadRow for a bad row."""
        problem.check()
        return Exact(problem.answer, spaces=problem.kind != BRACKETS)

    def answer(self, problem: Question, text: str) -> str | None:
        """The stated answer without case, emphasis and, for brackets, spaces."""
        said = normal(stated(text))
        return (said.replace(" ", "") if problem.kind == BRACKETS else said) or None


def _question(kind: str, row: Row) -> Question:
    prompt = f"Q: {row.text('input')}\nA:"
    return Question(f"bbh-{kind}-{row.line}", prompt, row.text("target"), kind)
