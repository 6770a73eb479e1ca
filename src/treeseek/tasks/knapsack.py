"""Knapsack: pack what is worth most and not too heavy, one item a line.

This room believes that every packing is an answer and most are not the best one, so an answer is
worth its value as a share of the best value there is. A line names an item, the room left and the
value so far, as in `b:13 9`. It does not cover items that can be taken twice.
"""

import random
from dataclasses import dataclass, field
from typing import Annotated

from treeseek.decoding.stops import Step
from treeseek.options import Range, validate
from treeseek.requests import Verdict
from treeseek.tasks.puzzle import StepVerifier, distinct, whole_steps

FEWEST, MOST = 3, 16
NAMES = "abcdefghijklmnop"
HEAVIEST, DEAREST = 12, 20


@dataclass(frozen=True, slots=True)
class Puzzle:
    """Room in units of weight, (weight, value) of each item by its letter, and the best value."""

    room: int
    items: tuple[tuple[int, int], ...]
    best: int

    @property
    def id(self) -> str:
        """Room and items."""
        return f"knapsack-{self.room}-{'-'.join(f'{w}.{v}' for w, v in self.items)}"

    @property
    def prompt(self) -> str:
        """Room and items, and how to write a step."""
        named = zip(NAMES, self.items, strict=False)
        listed = ", ".join(f"{name} {weight} {value}" for name, (weight, value) in named)
        return (
            f"Pack at most {self.room} (item weight value): {listed}.\n"
            "Most value, one item a line as item:room left value so far.\n"
        )

    def start(self) -> str:
        """Nothing packed; a state is the letters of what is packed, ascending."""
        return ""

    def steps(self, state: str) -> dict[str, str]:
        """Every item that is not packed yet and fits."""
        room, value = self.room - self._sum(state, 0), self._sum(state, 1)
        return {
            f"{name}:{room - heavy} {value + dear}": "".join(sorted(state + name))
            for name, (heavy, dear) in zip(NAMES, self.items, strict=False)
            if name not in state and heavy <= room
        }

    def verdict(self, state: str) -> Verdict:
        """The value as a share of the best; terminal where nothing more fits."""
        value = self._sum(state, 1)
        if value == self.best:
            return Verdict(1.0, True, True, f"value {value}: no packing is worth more", state)
        full = not self.steps(state)
        end = "nothing more fits, and another packing is worth more" if full else "more fits"
        return Verdict(value / self.best, False, full, f"value {value}: {end}", state or "nothing")

    def _sum(self, state: str, which: int) -> int:
        return sum(self.items[NAMES.index(name)][which] for name in state)


@dataclass(frozen=True, slots=True)
class Knapsack:
    """The task: random items of which about half fit; solved by a packing of the best value."""

    items: Annotated[int, Range(low=FEWEST, high=MOST), "items to choose from"] = 6
    name: str = field(default="knapsack", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=128, init=False)

    def __post_init__(self) -> None:
        validate(self)

    def problems(self, seed: int, count: int) -> list[Puzzle]:
        """Puzzles in which each item fits alone and not all fit together."""
        name = f"knapsack of {self.items} items"
        return distinct(name, count, seed=seed, draw=lambda noise: _draw(noise, self.items))

    def verifier(self, problem: Puzzle) -> StepVerifier[str]:
        """The judge of `problem`."""
        return StepVerifier(problem)

    def answer(self, problem: Puzzle, text: str) -> str | None:
        """The letters of what is packed, whatever the order."""
        states = whole_steps(problem, text)
        return states[-1] or None if states else None


def solve(puzzle: Puzzle) -> str:
    """A best packing as an answer text, by a table over the room: exact.

    For making and checking puzzles only.
    """
    lines, state = [], ""
    for name in _best(puzzle.room, puzzle.items)[1]:
        line, state = next(
            (line, after) for line, after in puzzle.steps(state).items() if line[0] == name
        )
        lines.append(line)
    return "\n".join(lines)


def _best(room: int, items: tuple[tuple[int, int], ...]) -> tuple[int, str]:
    """Most value within `room`, and the letters of the items."""
    table = [(0, "")] * (room + 1)
    for name, (heavy, dear) in zip(NAMES, items, strict=False):
        for left in range(room, heavy - 1, -1):
            value, packed = table[left - heavy]
            if value + dear > table[left][0]:
                table[left] = (value + dear, packed + name)
    return table[room]


def _draw(noise: random.Random, size: int) -> tuple[str, Puzzle] | None:
    items = tuple((noise.randint(1, HEAVIEST), noise.randint(1, DEAREST)) for _ in range(size))
    total = sum(heavy for heavy, _ in items)
    room = max(max(heavy for heavy, _ in items), total // 2)
    if room >= total:
        return None
    puzzle = Puzzle(room, items, _best(room, items)[0])
    return puzzle.id, puzzle
