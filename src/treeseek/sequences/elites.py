"""An archive of elites: the best candidate of every kind, and children of all of them.

This file believes that a candidate which is best of its kind is worth keeping even where it is not
good, because what leads to the best often looks different from it. What a kind is, the user says:
descriptors are functions of a candidate, named by what they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, ClassVar, TypeAlias

from treeseek.options import Range, validate
from treeseek.sequences.annealing import Moves
from treeseek.sequences.choice import Choice
from treeseek.sequences.space import Space
from treeseek.sequences.trial import Bench, Cand, Hunt, Rated, Trial

Descriptor: TypeAlias = Callable[[Space, Cand], int]
STEPS = 8
"""Cells of a share."""


def opening(space: Space, cand: Cand) -> int:
    """Which word comes first."""
    return cand[0]


def rising(space: Space, cand: Cand) -> int:
    """Share of neighbours in alphabetical order, in eighths."""
    text = [piece.strip() for piece in space.pieces(cand)]
    up = sum(one <= other for one, other in pairwise(text))
    return up * STEPS // max(1, len(cand) - 1)


@dataclass(frozen=True)
class Elites:
    """MAP-Elites: parents from any cell of the archive, a child takes its cell if it is better.

    The archive has a cell for every tuple of `descriptors`. After `random` candidates each list
    holds `batch` children, each by one to `far` moves from a cell drawn evenly. Cost: one score a
    child. Finds many good candidates that differ; loses against a local search where only the one
    best counts. Deviation: cells are those met, not a grid. Reference: map-elites
    """

    descriptors: Annotated[Sequence[Descriptor], "what a kind is"] = (opening, rising)
    random: Annotated[int, Range(low=1), "candidates by chance to begin with"] = 64
    batch: Annotated[int, Range(low=1), "children asked for together"] = 16
    far: Annotated[int, Range(low=1), "moves from a parent to its child, at most"] = 3
    moves: Moves = None

    name: ClassVar[str] = "elites"
    references: ClassVar[tuple[str, ...]] = ("map-elites",)

    def __post_init__(self) -> None:
        validate(self)

    def run(self, bench: Bench, space: Space) -> Hunt:
        """The generator; it goes on for ever."""
        choice = Choice(self.moves or space.moves, by="even")
        archive: dict[tuple[int, ...], Rated] = {}
        rng = bench.rng("random")
        rated = yield [Trial(space.sample(rng)) for _ in range(self.random)]
        nth = 0
        while True:
            guest = bench.guest()
            for one in [*rated, *([Rated(*guest)] if guest else [])]:
                if one.value < float("inf"):
                    self.keep(archive, space, one)
            rng, cells = bench.rng("batch", nth), list(archive.values())
            nth += 1
            trials = []
            for _ in range(self.batch if cells else 0):
                parent = cells[rng.integers(len(cells))].cand
                child = parent
                for _ in range(1 + rng.integers(self.far)):
                    child = next(iter(choice.draw(space, child, rng, 1)), child)
                trials.append(Trial(child, near=parent))
            rated = yield trials

    def keep(self, archive: dict[Any, Rated], space: Space, one: Rated) -> bool:
        """Put `one` into its cell if it is better than who is there; whether it was."""
        cell = tuple(descriptor(space, one.cand) for descriptor in self.descriptors)
        there = archive.get(cell)
        if there is not None and there.value <= one.value:
            return False
        archive[cell] = one
        return True
