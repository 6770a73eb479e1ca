"""Blocksworld: move one block at a time until the towers stand as they should.

This room believes that a plan is right when each move is allowed and the last one reaches the goal;
how long the shortest plan is, is known and told once the goal is reached. A move is written with
the towers after it, as in `b>c:a|cb`: b onto c, then the towers bottom first, in order; `-` is the
table. It does not cover several arms or blocks of different sizes.
"""

import random
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count as counter
from typing import Annotated

from treeseek.decoding.stops import Step
from treeseek.options import Range, validate
from treeseek.requests import Verdict
from treeseek.tasks.puzzle import StepVerifier, distinct, whole_steps

FEWEST, MOST = 3, 8
NAMES = "abcdefgh"

Towers = tuple[str, ...]
"""Towers in order, each from the table up: the state of a puzzle."""


@dataclass(frozen=True, slots=True)
class Puzzle:
    """Towers at the start, towers at the goal, and the length of the shortest plan."""

    begin: Towers
    goal: Towers
    shortest: int

    @property
    def id(self) -> str:
        """Start and goal."""
        return f"blocksworld-{'.'.join(self.begin)}-{'.'.join(self.goal)}"

    @property
    def prompt(self) -> str:
        """The towers, and how to write a move."""
        return (
            f"Stack {'|'.join(self.begin)} into {'|'.join(self.goal)}.\n"
            "One move a line as block>onto:towers after it, - is the table.\n"
        )

    def start(self) -> Towers:
        """The towers before any move."""
        return self.begin

    def steps(self, state: Towers) -> dict[str, Towers]:
        """Every top block onto every other tower, and onto the table unless it stands there."""
        return {f"{top}>{onto}:{'|'.join(after)}": after for top, onto, after in _moves(state)}

    def verdict(self, state: Towers) -> Verdict:
        """1 at the goal; else up to 0.5 for the share of blocks that stand where they should."""
        if state == self.goal:
            return Verdict(1.0, True, True, f"goal reached; {self.shortest} moves are enough")
        blocks = sum(map(len, self.goal))
        placed = blocks - _misplaced(state, self.goal)
        reason = f"{placed} of {blocks} blocks stand where they should"
        return Verdict(0.5 * placed / blocks, False, False, reason, "|".join(state))


@dataclass(frozen=True, slots=True)
class Blocksworld:
    """The task: random towers of `blocks` blocks, any plan that reaches the goal. Reference: rap"""

    blocks: Annotated[int, Range(low=FEWEST, high=MOST), "blocks in a puzzle"] = 4
    name: str = field(default="blocksworld", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=256, init=False)

    def __post_init__(self) -> None:
        validate(self)

    def problems(self, seed: int, count: int) -> list[Puzzle]:
        """Puzzles that need two moves or more."""
        name = f"blocksworld of {self.blocks} blocks"
        return distinct(name, count, seed=seed, draw=lambda noise: _draw(noise, self.blocks))

    def verifier(self, problem: Puzzle) -> StepVerifier[Towers]:
        """The strict judge of `problem`."""
        return StepVerifier(problem)

    def answer(self, problem: Puzzle, text: str) -> str | None:
        """The moves in order; None where one is not allowed or there is none."""
        states = whole_steps(problem, text)
        return None if states is None or len(states) < 2 else " ".join(map("|".join, states))


def plan(begin: Towers, goal: Towers) -> list[str]:
    """A shortest plan as lines, by A* over misplaced blocks: exact, well under a second for eight.

    For making and checking puzzles only.
    """
    arrival = counter()
    heap = [(_misplaced(begin, goal), next(arrival), begin)]
    came: dict[Towers, tuple[str, Towers] | None] = {begin: None}
    far = {begin: 0}
    while heap:
        _, _, state = heappop(heap)
        if state == goal:
            break
        for top, onto, after in _moves(state):
            if far[state] + 1 < far.get(after, 1 << 30):
                far[after] = far[state] + 1
                came[after] = (f"{top}>{onto}:{'|'.join(after)}", state)
                heappush(heap, (far[after] + _misplaced(after, goal), next(arrival), after))
    lines = []
    back = came[goal]
    while back is not None:
        lines.append(back[0])
        back = came[back[1]]
    return lines[::-1]


def solve(puzzle: Puzzle) -> str:
    """A shortest plan as an answer text."""
    return "\n".join(plan(puzzle.begin, puzzle.goal))


def _moves(state: Towers) -> list[tuple[str, str, Towers]]:
    found = []
    for one, tower in enumerate(state):
        top, below = tower[-1], tower[:-1]
        rest = [*state[:one], *state[one + 1 :]]
        left = [below] if below else []
        if below:
            found.append((top, "-", tuple(sorted([*rest, below, top]))))
        for other, onto in enumerate(rest):
            grown = [*rest[:other], onto + top, *rest[other + 1 :], *left]
            found.append((top, onto[-1], tuple(sorted(grown))))
    return found


def _misplaced(state: Towers, goal: Towers) -> int:
    """Blocks that do not stand on what they stand on at the goal, down to the table."""
    right = {tower[:height] for tower in goal for height in range(1, len(tower) + 1)}
    standing = sum(
        tower[:height] in right for tower in state for height in range(1, len(tower) + 1)
    )
    return sum(map(len, state)) - standing


def _draw(noise: random.Random, blocks: int) -> tuple[str, Puzzle] | None:
    begin, goal = _towers(noise, blocks), _towers(noise, blocks)
    if begin == goal:
        return None
    shortest = len(plan(begin, goal))
    puzzle = Puzzle(begin, goal, shortest)
    return (puzzle.id, puzzle) if shortest > 1 else None


def _towers(noise: random.Random, blocks: int) -> Towers:
    order = list(NAMES[:blocks])
    noise.shuffle(order)
    text = "".join(block + ("|" if noise.random() < 0.4 else "") for block in order)
    return tuple(sorted(tower for tower in text.split("|") if tower))
