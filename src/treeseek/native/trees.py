"""Trees of drafted tokens, united and counted by the kernels."""

from array import array
from collections.abc import Sequence
from typing import TypeAlias

from treeseek.native.kernels import kernels

Table: TypeAlias = "tuple[array[float], array[float]]"
"""By bin of chances, how many tokens were right and how many reached."""
Arrays: TypeAlias = "tuple[array[int], array[int], array[float]]"
"""Tokens, parents and chances of a tree, all of one length."""
Nodes: TypeAlias = tuple[list[int], list[int], list[float]]
_FIELDS = 6


class Union:
    """Unites the trees of some drafters, each with the table its chances are counted in."""

    def __init__(self, tables: Sequence[Table], *, vocabulary: int, memory: float) -> None:
        """Tokens are below `vocabulary`; what was reached `memory` times counts for half then."""
        self._tables, self._bins = tables, len(tables[0][0]) - 1
        self._vocabulary, self._memory = vocabulary, memory
        self._trees = array("q", bytes(8 * _FIELDS * len(tables)))
        """`drafted` of trees.h, one behind the other."""
        self._address = self._trees.buffer_info()[0]
        for at, (right, reached) in enumerate(tables):
            self._trees[_FIELDS * at + 4] = right.buffer_info()[0]
            self._trees[_FIELDS * at + 5] = reached.buffer_info()[0]
        self._unite, self._count = kernels().trees_united, kernels().trees_counted
        self._make_room(0)

    def united(self, trees: Sequence[Arrays], budget: int) -> Nodes | None:
        """The `budget` nodes most probably reached of `trees`; None where one of them is no tree.

        See `DraftTree.check` for what makes one.
        """
        self._take(trees)
        if budget > len(self._chances):
            self._make_room(2 * budget)
        count = self._unite(
            self._address, len(trees), self._vocabulary, self._bins, budget, *self._room
        )
        if count < 0:
            return None
        return (
            self._tokens[:count].tolist(),
            self._parents[:count].tolist(),
            self._chances[:count].tolist(),
        )

    def counted(self, trees: Sequence[Arrays], grown: Sequence[int]) -> None:
        """The text has grown by the tokens `grown` where `trees`, once united, were drafted."""
        self._take(trees)
        tokens = array("i", grown)
        self._count(
            self._address, len(trees), self._bins, self._memory, tokens.buffer_info()[0],
            len(tokens),
        )  # fmt: skip

    def _make_room(self, budget: int) -> None:
        self._tokens, self._parents = array("i", bytes(4 * budget)), array("i", bytes(4 * budget))
        self._chances = array("d", bytes(8 * budget))
        arrays = self._tokens, self._parents, self._chances
        self._room = tuple(one.buffer_info()[0] for one in arrays)

    def _take(self, trees: Sequence[Arrays]) -> None:
        at, fields = 0, self._trees
        for tokens, parents, chances in trees:
            fields[at], fields[at + 3] = tokens.buffer_info()
            fields[at + 1], fields[at + 2] = parents.buffer_info()[0], chances.buffer_info()[0]
            at += _FIELDS
