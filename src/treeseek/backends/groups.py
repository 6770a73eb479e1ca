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
TAIL_COST = 4.0
"""Work of one key of a tail beside one key of a shared set (measured: one row reads it alone)."""
GATHER_COST = 2.0
"""Work of gathering one shared key that does not lie in a run of slots."""
UNION_LIMIT = 1 << 13
"""Tail keys past which a union is not even counted."""

Index = NDArray[np.intp]
Depths = NDArray[np.int64]
Keys = tuple[int, int] | Slots
"""A run of slots (first, one past the last), or the slots themselves."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Rows that read one set of keys. `rows` None: all rows of the call, in order.

    `depths` [n] of the rows, `key_depths` [K], `visible` [n, K] (None: every row sees every key).
    """

    rows: Index | None
    keys: Keys
    depths: Depths
    key_depths: Depths
    visible: NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True)
class Tails:
    """Rows that all see the keys of `prefix` (depths 0 to P-1), then each its own tail.

    `tails` [n, T] slots, padded with slot 0 after `depths[i] + 1 - P` keys.
    """

    rows: Index | None
    prefix: Keys
    depths: Depths
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
    lengths = np.array([len(path) for path in paths])
    grid = np.zeros((len(paths), int(lengths.max())), np.int32)
    for line, path in zip(grid, paths, strict=True):
        line[: len(path)] = path
    shortest = int(lengths.min())
    column = grid[:, shortest // 2]
    if (column == column[0]).all():
        return [_layout(grid, lengths, rows)]
    _, kind, sizes = np.unique(column, return_inverse=True, return_counts=True)
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


def _layout(grid: Slots, lengths: NDArray[np.intp], rows: Index | None) -> Shared | Tails:
    """Choose between one masked set of keys and a shared prefix with tails."""
    count, longest = len(lengths), int(lengths.max())
    low, high = 0, int(lengths.min())
    while low < high:
        middle = (low + high + 1) // 2
        column = grid[:, middle - 1]
        if (column == column[0]).all():
            low = middle
        else:
            high = middle - 1
    prefix = low
    depths = (lengths - 1).astype(np.int64)
    inside = np.arange(prefix, longest) < lengths[:, None]
    tails = grid[:, prefix:longest]
    flat = tails[inside]
    apart = count * (prefix + TAIL_COST * (longest - prefix))
    if len(flat) <= UNION_LIMIT:
        own, where = np.unique(flat, return_inverse=True)
        head = grid[0, :prefix]
        first = int(
            min(head.min(initial=own[0] if len(own) else 1 << 30), own.min(initial=1 << 30))
        )
        last = int(max(head.max(initial=0), own.max(initial=0)))
        size = prefix + len(own)
        gathered = size * (count + GATHER_COST)
        ranged = (last + 1 - first) * count
        if min(gathered, ranged) <= apart or longest == prefix:
            row_of = np.nonzero(inside)[0]
            depth_of = np.nonzero(inside)[1] + prefix
            if ranged <= gathered:
                width, keys = last + 1 - first, (first, last + 1)
                head_at, own_at = head - first, flat - first
            else:
                width, keys = size, np.concatenate((head, own))
                head_at, own_at = np.arange(prefix), where + prefix
            visible = np.zeros((count, width), np.bool_)
            visible[:, head_at] = True
            visible[row_of, own_at] = True
            key_depths = np.zeros(width, np.int64)
            key_depths[head_at] = np.arange(prefix)
            key_depths[own_at] = depth_of
            return Shared(rows, keys, depths, key_depths, None if visible.all() else visible)
    return Tails(rows, _run(grid[0, :prefix]) if prefix else (0, 0), depths, tails)
