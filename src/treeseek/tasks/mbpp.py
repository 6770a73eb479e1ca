"""MBPP: short Python functions from a sentence and a few assertions.

This room believes that what a prompt shows may be learnt from and the rest may not: the first
assertions are in the prompt, which tells the function's name, and are public; the others are
hidden. Programs are only run in a sandbox. It reads rows from a file and ships none.
"""

import ast
import builtins
from dataclasses import dataclass, field
from typing import Annotated

from treeseek.decoding.stops import Step
from treeseek.options import Range, validate
from treeseek.sandbox import Limits, Test
from treeseek.tasks.rows import Question, Row, drawn, located, questions
from treeseek.verifiers.tests import TestsVerifier, key_of, program_of, tree_of


@dataclass(frozen=True, slots=True)
class MBPP:
    """Rows with `text`, `code`, `test_list` and `test_setup_code`.

    A prompt is a docstring of the sentence and the first `public` assertions; a text is a program,
    bare or in a block of code. A problem's `kind` lists the functions that are named like ones that
    Python has built in. Reference: mbpp
    """

    path: Annotated[str | None, "file of rows; none: that of TREESEEK_SHARED"] = None
    public: Annotated[int, Range(low=1, high=3), "assertions in the prompt"] = 1
    seconds: Annotated[int, Range(low=1), "processor time of one test"] = 10
    allow_weak: Annotated[bool, "run programs with limits on resources alone"] = False
    name: str = field(default="mbpp", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=512, init=False)

    def __post_init__(self) -> None:
        validate(self)

    def problems(self, seed: int, count: int) -> list[Question]:
        """Functions in the file's order for seed 0, else shuffled; as many as there are."""
        file = located(self.path, "mbpp/data.jsonl")
        return drawn(questions(file, self._question), seed=seed, count=count)

    def verifier(self, problem: Question) -> TestsVerifier:
        """The judge by assertions; raises BadRow for a bad row, NoSandbox."""
        problem.check()
        own = tuple(problem.kind.split())
        return TestsVerifier(
            [Test(code, own=own) for code in problem.tests],
            hidden=[Test(code, own=own) for code in problem.hidden],
            limits=Limits(cpu=self.seconds, wall=3.0 * self.seconds),
            allow_weak=self.allow_weak,
        )

    def answer(self, problem: Question, text: str) -> str | None:
        """The program without its layout."""
        return key_of(program_of(text))

    def _question(self, row: Row) -> Question:
        listed = row.get("test_list")
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            raise row.bad("no list of texts 'test_list'")
        if not listed:
            raise row.bad("no assertion in 'test_list'")
        number, code = row.get("task_id"), row.text("code").replace("\r\n", "\n")
        setup = str(row.get("test_setup_code") or "").replace("\r\n", "\n").strip()
        before = f"{setup}\n" if setup else ""
        shown, tests = listed[: self.public], tuple(before + one for one in listed)
        prompt = '"""\n' + "\n".join([row.text("text"), *shown]) + '\n"""\n'
        own = " ".join(_shadowing(code))
        first = tests[: self.public]
        rest = tuple(one for one in tests if one not in first)
        return Question(f"mbpp-{number}", prompt, code, own, first, rest)


def _shadowing(code: str) -> list[str]:
    tree = tree_of(code)
    return [
        part.name
        for part in (tree.body if tree else ())
        if isinstance(part, ast.FunctionDef | ast.ClassDef) and hasattr(builtins, part.name)
    ]
