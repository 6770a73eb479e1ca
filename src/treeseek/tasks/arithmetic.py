"""Arithmetic chains: work out an expression one operation a line, with what is left written out.

This room believes that a chain is the plainest search there is: nothing has to be guessed, every
line can be right or wrong, and one slip spoils the rest; a search wins by noticing. `8+3*2-5` is
answered by `3*2=6:8+6-5`, `8+6=14:14-5`, `14-5=9:9`. Products go before sums and both from the
left; products may be taken in the order one likes. Whole numbers of at most 499, none negative;
modulo m, of at most m - 1, where what falls below 0 starts again at m. Numbers may be written in
another base. It does not cover division or brackets.
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
MISSES = 10_000
"""Expressions drawn without a new one, after which there are no more."""
_PART = re.compile(r"[0-9a-f]+|[-+*]")
_DIGITS = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Rule:
    """How numbers count and are written: modulo `modulus` (0: not), in `base` 2 to 16."""

    modulus: int = 0
    base: int = 10

    def result(self, a: int, sign: str, b: int) -> int | None:
        """What an operation comes to; None where that leaves the numbers there are."""
        value = a * b if sign == "*" else a + b if sign == "+" else a - b
        if self.modulus:
            return value % self.modulus
        return value if 0 <= value <= LARGEST else None

    def written(self, number: int) -> str:
        """The digits of `number`."""
        digits = _DIGITS[number % self.base]
        while number := number // self.base:
            digits = _DIGITS[number % self.base] + digits
        return digits

    def __str__(self) -> str:
        """What a prompt says of it; nothing of plain numbers."""
        return f"{f' modulo {self.written(self.modulus)}' * (self.modulus > 0)}" + (
            f" in base {self.base}" * (self.base != 10)
        )


PLAIN = Rule()


@dataclass(frozen=True, slots=True)
class Problem:
    """One expression to work out."""

    id: str
    expression: str
    rule: Rule = PLAIN

    @property
    def prompt(self) -> str:
        """The text handed to the model; an answer is one operation a line, `3*2=6:8+6-5`."""
        return f"Work out {self.expression}{self.rule}.\n"


def is_held_out(expression: str) -> bool:
    """Whether this expression is kept from training: one in five, by a hash."""
    return blake2b(expression.encode(), digest_size=8).digest()[0] % 5 == 0


def generate(
    seed: int, *, operations: int = 4, count: int = 1, held_out: bool = True, rule: Rule = PLAIN
) -> list[Problem]:
    """Expressions that follow from the seed alone; a longer list begins with the shorter one.

    Numbers are 1-60 in sums and 2-12 in products, each modulo the rule's; every result on the way
    is 0-499 where there is none. Cost: a fraction of a millisecond an expression. Raises
    InvalidOption for a negative count, and for more than there are (a small modulus has few).
    """
    if count < 0:
        raise InvalidOption(f"count={count}: ask for 0 or more problems")
    noise = random.Random(f"arithmetic {seed} {operations} {held_out}")
    found: dict[str, Problem] = {}
    misses = 0
    while len(found) < count:
        expression = _draw(noise, operations, rule)
        misses += 1
        if is_held_out(expression) is held_out and solve(expression, rule) is not None:
            name = f"arithmetic-{expression}{rule}".replace(" ", "-")
            misses *= expression in found
            found.setdefault(expression, Problem(name, expression, rule))
        if misses > MISSES:
            raise InvalidOption(
                f"{len(found)} expressions were found, not {count}: ask for fewer, or for more "
                "operations."
            )
    return list(found.values())


def steps_from(expression: str, rule: Rule = PLAIN) -> Iterator[tuple[str, str]]:
    """Every line that may come next, with the expression left after it."""
    parts = _PART.findall(expression)
    for place in range(1, len(parts), 2):
        before = parts[place - 2] if place > 1 else ""
        after = parts[place + 2] if place + 2 < len(parts) else ""
        product = parts[place] == "*"
        if before == "*" if product else before or after == "*":
            continue
        a, b = parts[place - 1], parts[place + 1]
        result = rule.result(int(a, rule.base), parts[place], int(b, rule.base))
        if result is not None:
            written = rule.written(result)
            left = "".join([*parts[: place - 1], written, *parts[place + 2 :]])
            yield f"{a}{parts[place]}{b}={written}:{left}", left


def solve(expression: str, rule: Rule = PLAIN) -> str | None:
    """The answer that takes the leftmost step each time, or None where a result leaves 0-499."""
    lines = []
    while not expression.isalnum():
        step = next(steps_from(expression, rule), None)
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
        allowed = dict(steps_from(left, problem.rule))
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
    """The task: expressions of `operations` operations that nobody trained on.

    The embedded model knows plain numbers in base 10 only.
    """

    operations: Annotated[int, Range(low=1, high=8), "operations an expression"] = 4
    modulus: Annotated[int, Range(low=0, high=LARGEST), "numbers count modulo this; 0: not"] = 0
    base: Annotated[int, Range(low=2, high=16), "digits that numbers are written in"] = 10
    name: str = field(default="arithmetic", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=96, init=False)

    def __post_init__(self) -> None:
        validate(self)
        if self.modulus == 1:
            raise InvalidOption("modulus=1 leaves no number but 0: give 0, or at least 2.")

    def problems(self, seed: int, count: int) -> list[Problem]:
        """Held-out problems; see `generate`."""
        rule = Rule(self.modulus, self.base)
        return generate(seed, operations=self.operations, count=count, rule=rule)

    def verifier(self, problem: Problem) -> ArithmeticVerifier:
        """The strict judge of `problem`."""
        return ArithmeticVerifier(problem)

    def answer(self, problem: Problem, text: str) -> str | None:
        """The number that the last line ends with."""
        number = text.rstrip(" \n").rpartition(":")[2]
        return number if number and set(number) <= set(_DIGITS[: self.base]) else None


def _draw(noise: random.Random, operations: int, rule: Rule) -> str:
    """An expression; most operations add or take away, some multiply."""
    signs = noise.choices("+-*", weights=(4, 3, 3), k=operations)
    text = ""
    for place, sign in enumerate(["", *signs]):
        factor = sign == "*" or (place < operations and signs[place] == "*")
        number = noise.randint(2, 12) if factor else noise.randint(1, 60)
        text += sign + rule.written(number % rule.modulus if rule.modulus else number)
    return text
