"""Any file of problems: JSON lines with a prompt, and an answer or tests.

This room believes that a user's own problems need no code: a line says what to ask and how to tell
a right answer. A bad line is a recorded failure with its number.
"""

import re
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any, Literal

from treeseek.decoding.stops import Step
from treeseek.errors import InvalidOption
from treeseek.options import Range, validate
from treeseek.requests import Verifier
from treeseek.tasks.gsm8k import numeric_answer
from treeseek.tasks.math500 import symbolic_answer
from treeseek.tasks.rows import Question, Row, drawn, located, questions
from treeseek.verifiers.answers import normal, number, stated
from treeseek.verifiers.exact import Exact
from treeseek.verifiers.numeric import Numeric
from treeseek.verifiers.symbolic import Symbolic

Kind = Literal["exact", "numeric", "symbolic"]


@dataclass(frozen=True, slots=True)
class Jsonl:
    """Lines with `prompt`, and `answer` (text or number) or `tests` (programs that assert).

    `verifier=auto` judges by tests where a line has them, a number numerically, LaTeX symbolically,
    other text exactly. `hidden` are tests that a search does not see. Programs are only run in a
    sandbox. A line's `id` names its problem.
    """

    path: Annotated[str | None, "file of JSON lines; required"] = None
    judge: Annotated[
        Kind | Literal["auto"], "how an answer is compared; auto: by what it looks like"
    ] = "auto"
    tolerance: Annotated[float, Range(low=0), "of numbers, relative to max(1, |answer|)"] = 0.0
    tokens: Annotated[int, Range(low=1), "longest answer in tokens"] = 256
    allow_weak: Annotated[bool, "run programs with limits on resources alone"] = False
    name: str = field(default="jsonl", init=False)
    step: Step = field(default_factory=Step, init=False)

    def __post_init__(self) -> None:
        validate(self)
        if self.path is None:
            raise InvalidOption("jsonl needs path=FILE, a file of JSON lines")

    @property
    def limit(self) -> int:
        """Longest answer in tokens."""
        return self.tokens

    def problems(self, seed: int, count: int) -> list[Question]:
        """Questions in the file's order for seed 0, else shuffled; as many as there are."""
        found = questions(located(self.path, ""), self._question)
        return drawn(found, seed=seed, count=count)

    def verifier(self, problem: Question) -> Verifier:
        """The judge that the line asks for; raises BadRow for a bad line."""
        problem.check()
        if problem.tests:
            judge: Verifier = _programs().TestsVerifier(
                problem.tests, hidden=problem.hidden, allow_weak=self.allow_weak
            )
            return judge
        if problem.kind == "numeric":
            return Numeric(problem.answer, tolerance=self.tolerance)
        return Symbolic(problem.answer) if problem.kind == "symbolic" else Exact(problem.answer)

    def answer(self, problem: Question, text: str) -> str | None:
        """The stated answer, read as it is judged; a program without its layout."""
        if problem.tests:
            key: str | None = _programs().key_of(_programs().program_of(text))
            return key
        if problem.kind == "numeric":
            return numeric_answer(text)
        return symbolic_answer(text) if problem.kind == "symbolic" else normal(stated(text)) or None

    def _question(self, row: Row) -> Question:
        name = row.get("id")
        identity = str(name) if isinstance(name, str | int) else f"{row.file}-{row.line}"
        tests = _tests(row, "tests")
        if tests:
            hidden = _tests(row, "hidden")
            prompt = row.text("prompt")
            return Question(identity, prompt, kind="tests", tests=tests, hidden=hidden)
        given = row.get("answer")
        if isinstance(given, bool) or not isinstance(given, str | int | float):
            raise row.bad("neither an 'answer', text or number, nor 'tests'")
        answer = str(given).strip()
        kind = self.judge if self.judge != "auto" else looks(answer)
        if not answer or (kind == "numeric" and number(stated(answer)) is None):
            raise row.bad(f"answer {answer[:60]!r} cannot be judged as {kind}")
        return Question(identity, row.text("prompt"), answer, kind)


def looks(answer: str) -> Kind:
    """How an answer is best compared: by number, by meaning, or as text."""
    said = stated(answer)
    plain = re.fullmatch(r"[-+]?\$?[0-9.,]+(?:/[0-9]+)?%?", said)
    if plain is not None and number(said) is not None:
        return "numeric"
    return "symbolic" if set(answer) & set("\\^") else "exact"


def _programs() -> Any:
    """The judge of programs: a sandbox is only looked for where there are programs to run."""
    return import_module("treeseek.verifiers.tests")


def _tests(row: Row, name: str) -> tuple[str, ...]:
    given: Any = row.get(name)
    if given is None:
        return ()
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, list) or not listed:
        raise row.bad(f"{name!r} is neither a text nor a list of texts")
    if not all(isinstance(test, str) and test.strip() for test in listed):
        raise row.bad(f"{name!r} holds something that is no text")
    return tuple(listed)
