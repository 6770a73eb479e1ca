"""What a Monte Carlo tree search is made of, and one simulation of it.

This file believes that the published searches differ in how many children a node has, in what is
judged, in how far a simulation goes on and in what is then backed up; rules and backups have rooms
of their own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from treeseek.options import Range
from treeseek.replies import Reply
from treeseek.requests import Node
from treeseek.strategies.steps import Worth
from treeseek.strategies.tallies import Path, Tally

TO_THE_END = 1 << 30
"""Steps to go on until an end is met."""
MOST = 256
"""Simulations where no number is said and there is no budget, and in a row that cost nothing."""

Simulations: TypeAlias = Annotated[
    int | None,
    Range(low=1),
    f"descents of the tree; none: until the budget is spent, {MOST} without one",
]


def renewed(left: int, asked: int | None, replies: Sequence[Reply]) -> int:
    """Simulations left after `replies`: MOST again, if no number was `asked` and a budget paid."""
    paid = any(reply.charged and reply.spent is not None for reply in replies)
    return MOST if asked is None and paid else left


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one search of the family is made of.

    A node has `width` children, `width * n ** widening` after n simulations where more may be drawn
    later. With `ahead=0` the value of every child drawn is backed up. Else a simulation goes on
    below its leaf for `ahead` steps of `ahead_width` children; where prefixes are `judged` it then
    backs up (1 - mix) * the first child's value + mix * the best one met after it, and ends always
    count.
    `again`: ends are visited again. `restarts`: when nothing is open, every node may have as many
    children again, until that brings nothing new. `signed`: values in [0, 1] count from -1 to 1.
    `noise` is the share of Dirichlet(0.3) in the root's priors, which it makes sum to 1. An end of
    value `enough` ends the search.
    """

    simulations: int | None
    width: int
    widening: float = 0.0
    parallel: int = 1
    judged: bool = True
    ahead: int = 0
    ahead_width: int = 1
    mix: float = 0.5
    merge: bool = True
    again: bool = False
    restarts: bool = True
    signed: bool = False
    noise: float = 0.0
    enough: float | None = None

    def scaled(self, value: float) -> float:
        """`value` as it is backed up."""
        return 2.0 * value - 1.0 if self.signed else value

    @property
    def values(self) -> int:
        """How many values a simulation backs up: one for each child of its leaf, or one in all."""
        return self.width if self.judged and not self.ahead else 1

    def room(self, tally: Tally, rounds: int = 1) -> int:
        """Children that may be drawn from `tally` beyond those it has, `rounds` times as many.

        Where there is no room, `tally` notes up to how many visits that will last.
        """
        first = rounds * self.width
        most = first
        if self.widening and tally.visits:
            most = int(first * max(1.0, tally.visits / self.values) ** self.widening)
        if most <= (draws := tally.draws):
            # A visit short of what the formula comes to, for it is rounded; power kept in range.
            power = min(1.0 / self.widening, 32.0) if self.widening else math.inf
            tally.shut = self.values * ((draws + 1) / first) ** power - 1.0
        return most - draws


@dataclass(slots=True, eq=False)
class Flight:
    """A simulation: its path, the steps it may go on, and what it found.

    `first` is the place in the path of the first child it went on to, `best` the best value met
    after that, `end` the end it met last, `lost` what was given up last, `said` the judgement of
    either.
    """

    path: Path
    ahead: int
    first: int | None = None
    best: float | None = None
    end: Tally | None = None
    lost: Node | None = None
    said: Worth | None = None
    mended: bool = False
