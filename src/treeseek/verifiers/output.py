"""What a program prints: an answer that was worked out by running it, in the sandbox.

This file believes that a program is trusted no more for being asked to print than for being tested.
It judges nothing; who compares the output with an answer is another verifier.
"""

import ast
from collections.abc import Sequence

from treeseek.sandbox import Limits, Sandbox, standing
from treeseek.verifiers.tests import program_of, tree_of

_KEPT = 4096  # outputs remembered, so that what a search ran need not be run to judge it


class Output:
    """Runs the program in a text; its output is what the text says.

    The program is the last block of code, else the text itself. One that defines `solution()` and
    never calls it is asked to print what that returns. Cost: one process, some milliseconds, or the
    limit on wall time where a program hangs; the same text is run once. Raises NoSandbox where
    nothing holds programs. Reference: pal
    """

    def __init__(
        self,
        *,
        sandbox: Sandbox | None = None,
        limits: Limits | None = None,
        allow_weak: bool = False,
    ) -> None:
        self.sandbox = sandbox or standing(allow_weak=allow_weak)
        self._limits = limits or self.sandbox.limits
        self.name, self.version = "output", f"1 {self._limits}"
        self._said: dict[str, str | None] = {}

    def __repr__(self) -> str:
        return f"Output({self.sandbox.tier.name})"

    def run(self, text: str) -> str | None:
        """What the program in a text prints, without blanks around it; None where it fails."""
        return self.run_all([text])[0]

    def run_all(self, texts: Sequence[str]) -> list[str | None]:
        """The same of many, side by side."""
        new = [text for text in dict.fromkeys(texts) if text not in self._said]
        programs = [_asked(program_of(text)) for text in new]
        results = self.sandbox.run_all(programs, limits=self._limits) if new else []
        found = {text: self._said[text] for text in texts if text in self._said}
        for text, ran in zip(new, results, strict=True):
            found[text] = ran.stdout.strip() if ran.ok else None
        if len(self._said) > _KEPT:
            self._said.clear()
        self._said |= found
        return [found[text] for text in texts]


def _asked(program: str) -> str:
    """`program`, with a line that prints `solution()` where it only defines it."""
    tree = tree_of(program)
    if tree is None or not any(
        isinstance(part, ast.FunctionDef) and part.name == "solution" for part in tree.body
    ):
        return program
    named = (
        one.id
        for part in tree.body
        if not isinstance(part, ast.FunctionDef)
        for one in ast.walk(part)
        if isinstance(one, ast.Name)
    )
    return program if "solution" in named else f"{program}\nprint(solution())\n"
