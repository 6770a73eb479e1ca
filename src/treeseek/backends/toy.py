"""Models small enough to enumerate: the ground truth of the tests, and a free model to time with.

Each is a pure function of the path, computed in float64, so a law can be checked by summing over
every sequence. They hold no cache, but count slots as a real pool does, so that eviction and
recomputation can be tested without a network.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from treeseek.backends.protocol import Block, Capabilities, Logits, Spent
from treeseek.errors import ContextOverflow, InvalidOption
from treeseek.tree import ROOT, Tree

Row = Callable[[Sequence[int]], NDArray[np.float64]]

_MIX = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def table(rows: dict[tuple[int, ...], Sequence[float]], default: Sequence[float]) -> Row:
    """Log-weights by the whole path; `default` [V] for a path that is not listed."""
    known = {path: np.asarray(row, dtype=np.float64) for path, row in rows.items()}
    other = np.asarray(default, dtype=np.float64)
    return lambda path: known.get(tuple(path), other)


def ngram(
    counts: dict[tuple[int, ...], Sequence[float]], order: int, default: Sequence[float]
) -> Row:
    """Log-weights by the last `order` tokens; `default` [V] where they are not listed."""
    known = {path: np.asarray(row, dtype=np.float64) for path, row in counts.items()}
    other = np.asarray(default, dtype=np.float64)
    return lambda path: known.get(tuple(path[len(path) - order :]), other)


def integer_hash(
    vocabulary: int, *, seed: int = 0, spread: float = 3.0, order: int | None = None
) -> Row:
    """Logits uniform in [0, spread], hashed from the path (or its last `order` tokens)."""
    steps = np.arange(1, vocabulary + 1, dtype=np.uint64) * np.uint64(_MIX)

    def row(path: Sequence[int]) -> NDArray[np.float64]:
        state = seed * 0xD1B54A32D192ED03 + 1
        for token in path if order is None else path[len(path) - order :]:
            state = ((state ^ (token + 1)) * 0xBF58476D1CE4E5B9 + _MIX) & _MASK
            state ^= state >> 29
        mixed = steps ^ np.uint64(state & _MASK)
        mixed *= np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
        return (mixed >> np.uint64(11)).astype(np.float64) * (spread / 2**53)

    return row


class ToyBackend:
    """A row function over a token tree; an array [V] is the same row everywhere, and costs nothing.

    `slots` bounds how many nodes are held warm (None: all); a colder one is computed again with
    its cold ancestors, and counted. Errors: ContextOverflow for a path longer than `context` or
    `slots`.
    """

    def __init__(
        self,
        row: Row | NDArray[np.float64],
        vocabulary: int,
        *,
        context: int | None = None,
        slots: int | None = None,
        nodes: int | None = None,
    ) -> None:
        """Serve `row(path)`, or `row` itself: `vocabulary` logits."""
        for name, value in (("vocabulary", vocabulary), ("context", context), ("slots", slots)):
            if value is not None and value < 1:
                raise InvalidOption(f"{name}={value}: give a whole number of at least 1.")
        self.row = row
        self.vocabulary = vocabulary
        self.context = context
        self.slots = slots
        self.tree = Tree(nodes=nodes)
        self.capabilities = Capabilities(exact=True, path="toy")
        self.spent = Spent()
        self._warm: dict[int, None] = {}
        self._known: set[int] = set()
        self._same = np.empty((0, vocabulary))

    def expand(self, nodes: Sequence[int]) -> Iterator[Block]:
        """Rows of `nodes`; one block if their paths fit the slots together, more otherwise."""
        bounds = [bound for bound in (self.context, self.slots) if bound is not None]
        longest = max(map(self.tree.depth, nodes), default=0) if bounds else 0
        if bounds and longest > min(bounds):
            raise ContextOverflow(
                f"A path of {longest} tokens does not fit {min(bounds)}: "
                "shorten the prompt or the limit."
            )
        start = 0
        if self.slots is None and nodes:
            yield self._block(nodes, 0, len(nodes), {})
            return
        while start < len(nodes):
            stop, held = start, dict[int, None]()
            while stop < len(nodes):
                path = self._path(nodes[stop])
                new = [node for node in path if node not in held]
                if self.slots is not None and stop > start and len(held) + len(new) > self.slots:
                    break
                held.update(dict.fromkeys(new))
                stop += 1
            yield self._block(nodes, start, stop, held)
            start = stop

    def _block(self, nodes: Sequence[int], start: int, stop: int, held: dict[int, None]) -> Block:
        some = nodes[start:stop]
        computed = [self._heat(node) for node in some]
        forward = any(computed)
        self.spent.computed += sum(computed)
        self.spent.forwards += forward
        if self.slots is not None:
            self._evict(held)
        if callable(self.row):
            logits = np.stack([self.row(self.tree.path(node)) for node in some])
        else:
            if len(some) > len(self._same):
                self._same = np.broadcast_to(self.row, (2 * len(some), self.vocabulary))
            logits = self._same[: len(some)]
        return Block(range(start, stop), logits, computed, forward)

    def _heat(self, node: int) -> int:
        """Hold the path to `node` warm; how many of its nodes were cold."""
        cold, warm = 0, self._warm
        if self.slots is None:  # nothing is ever forgotten, so the path above a warm node is warm
            while node != ROOT and node not in warm:
                warm[node] = None
                cold += 1
                node = self.tree.parent(node)
            return cold
        for at in self._path(node):
            if at not in warm:
                cold += 1
                self.spent.recomputed += at in self._known
                self._known.add(at)
            warm[at] = warm.pop(at, None)
        return cold

    def _evict(self, held: dict[int, None]) -> None:
        assert self.slots is not None
        while len(self._warm) > self.slots:
            inner = {self.tree.parent(node) for node in self._warm}
            self._warm.pop(next(n for n in self._warm if n not in held and n not in inner))

    def _path(self, node: int) -> list[int]:
        path = []
        while node != ROOT:
            path.append(node)
            node = self.tree.parent(node)
        return path[::-1]

    def hidden(self, nodes: Sequence[int]) -> Logits:
        """The rows of `nodes` [n, V] again: the last hidden state of a toy is its row."""
        return np.concatenate([np.array(block.logits) for block in self.expand(nodes)])

    def warm(self) -> int:
        """Nodes held warm."""
        return len(self._warm)

    def clear(self) -> None:
        """Hold nothing."""
        self._warm.clear()
        self._known.clear()


class Letters:
    """Tokenizer of the toys: token i is the i-th letter, id 26 and up are written <26>."""

    def encode(self, text: str) -> list[int]:
        """Ids of the letters of `text`; anything else is left out."""
        return [ord(letter) - 97 for letter in text.lower() if "a" <= letter <= "z"]

    def decode(self, tokens: Sequence[int]) -> str:
        """Letters of `tokens`."""
        return "".join(chr(97 + token) if token < 26 else f"<{token}>" for token in tokens)
