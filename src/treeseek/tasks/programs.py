"""Programs by example: what string programs and list programs share.

This room believes that a program is best written with what it does: a line is an operation and,
after a colon, what the values of the examples become by it, so that a tiny model may look at its
own work and a wrong line is seen at once. A language is a finite table of operations on values
written as text; running a program is looking up and applying, so no sandbox is needed. The hidden
examples decide what is solved and nothing else: score and feedback know the public ones alone. It
does not cover branches, loops or names.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import Annotated, ClassVar

from treeseek.decoding.stops import Step
from treeseek.errors import InvalidOption
from treeseek.options import Range, validate
from treeseek.requests import Verdict

MOST_LINES = 4
HIDDEN = 4

Operation = Callable[[str], str | None]
"""What becomes of a value; None where the operation has no meaning there."""


@dataclass(frozen=True)
class Language:
    """Operations by family and line, the word before the examples, and how an input is drawn."""

    name: str
    opening: str
    families: Mapping[str, Mapping[str, Operation]]
    draw: Callable[[random.Random], str]

    @cached_property
    def operations(self) -> dict[str, Operation]:
        """All operations by the text of their line."""
        return {line: made for family in self.families.values() for line, made in family.items()}


@dataclass(frozen=True, slots=True)
class Problem:
    """Examples (given, wanted) to read, hidden ones to judge by, and a program that fits all.

    `program` is how the problem was made; no search and no model is shown it.
    """

    id: str
    opening: str
    examples: tuple[tuple[str, str], ...]
    hidden: tuple[tuple[str, str], ...]
    program: tuple[str, ...]

    @property
    def prompt(self) -> str:
        """The text handed to the model: the examples as given>wanted."""
        shown = ",".join(f"{given}>{wanted}" for given, wanted in self.examples)
        return f"{self.opening}:{shown}\n"


def is_held_out(prompt: str) -> bool:
    """Whether a problem with this prompt is kept from training: one in five, by a hash."""
    return blake2b(prompt.encode(), digest_size=8).digest()[0] % 5 == 0


def generate(
    language: Language,
    seed: int,
    *,
    operations: int,
    examples: int = 2,
    count: int = 1,
    held_out: bool = True,
) -> list[Problem]:
    """Problems that follow from the seed alone; a longer list begins with the shorter one.

    Every operation of the program changes every public value, and no input or output is empty.
    Cost: well under a millisecond a problem. Raises InvalidOption for a negative count.
    """
    if count < 0:
        raise InvalidOption(f"count={count}: ask for 0 or more problems")
    noise = random.Random(f"{language.name} {seed} {operations} {examples} {held_out}")
    found: dict[str, Problem] = {}
    while len(found) < count:
        problem = _draw(language, noise, operations, examples)
        if problem is not None and is_held_out(problem.prompt) is held_out:
            found.setdefault(problem.id, problem)
    return list(found.values())


def run(language: Language, program: Sequence[str], value: str) -> str | None:
    """What the program makes of `value`; None where an operation is unknown or has no meaning."""
    for line in program:
        operation = language.operations.get(line)
        made = operation(value) if operation else None
        if made is None:
            return None
        value = made
    return value


def write(language: Language, problem: Problem, program: Sequence[str]) -> str:
    """The program as an answer: a line an operation, with the public values after it."""
    lines = []
    values = [given for given, _ in problem.examples]
    for line in program:
        values = [run(language, (line,), value) or "" for value in values]
        lines.append(f"{line}:{','.join(values)}")
    return "\n".join(lines)


def verify(language: Language, problem: Problem, text: str) -> Verdict:
    """Judge an answer: strictly, on any text, without raising.

    Each line must be an operation of the language and exactly what the public values become by it;
    at most four lines. Score: the share of public examples that the last line meets, times 0.9
    unless it meets all. Solved: all public and all hidden examples are met. Programs with the same
    public values and lines left share a state, until they meet all: then the hidden ones may tell
    them apart.
    """
    body = text.removeprefix(problem.prompt).strip(" \n")
    lines = body.split("\n") if body else []
    values = [given for given, _ in problem.examples]
    program: list[str] = []
    for done, line in enumerate(lines):
        if done == MOST_LINES:
            return Verdict(_score(problem, values), False, True, f"line {done + 1}: too many lines")
        after = _after(language, line, values)
        if after is None:
            last = done == len(lines) - 1 and not text.endswith("\n")
            open_end = last and any(full.startswith(line) for full in _legal(language, values))
            reason = f"line {done + 1}: not an operation and what it gives: {line[:60]!r}"
            return Verdict(_score(problem, values), False, not open_end, reason)
        values = after
        program.append(line.partition(":")[0])
    met = sum(value == wanted for value, (_, wanted) in zip(values, problem.examples, strict=True))
    fits, left = met == len(values), MOST_LINES - len(program)
    solved = fits and all(run(language, program, given) == made for given, made in problem.hidden)
    state = ""
    if left and not fits and (text.endswith("\n") or not lines):
        state = blake2b(repr((left, values)).encode(), digest_size=8).hexdigest()
    feedback = f"{met} of {len(values)} examples met after {len(program)} lines"
    return Verdict(_score(problem, values), solved, solved or not left, feedback, state)


class ProgramVerifier:
    """The verifier of one problem; `name` tells which, `version` tells the rule of scoring."""

    def __init__(self, language: Language, problem: Problem) -> None:
        self.language, self.problem = language, problem
        self.name = f"{problem.id} {problem.prompt.strip()}"
        self.version = "2"

    @property
    def shown(self) -> ProgramVerifier:
        """What a search may ask: the judge by public examples alone."""
        return ProgramVerifier(self.language, replace(self.problem, hidden=()))

    def verify(self, text: str) -> Verdict:
        """Judge a continuation of the problem's prompt; see `verify`."""
        return verify(self.language, self.problem, text)


@dataclass(frozen=True, slots=True)
class ProgramTask:
    """What the tasks of both languages have in common: their options and their problems."""

    operations: Annotated[int, Range(low=1, high=MOST_LINES), "operations a program"] = 2
    examples: Annotated[int, Range(low=1, high=4), "examples in the prompt"] = 2
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=96, init=False)
    language: ClassVar[Language]

    def __post_init__(self) -> None:
        validate(self)

    @property
    def name(self) -> str:
        """Its name at the edge."""
        return self.language.name

    def problems(self, seed: int, count: int) -> list[Problem]:
        """Held-out problems; see `generate`."""
        return generate(
            self.language, seed, operations=self.operations, examples=self.examples, count=count
        )

    def verifier(self, problem: Problem) -> ProgramVerifier:
        """The strict judge of `problem`."""
        return ProgramVerifier(self.language, problem)

    def answer(self, problem: Problem, text: str) -> str | None:
        """The operations in their order: the same program is the same answer."""
        lines = text.removeprefix(problem.prompt).strip(" \n").split("\n")
        program = [line.partition(":")[0] for line in lines]
        known = all(line in self.language.operations for line in program)
        return "; ".join(program) if known else None


def _draw(language: Language, noise: random.Random, operations: int, shown: int) -> Problem | None:
    """A problem from the stream, or None where the drawn inputs allow no such program."""
    given = [language.draw(noise) for _ in range(shown + HIDDEN)]
    values, program = list(given), list[str]()
    for _ in range(operations):
        family = language.families[noise.choice(list(language.families))]
        fitting = [line for line in family if _changes(family[line], values, shown)]
        if not fitting:
            return None
        program.append(noise.choice(fitting))
        values = [run(language, program[-1:], value) or "" for value in values]
    if any(one == two for one, two in zip(given[:shown], values[:shown], strict=True)):
        return None
    pairs = tuple(zip(given, values, strict=True))
    problem = Problem("", language.opening, pairs[:shown], pairs[shown:], tuple(program))
    digest = blake2b(repr(problem).encode(), digest_size=6).hexdigest()
    return Problem(
        f"{language.name}-{digest}",
        problem.opening,
        problem.examples,
        problem.hidden,
        problem.program,
    )


def _changes(operation: Operation, values: Sequence[str], shown: int) -> bool:
    """Whether all values have an image and every one of the first `shown` becomes another."""
    images = [operation(value) for value in values]
    return None not in images and all(
        image != value for image, value in zip(images[:shown], values, strict=False)
    )


def _after(language: Language, line: str, values: Sequence[str]) -> list[str] | None:
    """The values that a line leads to, or None where it is not right."""
    name, _, shown = line.partition(":")
    after = [run(language, (name,), value) for value in values]
    whole = [value for value in after if value is not None]
    return whole if len(whole) == len(values) and ",".join(whole) == shown else None


def _legal(language: Language, values: Sequence[str]) -> Iterator[str]:
    for name in language.operations:
        after = [run(language, (name,), value) for value in values]
        if None not in after:
            yield f"{name}:{','.join(map(str, after))}"


def _score(problem: Problem, values: Sequence[str]) -> float:
    pairs = zip(values, problem.examples, strict=True)
    share = sum(value == wanted for value, (_, wanted) in pairs) / len(values)
    return 1.0 if share == 1 else 0.9 * share
