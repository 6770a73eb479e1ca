"""Backups: what a value found at the end of a path says of the nodes on it.

Each notes one value along a path from the root and keeps `visits`, `total` and `value` of every
tally; the cost is the length of the path, times the width where values are made anew from the
children. Which values are worth noting (of every node, of ends alone) is the strategy's business.
"""

from collections.abc import Callable
from functools import partial

from treeseek.strategies.tallies import Backup, Path, Tally


def _visit(tally: Tally, value: float) -> None:
    tally.visits += 1
    tally.total += value


def mean(path: Path, value: float) -> None:
    """Each node is worth the mean of what was found below it."""
    for tally in path:
        tally.visits = visits = tally.visits + 1
        tally.total = total = tally.total + value
        tally.value = total / visits


def best(path: Path, value: float) -> None:
    """Each node is worth the best that was found below it: for worlds without chance."""
    for tally in path:
        tally.value = max(tally.value, value) if tally.visits else value
        _visit(tally, value)


def discounted(path: Path, value: float, *, gamma: float) -> None:
    """The mean of what was found below, a factor `gamma` less for every step it is away."""
    for tally in reversed(path):
        _visit(tally, value)
        tally.value = tally.total / tally.visits
        value *= gamma


def opposed(path: Path, value: float) -> None:
    """The mean for two players who take turns: `value` is the first one's.

    A node's value is that of the player who moved to it, so each chooses the greatest; the root's
    is the first player's.
    """
    for steps, tally in enumerate(path):
        _visit(tally, value if steps % 2 or not steps else -value)
        tally.value = tally.total / tally.visits


def weighted(path: Path, value: float, *, gamma: float, rate: float) -> None:
    """The last node has the mean; each above it moves by `rate` towards its children's.

    The children's is gamma * sum(n * value) / sum(n) over those that were visited.
    """
    for tally in reversed(path):
        _visit(tally, value)
        below = [child for child in tally.children if child.visits]
        if not below or tally is path[-1]:
            tally.value = tally.total / tally.visits
            continue
        visits = sum(child.visits for child in below)
        target = gamma * sum(child.visits * child.value for child in below) / visits
        tally.value = target if tally.visits == 1 else (1 - rate) * tally.value + rate * target


BACKUPS: dict[str, Callable[[float, float], Backup]] = {
    "mean": lambda gamma, rate: mean,
    "best": lambda gamma, rate: best,
    "discounted": lambda gamma, rate: partial(discounted, gamma=gamma),
    "weighted": lambda gamma, rate: partial(weighted, gamma=gamma, rate=rate),
    "opposed": lambda gamma, rate: opposed,
}
"""Every backup by its name, for a discount a step and the part that a value moves by."""
