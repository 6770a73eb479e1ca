"""Countdown: reach a target from given numbers, each used once, in written steps.

This room believes that a task is three pure things: problems that follow from a seed, a text that a
model is asked to continue, and a verifier that trusts nothing it is given. Every problem has a
solution, found by an exact solver and never shown to a search. The split between problems for
training and problems held out is decided here, by the numbers alone, so no target of a held-out set
of numbers is ever trained on. It does not cover fractions, negative intermediate results or using
only some of the numbers.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated

from treeseek.decoding.stops import Step as Line
from treeseek.errors import InvalidOption
from treeseek.options import Range, validate
from treeseek.requests import Verdict

SMALLEST, LARGEST = 1, 25
LOWEST_TARGET, HIGHEST_TARGET = 10, 150
FEWEST_NUMBERS, MOST_NUMBERS = 2, 5

_N = "(?:0|[1-9][0-9]{0,8})"
_STEP = re.compile(rf"({_N})([-+*/])({_N})=({_N}):({_N}(?: {_N})*)")
_BEGUN = re.compile(r"([0-9]*)(?:([-+*/])([0-9]*)(?:=([0-9]*)(?::([0-9 ]*))?)?)?")

Step = tuple[int, str, int, int]
"""(a, operation, b, result): one line of a solution without what is left."""

_Way = tuple[
    int, Step, tuple[int, ...]
]  # (sum of all results to come, first step, numbers after it)


@dataclass(frozen=True, slots=True)
class Problem:
    """One Countdown problem: numbers in ascending order, a target and the prompt for a model."""

    id: str
    numbers: tuple[int, ...]
    target: int

    @property
    def prompt(self) -> str:
        """The text handed to the model; an answer is one step a line, as in `3*12=36:5 36`."""
        return f"Make {self.target} from {' '.join(map(str, self.numbers))}.\n"


def is_held_out(numbers: Sequence[int]) -> bool:
    """Whether these numbers, in any order, are kept from training: one set in five, by a hash."""
    name = " ".join(map(str, sorted(numbers)))
    return blake2b(name.encode(), digest_size=8).digest()[0] % 5 == 0


def generate(
    seed: int, *, numbers: int = 4, count: int = 1, held_out: bool = True
) -> list[Problem]:
    """Solvable problems that follow from the seed alone; a longer list begins with the shorter one.

    Numbers are 1-25 with repetition, targets uniform over what can be reached in 10-150, problems
    distinct. Cost: milliseconds a problem with four numbers, about a second with five. Raises
    InvalidOption for `numbers` outside 2-5, a negative `count` or more problems than there are.
    """
    if not FEWEST_NUMBERS <= numbers <= MOST_NUMBERS:
        raise InvalidOption(
            f"numbers={numbers}: ask for {FEWEST_NUMBERS} to {MOST_NUMBERS} numbers a problem"
        )
    if count < 0:
        raise InvalidOption(f"count={count}: ask for 0 or more problems")
    noise = random.Random(f"countdown {seed} {numbers} {held_out}")
    found: dict[str, Problem] = {}
    misses = 0
    while len(found) < count:
        drawn = tuple(sorted(noise.randint(SMALLEST, LARGEST) for _ in range(numbers)))
        draw = noise.random()
        targets = targets_of(drawn) if is_held_out(drawn) is held_out else []
        if targets:
            target = targets[int(draw * len(targets))]
            identity = f"countdown-{'-'.join(map(str, drawn))}-{target}"
            if identity not in found:
                found[identity] = Problem(identity, drawn, target)
                misses = 0
                continue
        misses += 1
        if misses > 10_000:
            raise InvalidOption(
                f"count={count}: only about {len(found)} distinct problems with {numbers} numbers; "
                "ask for fewer"
            )
    return list(found.values())


def targets_of(numbers: Sequence[int]) -> list[int]:
    """The targets in 10-150 that use all these numbers, ascending."""
    ways = _ways(tuple(sorted(numbers)))
    return sorted(target for target in ways if LOWEST_TARGET <= target <= HIGHEST_TARGET)


def solve(numbers: Sequence[int], target: int) -> str | None:
    """The solution with the smallest sum of results as an answer text, or None where there is none.

    Exact: every order of operations with whole, non-negative results is looked at. Cost grows about
    thirtyfold with each number beyond four.
    """
    left = tuple(sorted(numbers))
    lines = []
    while len(left) > 1:
        way = _ways(left).get(target)
        if way is None:
            return None
        _, step, left = way
        lines.append(write_step(step, left))
    return "\n".join(lines) if left == (target,) else None


def write_step(step: Step, left: Sequence[int]) -> str:
    """A step as the model reads and writes it: `a*b=c:what is left`, what is left ascending."""
    a, operation, b, result = step
    return f"{a}{operation}{b}={result}:{' '.join(map(str, left))}"


def steps_from(numbers: Sequence[int]) -> Iterator[tuple[Step, tuple[int, ...]]]:
    """Every step that these numbers allow, with the numbers left after it in ascending order."""
    ordered = sorted(numbers)
    for low in range(len(ordered)):
        for high in range(low + 1, len(ordered)):
            b, a = ordered[low], ordered[high]
            rest = ordered[:low] + ordered[low + 1 : high] + ordered[high + 1 :]
            for operation in "+-*/":
                result = _apply(a, operation, b)
                if result is not None:
                    yield (a, operation, b, result), tuple(sorted([*rest, result]))
            if b == 0 < a:  # the one quotient of a smaller number that is whole
                yield (0, "/", a, 0), tuple(sorted([*rest, 0]))


def verify(problem: Problem, text: str) -> Verdict:
    """Judge an answer: strictly, on any text, without raising.

    Each line must be a step on numbers that are there, with right arithmetic and exactly what is
    left after it, in any order. Score 1 when solved; else up to 0.5 for the share of right steps
    and, once one number is left, up to 0.4 for being close to the target. An answer that may still
    become a right one by its form, its numbers and its arithmetic is not terminal, wherever it is
    cut.
    """
    body = text.removeprefix(problem.prompt).strip(" \n")
    lines = body.split("\n") if body else []
    needed = len(problem.numbers) - 1
    available = Counter(problem.numbers)
    for done, line in enumerate(lines):
        share = 0.5 * done / needed
        if done == needed:
            return Verdict(0.5, False, True, f"text after the last step: {line[:60]!r}")
        fault = _fault(line, available)
        if fault:
            unfinished = done == len(lines) - 1 and not text.endswith("\n")
            open_end = unfinished and _begun(line, available)
            return Verdict(share, False, not open_end, f"step {done + 1}: {fault}")
        available = Counter(map(int, line.partition(":")[2].split(" ")))
    if len(lines) < needed:
        reason = f"{needed - len(lines)} more of {needed} steps needed"
        state = " ".join(map(str, sorted(available.elements())))
        if not text.endswith("\n") and lines:
            state = ""
        return Verdict(0.5 * len(lines) / needed, False, False, reason, state)
    (reached,) = available
    if reached == problem.target:
        return Verdict(1.0, True, True, f"reached {problem.target} in {needed} steps")
    distance = abs(reached - problem.target)
    closeness = 0.5 + 0.4 / (1 + distance)
    return Verdict(closeness, False, True, f"reached {reached}, not {problem.target}")


class CountdownVerifier:
    """The verifier of one problem; `name` tells which, `version` tells the rule of scoring."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.name = f"countdown {' '.join(map(str, problem.numbers))} -> {problem.target}"
        self.version = "2"

    def verify(self, text: str) -> Verdict:
        """Judge a continuation of the problem's prompt; see `verify`."""
        return verify(self.problem, text)


@dataclass(frozen=True, slots=True)
class Countdown:
    """The task: sets of `numbers` numbers that nobody trained on, and their targets."""

    numbers: Annotated[int, Range(low=FEWEST_NUMBERS, high=MOST_NUMBERS), "numbers a problem"] = 4
    name: str = field(default="countdown", init=False)
    step: Line = field(default_factory=Line, init=False)
    limit: int = field(default=64, init=False)

    def __post_init__(self) -> None:
        validate(self)

    def problems(self, seed: int, count: int) -> list[Problem]:
        """Held-out problems; see `generate`."""
        return generate(seed, numbers=self.numbers, count=count)

    def verifier(self, problem: Problem) -> CountdownVerifier:
        """The strict judge of `problem`."""
        return CountdownVerifier(problem)

    def answer(self, problem: Problem, text: str) -> str | None:
        """The steps, sorted: the same steps in another order are the same answer."""
        lines = text.strip(" \n").split("\n")
        steps = [line.partition(":")[0] for line in lines]
        return " ".join(sorted(steps)) if len(steps) == len(problem.numbers) - 1 else None


def _fault(line: str, available: Counter[int]) -> str | None:
    """What is wrong with a step on these numbers, or None."""
    match = _STEP.fullmatch(line)
    if match is None:
        return f"not of the form a*b=c:what is left: {line[:60]!r}"
    operation, left = match[2], Counter(map(int, match[5].split(" ")))
    a, b, result = int(match[1]), int(match[3]), int(match[4])
    used = Counter((a, b))
    if used - available:
        missing = " ".join(map(str, (used - available).elements()))
        return f"{missing} not among the numbers left"
    if _apply(a, operation, b) != result:
        return f"{a}{operation}{b} is not {result}"
    expected = available - used + Counter((result,))
    if left != expected:
        return f"left over are {' '.join(map(str, sorted(expected.elements())))}"
    return None


def _begun(line: str, available: Counter[int]) -> bool:
    """Whether some right step on these numbers, in some order, begins with `line`."""
    match = _BEGUN.fullmatch(line)
    if match is None:
        return False
    first, operation, second, result, left = match.groups()
    for a in available:
        if not _fits(first, a, whole=operation is not None):
            continue
        rest = available - Counter((a,))
        if operation is None and rest:
            return True
        for b in rest if operation is not None else ():
            c = _apply(a, operation, b)
            if c is None or not _fits(second, b, whole=result is not None):
                continue
            if result is None or _fits(result, c, whole=left is not None):
                kept = rest - Counter((b,)) + Counter((c,))
                if left is None or _kept(left, kept):
                    return True
    return False


def _fits(text: str, number: int, *, whole: bool) -> bool:
    return str(number) == text if whole else str(number).startswith(text)


def _kept(text: str, kept: Counter[int]) -> bool:
    """Whether `text` begins a list of all the numbers `kept`, in any order."""
    *written, last = text.split(" ")
    rest = Counter(map(str, kept.elements()))
    rest.subtract(written)
    return min(rest.values()) >= 0 and any(
        count and number.startswith(last) for number, count in rest.items()
    )


def _apply(a: int, operation: str, b: int) -> int | None:
    """The result of a step, or None where it is no whole, non-negative number."""
    if operation == "+":
        return a + b
    if operation == "-":
        return a - b if a >= b else None
    if operation == "*":
        return a * b
    return a // b if b and a % b == 0 else None


@lru_cache(maxsize=1_024)
def _ways(left: tuple[int, ...]) -> dict[int, _Way]:
    """For each number that can be the last one: the way there with the smallest sum of results."""
    if len(left) == 1:
        return {left[0]: (0, (0, "", 0, 0), ())}
    best: dict[int, _Way] = {}
    for step, after in steps_from(left):
        for target, (total, _, _) in _ways(after).items():
            total += step[3]
            if target not in best or total < best[target][0]:
                best[target] = (total, step, after)
    return best
