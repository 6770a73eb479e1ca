"""Bin packing: put every item into a bin, in as few bins as can be.

This room believes that bins have no names: a line says what goes to what is already in a bin, and
how full all bins are after it, as in `5+6=11:8 11`; an item to an empty bin is written `5+0=5:5 8`.
It does not cover items that arrive one after another: any item may be next.
"""

import random
from dataclasses import dataclass, field
from typing import Annotated

from treeseek.decoding.stops import Step
from treeseek.options import Range, validate
from treeseek.requests import Verdict
from treeseek.tasks.puzzle import StepVerifier, distinct, whole_steps

FEWEST, MOST = 3, 12
SMALLEST_BIN, LARGEST_BIN = 8, 20

State = tuple[tuple[int, ...], tuple[int, ...]]
"""How full the bins are, and the items that are left: both ascending."""


@dataclass(frozen=True, slots=True)
class Puzzle:
    """Room in a bin, sizes of the items in ascending order, and the fewest bins that hold them."""

    room: int
    items: tuple[int, ...]
    fewest: int

    @property
    def id(self) -> str:
        """Room and items."""
        return f"bin-packing-{self.room}-{'-'.join(map(str, self.items))}"

    @property
    def prompt(self) -> str:
        """Room and items, and how to write a step."""
        return (
            f"Put {' '.join(map(str, self.items))} into bins of {self.room}.\n"
            "Fewest bins, one item a line as item+in the bin=sum:all bins.\n"
        )

    def start(self) -> State:
        """No bin in use."""
        return (), self.items

    def steps(self, state: State) -> dict[str, State]:
        """Every item left into every bin with room for it, and into a new one."""
        bins, left = state
        found = {}
        for item in dict.fromkeys(left):
            rest = list(left)
            rest.remove(item)
            for filled in dict.fromkeys([*bins, 0]):
                if item + filled <= self.room:
                    others = list(bins)
                    if filled:
                        others.remove(filled)
                    after = tuple(sorted([*others, item + filled]))
                    line = f"{item}+{filled}={item + filled}:{' '.join(map(str, after))}"
                    found[line] = (after, tuple(rest))
        return found

    def verdict(self, state: State) -> Verdict:
        """Fewest bins over bins in use at the end; before it up to 0.5 for items in bins."""
        bins, left = state
        if left:
            placed = 1 - len(left) / len(self.items)
            name = f"{' '.join(map(str, bins))};{' '.join(map(str, left))}"
            return Verdict(0.5 * placed, False, False, f"{len(left)} items are left", name)
        solved = len(bins) == self.fewest
        word = "no fewer will do" if solved else "fewer will do"
        return Verdict(self.fewest / len(bins), solved, True, f"{len(bins)} bins: {word}")


@dataclass(frozen=True, slots=True)
class BinPacking:
    """The task: random items and bins; solved by the fewest bins there can be."""

    items: Annotated[int, Range(low=FEWEST, high=MOST), "items in a puzzle"] = 6
    name: str = field(default="bin-packing", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=160, init=False)

    def __post_init__(self) -> None:
        validate(self)

    def problems(self, seed: int, count: int) -> list[Puzzle]:
        """Puzzles that need two bins or more, and not one for each item."""
        name = f"bin-packing of {self.items} items"
        return distinct(name, count, seed=seed, draw=lambda noise: _draw(noise, self.items))

    def verifier(self, problem: Puzzle) -> StepVerifier[State]:
        """The judge of `problem`."""
        return StepVerifier(problem)

    def answer(self, problem: Puzzle, text: str) -> str | None:
        """How full the bins are, once every item is in one."""
        states = whole_steps(problem, text)
        return " ".join(map(str, states[-1][0])) if states and not states[-1][1] else None


def solve(puzzle: Puzzle) -> str:
    """A packing into the fewest bins as an answer text: exact; for making and checking only."""
    lines, state = [], puzzle.start()
    for into in _packed(puzzle.room, puzzle.items):
        filled = 0
        for item in into:
            begin = f"{item}+{filled}="
            line, state = next(
                (line, after)
                for line, after in puzzle.steps(state).items()
                if line.startswith(begin)
            )
            lines.append(line)
            filled += item
    return "\n".join(lines)


def _packed(room: int, items: tuple[int, ...]) -> list[list[int]]:
    """The items by bin, fewest bins: best (bins, room taken in the last) for each set of items."""
    best: list[tuple[int, int]] = [(1, 0)] + [(len(items) + 1, 0)] * ((1 << len(items)) - 1)
    last = [-1] * (1 << len(items))
    for held in range(1 << len(items)):
        bins, taken = best[held]
        for place, item in enumerate(items):
            after = held | 1 << place
            if after == held:
                continue
            reached = (bins, taken + item) if taken + item <= room else (bins + 1, item)
            if reached < best[after]:
                best[after], last[after] = reached, place
    packed: list[list[int]] = []
    held = len(best) - 1
    while held:
        place = last[held]
        bins = best[held][0]
        packed.extend([] for _ in range(bins - len(packed)))
        packed[bins - 1].append(items[place])
        held ^= 1 << place
    return packed


def _draw(noise: random.Random, size: int) -> tuple[str, Puzzle] | None:
    room = noise.randint(SMALLEST_BIN, LARGEST_BIN)
    items = tuple(sorted(noise.randint(2, room * 2 // 3) for _ in range(size)))
    puzzle = Puzzle(room, items, len(_packed(room, items)))
    return (puzzle.id, puzzle) if 1 < puzzle.fewest < size else None
