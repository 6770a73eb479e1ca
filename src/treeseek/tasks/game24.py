"""Game of 24: four numbers, each used once, with exact fractions on the way.

This room believes what Countdown's does, with two differences: the target is always 24, and a
quotient need not be whole, so some puzzles have no solution without fractions. A fraction is
written in parentheses, as in `3-(8/3)=(1/3):8 (1/3)`. Negative intermediate results are left out:
whatever they reach can be reached without them. Puzzles people were timed on are read from a file.
"""

import csv
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from treeseek.decoding.stops import Step
from treeseek.errors import BadRow, InvalidOption
from treeseek.options import Range, validate
from treeseek.requests import Verdict
from treeseek.tasks.puzzle import StepVerifier, distinct, whole_steps
from treeseek.tasks.rows import located, rows

TARGET = Fraction(24)
LARGEST = 13

Left = tuple[Fraction, ...]
"""What is left, ascending: the state of a puzzle."""


@dataclass(frozen=True, slots=True)
class Puzzle:
    """Four numbers in ascending order; an answer is three steps, one a line."""

    numbers: tuple[int, ...]

    @property
    def id(self) -> str:
        """Its numbers."""
        return f"game24-{'-'.join(map(str, self.numbers))}"

    @property
    def prompt(self) -> str:
        """The same words as Countdown's."""
        return f"Make {TARGET} from {' '.join(map(str, self.numbers))}.\n"

    def start(self) -> Left:
        """All numbers."""
        return tuple(sorted(map(Fraction, self.numbers)))

    def steps(self, state: Left) -> Mapping[str, Left]:
        """`a+b=c:what is left`, what is left ascending; sums and products in either order."""
        return _lines(state)

    def verdict(self, state: Left) -> Verdict:
        """1 for 24; else up to 0.5 for steps done and up to 0.4 for an end that is close."""
        needed = len(self.numbers) - 1
        done = len(self.numbers) - len(state)
        if done < needed:
            name = " ".join(map(written, state))
            reason = f"{needed - done} more of {needed} steps needed"
            return Verdict(0.5 * done / needed, False, False, reason, name)
        if state == (TARGET,):
            return Verdict(1.0, True, True, f"reached {TARGET} in {needed} steps")
        closeness = 0.5 + 0.4 / float(1 + abs(state[0] - TARGET))
        return Verdict(closeness, False, True, f"reached {state[0]}, not {TARGET}")


@dataclass(frozen=True, slots=True)
class Game24:
    """The task: solvable puzzles of numbers 1-13, made from the seed, or those of a file of ranks.

    `puzzles=human` reads JSON lines with `rank` and `puzzle`, or a CSV with `Rank` and `Puzzles`,
    ordered by how long people took. Papers report ranks 901-1000.
    """

    puzzles: Annotated[Literal["made", "human"], "made from the seed, or read from a file"] = "made"
    path: Annotated[str | None, "file of ranked puzzles; none: that of TREESEEK_SHARED"] = None
    first: Annotated[int, Range(low=1), "lowest rank read"] = 1
    last: Annotated[int | None, Range(low=1), "highest rank read; none: all"] = None
    name: str = field(default="game24", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=64, init=False)

    def __post_init__(self) -> None:
        validate(self)
        if self.puzzles == "made" and (self.path, self.first, self.last) != (None, 1, None):
            raise InvalidOption("game24(puzzles=made): path, first and last need puzzles=human")

    def problems(self, seed: int, count: int) -> list[Puzzle]:
        """Made puzzles by the seed; those of a file by rank, as many as there are."""
        if self.puzzles == "made":
            return distinct("game24", count, seed=seed, draw=_draw)
        if count < 0:
            raise InvalidOption(f"count={count}: ask for 0 or more problems")
        return [puzzle for _, puzzle in self.ranked()][:count]

    def ranked(self) -> list[tuple[int, Puzzle]]:
        """The puzzles of the file with their ranks; raises BadRow with the line of a bad one."""
        file = located(self.path, "game24/data.jsonl")
        found = []
        for line, rank, numbers in _read(file):
            try:
                at, puzzle = int(rank), Puzzle(tuple(sorted(map(int, numbers.split()))))
            except ValueError:
                raise BadRow(f"{file}, line {line}: no rank and numbers; mend the line") from None
            if self.first <= at and (self.last is None or at <= self.last):
                found.append((at, puzzle))
        return sorted(found, key=lambda pair: pair[0])

    def verifier(self, problem: Puzzle) -> StepVerifier[Left]:
        """The strict judge of `problem`."""
        return StepVerifier(problem)

    def answer(self, problem: Puzzle, text: str) -> str | None:
        """The steps without their order; a sum or product the same either way round."""
        if whole_steps(problem, text) is None:
            return None
        terms = [line.strip().partition("=")[0] for line in text.split("\n") if line.strip()]
        return " ".join(sorted(map(_canonical, terms))) if len(terms) == 3 else None


def solvable(left: Sequence[Fraction | int]) -> bool:
    """Whether 24 can be reached from these numbers: exact, a few milliseconds for four."""
    return _solvable(tuple(sorted(map(Fraction, left))))


def solve(puzzle: Puzzle) -> str | None:
    """A solution as an answer text, or None; for making and checking puzzles only."""
    state, lines = puzzle.start(), []
    while len(state) > 1:
        allowed = puzzle.steps(state).items()
        line, state = next(((line, left) for line, left in allowed if _solvable(left)), ("", ()))
        lines.append(line)
    return "\n".join(lines) if state else None


def written(number: Fraction) -> str:
    """A number as a step writes it: `7`, or `(8/3)`."""
    return str(number) if number.denominator == 1 else f"({number})"


def _steps(state: Left) -> Iterator[tuple[Fraction, str, Fraction, Fraction, Left]]:
    for one in range(len(state)):
        for other in range(len(state)):
            if one == other:
                continue
            a, b = state[one], state[other]
            rest = [state[k] for k in range(len(state)) if k not in (one, other)]
            for sign in "+-*/":
                if (sign == "-" and a < b) or (sign == "/" and b == 0):
                    continue
                c = {"+": a + b, "-": a - b, "*": a * b}[sign] if sign != "/" else a / b
                yield a, sign, b, c, tuple(sorted([*rest, c]))


@lru_cache(maxsize=10_000)
def _lines(state: Left) -> Mapping[str, Left]:
    return {
        f"{written(a)}{sign}{written(b)}={written(c)}:{' '.join(map(written, left))}": left
        for a, sign, b, c, left in _steps(state)
    }


@lru_cache(maxsize=100_000)
def _solvable(left: Left) -> bool:
    if len(left) < 2:
        return left == (TARGET,)
    return any(_solvable(after) for after in {after for *_, after in _steps(left)})


def _draw(noise: random.Random) -> tuple[str, Puzzle] | None:
    puzzle = Puzzle(tuple(sorted(noise.randint(1, LARGEST) for _ in range(4))))
    return (puzzle.id, puzzle) if solvable(puzzle.numbers) else None


def _canonical(term: str) -> str:
    for sign in "+*":
        if sign in term:
            return sign.join(sorted(term.split(sign)))
    return term


def _read(file: Path) -> Iterator[tuple[int, str, str]]:
    """Line, rank and numbers of each row."""
    if file.suffix == ".csv":
        with file.open(encoding="utf-8", newline="") as opened:
            for line, cells in enumerate(csv.DictReader(opened), 2):
                yield line, cells.get("Rank") or "", cells.get("Puzzles") or ""
        return
    for row in rows(file):
        yield row.line, str(row.get("rank")), str(row.get("puzzle"))
