"""Which keys each row of a call attends to, laid out so that shared prefixes are read once.

A group of rows reads one set of keys, the union of its paths, and masks what a row may not see.
Rows are put in depth-first order and cut into groups where reading (and masking) other rows' keys
would cost more than starting again: unrelated prompts part, beams stay together, and long tails of
one prompt go a few at a time. Costs are counted, in units of one key read for one row. Padding
every row's keys to one length was measured too, and lost everywhere but on the narrowest heads.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treeseek.backends.plan import Call
from treeseek.backends.slots import Slots, SlotTable
from treeseek.tree import OFFSET_BITS

CHAIN = 16
"""A run of rows this long is a group of its own (a prompt being read)."""
GATHER_COST = 4.0
"""Work of gathering one key that does not lie in a run of slots."""
GROUP_COST = 1500.0
"""Work of one more group, whatever its size."""

Index = NDArray[np.intp]
Keys = tuple[int, int] | Slots
"""A run of slots (first, one past the last), or the slots themselves."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that read one set of keys. `rows` None: all rows of the call, in order.

    `depths` [n] of the rows, `key_depths` [K], `visible` [n, K] (None: every row sees every key).
    """

    rows: Index | None
    keys: Keys
    depths: Index
    key_depths: Index
    visible: NDArray[np.bool_] | None


def group(table: SlotTable, call: Call) -> list[Group]:
    """Group the rows of `call`. Costs a few microseconds a row, and bytes for rows * depth."""
    spans = call.spans
    if len(spans) == 1:
        return [_chain(table, call, 0, None)]
    groups: list[Group] = []
    single: list[int] = []
    paths: list[Slots] = []
    row = 0
    for at, (segment, start, stop) in enumerate(spans):
        count = stop - start
        path = table.path((segment << OFFSET_BITS) + stop - 1)
        if count == 1:
            single.append(row)
            paths.append(path)
        elif count < CHAIN:
            single.extend(range(row, row + count))
            paths.extend(path[: len(path) - k] for k in range(count - 1, -1, -1))
        else:
            groups.append(_chain(table, call, at, np.arange(row, row + count)))
        row += count
    if single:
        forest = _Forest(paths)
        names = np.array(single) if groups else None
        groups.extend(forest.union(begin, stop, names) for begin, stop in forest.parts())
    return groups


def whole(table: SlotTable, call: Call) -> list[Group]:
    """All rows of `call` over the union of their paths, for models that only take a mask."""
    paths: list[Slots] = []
    for segment, start, stop in call.spans:
        path = table.path((segment << OFFSET_BITS) + stop - 1)
        paths.extend(path[: len(path) - k] for k in range(stop - start - 1, -1, -1))
    return [_Forest(paths).union(0, len(paths), None)]


def _chain(table: SlotTable, call: Call, at: int, rows: Index | None) -> Group:
    segment, start, stop = call.spans[at]
    path = table.path((segment << OFFSET_BITS) + stop - 1)
    length, count = len(path), stop - start
    key_depths = np.arange(length)
    depths = key_depths[length - count :]
    first = int(path[0])
    keys: Keys = path
    if int(path[-1]) - first == length - 1 and bool((path[1:] - path[:-1] == 1).all()):
        keys = (first, first + length)
    return Group(
        rows, keys, depths, key_depths, None if count == 1 else key_depths <= depths[:, None]
    )


class _Forest:
    """Paths in depth-first order: what a row shares, it shares with the row before it."""

    def __init__(self, paths: Sequence[Slots]) -> None:
        lengths = np.fromiter(map(len, paths), np.intp, len(paths))
        grid = np.zeros((len(paths), int(lengths.max())), np.int32)
        for line, path in zip(grid, paths, strict=True):
            line[: len(path)] = path
        # Paths with a common prefix are neighbours in any order that compares from the front.
        self.order = np.argsort(grid.view(f"S{4 * grid.shape[1]}")[:, 0], kind="stable")
        self.grid, self.lengths = grid[self.order], lengths[self.order]
        self.shared = np.zeros(len(paths), np.intp)
        self.shared[1:] = (self.grid[1:] != self.grid[:-1]).argmax(1)

    def parts(self) -> Iterator[tuple[int, int]]:
        """Cut the rows where one more group costs less than a place in the last one."""
        begin, size = 0, 0
        lengths, shared = self.lengths.tolist(), self.shared.tolist()
        for row, (length, common) in enumerate(zip(lengths, shared, strict=True)):
            fresh, inside = length - common, row - begin
            joined = size + fresh * (1 + inside + GATHER_COST)
            if row > begin and joined > GROUP_COST + length * (1 + GATHER_COST):
                yield begin, row
                begin, size = row, length
            else:
                size += fresh
        yield begin, len(lengths)

    def union(self, begin: int, stop: int, names: Index | None) -> Group:
        """The rows `begin` to `stop` as a group; `names` are their numbers in the call."""
        count = stop - begin
        grid, lengths = self.grid[begin:stop], self.lengths[begin:stop]
        shared = self.shared[begin:stop].copy()
        shared[0] = 0
        depth = np.arange(grid.shape[1])
        fresh = (depth >= shared[:, None]) & (depth < lengths[:, None])
        owner, key_depths = np.nonzero(fresh)
        keys = grid[fresh]
        # Row i sees a key of row o at a depth that all rows from o to i share.
        reach = np.where(np.tri(count, k=-1, dtype=np.bool_).T, shared, lengths[:, None])
        reach = np.minimum.accumulate(reach, axis=1)
        reach[np.tri(count, k=-1, dtype=np.bool_)] = 0
        place = self.order[begin:stop]
        back = np.argsort(place)
        visible = (reach[owner] > key_depths[:, None]).T[back]
        depths = lengths[back] - 1
        rows: Index | None = place[back]
        if names is not None:
            rows = names[place[back]]
        elif count == len(self.order):
            rows = None
        first, last = int(keys.min()), int(keys.max()) + 1
        if (last - first) * count > len(keys) * (count + GATHER_COST):
            return Group(rows, keys, depths, key_depths, None if visible.all() else visible)
        at = keys - first
        seen = np.zeros((count, last - first), np.bool_)
        seen[:, at] = visible
        where = np.zeros(last - first, np.intp)
        where[at] = key_depths
        return Group(rows, (first, last), depths, where, None if seen.all() else seen)
