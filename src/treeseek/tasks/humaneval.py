"""HumanEval: the rest of a Python function, judged by its tests.

This room believes that each assertion is a test of its own, so that one that hangs hides no other
and a share can be told. The examples in a prompt are public tests; some are wrong, so the hidden
ones decide. Programs are only run in a sandbox. It reads rows from a file and ships none.
"""

import ast
import doctest
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

from treeseek.decoding.stops import Step
from treeseek.options import Range, validate
from treeseek.sandbox import Limits, Test
from treeseek.tasks.rows import Question, Row, drawn, located, questions
from treeseek.verifiers.tests import TestsVerifier, key_of, program_of


@dataclass(frozen=True, slots=True)
class HumanEval:
    """Rows with `prompt`, `entry_point`, `test` and `canonical_solution`.

    A prompt is the head of a function and its docstring; a text is its body, or a block of code
    that defines it anew. A problem's `kind` is the name of the function. Reference: humaneval
    """

    path: Annotated[str | None, "file of rows; none: that of TREESEEK_SHARED"] = None
    seconds: Annotated[int, Range(low=1), "processor time of one test"] = 5
    allow_weak: Annotated[bool, "run programs with limits on resources alone"] = False
    name: str = field(default="humaneval", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=512, init=False)

    def __post_init__(self) -> None:
        validate(self)

    def problems(self, seed: int, count: int) -> list[Question]:
        """Functions in the file's order for seed 0, else shuffled; as many as there are."""
        file = located(self.path, "humaneval/data.jsonl")
        return drawn(questions(file, _question), seed=seed, count=count)

    def verifier(self, problem: Question) -> TestsVerifier:
        """The judge by examples and tests; raises BadRow for a bad row, NoSandbox."""
        problem.check()
        own = (problem.kind,)
        return TestsVerifier(
            [Test(code, own=own) for code in problem.tests],
            hidden=[Test(code, own=own) for code in problem.hidden],
            binding=False,
            read=partial(program_of, prompt=problem.prompt, entry=problem.kind),
            limits=Limits(cpu=self.seconds, wall=3.0 * self.seconds),
            allow_weak=self.allow_weak,
        )

    def answer(self, problem: Question, text: str) -> str | None:
        """The program without its layout."""
        return key_of(program_of(text, prompt=problem.prompt, entry=problem.kind))


def _question(row: Row) -> Question:
    prompt, entry = row.text("prompt"), row.text("entry_point")
    try:
        hidden = tuple(_tests(row.text("test"), entry))
        shown = tuple(_examples(prompt, entry))
    except (SyntaxError, ValueError) as error:
        raise row.bad(f"no test of a Python function ({error})") from error
    if not hidden:
        raise row.bad("no assertion in 'test'")
    answer = row.text("canonical_solution")
    return Question(row.text("task_id"), prompt, answer, entry, shown, hidden)


def _tests(source: str, entry: str) -> Iterator[str]:
    """The statements of `check` that assert, each after those before it that do not."""
    tree = ast.parse(source)
    (check,) = (part for part in tree.body if getattr(part, "name", "") == "check")
    assert isinstance(check, ast.FunctionDef)
    before: list[ast.stmt] = []
    around = [part for part in tree.body if part is not check]
    for part in check.body:
        asserts = [inner for inner in ast.walk(part) if isinstance(inner, ast.Assert)]
        if not asserts:
            before.append(part)
        elif not all(isinstance(one.test, ast.Constant) for one in asserts):
            yield "\n".join(
                [
                    *(ast.unparse(one) for one in around),
                    *(f"{argument.arg} = {entry}" for argument in check.args.args),
                    *(ast.unparse(one) for one in (*before, part)),
                ]
            )


def _examples(prompt: str, entry: str) -> Iterator[str]:
    """The examples of a docstring whose value is written as a plain one."""
    try:
        tree = ast.parse(prompt)
    except SyntaxError:  # a head without a body
        return
    for part in ast.walk(tree):
        if not isinstance(part, ast.FunctionDef) or part.name != entry:
            continue
        for example in doctest.DocTestParser().get_examples(ast.get_docstring(part) or ""):
            try:
                ast.literal_eval(example.want)
                ast.parse(example.source, mode="eval")
            except (SyntaxError, ValueError):
                continue
            yield f"assert {example.source.strip()} == {example.want.strip()}"
