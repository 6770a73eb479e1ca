"""What a Monte Carlo tree search remembers of a node.

This file believes that selection, backup and growth meet in a few numbers of a node and nowhere
else, so that a rule or a backup is a pure function of them. It knows neither text nor model.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from treeseek.requests import Node


class Tally:
    """What is known of one node.

    `visits` values were backed up, `total` is their sum and `value` what the backup makes of them;
    before the first it is `worth`, what the node was judged to be worth when it was drawn. `n` and
    `q` are what a rule reads: visits and value with the simulations in flight counted as visits of
    the worst value. `prior` is the proposal's, `steps` the edges from the root, `text` the tokens
    of the last of them. `children` are all that were drawn, by `draws` draws, and `open` those
    still worth a visit; below `shut` visits there is no room for another; `busy`: a draw is under
    way; `final`: an end.
    """

    __slots__ = (
        "busy", "children", "closed", "draws", "final", "flying", "n", "node", "open", "parents",
        "prior", "q", "shut", "steps", "text", "total", "value", "visits", "worth",
    )  # fmt: skip

    def __init__(self, node: Node, *, prior: float = 1.0, worth: float = 0.0) -> None:
        """A node that nobody visited."""
        self.node = node
        self.prior = prior
        self.worth = worth
        self.visits = self.n = self.flying = self.draws = self.steps = 0
        self.total = self.shut = 0.0
        self.value = self.q = worth
        self.children: list[Tally] = []
        self.open: list[Tally] = []
        self.parents: list[Tally] = []
        self.busy = self.closed = self.final = False
        self.text: Sequence[int] = ()


def favourite(root: Tally) -> Tally:
    """The node at the end of the most visited path; of equals the one drawn earlier."""
    at = root
    while at.children:
        at = max(at.children, key=lambda child: child.visits)
    return at


def reopen(root: Tally) -> None:
    """Let every node below `root` be visited again, but for ends."""
    nodes, seen = [root], {id(root)}
    for tally in nodes:
        tally.closed, tally.shut = False, 0.0
        tally.open = [child for child in tally.children if not child.final]
        nodes += [child for child in tally.open if id(child) not in seen]
        seen.update(map(id, tally.open))


Path: TypeAlias = list[Tally]
Rule: TypeAlias = Callable[[Tally, Sequence[Tally], float, float], list[float]]
"""Scores of the children of a parent, given the exploration and the span of the values."""
Backup: TypeAlias = Callable[[Path, float], None]
"""Notes one value met at the end of a path in `visits`, `total` and `value` along it."""
