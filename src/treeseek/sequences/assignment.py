"""The cheapest way through a table of pairs: assignment, cycles joined, segments moved.

This file believes that a table of what follows what at which cost is worth solving well before a
model is asked anything: an assignment in n^3 steps is a lower bound and nearly an order, and what
is lost in joining its cycles is mostly won back by moving short segments. It is not exact.
"""

from collections.abc import Sequence

Table = Sequence[Sequence[float]]


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


def cheap_order(steps: Table, first: Sequence[float]) -> list[int]:
    """An order of the items of low cost: `first[i]` to begin, `steps[i][j]` from i to j.

    Assignment on the items and a place to start from, its cycles joined by the cheapest exchange of
    two arcs, then segments of up to three items moved while that gains. Cost: about n^3 steps and
    no score. Reference: patching-algorithm
    """
    n = len(steps)
    most = 1.0 + sum(max(map(abs, row)) for row in (*steps, first))
    costs = [[most if i == j else steps[i][j] for j in range(n)] + [0.0] for i in range(n)]
    costs.append([*first, most])
    after = assigned(costs)
    _join(costs, after)
    order, at = [], after[n]
    while at != n:
        order.append(at)
        at = after[at]
    return _settled(costs, order)


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


def _settled(costs: Table, order: list[int]) -> list[int]:
    """`order` with segments of up to three items moved while that gains."""
    n, gained = len(order), True
    while gained:
        gained = False
        ring = [n, *order, n]
        for length in (1, 2, 3):
            for i in range(1, n - length + 1):
                head, tail = ring[i], ring[i + length - 1]
                before, behind = ring[i - 1], ring[i + length]
                won = costs[before][head] + costs[tail][behind]
                if before != behind:
                    won -= costs[before][behind]
                rest = ring[:i] + ring[i + length :]
                to = min(
                    range(1, len(rest)),
                    key=lambda at: (
                        costs[rest[at - 1]][head] + costs[tail][rest[at]]
                        - (costs[rest[at - 1]][rest[at]] if rest[at - 1] != rest[at] else 0.0)
                    ),
                )  # fmt: skip
                one, other = rest[to - 1], rest[to]
                lost = costs[one][head] + costs[tail][other]
                lost -= costs[one][other] if one != other else 0.0
                if lost < won - 1e-12:
                    ring = rest[:to] + ring[i : i + length] + rest[to:]
                    gained = True
        order = ring[1:-1]
    return order
