"""Statistics of a tree search in flat lists: visits, sums of values, priors.

Nodes are numbered in the order they were grown, 0 is the root; which node of the search a number
stands for is the strategy's business. Selection reads these numbers and nothing else. The kernels
hold the same tree where there are any; what stands here says what they must come to.
"""

import math
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Protocol

from treeseek.native import vocabulary
from treeseek.native.visits import CompiledVisits


class Selection(Protocol):
    """What a PUCT search asks of its tree."""

    def collect(self, most: int, left: int) -> tuple[list[int], int]:
        """Descend at most `left` times, to at most `most` different leaves; and how often."""

    def land(
        self, leaves: Sequence[int], values: Sequence[float], families: Sequence[Sequence[float]]
    ) -> None:
        """Back up the values of `leaves` and give each its family, children by log-probability."""

    def favourite(self) -> int:
        """The leaf at the end of the most visited path; of equals the earlier grown."""


def selection(exploration: float, *, bounded: bool) -> Selection:
    """The tree of a search, by the kernels where they can be had."""
    kind = CompiledVisits if vocabulary.available() else Visits
    return kind(exploration, bounded=bounded)


class Visits:
    """The tree of a PUCT search.

    `bounded` says that values lie in [0, 1]; else exploration is scaled by the least and the most
    seen. A child without a visit stands at 0, or at the least seen when it was grown. A descent
    costs O(depth * width), all else O(depth) or less, whatever the tree holds.
    """

    def __init__(self, exploration: float, *, bounded: bool) -> None:
        """Start with a root that nobody visited."""
        self.exploration = exploration
        self.bounded = bounded
        self.low, self.high = (0.0, 1.0) if bounded else (math.inf, -math.inf)
        self.visits = [0]
        self.sums = [0.0]
        self.means = [0.0]
        self.priors = [1.0]
        self.shares = [1.0]
        """Prior / (1 + visits)."""
        self.first = [0]
        self.count = [0]
        self.settled: dict[int, float] = {}
        """Leaves that never grow, with their values."""
        self._flying: dict[int, tuple[list[int], float]] = {}

    def collect(self, most: int, left: int) -> tuple[list[int], int]:
        """Descend at most `left` times, to at most `most` different leaves; and how often.

        A descent to a settled leaf backs its value up at once; one to a leaf in flight is not
        counted and ends the round. Each leaf is in flight until `back` is told its value, and
        weighs on its path as a visit of the worst value.
        """
        visits, sums, means = self.visits, self.sums, self.means
        priors, shares = self.priors, self.shares
        first, count, flying = self.first, self.count, self._flying
        span = self.high - self.low
        weight = self.exploration * (span if span > 0 else 1.0)
        loss = self.low if self.low < math.inf else 0.0
        leaves: list[int] = []
        descents = 0
        while len(leaves) < most and descents < left:
            at, path = 0, [0]
            while below := count[at]:
                reach = weight * math.sqrt(visits[at])
                at = first[at]
                top = means[at] + reach * shares[at]
                for child in range(at + 1, at + below):
                    if (worth := means[child] + reach * shares[child]) > top:
                        top = worth
                        at = child
                path.append(at)
            if at in flying:
                break
            descents += 1
            for node in path:
                visits[node] = seen = visits[node] + 1
                if loss:
                    sums[node] += loss
                means[node] = sums[node] / seen
                shares[node] = priors[node] / (1 + seen)
            flying[at] = (path, loss)
            if at in self.settled:
                self.back(at, self.settled[at])
            else:
                leaves.append(at)
        return leaves, descents

    def land(
        self, leaves: Sequence[int], values: Sequence[float], families: Sequence[Sequence[float]]
    ) -> None:
        """Back up the values of `leaves` and give each its family; without one it is settled."""
        for leaf, value, family in zip(leaves, values, families, strict=True):
            self.back(leaf, value)
            if family:
                self.grow(leaf, family)
            else:
                self.settled[leaf] = value

    def back(self, leaf: int, value: float) -> None:
        """Let the path of the visit to `leaf` have its true `value`."""
        visits, sums, means = self.visits, self.sums, self.means
        path, loss = self._flying.pop(leaf)
        gain = value - loss
        for node in path:
            sums[node] = total = sums[node] + gain
            means[node] = total / visits[node]
        if not self.bounded:
            self.low, self.high = min(self.low, value), max(self.high, value)

    def grow(self, leaf: int, logprobs: Sequence[float]) -> None:
        """Give `leaf` its children; their priors are these log-probabilities, normalised."""
        size = len(logprobs)
        self.first[leaf], self.count[leaf] = len(self.visits), size
        weights = list(map(math.exp, logprobs))
        total = reduce(add, weights, 0.0) or 1.0
        priors = [weight / total for weight in weights]
        self.priors += priors
        self.shares += priors
        zeros = [0] * size
        self.visits += zeros
        self.first += zeros
        self.count += zeros
        self.sums += [0.0] * size
        self.means += [self.low] * size

    def favourite(self) -> int:
        """The leaf at the end of the most visited path; of equals the earlier grown."""
        at = 0
        while self.count[at]:
            children = range(self.first[at], self.first[at] + self.count[at])
            at = max(children, key=self.visits.__getitem__)
        return at
