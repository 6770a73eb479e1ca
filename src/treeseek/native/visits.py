"""The tree of a PUCT search in compiled form: numbers in, numbers out."""

import ctypes
import math
from array import array
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from treeseek.native.kernels import VisitTree, kernels

VISIT = np.dtype(
    [(name, np.float64) for name in ("sum", "mean", "prior", "share", "loss", "settled")]
    + [(name, np.int64) for name in ("visits", "first", "count", "parent", "state")]
)
"""What is kept of a node; fields as in visits.h."""
_ROOM = 1024


def _address(column: "array[Any]") -> int:
    return column.buffer_info()[0]


class CompiledVisits:
    """`strategies.visits.Visits` by the kernels: the same numbers, bit for bit.

    `nodes` [size] are its records, of type VISIT. Raises Unbuilt where there are no kernels.
    """

    def __init__(self, exploration: float, *, bounded: bool) -> None:
        """Start with a root that nobody visited."""
        self._kernels = kernels()
        low, high = (0.0, 1.0) if bounded else (math.inf, -math.inf)
        self._tree = VisitTree(None, 1, exploration, low, high, bounded)
        self._at = ctypes.addressof(self._tree)
        self._records = np.zeros(0, VISIT)
        self._leaves = array("q")
        self._descents = ctypes.c_int64()
        self._grow(_ROOM)
        self._records[0] = (0, 0, 1, 1, 0, 0, 0, 0, 0, -1, 0)

    def _grow(self, room: int) -> None:
        records = np.zeros(room, VISIT)
        records[: len(self._records)] = self._records
        self._records, self._tree.nodes = records, records.ctypes.data

    @property
    def nodes(self) -> np.ndarray:
        """The records of all nodes, a view."""
        return self._records[: self._tree.size]

    def collect(self, most: int, left: int) -> tuple[list[int], int]:
        """Descend at most `left` times, to at most `most` different leaves; and how often."""
        if most > len(self._leaves):
            self._leaves = array("q", bytes(8 * most))
        found = self._kernels.visits_collect(
            self._at, most, left, _address(self._leaves), ctypes.byref(self._descents)
        )
        return self._leaves[:found].tolist(), self._descents.value

    def land(
        self, leaves: Sequence[int], values: Sequence[float], families: Sequence[Sequence[float]]
    ) -> None:
        """Back up the values of `leaves` and give each its family, children by log-probability."""
        places, worth = array("q", leaves), array("d", values)
        sizes, logprobs = array("q", map(len, families)), array("d", chain.from_iterable(families))
        if (needed := self._tree.size + len(logprobs)) > len(self._records):
            self._grow(max(needed, 2 * len(self._records)))
        columns = [_address(column) for column in (places, worth, sizes, logprobs)]
        self._kernels.visits_land(self._at, len(places), *columns)

    def favourite(self) -> int:
        """The leaf at the end of the most visited path; of equals the earlier grown."""
        nodes, at = self.nodes, 0
        while count := int(nodes["count"][at]):
            first = int(nodes["first"][at])
            at = first + int(nodes["visits"][first : first + count].argmax())
        return at
