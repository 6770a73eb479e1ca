"""Puzzles of logic with levels: PrOntoQA, satisfiability, houses in a row, knapsack questions.

This room believes that a yes or no is judged as text, a house by its number, and an assignment of
truth values by the formula itself, clause by clause. It reads rows from files and ships none.
"""

import re
from dataclasses import dataclass, field
from typing import Annotated, Literal

from treeseek.decoding.stops import Step
from treeseek.options import Range, validate
from treeseek.requests import Verdict, Verifier
from treeseek.tasks.gsm8k import numeric_answer
from treeseek.tasks.rows import Question, Row, drawn, located, questions
from treeseek.verifiers.answers import normal, stated
from treeseek.verifiers.exact import Exact, digest
from treeseek.verifiers.numeric import Numeric

_LITERAL = re.compile(r"(NOT )?(x_[0-9]+)")
_ASSIGNED = re.compile(r"(?i)\b(x_?\{?[0-9]+\}?)\s*(?:=|:|is)\s*[*`$]*(true|false)\b")

Clause = tuple[tuple[str, bool], ...]
"""Variables with the truth value that satisfies the clause."""


@dataclass(frozen=True, slots=True)
class X1:
    """Rows with `type`, `level`, `problem` and `solution`, of one kind."""

    subset: Annotated[
        Literal["PrOntoQA", "SAT", "einstein", "knapsack"], "which kind, without a path"
    ] = "PrOntoQA"
    path: Annotated[str | None, "file of rows; none: that of TREESEEK_SHARED"] = None
    level: Annotated[int | None, Range(low=1), "only this level; none: all"] = None
    name: str = field(default="x1", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=256, init=False)

    def __post_init__(self) -> None:
        validate(self)

    def problems(self, seed: int, count: int) -> list[Question]:
        """Questions in the file's order for seed 0, else shuffled; as many as there are."""
        file = located(self.path, f"x1_reasoning/{self.subset}.jsonl.gz")
        return drawn(questions(file, _question, level=self.level), seed=seed, count=count)

    def verifier(self, problem: Question) -> Verifier:
        """The judge of its kind; raises BadRow for a bad row."""
        problem.check()
        if problem.kind == "SAT":
            return Satisfied(problem.answer)
        return (Numeric if problem.kind == "Einstein" else Exact)(problem.answer)

    def answer(self, problem: Question, text: str) -> str | None:
        """The stated answer; of an assignment all truth values in order."""
        if problem.kind == "SAT":
            said = assigned(text)
            return " ".join(f"{name}={said[name]}" for name in sorted(said)) or None
        if problem.kind == "Einstein":
            return numeric_answer(text)
        return normal(stated(text)) or None


class Satisfied:
    """Judge an assignment by a formula of clauses: the share that it satisfies, solved with all.

    What is said last of a variable counts, so no text is called terminal but a solved one. A clause
    without a truth value for its variables is not satisfied. Linear in text and formula.
    """

    version = "1"

    def __init__(self, formula: str) -> None:
        self._clauses = clauses(formula)
        self.name = f"satisfied {digest(formula)}"

    def verify(self, text: str) -> Verdict:
        """The verdict on the truth values that `text` states, as in `x_1 = True`."""
        said = assigned(text)
        met = sum(any(said.get(name) is sign for name, sign in one) for one in self._clauses)
        share = met / len(self._clauses)
        words = f"{met} of {len(self._clauses)} clauses are satisfied"
        return Verdict(share, share == 1.0, share == 1.0, words)


def clauses(formula: str) -> list[Clause]:
    """The clauses of `(x_1 OR NOT x_2) AND (x_3)`."""
    return [
        tuple((name, not negated) for negated, name in _LITERAL.findall(part))
        for part in formula.split("AND")
        if _LITERAL.search(part)
    ]


def assigned(text: str) -> dict[str, bool]:
    """Truth values that a text states, the last one of each variable."""
    found = {}
    for name, value in _ASSIGNED.findall(text):
        found[f"x_{re.sub('[^0-9]', '', name)}"] = value.lower() == "true"
    return found


def _question(row: Row) -> Question:
    kind, prompt, solution = row.text("type"), row.text("problem"), row.get("solution")
    if not isinstance(solution, str | bool) or not str(solution).strip():
        raise row.bad("no 'solution'")
    if kind == "SAT" and not clauses(str(solution)):
        raise row.bad("'solution' is no formula of clauses")
    ends = prompt if prompt.rstrip().endswith("A:") else f"{prompt}\n\nA: "
    return Question(f"x1-{kind.lower()}-{row.line}", ends, str(solution), kind)
