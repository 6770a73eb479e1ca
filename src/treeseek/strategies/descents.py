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
        if bounds and opposed:
            self.low, self.high = min(self.low, -self.high), max(self.high, -self.low)

    @property
    def span(self) -> float:
        """Greatest value less the least, 1 while they are the same."""
        return self.high - self.low if self.high > self.low else 1.0

    @property
    def loss(self) -> float:
        """What a simulation in flight counts as, and a node that has nothing to offer."""
        return self.low if self.low < math.inf else 0.0

    def choose(self, at: Tally, among: list[Tally]) -> Tally:
        """The one `among` the children of `at` that the rule likes best; of equals the earlier."""
        scores = self.rule(at, among, self.exploration, self.span)
        return among[scores.index(max(scores))]

    def descend(self, path: Path, wants: Callable[[Tally], bool]) -> Path:
        """Lead `path` on to a node that has no open child, or that `wants` more children."""
        while (at := path[-1]).open and not wants(at):
            path.append(self.choose(at, at.open))
        return path

    def depart(self, path: Path) -> None:
        """One more simulation is in flight through `path`, to draw at its end."""
        path[-1].busy = True
        for tally in path:
            tally.flying += 1
        self._refresh(path)

    def release(self, path: Path) -> None:
        """The simulation through `path` is over."""
        for tally in path:
            tally.flying -= 1
        self._refresh(path)

    def land(self, path: Path, value: float) -> None:
        """Back `value` up along `path`."""
        self.seen(value)
        self.backup(path, value)
        self._refresh(path)

    def seen(self, value: float) -> None:
        """Let the least and the most seen know of `value`."""
        if not self.fixed:
            self.low, self.high = min(self.low, value), max(self.high, value)
            if self.opposed:
                self.low, self.high = min(self.low, -self.high), max(self.high, -self.low)

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
        tip.draws -= 1
        for kept in (tip.children, tip.open):
            kept[:] = [other for other in kept if other is not child]
        for above, tally in pairwise(path):
            if tally.closed:
                tally.closed = False
                above.open.append(tally)
        path[0].closed = False

    def reopen(self) -> None:
        """Let every node be visited again, but for ends."""
        nodes, seen = [self.root], {id(self.root)}
        for tally in nodes:
            tally.closed = False
            tally.open = [child for child in tally.children if not child.final]
            nodes += [child for child in tally.open if id(child) not in seen]
            seen.update(map(id, tally.open))

    def favourite(self) -> Tally:
        """The node at the end of the most visited path; of equals the one drawn earlier."""
        at = self.root
        while at.children:
            at = max(at.children, key=lambda child: child.visits)
        return at

    def _refresh(self, path: Path) -> None:
        loss = self.loss
        for tally in path:
            tally.n, tally.q = tally.visits, tally.value
            if flying := tally.flying:
                tally.n += flying
                tally.q = (tally.visits * tally.value + flying * loss) / tally.n
