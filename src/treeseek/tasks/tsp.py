"""Travelling salesman: visit every town once and come home, on the shortest way.

This room believes that a tour is worth the length of the shortest one over its own. Ways run along
the streets of a grid, so lengths are whole numbers. A line names the next town and the length so
far, as in `c:14`, and the last line comes home. It does not cover tours of hundreds of towns.
"""

import random
from dataclasses import dataclass, field
from typing import Annotated

from treeseek.decoding.stops import Step
from treeseek.options import Range, validate
from treeseek.requests import Verdict
from treeseek.tasks.puzzle import StepVerifier, distinct, whole_steps

FEWEST, MOST = 4, 10
NAMES = "abcdefghij"
GRID = 20

State = tuple[str, int]
"""Towns in the order of the tour so far, home first, and its length."""


@dataclass(frozen=True, slots=True)
class Puzzle:
    """Places of the towns by their letters, home first, and the length of the shortest tour."""

    towns: tuple[tuple[int, int], ...]
    shortest: int

    @property
    def id(self) -> str:
        """The places."""
        return f"tsp-{'-'.join(f'{x}.{y}' for x, y in self.towns)}"

    @property
    def prompt(self) -> str:
        """The places, and how to write a step."""
        named = zip(NAMES, self.towns, strict=False)
        listed = ", ".join(f"{name} {x} {y}" for name, (x, y) in named)
        return (
            f"Tour of {listed}.\n"
            "Shortest along the grid from a back to a, one town a line as town:length so far.\n"
        )

    def start(self) -> State:
        """At home."""
        return NAMES[0], 0

    def steps(self, state: State) -> dict[str, State]:
        """Every town that was not visited yet; when all were, home."""
        tour, length = state
        if len(tour) > len(self.towns):
            return {}
        ahead = [name for name in NAMES[: len(self.towns)] if name not in tour] or [NAMES[0]]
        here = self.towns[NAMES.index(tour[-1])]
        after = {}
        for name in ahead:
            far = length + _between(here, self.towns[NAMES.index(name)])
            after[f"{name}:{far}"] = (tour + name, far)
        return after

    def verdict(self, state: State) -> Verdict:
        """Shortest over own length at home; before it up to 0.5 for towns visited."""
        tour, length = state
        missing = len(self.towns) + 1 - len(tour)
        if missing:
            name = f"{''.join(sorted(tour))} at {tour[-1]} after {length}"
            share = (len(tour) - 1) / len(self.towns)
            return Verdict(0.5 * share, False, False, f"{missing} lines to go", name)
        solved = length == self.shortest
        word = "none is shorter" if solved else "a shorter one exists"
        return Verdict(self.shortest / length, solved, True, f"a tour of {length}: {word}")


@dataclass(frozen=True, slots=True)
class TSP:
    """The task: random towns on a grid; solved by a shortest tour."""

    towns: Annotated[int, Range(low=FEWEST, high=MOST), "towns, home among them"] = 6
    name: str = field(default="tsp", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=96, init=False)

    def __post_init__(self) -> None:
        validate(self)

    def problems(self, seed: int, count: int) -> list[Puzzle]:
        """Puzzles of different towns."""
        name = f"tsp of {self.towns} towns"
        return distinct(name, count, seed=seed, draw=lambda noise: _draw(noise, self.towns))

    def verifier(self, problem: Puzzle) -> StepVerifier[State]:
        """The judge of `problem`."""
        return StepVerifier(problem)

    def answer(self, problem: Puzzle, text: str) -> str | None:
        """The tour, the same in both directions; None before it is home."""
        states = whole_steps(problem, text)
        if not states or len(states) != len(problem.towns) + 1:
            return None
        tour = states[-1][0]
        return min(tour, tour[::-1])


def solve(puzzle: Puzzle) -> str:
    """A shortest tour as an answer text: exact; for making and checking only."""
    lines, state = [], puzzle.start()
    for name in _tour(puzzle.towns)[1]:
        line, state = next(
            (line, after) for line, after in puzzle.steps(state).items() if line[0] == name
        )
        lines.append(line)
    return "\n".join(lines)


def _between(one: tuple[int, int], other: tuple[int, int]) -> int:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _tour(towns: tuple[tuple[int, int], ...]) -> tuple[int, str]:
    """Length and letters of a shortest tour after home: shortest way to each (visited, last)."""
    best = {
        (1 << place, place): (_between(towns[0], towns[place]), NAMES[place])
        for place in range(1, len(towns))
    }
    for _ in range(len(towns) - 2):
        longer: dict[tuple[int, int], tuple[int, str]] = {}
        for (visited, last), (length, tour) in best.items():
            for place in range(1, len(towns)):
                if not visited >> place & 1:
                    key = (visited | 1 << place, place)
                    way = (length + _between(towns[last], towns[place]), tour + NAMES[place])
                    longer[key] = min(longer.get(key, way), way)
        best = longer
    return min(
        (length + _between(towns[last], towns[0]), tour + NAMES[0])
        for (_, last), (length, tour) in best.items()
    )


def _draw(noise: random.Random, size: int) -> tuple[str, Puzzle] | None:
    places: dict[tuple[int, int], None] = {}
    while len(places) < size:
        places[noise.randint(0, GRID), noise.randint(0, GRID)] = None
    towns = tuple(places)
    puzzle = Puzzle(towns, _tour(towns)[0])
    return puzzle.id, puzzle
