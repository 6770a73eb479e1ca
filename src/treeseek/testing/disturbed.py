"""Backends that serve the right rows in the worst allowed way.

What they change is what a search must not notice: the order of the rows, how they are cut into
calls, and what else was computed and thrown out meanwhile. They wrap any backend.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from treeseek.backends.protocol import Backend, Block
from treeseek.noise import Rng


class Disturbed:
    """A backend that behaves as `inner` does, but for what a subclass changes."""

    walk = None
    """Walks are served by whole rows, so that they are disturbed too."""

    def __init__(self, inner: Backend, *, seed: int = 0) -> None:
        """Wrap `inner`; `seed` fixes the disturbance."""
        self.inner = inner
        self.rng = Rng(seed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Shuffled(Disturbed):
    """Rows come in another order, a few at a time."""

    def expand(self, nodes: Sequence[int]) -> Iterator[Block]:
        """Yield the rows of `nodes` in shuffled blocks of one to three."""
        order = list(range(len(nodes)))
        self.rng.shuffle(order)
        while order:
            some = [order.pop() for _ in range(min(len(order), 1 + self.rng.integers(3)))]
            for block in self.inner.expand([nodes[i] for i in some]):
                index = [some[position] for position in block.index]
                yield Block(index, block.logits, block.computed, block.forward, block.notes)


class Lying(Disturbed):
    """Before every call, nodes that nobody asked for are grown, computed and left in the tree.

    They hang below the nodes asked for and below the first of all, as bad drafts would, and push
    what was warm out of a small pool.
    """

    def expand(self, nodes: Sequence[int]) -> Iterator[Block]:
        """Yield the rows of `nodes`, after rows of some junk."""
        tree, rooms = self.inner.tree, (self.inner.context, self.inner.slots)
        room = min((most for most in rooms if most is not None), default=1 << 20)
        junk = []
        for node in (*nodes[:4], *nodes[-1:], 0):
            for _ in range(1 + self.rng.integers(2)):
                if tree.depth(node) >= room:
                    break
                node = tree.add(node, self.rng.integers(self.inner.vocabulary))
                junk.append(node)
        for _ in self.inner.expand(list(dict.fromkeys(junk))):
            pass
        yield from self.inner.expand(nodes)
