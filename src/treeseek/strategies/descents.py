"""The tree of a Monte Carlo search: descents in flight, values on their way up, what is closed.

This file believes that a tree can be searched from many leaves at once if a simulation in flight
weighs as a visit of the worst value and leaves no trace when it is over. A node may have several
parents, since prefixes worth the same are one node; every edge leads to a node with more steps, so
that no path leads back. `visits.py` is the writing in flat lists for PUCT over tokens.
"""

import math
from collections.abc import Callable
from itertools import pairwise

from treeseek.requests import Node
from treeseek.strategies.tallies import Backup, Path, Rule, Tally


class Descents:
    """The tree from `root`, the values seen, and the simulations in flight.

    `rule` chooses with weight `exploration`, `backup` notes values, `bounds` are the least and the
    greatest value where they are known, else the least and the most seen count. `opposed`: values
    change sign from step to step. A descent costs O(depth * width), all else O(depth) or less.
    """

    def __init__(
        self,
        root: Node,
        rule: Rule,
        backup: Backup,
        *,
        exploration: float,
        bounds: tuple[float, float] | None = None,
        opposed: bool = False,
    ) -> None:
        """Start with a root that nobody visited."""
        self.root = Tally(root)
        self.rule, self.backup, self.exploration = rule, backup, exploration
        self.fixed, self.opposed = bounds is not None, opposed
        self.low, self.high = bounds or (math.inf, -math.inf)
        self.span = 1.0
        """Greatest value less the least, 1 while they are the same."""
        self.loss = 0.0
        """What a simulation in flight counts as, and a node that has nothing to offer."""
        if bounds:
            self._reach(*bounds)

    def choose(self, at: Tally, among: list[Tally]) -> Tally:
        """The one `among` the children of `at` that the rule likes best; of equals the earlier."""
        if len(among) == 1:
            return among[0]
        scores = self.rule(at, among, self.exploration, self.span)
        return among[scores.index(max(scores))]

    def descend(self, path: Path, room: Callable[[Tally], int]) -> Path:
        """Lead `path` on to a node that has no open child, or `room` for more children."""
        at, rule, c, span = path[-1], self.rule, self.exploration, self.span
        while (below := at.open) and (at.visits < at.shut or room(at) <= 0):
            if len(below) == 1:
                at = below[0]
            else:
                scores = rule(at, below, c, span)
                at = below[scores.index(max(scores))]
            path.append(at)
        return path

    def depart(self, path: Path) -> None:
        """One more simulation is in flight through `path`, to draw at its end."""
        path[-1].busy = True
        self._weigh(path, 1)

    def release(self, path: Path) -> None:
        """The simulation through `path` is over."""
        self._weigh(path, -1)

    def land(self, path: Path, value: float) -> None:
        """Back `value` up along `path`."""
        self.note(path, value)
        self._weigh(path, 0)

    def note(self, path: Path, value: float) -> None:
        """Back `value` up along a `path` in flight, which is released before the next descent.

        Only its last node, new as it may be, shows it already.
        """
        self.seen(value)
        self.backup(path, value)
        if not (last := path[-1]).flying:
            last.n, last.q = last.visits, last.value

    def seen(self, value: float) -> None:
        """Let the least and the most seen know of `value`."""
        if not self.fixed and not self.low <= value <= self.high:
            self._reach(min(self.low, value), max(self.high, value))

    def _reach(self, low: float, high: float) -> None:
        if self.opposed:
            low, high = min(low, -high), max(high, -low)
        self.low, self.high, self.loss = low, high, low
        self.span = high - low if high > low else 1.0

    def adopt(self, parent: Tally, child: Tally) -> None:
        """Put `child`, new or known, below `parent`, which has fewer steps."""
        if not child.steps:
            child.steps = parent.steps + 1
            self.seen(child.worth)
            if self.opposed and child.steps % 2 == 0:
                child.value = child.q = -child.worth
        child.parents.append(parent)
        parent.children.append(child)
        if not child.closed:
            parent.open.append(child)

    def close(self, tally: Tally, done: Callable[[Tally], bool]) -> None:
        """Nothing is left to find below `tally`; so for all above it that are then `done`."""
        closing = [tally]
        while closing:
            at = closing.pop()
            if at.closed:
                continue
            at.closed = True
            for parent in at.parents:
                parent.open = [child for child in parent.open if child is not at]
                if not parent.open and not parent.busy and done(parent):
                    closing.append(parent)

    def renew(self, path: Path, child: Tally | None) -> None:
        """Make room at the end of `path` for one more child, in the place of `child` if given."""
        tip = path[-1]
        tip.draws, tip.shut = tip.draws - 1, 0.0
        for kept in (tip.children, tip.open):
            kept[:] = [other for other in kept if other is not child]
        for above, tally in pairwise(path):
            if tally.closed:
                tally.closed = False
                above.open.append(tally)
        path[0].closed = False

    def _weigh(self, path: Path, more: int) -> None:
        """Let `more` simulations be in flight through `path`, and say what rules then read."""
        loss = self.loss
        for tally in path:
            visits = tally.visits
            tally.flying = flying = tally.flying + more
            if flying:
                tally.n = n = visits + flying
                tally.q = (visits * tally.value + flying * loss) / n
            else:
                tally.n, tally.q = visits, tally.value
