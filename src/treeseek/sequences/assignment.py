"""The cheapest way through a table of pairs: assignment, cycles joined, segments moved.

This file believes that a table of what follows what at which cost is worth solving well before a
model is asked anything: an assignment in n^3 steps is a lower bound and nearly an order, and what
is lost in joining its cycles is mostly won back by moving short segments. It is not exact.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from treeseek.sequences.moves import exchanged, places
from treeseek.sequences.trial import Rng

Table: TypeAlias = Sequence[Sequence[float]]
Costs: TypeAlias = NDArray[np.float64]

KICKS = 200
"""Times that an order is kicked and mended."""
NEAR = 8
"""Items within which every second kick cuts."""
SEGMENT = 3
"""Most items that are moved together."""
TINY = 1e-12
"""What a gain is more than."""


def assigned(costs: Table) -> list[int]:
    """Which column each row takes so that the sum of `costs` is least: exact, in n^3 steps.

    Shortest augmenting paths with potentials. Reference: hungarian-method
    """
    n = len(costs)
    rows, columns = [0.0] * (n + 1), [0.0] * (n + 1)
    taken, way = [0] * (n + 1), [0] * (n + 1)
    for row in range(1, n + 1):
        taken[0], at = row, 0
        far, seen = [float("inf")] * (n + 1), [False] * (n + 1)
        while taken[at]:
            seen[at] = True
            here, least, ahead = taken[at], float("inf"), 0
            for column in range(1, n + 1):
                if seen[column]:
                    continue
                cost = costs[here - 1][column - 1] - rows[here] - columns[column]
                if cost < far[column]:
                    far[column], way[column] = cost, at
                if far[column] < least:
                    least, ahead = far[column], column
            for column in range(n + 1):
                if seen[column]:
                    rows[taken[column]] += least
                    columns[column] -= least
                else:
                    far[column] -= least
            at = ahead
        while at:
            taken[at] = taken[way[at]]
            at = way[at]
    found = [0] * n
    for column in range(1, n + 1):
        found[taken[column] - 1] = column - 1
    return found


def cheap_order(steps: Table, first: Sequence[float], *, rng: Rng, kicks: int = KICKS) -> list[int]:
    """An order of the items of low cost: `first[i]` to begin, `steps[i][j]` from i to j.

    Assignment on the items and a place to start from, its cycles joined by the cheapest exchange
    of two arcs, then segments of up to three items moved while that gains; `kicks` times again
    from the best with two of its segments exchanged; and all that from an order by chance as
    well. Cost: about n^3 steps, n^2 for each kick, and no score. Reference: patching-algorithm,
    iterated-local-search
    """
    n = len(steps)
    most = 1.0 + sum(max(map(abs, row)) for row in (*steps, first))
    costs = np.full((n + 1, n + 1), most)
    costs[:n, :n], costs[n, :n], costs[:n, n] = steps, first, 0.0
    np.fill_diagonal(costs, most)
    after = assigned(costs.tolist())
    _join(costs.tolist(), after)
    order, at = [], after[n]
    while at != n:
        order.append(at)
        at = after[at]
    by_chance = order.copy()
    rng.shuffle(by_chance)
    ends = [_kicked(costs, start, rng, kicks) for start in (order, by_chance)]
    return min(ends, key=lambda end: _length(costs, end))


def _kicked(costs: Costs, order: list[int], rng: Rng, kicks: int) -> list[int]:
    """The best order that is met when `order` is settled, and kicked and settled again."""
    n = len(order)
    best = _settled(costs, order)
    least = _length(costs, best)
    for nth in range(kicks if n > 3 else 0):
        reach = min(n, NEAR) if nth % 2 else n
        start = rng.integers(n - reach + 1)
        cuts = [start + place for place in places(rng, reach + 1, 3)]
        other = _settled(costs, list(exchanged(tuple(best), *cuts)))
        length = _length(costs, other)
        if length <= least:
            best, least = other, length
    return best


def _length(costs: Costs, order: list[int]) -> float:
    ring = np.array([len(order), *order, len(order)])
    return float(costs[ring[:-1], ring[1:]].sum())


def _join(costs: Table, after: list[int]) -> None:
    """Make one cycle of the permutation `after`, in place."""
    cycle = [-1] * len(after)
    for start in range(len(after)):
        at = start
        while cycle[at] < 0:
            cycle[at], at = start, after[at]
    while len(set(cycle)) > 1:
        home = [at for at, name in enumerate(cycle) if name == cycle[-1]]
        away = [at for at, name in enumerate(cycle) if name != cycle[-1]]
        one, other = min(
            ((a, b) for a in home for b in away),
            key=lambda arc: (
                costs[arc[0]][after[arc[1]]] + costs[arc[1]][after[arc[0]]]
                - costs[arc[0]][after[arc[0]]] - costs[arc[1]][after[arc[1]]]
            ),
        )  # fmt: skip
        after[one], after[other] = after[other], after[one]
        joined, name = cycle[other], cycle[-1]
        cycle = [name if old == joined else old for old in cycle]


def _settled(costs: Costs, order: list[int]) -> list[int]:
    """`order` with segments of up to three items moved while that gains."""
    n = len(order)
    ring, still, i = np.array([n, *order, n]), 0, 1
    while still < n:
        for length in range(1, min(SEGMENT, n - i, n - 1) + 1):
            head, tail = ring[i], ring[i + length - 1]
            before, behind = ring[i - 1], ring[i + length]
            rest = np.concatenate((ring[:i], ring[i + length :]))
            arcs = costs[rest[:-1], rest[1:]]
            lost = costs[rest[:-1], head] + costs[tail, rest[1:]] - arcs
            to = int(lost.argmin())
            won = costs[before, head] + costs[tail, behind] - costs[before, behind]
            if lost[to] < won - TINY:
                segment = ring[i : i + length]
                ring = np.concatenate((rest[: to + 1], segment, rest[to + 1 :]))
                still = 0
                break
        else:
            still += 1
        i = i % n + 1
    return [int(item) for item in ring[1:-1]]
