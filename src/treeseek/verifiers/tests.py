"""Programs judged by unit tests, in the sandbox.

This file believes that a program is in a text where its last block of code is, and that a test is
best executed where the program cannot reach it. Public tests are what a search may learn from:
their share is the score and their failures are the feedback; hidden ones say no more than that a
program does not solve its problem, and not even that to who asks `shown`. It does not judge a
program that is not finished: what follows may still mend it.
"""

import ast
import hashlib
import re
import warnings
from collections.abc import Callable, Sequence
from copy import copy

from treeseek.errors import InvalidOption
from treeseek.requests import Verdict
from treeseek.sandbox import Limits, Sandbox, Test, Tested, standing

_BLOCK = re.compile(r"^[ \t]*(?:```|~~~)[^\n`]*\n(.*?)(?:^[ \t]*(?:```|~~~)|\Z)", re.M | re.S)
_ROOT = re.compile(r"^[^\s#@)\]}]", re.M)
_SHOWN = 200  # characters of a test in the feedback
_KEPT = 4096  # programs whose public tests are remembered


def program_of(text: str, *, prompt: str = "", entry: str = "") -> str:
    """The program in a text: its last block of code, else the text itself. Pure.

    Where `prompt` is the beginning of a program and the text does not define `entry` itself, the
    text is the rest of it, up to the first line that belongs to no indented body.
    """
    blocks = _BLOCK.findall(text)
    body: str = blocks[-1] if blocks else text
    if not prompt:
        return body
    if entry and re.search(
        rf"^(?:async +)?def +{re.escape(entry)}\b|^{re.escape(entry)} *=", body, re.M
    ):
        return f"{_imports(prompt)}\n{body}"
    start = body.find("\n") + 1 if not body.startswith((" ", "\t", "\n")) else 0
    end = _ROOT.search(body, start)
    return prompt + (body[: end.start()] if end else body)


def _imports(prompt: str) -> str:
    """The lines of a program's beginning that import something."""
    return "\n".join(re.findall(r"^(?:import|from) .*$", prompt, re.M))


def key_of(program: str) -> str | None:
    """A key that programs share which differ in layout and comments alone; None for no program."""
    tree = tree_of(program)
    try:
        told = "" if tree is None else ast.dump(tree)
    except RecursionError:
        told = ""
    return hashlib.blake2b(told.encode(), digest_size=16).hexdigest() if told else None


def tree_of(program: str) -> ast.Module | None:
    """The syntax tree of a program, without the warnings; None for what is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(program)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


class TestsVerifier:
    """Score: the share of public `tests` that pass; solved: all of them and all `hidden` ones.

    A test is code with assertions, or a `Test`; each runs alone, so one that hangs hides no other.
    Without public tests the score is 1 or 0. Hidden ones are run when all public ones pass, up to
    one that fails; the feedback says that one did, and no more. Cost: two processes a test, some
    milliseconds, or the limit on wall time where a program hangs. `read` finds the program in a
    text. An unsolved text is never called terminal. With `binding=False` public tests are examples
    that may be wrong: hidden ones decide alone. Raises InvalidOption without any test, NoSandbox
    where nothing holds programs.
    """

    __test__ = False
    version = "1"

    def __init__(
        self,
        tests: Sequence[str | Test],
        *,
        hidden: Sequence[str | Test] = (),
        binding: bool = True,
        read: Callable[[str], str] = program_of,
        sandbox: Sandbox | None = None,
        limits: Limits | None = None,
        allow_weak: bool = False,
    ) -> None:
        if not tests and not hidden:
            raise InvalidOption("A program is judged by tests: give at least one.")
        self.public = tuple(map(_test, tests))
        self.hidden = tuple(map(_test, hidden))
        self.sandbox = sandbox or standing(allow_weak=allow_weak)
        self.binding = binding or not hidden
        self._read, self._limits = read, limits
        self._tested: dict[str, list[Tested]] = {}
        told = repr((self.public, self.hidden, self.binding, limits)).encode("utf-8", "replace")
        self.name = f"tests {hashlib.blake2b(told, digest_size=8).hexdigest()}"

    @property
    def shown(self) -> "TestsVerifier":
        """What a search may ask: the judge by public tests alone; without any, it knows nothing.

        What they say of a program is remembered by both.
        """
        if not self.hidden:
            return self
        shown = copy(self)
        shown.hidden, shown.binding, shown.name = (), True, f"{self.name}, shown"
        return shown

    def verify(self, text: str) -> Verdict:
        """Judge the program in a text."""
        (verdict,) = self.verify_all([text])
        return verdict

    def verify_all(self, texts: Sequence[str]) -> list[Verdict]:
        """Judge many at once, side by side; equal programs are run once."""
        programs = [self._read(text) for text in texts]
        different = list(dict.fromkeys(programs))
        shown = self._public(different)
        tried = [one for one in different if self._goes_on(shown[one])]
        solved = self._passing(tried, self.hidden)
        verdicts = {
            one: self._verdict(shown[one], tried=one in tried, solved=one in solved)
            for one in different
        }
        return [verdicts[program] for program in programs]

    def _public(self, programs: Sequence[str]) -> dict[str, list[Tested]]:
        new = [one for one in programs if one not in self._tested]
        known = {one: self._tested[one] for one in programs if one in self._tested}
        known.update(zip(new, self._run(new, self.public), strict=True))
        if len(self._tested) > _KEPT:
            self._tested.clear()
        self._tested.update(known)
        return known

    def _goes_on(self, shown: Sequence[Tested]) -> bool:
        return not self.binding or all(test.passed for test in shown)

    def _passing(self, programs: Sequence[str], tests: Sequence[Test]) -> list[str]:
        """The programs that pass every test; one that failed is asked no more."""
        left, at = list(programs), 0
        while left and at < len(tests):
            part = tests[at : at + max(1, self.sandbox.workers // len(left))]
            at += len(part)
            found = self._run(left, part)
            left = [
                one
                for one, results in zip(left, found, strict=True)
                if all(result.passed for result in results)
            ]
        return left

    def _run(self, programs: Sequence[str], tests: Sequence[Test]) -> list[list[Tested]]:
        pairs = [(program, test) for program in programs for test in tests]
        results = iter(self.sandbox.check_all(pairs, limits=self._limits))
        return [[next(results) for _ in tests] for _ in programs]

    def _verdict(self, shown: Sequence[Tested], *, tried: bool, solved: bool) -> Verdict:
        if not self.public and not self.hidden:
            return Verdict(0.0, False, False, "no test is shown")
        passed = sum(test.passed for test in shown)
        score = passed / len(shown) if shown else float(solved)
        lines = [f"{passed} of {len(shown)} tests passed"] if shown else []
        for test, result in zip(self.public, shown, strict=True):
            if not result.passed:
                code = " ".join(test.code.split())[:_SHOWN]
                lines.append(f"{code}: {result.reason}{result.fault and ': '}{result.fault}")
        if tried and not solved:
            lines.append("a hidden test failed")
        return Verdict(score, solved, solved, "\n".join(lines) or "all tests passed")


def _test(test: str | Test) -> Test:
    return Test(test) if isinstance(test, str) else test
