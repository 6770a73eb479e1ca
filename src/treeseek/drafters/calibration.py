"""How often drafted tokens are right, counted: what a drafter's chances are worth.

This file believes that a drafter knows which of its tokens is likelier, not how likely it is; that
is counted, chance by chance, as texts grow. It does not cover what a token in time is worth.
"""

from array import array
from collections.abc import Sequence

from treeseek.drafters.growth import mended, united
from treeseek.drafters.trees import TIP, DraftTree
from treeseek.native.trees import Arrays, Union

_BINS = 16
_PRIOR = 16.0
"""Tokens that a chance is believed for before any was counted."""
_MEMORY = 512.0
"""Tokens of one chance after which the older half of them stops counting."""


class Calibration:
    """Counts, by the chance a drafter gave, how many tokens were reached and how many were right.

    A token is reached when all before it were right. About 1 kB, some hundred nanoseconds a token.
    """

    def __init__(self) -> None:
        """Believe every chance as it is."""
        self.reached = array("d", [_PRIOR] * (_BINS + 1))
        self.right = array("d", [_PRIOR * bin / _BINS for bin in range(_BINS + 1)])

    def count(self, tree: DraftTree, tokens: Sequence[int]) -> None:
        """The text has grown by `tokens` where `tree` was drafted."""
        places = {TIP: 0}
        """How many tokens had come when each node that was right was reached."""
        for node, (token, parent, chance) in enumerate(
            zip(tree.tokens, tree.parents, tree.chances, strict=True)
        ):
            depth = places.get(parent, len(tokens))
            if depth >= len(tokens):
                continue
            bin = int(chance * _BINS + 0.5)
            if self.reached[bin] >= _MEMORY:
                self.reached[bin] /= 2
                self.right[bin] /= 2
            self.reached[bin] += 1
            if tokens[depth] == token:
                self.right[bin] += 1
                places[node] = depth + 1

    def chance(self, chance: float) -> float:
        """How often tokens of this chance were right: between what was counted to either side."""
        at = chance * _BINS
        low = min(int(at), _BINS - 1)
        below = self.right[low] / self.reached[low]
        above = self.right[low + 1] / self.reached[low + 1]
        return below + (at - low) * (above - below)

    def corrected(self, tree: DraftTree) -> DraftTree:
        """`tree` with its chances as they were counted; its nodes and their order are kept."""
        chances = [self.chance(chance) for chance in tree.chances]
        return DraftTree(tree.tokens, tree.parents, chances, tree.laws)


class Counted:
    """The trees of some drafters behind tips, united with their chances as they were counted."""

    def __init__(self, parts: int, *, vocabulary: int) -> None:
        """Of so many drafters, whose tokens are below `vocabulary`."""
        self.counts = [Calibration() for _ in range(parts)]
        self.vocabulary = vocabulary
        self._drafted: dict[int, Sequence[DraftTree]] = {}

    def united(self, sequence: int, trees: Sequence[DraftTree], budget: int) -> DraftTree:
        """The union of `trees`, one of each drafter, behind the tip of `sequence`."""
        trees = [mended(tree, vocabulary=self.vocabulary, budget=len(tree)) for tree in trees]
        self._drafted[sequence] = trees
        pairs = zip(self.counts, trees, strict=True)
        return united([count.corrected(tree) for count, tree in pairs], budget)

    def grown(self, sequence: int, tokens: Sequence[int]) -> None:
        """The text `sequence` has grown by `tokens`: count what came true of its last trees."""
        for count, tree in zip(self.counts, self._drafted.pop(sequence, ()), strict=False):
            count.count(tree, tokens)

    def over(self, sequence: int) -> None:
        """The text has ended."""
        self._drafted.pop(sequence, None)


class Compiled(Counted):
    """The same by the kernels, in a fifth of the time."""

    def __init__(self, parts: int, *, vocabulary: int) -> None:
        """See `Counted`."""
        super().__init__(parts, vocabulary=vocabulary)
        tables = [(one.right, one.reached) for one in self.counts]
        self._union = Union(tables, vocabulary=vocabulary, memory=_MEMORY)
        self._arrays: dict[int, list[Arrays]] = {}

    def united(self, sequence: int, trees: Sequence[DraftTree], budget: int) -> DraftTree:
        """See `Counted`."""
        nodes, arrays = None, _arrays(trees)
        if arrays is not None:
            nodes = self._union.united(arrays, budget)
        if nodes is None or arrays is None:
            sound = [mended(tree, vocabulary=self.vocabulary, budget=len(tree)) for tree in trees]
            return self.united(sequence, sound, budget)
        self._arrays[sequence] = arrays
        return DraftTree(*nodes)

    def grown(self, sequence: int, tokens: Sequence[int]) -> None:
        """See `Counted`."""
        if arrays := self._arrays.pop(sequence, None):
            self._union.counted(arrays, tokens)

    def over(self, sequence: int) -> None:
        """See `Counted`."""
        self._arrays.pop(sequence, None)


def _arrays(trees: Sequence[DraftTree]) -> list[Arrays] | None:
    """The trees as arrays; None where one of them does not fit into such."""
    found = list[Arrays]()
    for tree in trees:
        if not len(tree.tokens) == len(tree.parents) == len(tree.chances):
            return None
        try:
            found.append(
                (array("i", tree.tokens), array("i", tree.parents), array("d", tree.chances))
            )
        except OverflowError:
            return None
    return found
