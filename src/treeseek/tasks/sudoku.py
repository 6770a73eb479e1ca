"""Sudoku with 4, 6 or 9 numbers: one row a line, and nothing may stand twice.

This room believes that a puzzle has exactly one solution, which an exact solver counts and no
search is told. A line of an answer is a whole row, so the first rows must be chosen with the
others in mind, and a search that takes a row back has something to win. The verifier knows the
rules and the numbers given: it does not look whether the rest can be filled. Held out are the
puzzles of one solved grid in five. It does not cover notes, other shapes or diagonals.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from math import isqrt
from pathlib import Path
from typing import Annotated, Literal

from treeseek.decoding.stops import Step
from treeseek.errors import InvalidOption
from treeseek.options import validate
from treeseek.requests import Verdict

BOXES = {4: (2, 2), 6: (2, 3), 9: (3, 3)}
"""By size: rows and columns of a box."""
HOLES = {4: 9, 6: 20, 9: 44}
"""By size: the holes of a puzzle unless others are asked for."""
MOST_HOLES = {4: 11, 6: 26, 9: 54}

Grid = tuple[int, ...]
"""Row after row, 0 for a hole."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One puzzle: its grid, 0 for a hole."""

    id: str
    grid: Grid

    @property
    def size(self) -> int:
        """How many rows, columns and numbers."""
        return isqrt(len(self.grid))

    @property
    def prompt(self) -> str:
        """The text handed to the model; an answer is a filled row a line."""
        return f"Fill\n{write(self.grid)}\n\n"


def write(grid: Grid) -> str:
    """The rows as the model reads and writes them: numbers with spaces between them."""
    size = isqrt(len(grid))
    rows = (grid[start : start + size] for start in range(0, len(grid), size))
    return "\n".join(" ".join(map(str, row)) for row in rows)


def is_held_out(solution: Grid) -> bool:
    """Whether puzzles with this solution are kept from training: one grid in five, by a hash."""
    return blake2b(bytes(solution), digest_size=8).digest()[0] % 5 == 0


def solutions(grid: Grid) -> Iterator[Grid]:
    """Every solution, by filling the hole with the fewest candidates first; exact.

    Cost: milliseconds for common puzzles of size 9, seconds at worst for hard ones.
    """
    peers = _peers(isqrt(len(grid)))
    cells = list(grid)
    clash = any(value and any(cells[p] == value for p in peers[n]) for n, value in enumerate(cells))
    return iter(()) if clash else _fill(cells, peers)


def _fill(cells: list[int], peers: tuple[tuple[int, ...], ...]) -> Iterator[Grid]:
    """The solutions of `cells`, which are as before when it ends."""
    size = isqrt(len(cells))
    best, fewest = -1, list(range(size + 1))
    for place, value in enumerate(cells):
        if not value:
            taken = {cells[peer] for peer in peers[place]}
            free = [number for number in range(1, size + 1) if number not in taken]
            if len(free) < len(fewest):
                best, fewest = place, free
    if best < 0:
        yield tuple(cells)
        return
    for number in fewest:
        cells[best] = number
        yield from _fill(cells, peers)
    cells[best] = 0


@cache
def _peers(size: int) -> tuple[tuple[int, ...], ...]:
    """For each cell the cells that must hold other numbers."""
    tall, wide = BOXES[size]

    def box(place: int) -> tuple[int, int]:
        return place // size // tall, place % size // wide

    cells = range(size * size)
    return tuple(
        tuple(
            other
            for other in cells
            if other != place
            and (
                other // size == place // size
                or other % size == place % size
                or box(other) == box(place)
            )
        )
        for place in cells
    )


def generate(
    seed: int, *, size: int = 4, holes: int | None = None, count: int = 1, held_out: bool = True
) -> list[Problem]:
    """Puzzles with one solution that follow from the seed; a longer list begins with the shorter.

    Cost: about a millisecond with size 4, a tenth of a second with 9. Raises InvalidOption for a
    size other than 4, 6, 9, for more holes than leave one solution often enough, or a negative
    count.
    """
    if size not in BOXES:
        raise InvalidOption(f"size={size}: ask for 4, 6 or 9")
    holes = HOLES[size] if holes is None else holes
    if not 1 <= holes <= MOST_HOLES[size]:
        raise InvalidOption(f"holes={holes}: ask for 1 to {MOST_HOLES[size]} with size {size}")
    if count < 0:
        raise InvalidOption(f"count={count}: ask for 0 or more problems")
    noise = random.Random(f"sudoku {seed} {size} {holes} {held_out}")
    found: dict[Grid, Problem] = {}
    misses = 0
    while len(found) < count and misses < 10_000:
        solution = _solved(noise, size)
        grid = _dug(noise, solution, holes) if is_held_out(solution) is held_out else None
        if grid is None or grid in found:
            misses += 1
            continue
        found[grid] = Problem(f"sudoku-{''.join(map(str, grid))}", grid)
        misses = 0
    if len(found) < count:
        raise InvalidOption(f"count={count}: only about {len(found)} such puzzles; ask for fewer")
    return list(found.values())


def _solved(noise: random.Random, size: int) -> Grid:
    """A solved grid: one at hand with its numbers, rows and columns shuffled within the rules."""
    tall, wide = BOXES[size]
    numbers = noise.sample(range(1, size + 1), size)

    def order(groups: int, each: int) -> list[int]:
        return [
            group * each + line
            for group in noise.sample(range(groups), groups)
            for line in noise.sample(range(each), each)
        ]

    rows, columns = order(size // tall, tall), order(size // wide, wide)
    return tuple(
        numbers[(wide * (row % tall) + row // tall + column) % size]
        for row in rows
        for column in columns
    )


def _dug(noise: random.Random, solution: Grid, holes: int) -> Grid | None:
    """The solution with `holes` holes and still the only one; None where the drawn order fails."""
    grid = list(solution)
    for place in noise.sample(range(len(grid)), len(grid)):
        if grid.count(0) == holes:
            break
        kept, grid[place] = grid[place], 0
        if not is_unique(tuple(grid)):
            grid[place] = kept
    return tuple(grid) if grid.count(0) == holes else None


def is_unique(grid: Grid) -> bool:
    """Whether there is exactly one solution."""
    found = solutions(grid)
    return next(found, None) is not None and next(found, None) is None


def read(path: str | Path) -> list[Problem]:
    """The puzzles of a JSON Lines file with a `puzzle` each: 81 characters, `.` or `0` a hole.

    Lines whose puzzle has not exactly one solution are left out. Raises InvalidOption for a file
    that is not there or a line that is no puzzle.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InvalidOption(f"path={path}: {error.strerror}; give a file of puzzles") from None
    problems = []
    for number, line in enumerate(lines, 1):
        try:
            text = json.loads(line)["puzzle"].replace(".", "0")
            grid = tuple(map(int, text))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise InvalidOption(f"{path}, line {number}: no JSON object with a puzzle") from None
        if len(grid) not in [size**2 for size in BOXES]:
            raise InvalidOption(f"{path}, line {number}: {len(grid)} cells; 16, 36 or 81 are read")
        if is_unique(grid):
            problems.append(Problem(f"sudoku-{text}", grid))
    return problems


def verify(problem: Problem, text: str) -> Verdict:
    """Judge an answer: strictly, on any text, without raising.

    Each line must be a row that keeps the numbers given and repeats none in its row, column or box,
    against the rows before it and all numbers given. Score: half the share of such rows, 1 when all
    are there. The state is the grid but for what no longer matters: the order of numbers in rows
    whose boxes are full.
    """
    size = problem.size
    body = text.removeprefix(problem.prompt).strip(" \n")
    lines = body.split("\n") if body else []
    cells = list(problem.grid)
    for done, line in enumerate(lines):
        share = 0.5 * done / size
        if done == size:
            return Verdict(share, False, True, f"text after the last row: {line[:60]!r}")
        last = done == len(lines) - 1 and not text.endswith("\n")
        numbers = line.rstrip(" ").split(" ") if last else line.split(" ")
        fault = _place(cells, numbers, done * size, size)
        if fault:
            return Verdict(share, False, True, f"row {done + 1}: {fault}")
        if len(numbers) < size:
            reason = f"row {done + 1}: {size} numbers needed"
            return Verdict(share, False, not last, reason)
    if len(lines) == size:
        return Verdict(1.0, True, True, "every row, column and box is right")
    state = _state(cells, len(lines), size) if text.endswith("\n") or not lines else ""
    reason = f"{size - len(lines)} of {size} rows missing"
    return Verdict(0.5 * len(lines) / size, False, False, reason, state)


def _place(cells: list[int], numbers: list[str], start: int, size: int) -> str:
    """Put the numbers into the cells from `start` on; what is wrong with them, or nothing."""
    if len(numbers) > size:
        return f"more than {size} numbers"
    peers = _peers(size)
    for place, written in enumerate(numbers, start):
        if len(written) != 1 or written not in "123456789"[:size]:
            return f"{written[:20]!r} is none of the numbers 1-{size}"
        number = int(written)
        if cells[place] not in (0, number):
            return f"{cells[place]} was given where {number} stands"
        if any(cells[peer] == number for peer in peers[place]):
            return f"{number} stands twice"
        cells[place] = number
    return ""


def _state(cells: list[int], done: int, size: int) -> str:
    """What the rest depends on: numbers used by column, and by box where boxes are half full."""
    tall, wide = BOXES[size]
    above = range(done)
    columns = ["".join(sorted(str(cells[r * size + c]) for r in above)) for c in range(size)]
    half = range(done - done % tall, done)
    boxes = [
        "".join(sorted(str(cells[r * size + c]) for r in half for c in range(left, left + wide)))
        for left in range(0, size, wide)
    ]
    return f"{done}|{' '.join(columns)}|{' '.join(boxes)}"


class SudokuVerifier:
    """The verifier of one problem; `name` tells which, `version` tells the rule of scoring."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.name = problem.id
        self.version = "1"

    def verify(self, text: str) -> Verdict:
        """Judge a continuation of the problem's prompt; see `verify`."""
        return verify(self.problem, text)


@dataclass(frozen=True, slots=True)
class Sudoku:
    """The task: puzzles of a size that nobody trained on, or those of a file.

    With `path`, `size` and `holes` are what the file holds, and the seed shuffles its puzzles.
    """

    size: Annotated[Literal[4, 6, 9], "numbers in a row"] = 4
    holes: Annotated[int | None, "holes a puzzle; by size 9, 20 or 44"] = None
    path: Annotated[str | None, "JSON Lines with a puzzle each"] = None
    name: str = field(default="sudoku", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=192, init=False)

    def __post_init__(self) -> None:
        validate(self)

    def problems(self, seed: int, count: int) -> list[Problem]:
        """Held-out puzzles, see `generate`; or the first of the file, shuffled."""
        if self.path is None:
            return generate(seed, size=self.size, holes=self.holes, count=count)
        problems = read(self.path)
        if count > len(problems):
            raise InvalidOption(f"count={count}: {self.path} holds {len(problems)}; ask for fewer")
        random.Random(f"sudoku {seed}").shuffle(problems)
        return problems[:count]

    def verifier(self, problem: Problem) -> SudokuVerifier:
        """The strict judge of `problem`."""
        return SudokuVerifier(problem)

    def answer(self, problem: Problem, text: str) -> str | None:
        """The numbers of all rows."""
        rows = text.removeprefix(problem.prompt).strip(" \n").split("\n")
        return "/".join(rows) if len(rows) == problem.size else None
