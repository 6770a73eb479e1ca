"""Which keys each row of a call attends to, laid out so that shared prefixes are read once.

A group of rows reads one set of keys, the union of its paths, and masks what a row may not see.
Where paths part for good, so do their groups; else rows are put in depth-first order and cut where
reading (and masking) other rows' keys would cost more than starting again. So unrelated prompts
part, beams stay together, and short tails of one prompt go a few at a time. Costs are counted, in
units of one key read for one row. Padding every row's keys to one length was measured too, and lost
everywhere but on the narrowest heads.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

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
LONG_TAIL = 128
"""Tokens past a fork that are worth a group for each side without counting."""

Index = NDArray[np.intp]
Keys = tuple[int, int] | Slots
"""A run of slots (first, one past the last), or the slots themselves."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that read one set of keys. `rows` None: all rows of the call, in order.

    `depths` [n] of the rows, `key_depths` [K]. Every row sees the first `prefix` keys; `visible`
    [n, K - prefix] says what else it sees (None: everything).
    """

    rows: Index | None
    keys: Keys
    depths: Index
    key_depths: Index
    prefix: int
    visible: NDArray[np.bool_] | None


def group(table: SlotTable, call: Call) -> list[Group]:
    """Group the rows of `call`. Costs a few microseconds a row, and bytes for rows * tails."""
    spans = call.spans
    if len(spans) == 1:
        return [_chain(table, call, 0, None)]
    groups: list[Group] = []
    single: list[int] = []
    paths: list[Slots] = []
    row = 0
    for at, (segment, start, stop) in enumerate(spans):
        count = stop - start
        if count == 1:
            single.append(row)
            paths.append(table.path((segment << OFFSET_BITS) + start))
        elif count < CHAIN:
            path = table.path((segment << OFFSET_BITS) + stop - 1)
            single.extend(range(row, row + count))
            paths.extend(path[: len(path) - k] for k in range(count - 1, -1, -1))
        else:
            groups.append(_chain(table, call, at, np.arange(row, row + count)))
        row += count
    if single:
        _part(paths, single, groups)
    if len(groups) == 1:
        return [replace(groups[0], rows=None)]
    return groups


def whole(table: SlotTable, call: Call) -> list[Group]:
    """All rows of `call` over the union of their paths, for models that only take a mask."""
    paths: list[Slots] = []
    for segment, start, stop in call.spans:
        path = table.path((segment << OFFSET_BITS) + stop - 1)
        paths.extend(path[: len(path) - k] for k in range(stop - start - 1, -1, -1))
    forest = _Forest(paths, 0)
    return [forest.union(0, len(paths), list(range(len(paths))))]


def _chain(table: SlotTable, call: Call, at: int, rows: Index | None) -> Group:
    segment, start, stop = call.spans[at]
    path = table.path((segment << OFFSET_BITS) + stop - 1)
    length, count = len(path), stop - start
    key_depths = np.arange(length)
    visible = None if count == 1 else np.tri(count, dtype=np.bool_)
    prefix = length if count == 1 else length - count
    return Group(rows, _run(path), key_depths[length - count :], key_depths, prefix, visible)


def _run(slots: Slots) -> Keys:
    """The slots as a run where they are one."""
    first, length = int(slots[0]), len(slots)
    if int(slots[-1]) - first == length - 1 and bool((slots[1:] - slots[:-1] == 1).all()):
        return first, first + length
    return slots


def shared_length(paths: Sequence[Slots], high: int) -> int:
    """Length of the prefix all paths share, at most `high`; paths that meet agree before it."""
    low = 0
    while low < high:
        middle = (low + high) // 2
        if _meet(paths, middle):
            low = middle + 1
        else:
            high = middle
    return low


def _meet(paths: Sequence[Slots], depth: int) -> bool:
    slot = paths[0][depth]
    return all(path[depth] == slot for path in paths)


def _part(paths: Sequence[Slots], names: Sequence[int], groups: list[Group]) -> None:
    """Add the groups of `paths`, rows `names` of the call, to `groups`."""
    if len(paths) == 1:
        path = paths[0]
        depths = np.arange(len(path))
        rows = np.array(names)
        groups.append(Group(rows, _run(path), depths[-1:], depths, len(path), None))
        return
    shortest = min(map(len, paths))
    base = max(shortest - LONG_TAIL, 0)
    if base == 0 or _meet(paths, base - 1):
        forest = _Forest(paths, base)
        if forest.tails.shape[1] <= LONG_TAIL:
            groups.extend(forest.union(begin, stop, names) for begin, stop in forest.parts())
            return
        common = forest.common
    else:
        common = shared_length(paths, base)
    branches: dict[int, list[int]] = {}
    for index, path in enumerate(paths):
        branches.setdefault(int(path[common]) if common < len(path) else 0, []).append(index)
    for branch in branches.values():
        _part([paths[i] for i in branch], [names[i] for i in branch], groups)


class _Forest:
    """Paths in depth-first order: what a row shares, it shares with the row before it.

    `tails` [n, T] is what is left of the paths after the `common` tokens they all begin with.
    """

    def __init__(self, paths: Sequence[Slots], base: int) -> None:
        """Put `paths`, which agree on their first `base` tokens, in order."""
        lengths = np.fromiter(map(len, paths), np.intp, len(paths)) - base
        count, longest = len(paths), int(lengths.max())
        if int(lengths.min()) == longest:
            tails = np.concatenate([path[base:] for path in paths]).reshape(count, longest)
        else:
            tails = np.zeros((count, longest), np.int32)
            for line, path, length in zip(tails, paths, lengths.tolist(), strict=True):
                line[:length] = path[base:]
        # Paths with a common prefix are neighbours in any order that compares from the front.
        texts = [line.tobytes() for line in tails]
        self.order = np.array(sorted(range(count), key=texts.__getitem__))
        tails = tails[self.order]
        shared = (tails[1:] != tails[:-1]).argmax(1)
        more = int(shared.min()) if count > 1 else longest
        self.common = base + more
        self.head = paths[0][: self.common]
        self.tails = tails[:, more:]
        self.lengths = lengths[self.order] - more
        self.shared = np.concatenate((np.zeros(1, np.intp), shared - more))

    def parts(self) -> Iterator[tuple[int, int]]:
        """Cut the rows where one more group costs less than a place in the last one."""
        begin, size = 0, self.common
        lengths, shared = self.lengths.tolist(), self.shared.tolist()
        for row, (length, same) in enumerate(zip(lengths, shared, strict=True)):
            fresh = length - same
            joined = size + fresh * (1 + row - begin + GATHER_COST)
            alone = GROUP_COST + (self.common + length) * (1 + GATHER_COST)
            if row > begin and joined > alone:
                yield begin, row
                begin, size = row, self.common + length
            else:
                size += fresh
        yield begin, len(lengths)

    def union(self, begin: int, stop: int, names: Sequence[int]) -> Group:
        """The rows `begin` to `stop` as a group; `names` are the numbers of all rows."""
        count, common = stop - begin, self.common
        tails, lengths = self.tails[begin:stop], self.lengths[begin:stop]
        shared = self.shared[begin:stop].copy()
        shared[0] = 0
        depth = np.arange(tails.shape[1])
        fresh = (depth >= shared[:, None]) & (depth < lengths[:, None])
        owner, depths = np.nonzero(fresh)
        own = tails[fresh]
        # Row i sees a key of row o at a depth that all rows from o to i share.
        later = np.tri(count, k=-1, dtype=np.bool_)
        small = np.int16 if tails.shape[1] < 1 << 15 else np.int32
        reach = np.where(later.T, shared.astype(small), lengths.astype(small)[:, None])
        reach = np.minimum.accumulate(reach, axis=1)
        reach[later] = 0
        place = self.order[begin:stop]
        back = np.argsort(place)
        reach = reach[:, back]
        head = _run(self.head) if common else (0, 0)
        keys: Keys | None = None
        if isinstance(head, tuple) and len(own):
            first = head[0] if common else int(own.min())
            edge, last = first + common, int(own.max()) + 1
            gathered = (common + len(own)) * (count + GATHER_COST)
            if int(own.min()) >= edge and (last - first) * count <= gathered:
                keys = (first, last)
                # Slots of nobody's in between belong to a row at a depth it does not reach.
                at = own - edge
                owners = np.zeros(last - edge, np.intp)
                owners[at] = owner
                where = np.full(last - edge, tails.shape[1], np.intp)
                where[at] = depths
                owner, depths = owners, where
        if keys is None:
            keys = np.concatenate((self.head, own))
        visible = np.ascontiguousarray(
            (reach.take(owner, axis=0) > depths[:, None].astype(small)).T
        )
        key_depths = np.concatenate((np.arange(common), depths + common))
        rows = np.array(names)[place[back]]
        return Group(rows, keys, lengths[back] + common - 1, key_depths, common, visible)
