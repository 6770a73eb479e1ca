"""A one-way random-effects model of scores in groups, without a chain.

This file believes that a model of two variances wants a grid and not a sampler: given both, every
other quantity is normal. It covers one level of groups and no covariates.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treeseek.strategies.posteriors import Moments, Rng

Floats = NDArray[np.float64]

CENTRE, REACH = 0.5, 0.2
"""Prior mean and standard deviation of mu."""
GROUPS, NOISE = 0.2, 0.3
"""Scales of the half-normal priors of the deviation between groups and within them."""
LEAST, MOST = 1e-3, 2.0
"""Bounds of both deviations: equal scores alone would draw the second to 0."""
COARSE, DEEP = 20, 9.0
"""Cells a side of the first grid; nats below the top that the second one still covers."""


class MixedEffects:
    """alpha_j ~ N(mu, sigma_a) for group j, scores ~ N(alpha_j, sigma_y); posterior of `groups`.

    Priors: mu ~ N(.5, .2), sigma_a ~ half-normal(.2), sigma_y ~ half-normal(.3). The two deviations
    lie on a grid of `fine` x `fine` cells, in their logarithms, over the box that a coarse grid
    finds. Costs O(fine^2 * sizes of groups that differ), whatever their number; a draw O(groups).
    Reference: ab-mcts
    """

    def __init__(self, groups: Sequence[Moments], *, fine: int = 24) -> None:
        """Weigh the grid; a group without scores is worth what a new one is."""
        sizes = [group.count for group in groups]
        means = [group.total / max(1, group.count) for group in groups]
        self._groups = list(zip(sizes, means, strict=True))
        self._within = sum(group.scatter for group in groups)
        self._spare = sum(size - 1 for size in sizes if size)
        self._kinds = [
            (size, number, sum(alike), sum(mean * mean for mean in alike))
            for size, number in sorted(Counter(sizes).items())
            if size and (alike := [mean for count, mean in self._groups if count == size])
        ]
        edge = np.linspace(math.log(LEAST), math.log(MOST), COARSE)
        near = self._weigh(edge, edge)[0]
        kept = near > near.max() - DEEP
        self._sides = [_cells(edge, kept.any(axis=axis), fine) for axis in (1, 0)]
        weight, pull, hold = self._weigh(*self._sides)
        chance = np.exp(weight - weight.max())
        self._sums = np.cumsum(chance).tolist()
        self._pull, self._hold = pull.ravel(), hold.ravel()

    def _weigh(self, between: Floats, within: Floats) -> tuple[Floats, Floats, Floats]:
        """Log-posterior on a grid of log-deviations, and what it knows of mu: b and P [A, Y].

        mu given both is N(b / P, 1 / P).
        """
        a2, y2 = np.exp(2 * between)[:, None], np.exp(2 * within)[None, :]
        weight = between[:, None] - a2 / (2 * GROUPS**2) + within[None, :] - y2 / (2 * NOISE**2)
        weight = weight - self._within / (2 * y2) - self._spare * within[None, :]
        pull = np.full_like(weight, CENTRE / REACH**2)
        hold = np.full_like(weight, 1 / REACH**2)
        for size, number, total, squares in self._kinds:
            apart = a2 + y2 / size
            pull += total / apart
            hold += number / apart
            weight -= 0.5 * (squares / apart + number * np.log(apart))
        weight += 0.5 * (pull * pull / hold - np.log(hold))
        return weight, pull, hold

    def draw(self, rng: Rng) -> list[float]:
        """One score of a new group, then one of each group, from the posterior predictive."""
        cell = bisect_right(self._sums, rng.random() * self._sums[-1], hi=len(self._sums) - 1)
        row, column = divmod(cell, len(self._sides[1]))
        a2 = math.exp(2 * self._sides[0][row])
        y2 = math.exp(2 * self._sides[1][column])
        hold = float(self._hold[cell])
        mu = float(self._pull[cell]) / hold + rng.normal() / math.sqrt(hold)
        drawn = [mu + math.sqrt(a2 + y2) * rng.normal()]
        for size, mean in self._groups:
            precision = 1 / a2 + size / y2
            centre = (mu / a2 + size * mean / y2) / precision
            drawn.append(centre + math.sqrt(1 / precision + y2) * rng.normal())
        return drawn


def _cells(edge: Floats, kept: NDArray[Any], fine: int) -> Floats:
    """Midpoints of `fine` cells that cover the kept points of `edge` and one on either side."""
    at = np.flatnonzero(kept)
    low, high = float(edge[max(0, at[0] - 1)]), float(edge[min(len(edge) - 1, at[-1] + 1)])
    return low + (high - low) * (np.arange(fine, dtype=np.float64) + 0.5) / fine
