"""Arithmetic chains: work out an expression one operation a line, with what is left written out.

This room believes that a chain is the plainest search there is: nothing has to be guessed, every
line can be right or wrong, and one slip spoils the rest; a search wins by noticing. `8+3*2-5` is
answered by `3*2=6:8+6-5`, `8+6=14:14-5`, `14-5=9:9`. Products go before sums and both from the
left; products may be taken in the order one likes. Whole numbers of at most 499, none negative. It
does not cover division or brackets.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Annotated

from treeseek.decoding.stops import Step
from treeseek.errors import InvalidOption
from treeseek.options import Range, validate
from treeseek.requests import Verdict

LARGEST = 499
_PART = re.compile(r"[0-9]+|[-+*]")


@dataclass(frozen=True, slots=True)
class Problem:
    """One expression to work out."""

    id: str
    expression: str

    @property
    def prompt(self) -> str:
        """The text handed to the model; an answer is one operation a line, `3*2=6:8+6-5`."""
        return f"Work out {self.expression}.\n"


def is_held_out(expression: str) -> bool:
    """Whether this expression is kept from training: one in five, by a hash."""
    return blake2b(expression.encode(), digest_size=8).digest()[0] % 5 == 0


def generate(
    seed: int, *, operations: int = 4, count: int = 1, held_out: bool = True
) -> list[Problem]:
    """Expressions that follow from the seed alone; a longer list begins with the shorter one.

    Numbers are 1-60 in sums and 2-12 in products; every result on the way is 0-499. Cost: a
    fraction of a millisecond an expression. Raises InvalidOption for a negative count.
    """
    if count < 0:
        raise InvalidOption(f"count={count}: ask for 0 or more problems")
    noise = random.Random(f"arithmetic {seed} {operations} {held_out}")
    found: dict[str, Problem] = {}
    while len(found) < count:
        expression = _draw(noise, operations)
        if is_held_out(expression) is held_out and solve(expression) is not None:
            found.setdefault(expression, Problem(f"arithmetic-{expression}", expression))
    return list(found.values())


def steps_from(expression: str) -> Iterator[tuple[str, str]]:
    """Every line that may come next, with the expression left after it."""
    parts = _PART.findall(expression)
    for place in range(1, len(parts), 2):
        before = parts[place - 2] if place > 1 else ""
        after = parts[place + 2] if place + 2 < len(parts) else ""
        product = parts[place] == "*"
        if before == "*" if product else before or after == "*":
            continue
        a, b = int(parts[place - 1]), int(parts[place + 1])
        result = a * b if product else a + b if parts[place] == "+" else a - b
        if 0 <= result <= LARGEST:
            left = "".join([*parts[: place - 1], str(result), *parts[place + 2 :]])
            yield f"{a}{parts[place]}{b}={result}:{left}", left


def solve(expression: str) -> str | None:
    """The answer that takes the leftmost step each time, or None where a result leaves 0-499."""
    lines = []
    while not expression.isdecimal():
        step = next(steps_from(expression), None)
        if step is None:
            return None
        line, expression = step
        lines.append(line)
    return "\n".join(lines)


def verify(problem: Problem, text: str) -> Verdict:
    """Judge an answer: strictly, on any text, without raising.

    Each line must be a step that the expression allows. Score: half the share of right lines, 1
    when nothing is left to do. The expression that is left is the state.
    """
    body = text.removeprefix(problem.prompt).strip(" \n")
    lines = body.split("\n") if body else []
    needed = len(_PART.findall(problem.expression)) // 2
    left = problem.expression
    for done, line in enumerate(lines):
        share = 0.5 * done / needed
        if done == needed:
            return Verdict(share, False, True, f"text after the last line: {line[:60]!r}")
        allowed = dict(steps_from(left))
        if line not in allowed:
            last = done == len(lines) - 1 and not text.endswith("\n")
            open_end = last and any(full.startswith(line) for full in allowed)
            reason = f"line {done + 1}: no right step of {left}: {line[:60]!r}"
            return Verdict(share, False, not open_end, reason)
        left = allowed[line]
    if len(lines) == needed:
        return Verdict(1.0, True, True, f"worked out: {left}")
    state = left if text.endswith("\n") or not lines else ""
    reason = f"{needed - len(lines)} of {needed} lines missing"
    return Verdict(0.5 * len(lines) / needed, False, False, reason, state)


class ArithmeticVerifier:
    """The verifier of one problem; `name` tells which, `version` tells the rule of scoring."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.name = problem.id
        self.version = "1"

    def verify(self, text: str) -> Verdict:
        """Judge a continuation of the problem's prompt; see `verify`."""
        return verify(self.problem, text)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """The task: expressions of `operations` operations that nobody trained on."""

    operations: Annotated[int, Range(low=1, high=8), "operations an expression"] = 4
    name: str = field(default="arithmetic", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=96, init=False)

    def __post_init__(self) -> None:
        validate(self)

    def problems(self, seed: int, count: int) -> list[Problem]:
        """Held-out problems; see `generate`."""
        return generate(seed, operations=self.operations, count=count)

    def verifier(self, problem: Problem) -> ArithmeticVerifier:
        """The strict judge of `problem`."""
        return ArithmeticVerifier(problem)

    def answer(self, problem: Problem, text: str) -> str | None:
        """The number that the last line ends with."""
        number = text.rstrip(" \n").rpartition(":")[2]
        return number if number.isdecimal() else None


def _draw(noise: random.Random, operations: int) -> str:
    """An expression; most operations add or take away, some multiply."""
    signs = noise.choices("+-*", weights=(4, 3, 3), k=operations)
    text = ""
    for place, sign in enumerate(["", *signs]):
        factor = sign == "*" or (place < operations and signs[place] == "*")
        text += sign + str(noise.randint(2, 12) if factor else noise.randint(1, 60))
    return text
