"""Puzzles solved in written steps, one a line: their rules, and the one verifier for all of them.

This file believes that a puzzle is a start, the steps a state allows, and a verdict on a state. A
step is written in one way only and no step begins another, so whether the beginning of a line may
still become a step is known at every letter. It knows no solver: nothing here looks ahead.
"""

import random
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from treeseek.errors import InvalidOption
from treeseek.requests import Verdict

S = TypeVar("S", bound=Hashable)
MISSES = 10_000
"""Draws in a row without a new problem after which there are no more."""


class Puzzle(Protocol[S]):
    """One problem in steps. A state holds all that matters for what follows."""

    @property
    def id(self) -> str:
        """Name of the problem, the same wherever it is drawn."""
        ...

    @property
    def prompt(self) -> str:
        """Text that the model continues."""
        ...

    def start(self) -> S:
        """The state before any step."""
        ...

    def steps(self, state: S) -> Mapping[str, S]:
        """Every step that is allowed, as it is written, and the state after it."""
        ...

    def verdict(self, state: S) -> Verdict:
        """What an answer is worth that ends here; equal `state` texts mean equal states."""
        ...


class StepVerifier(Generic[S]):
    """Judge answers to `puzzle`: strictly, on any text, without raising; blank lines say nothing.

    An answer of allowed steps is worth what its last state is. One that ends inside a line, or
    breaks a rule, scores at most 0.5, and only the rule that was broken makes it terminal: then no
    continuation is allowed. `state` is told at the end of a line, where the next step begins. Cost:
    the allowed steps of each state on the way.
    """

    version = "1"

    def __init__(self, puzzle: Puzzle[S]) -> None:
        self.puzzle = puzzle
        self.name = puzzle.id

    def verify(self, text: str) -> Verdict:
        """The verdict on a continuation of the puzzle's prompt."""
        state = self.puzzle.start()
        lines = text.split("\n")
        for place, line in enumerate(map(str.strip, lines)):
            if not line:
                continue
            steps = self.puzzle.steps(state)
            if line not in steps:
                last = place == len(lines) - 1
                begun = last and any(step.startswith(line) for step in steps)
                score = min(0.5, self.puzzle.verdict(state).score)
                return Verdict(score, False, not begun, _fault(line, steps, begun))
            state = steps[line]
        verdict = self.puzzle.verdict(state)
        return replace(verdict, state="") if lines[-1].strip() else verdict


def whole_steps(puzzle: Puzzle[S], text: str) -> list[S] | None:
    """The states that an answer passes, from the start on; None unless all its lines are steps."""
    states = [puzzle.start()]
    for line in map(str.strip, text.split("\n")):
        if line:
            after = puzzle.steps(states[-1]).get(line)
            if after is None:
                return None
            states.append(after)
    return states


P = TypeVar("P")


def distinct(
    name: str, count: int, *, seed: int, draw: Callable[[random.Random], tuple[str, P] | None]
) -> list[P]:
    """`count` different problems by their ids; a longer list begins with the shorter one.

    `draw` makes a problem with its id from a generator, or None where it drew one that will not do.
    `name` carries every option. Raises InvalidOption for a negative count or more problems than
    there are.
    """
    if count < 0:
        raise InvalidOption(f"count={count}: ask for 0 or more problems")
    noise = random.Random(f"{name} {seed}")
    found: dict[str, P] = {}
    misses = 0
    while len(found) < count:
        drawn = draw(noise)
        if drawn is not None and drawn[0] not in found:
            found[drawn[0]] = drawn[1]
            misses = 0
            continue
        misses += 1
        if misses > MISSES:
            raise InvalidOption(
                f"count={count}: only about {len(found)} distinct problems of {name}; ask for fewer"
            )
    return list(found.values())


def _fault(line: str, steps: Mapping[str, S], begun: bool) -> str:
    if begun:
        return f"{line[:60]!r} is not a whole step yet"
    shown = ", ".join(map(repr, list(steps)[:3]))
    allowed = f"allowed are {len(steps)}, such as {shown}" if steps else "none is allowed any more"
    return f"{line[:60]!r} is not an allowed step: {allowed}"
