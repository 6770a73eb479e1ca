"""Which keys each row of a call attends to, laid out so that shared prefixes are read once.

Rows are grouped by the path they share, never by the call they happen to share: a union over
unrelated prompts would spend its work on masked keys. Two layouts: `Shared` reads one set of keys
for all its rows and masks what a row may not see; `Tails` reads a common prefix once and each row's
own tail apart. Which is cheaper is counted, in units of one key read for one row. Numpy only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treeseek.backends.plan import Call
from treeseek.backends.slots import Slots, SlotTable
from treeseek.tree import OFFSET_BITS

CHAIN = 16
"""A run of rows this long is a group of its own (a prompt being read)."""
TAIL_COST = 4.5
"""Work of one key of a tail beside one key of a shared set, where a product serves many rows."""
TAIL_START = 4000
"""Work a shared prefix with tails costs beside one set of keys, whatever its size."""
GATHER_COST = 4.0
"""Work of gathering one shared key that does not lie in a run of slots."""
PART_COST = 2000
"""Work of one more group: unrelated prompts share a set of keys only while that is cheaper."""
UNION_LIMIT = 1 << 13
"""Tail keys past which a union is not even counted."""

Index = NDArray[np.intp]
Keys = tuple[int, int] | Slots
"""A run of slots (first, one past the last), or the slots themselves."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Rows that read one set of keys. `rows` None: all rows of the call, in order.

    `depths` [n] of the rows, `key_depths` [K], `visible` [n, K] (None: every row sees every key).
    """

    rows: Index | None
    keys: Keys
    depths: Index
    key_depths: Index
    visible: NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True)
class Tails:
    """Rows that all see the keys of `prefix` (depths 0 to P-1), then each its own tail.

    `tails` [n, T] slots, padded with slot 0 after `depths[i] + 1 - P` keys.
    """

    rows: Index | None
    prefix: Keys
    depths: Index
    tails: Slots


def group(table: SlotTable, call: Call) -> list[Shared | Tails]:
    """Group the rows of `call`. Costs O(rows * depth) bytes touched, a few microseconds a row."""
    spans = call.spans
    if len(spans) == 1:
        return [_chain(table, call, 0, None)]
    groups: list[Shared | Tails] = []
    single: list[int] = []
    paths: list[Slots] = []
    row = 0
    for at, (segment, start, stop) in enumerate(spans):
        count = stop - start
        if count >= CHAIN:
            groups.append(_chain(table, call, at, np.arange(row, row + count)))
        else:
            path = table.path((segment << OFFSET_BITS) + stop - 1)
            single.extend(range(row, row + count))
            paths.extend(path[: len(path) - k] for k in range(count - 1, -1, -1))
        row += count
    if single:
        index = np.array(single, np.intp) if groups else None
        groups.extend(_split(paths, index))
    return groups


def _chain(table: SlotTable, call: Call, at: int, rows: Index | None) -> Shared:
    segment, start, stop = call.spans[at]
    path = table.path((segment << OFFSET_BITS) + stop - 1)
    length, count = len(path), stop - start
    key_depths = np.arange(length)
    depths = key_depths[length - count :]
    visible = None if count == 1 else key_depths <= depths[:, None]
    return Shared(rows, _run(path), depths, key_depths, visible)


def _run(slots: Slots) -> Keys:
    """The slots as a run where they are one."""
    first, length = int(slots[0]), len(slots)
    if int(slots[-1]) - first == length - 1 and bool((slots[1:] - slots[:-1] == 1).all()):
        return first, first + length
    return slots


def _split(paths: Sequence[Slots], rows: Index | None) -> list[Shared | Tails]:
    """Split rows into groups that share at least half of their shortest path."""
    grid, lengths = _grid(paths)
    shortest = int(lengths.min())
    column = grid[:, shortest // 2]
    if (column == column[0]).all():
        return [_layout(grid, lengths, rows)]
    _, kind, sizes = np.unique(column, return_inverse=True, return_counts=True)
    if int(lengths.sum()) <= UNION_LIMIT:
        union = _union(grid, lengths, _common(grid, lengths), rows)
        if _work(union) <= float(lengths.sum()) + PART_COST * len(sizes):
            return [union]
    groups: list[Shared | Tails] = []
    for label in np.flatnonzero(sizes > 1):
        some = np.flatnonzero(kind == label)
        groups.append(_layout(grid[some], lengths[some], some if rows is None else rows[some]))
    alone = np.flatnonzero(sizes[kind] == 1)
    # Rows without company are padded together, with others of about their length.
    scale = np.ceil(np.log2(lengths[alone] + 16)).astype(int)
    for size in np.unique(scale):
        some = alone[scale == size]
        names = some if rows is None else rows[some]
        longest = int(lengths[some].max())
        if len(some) == 1:
            depths = np.arange(longest)
            groups.append(Shared(names, _run(grid[some[0], :longest]), depths[-1:], depths, None))
        else:
            groups.append(Tails(names, (0, 0), lengths[some] - 1, grid[some, :longest]))
    return groups


def whole(table: SlotTable, call: Call) -> list[Shared | Tails]:
    """All rows of `call` over the union of their paths, for models that only take a mask."""
    paths: list[Slots] = []
    for segment, start, stop in call.spans:
        path = table.path((segment << OFFSET_BITS) + stop - 1)
        paths.extend(path[: len(path) - k] for k in range(stop - start - 1, -1, -1))
    grid, lengths = _grid(paths)
    return [_union(grid, lengths, _common(grid, lengths), None)]


def _grid(paths: Sequence[Slots]) -> tuple[Slots, Index]:
    """Paths as rows of one array, padded with slot 0, and their lengths."""
    lengths = np.array([len(path) for path in paths])
    grid = np.zeros((len(paths), int(lengths.max())), np.int32)
    for line, path in zip(grid, paths, strict=True):
        line[: len(path)] = path
    return grid, lengths


def _common(grid: Slots, lengths: Index) -> int:
    """Length of the prefix all rows share. Paths that meet at a depth agree up to it."""
    low, high = 0, int(lengths.min())
    while low < high:
        middle = (low + high + 1) // 2
        column = grid[:, middle - 1]
        if (column == column[0]).all():
            low = middle
        else:
            high = middle - 1
    return low


def _layout(grid: Slots, lengths: Index, rows: Index | None) -> Shared | Tails:
    """Choose between one masked set of keys and a shared prefix with tails."""
    prefix = _common(grid, lengths)
    count, longest = len(lengths), int(lengths.max())
    if int(lengths.sum()) - count * prefix <= UNION_LIMIT:
        union = _union(grid, lengths, prefix, rows)
        tails = TAIL_START + count * (prefix + TAIL_COST * (longest - prefix))
        if _work(union) <= tails or longest == prefix:
            return union
    head = _run(grid[0, :prefix]) if prefix else (0, 0)
    return Tails(rows, head, lengths - 1, grid[:, prefix:longest])


def _work(union: Shared) -> float:
    """Keys read times rows, and the price of gathering them."""
    rows, keys = len(union.depths), union.keys
    if isinstance(keys, tuple):
        return float((keys[1] - keys[0]) * rows)
    return len(keys) * (rows + GATHER_COST)


def _union(grid: Slots, lengths: Index, prefix: int, rows: Index | None) -> Shared:
    """One set of keys for all rows: the run of slots around them, or the slots gathered."""
    count = len(lengths)
    depths = np.arange(prefix, grid.shape[1])
    inside = depths < lengths[:, None]
    flat = grid[:, prefix:][inside]
    head = grid[0, :prefix]
    own, where = np.unique(flat, return_inverse=True)
    both = np.concatenate((head, own))
    first, stop = int(both.min()), int(both.max()) + 1
    keys: Keys
    if (stop - first) * count <= len(both) * (count + GATHER_COST):
        keys, width = (first, stop), stop - first
        head_at, own_at = head - first, flat - first
    else:
        keys, width = both, len(both)
        head_at, own_at = np.arange(prefix, dtype=np.int32), (where + prefix).astype(np.int32)
    row_of, column_of = np.nonzero(inside)
    visible = np.zeros((count, width), np.bool_)
    visible[:, head_at] = True
    visible[row_of, own_at] = True
    key_depths = np.zeros(width, np.intp)
    key_depths[head_at] = np.arange(prefix)
    key_depths[own_at] = column_of + prefix
    return Shared(rows, keys, lengths - 1, key_depths, None if visible.all() else visible)
