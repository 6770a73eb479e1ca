"""Which cache slot each token of the tree holds. Plain bookkeeping: it knows no tensor, no model.

A slot belongs to a node, so a prefix is held once whoever asked for it. What is warm is a prefix of
every segment, and a segment is warm only where its parent is; so slots go cold from segment ends,
least recently used first, never above a warm child. Nothing is pinned between calls: the caller
names the nodes in flight each time it asks for room. What is stored in a slot is not its business.
"""

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from treeseek.errors import InvalidOption
from treeseek.tree import OFFSET_BITS, OFFSET_MASK, ROOT, Tree

Slots = NDArray[np.int32]
PATH_ROOM = 1 << 22
"""Slot numbers kept in remembered paths (16 MiB); older paths are laid out again when needed."""


class Span(NamedTuple):
    """The tokens `start` to `stop` (excluded) of one segment."""

    segment: int
    start: int
    stop: int


class Path:
    """Slots from the first token of a prompt on, in depth order, the first `filled` of them known.

    `start` is the depth of the first token of its segment, `at` the address of `slots` in memory,
    good as long as that array lives.
    """

    __slots__ = ("at", "filled", "slots", "start")

    def __init__(self, start: int, slots: Slots, at: int) -> None:
        """In the room of `slots` at address `at`, of which those before `start` are filled."""
        self.start = self.filled = start
        self.slots, self.at = slots, at

    def grow(self, room: int) -> int:
        """Move to room for `room` slots; how many more those are. Readers keep the old array."""
        more = room - len(self.slots)
        slots = np.empty(room, np.int32)
        slots[: self.filled] = self.slots[: self.filled]
        self.slots, self.at = slots, slots.ctypes.data
        return more


class SlotTable:
    """Slots by segment, with at most `limit` in use; slot 0 is never given out.

    A path of n slots costs O(1) while its segment is remembered, O(n) once otherwise. Making room
    costs O(warm segments) and frees at least an eighth of the limit where that much is idle.
    """

    def __init__(self, tree: Tree, *, limit: int | None = None) -> None:
        """Hold nothing yet; `limit` counts tokens (None: unbounded)."""
        if limit is not None and limit < 1:
            raise InvalidOption(f"slots={limit}: the cache needs room for at least one token.")
        self.tree = tree
        self.limit = limit
        self.clear()

    def clear(self) -> None:
        """Free every slot and forget every segment."""
        self.warm: list[int] = []
        """Number of leading tokens of each segment that hold a slot."""
        self.seen: list[int] = []
        """Number of leading tokens of each segment that ever held one."""
        self.used = 0
        self.top = 1
        """One past the highest slot ever given out: the room a store must have."""
        self._rows: list[Slots] = []
        self._free: list[int] = []
        self._stamps: dict[int, int] = {}
        self._clock = 0
        self._paths: dict[int, Path] = {}
        self._path_room = 0

    def follow(self) -> None:
        """Take notice of segments the tree has got since the last call."""
        missing = len(self.tree.tokens) - len(self.warm)
        if missing > 0:
            self.warm.extend([0] * missing)
            self.seen.extend([0] * missing)
            self._rows.extend([_EMPTY] * missing)

    def is_warm(self, node: int) -> bool:
        """Whether `node` holds a slot."""
        segment = node >> OFFSET_BITS
        return segment < len(self.warm) and (node & OFFSET_MASK) < self.warm[segment]

    def slots(self, nodes: Sequence[int]) -> Slots:
        """Slots of warm nodes; those that stand one behind the other are found at once."""
        rows, count = self._rows, len(nodes)
        every = np.array(nodes, np.int64)
        found = np.empty(count, np.int32)
        begin = 0
        stops = (np.flatnonzero(np.diff(every) != 1) + 1).tolist()
        for stop in [*stops, count] if count else []:
            segment, start = nodes[begin] >> OFFSET_BITS, nodes[begin] & OFFSET_MASK
            found[begin:stop] = rows[segment][start : start + stop - begin]
            begin = stop
        return found

    def span_slots(self, span: Span) -> Slots:
        """Slots of a span that was opened or is warm."""
        return self._rows[span.segment][span.start : span.stop]

    def path(self, node: int) -> Slots:
        """Slots from the first token to `node` in depth order, a view that must not be written."""
        segment, offset = node >> OFFSET_BITS, node & OFFSET_MASK
        end = self.tree.starts[segment] + offset + 1
        if segment not in self._paths:
            self._lay([segment])
        found = self._laid(segment, end).slots[:end]
        self._forget()
        return found

    def paths(self, spans: Sequence[Span]) -> "list[Path]":
        """The paths to the last token of each span, to be read up to there."""
        starts, known = self.tree.starts, self._paths
        if new := [segment for segment, _, _ in spans if segment not in known]:
            self._lay(new)
        found = [self._laid(segment, starts[segment] + stop) for segment, _, stop in spans]
        self._forget()
        return found

    def _forget(self) -> None:
        """Drop the paths that were laid first where there are too many."""
        while self._path_room > PATH_ROOM and self._paths:
            oldest = next(iter(self._paths))
            self._path_room -= len(self._paths.pop(oldest).slots)

    def _laid(self, segment: int, end: int) -> "Path":
        """The path of `segment`, which is remembered, laid out up to depth `end`."""
        path = self._paths[segment]
        filled = path.filled
        if filled < end:
            if len(path.slots) < end:
                self._path_room += path.grow(2 * end - path.start + 16)
            row, start = self._rows[segment], path.start
            if end - filled == 1:
                path.slots[filled] = row[filled - start]
            else:
                path.slots[filled:end] = row[filled - start : end - start]
            path.filled = end
        return path

    def _lay(self, segments: Sequence[int]) -> None:
        """Remember the paths above `segments`, joined from what is known of their ancestors."""
        starts, parents, rows, known = self.tree.starts, self.tree.parents, self._rows, self._paths
        rooms = [starts[segment] + len(rows[segment]) + 8 for segment in segments]
        block = np.empty(sum(rooms), np.int32)
        base, begin = block.ctypes.data, 0
        for segment, room in zip(segments, rooms, strict=True):
            slots = block[begin : begin + room]
            path = Path(starts[segment], slots, base + block.itemsize * begin)
            end, above, begin = path.start, parents[segment], begin + room
            while above != ROOT:
                owner = above >> OFFSET_BITS
                if owner in known:
                    slots[:end] = self._laid(owner, end).slots[:end]
                    break
                piece = rows[owner][: (above & OFFSET_MASK) + 1]
                slots[end - len(piece) : end] = piece
                end -= len(piece)
                above = parents[owner]
            known[segment] = path
        self._path_room += len(block)

    def touch(self, nodes: Iterable[int]) -> None:
        """Mark the segments of `nodes` as used now; what they hang on stays as long as they do."""
        self._clock += 1
        stamps, clock = self._stamps, self._clock
        for node in nodes:
            stamps[node >> OFFSET_BITS] = clock

    def open(self, spans: Sequence[Span], flight: Iterable[int] = ()) -> Slots:
        """Give slots to `spans` (ancestors first), making room without touching `flight`'s paths.

        The slots stay in use but cold until `commit`; `drop` gives them back. The caller sees to it
        that the paths in flight fit the limit.
        """
        count = sum(stop - start for _, start, stop in spans)
        if self.limit is not None and self.used + count > self.limit:
            self._make_room(self.used + count - self.limit, flight)
        given = self._take(count)
        rows, at = self._rows, 0
        for segment, start, stop in spans:
            row = rows[segment]
            if not start and stop > 1:
                rows[segment] = given[at : at + stop]
                at += stop
                continue
            if stop > len(row):
                grown = np.empty(max(stop, 2 * len(row), 4), np.int32)
                grown[:start] = row[:start]
                rows[segment] = row = grown
            if stop - start == 1:
                row[start] = given[at]
            else:
                row[start:stop] = given[at : at + stop - start]
            at += stop - start
        return given

    def commit(self, spans: Iterable[Span]) -> int:
        """The spans' slots hold their values now. Returns how many had held a slot before."""
        again = 0
        for segment, start, stop in spans:
            self.warm[segment] = stop
            known = self.seen[segment]
            if start < known:
                again += min(stop, known) - start
            if stop > known:
                self.seen[segment] = stop
            if segment not in self._stamps:
                self._stamps[segment] = self._clock
        return again

    def drop(self, spans: Iterable[Span]) -> None:
        """Give back slots that were opened and never committed (the computation failed)."""
        for span in spans:
            self._release(span.segment, span.start, self.span_slots(span))
        self._free.sort(reverse=True)

    def pins(self, nodes: Iterable[int]) -> dict[int, int]:
        """How many leading tokens of each segment the paths of `nodes` need."""
        need: dict[int, int] = {}
        for node in nodes:
            climb(self.tree, node, need)
        return need

    def _take(self, count: int) -> Slots:
        free = self._free
        self.used += count
        reused = min(count, len(free))
        fresh = np.arange(self.top, self.top + count - reused, dtype=np.int32)
        self.top += count - reused
        if not reused:
            return fresh
        given = np.array(free[-reused:][::-1], np.int32)
        del free[-reused:]
        return np.concatenate((given, fresh)) if len(fresh) else given

    def _release(self, segment: int, length: int, slots: Slots) -> None:
        self._free.extend(slots.tolist())
        self.used -= len(slots)
        known = self._paths.get(segment)
        if known is None:
            return
        if length:
            known.filled = min(known.filled, known.start + length)
        else:
            self._path_room -= len(self._paths.pop(segment).slots)

    def _make_room(self, shortage: int, flight: Iterable[int]) -> None:
        assert self.limit is not None
        tree, warm, stamps = self.tree, self.warm, self._stamps
        floor = self.pins(flight)
        carried: dict[int, dict[int, int]] = {}
        for segment in stamps:
            above = tree.parents[segment]
            if above != ROOT and warm[segment]:
                carried.setdefault(above >> OFFSET_BITS, {})[segment] = (above & OFFSET_MASK) + 1
        wanted = max(shortage, self.limit // 8)
        queue = [(stamp, -segment) for segment, stamp in stamps.items()]
        heapify(queue)
        while queue and wanted:
            stamp, negative = heappop(queue)
            segment = -negative
            keep = max(carried.get(segment, {}).values(), default=0)
            keep = min(max(keep, floor.get(segment, 0)), warm[segment])
            cut = min(warm[segment] - keep, wanted)
            if cut:
                length = warm[segment] - cut
                warm[segment] = length
                self._release(segment, length, self._rows[segment][length : length + cut].copy())
                wanted -= cut
            above = tree.parents[segment]
            if not warm[segment] and stamps.pop(segment, None) is not None and above != ROOT:
                # What only carried this segment is idle now, since its own last use.
                owner = above >> OFFSET_BITS
                carried.get(owner, {}).pop(segment, None)
                heappush(queue, (max(stamp, stamps.get(owner, 0)), -owner))
        self._free.sort(reverse=True)


_EMPTY: Slots = np.empty(0, np.int32)


def climb(tree: Tree, node: int, need: dict[int, int]) -> int:
    """Add the path of `node` to `need` (segment -> leading tokens); return how many it adds."""
    added = 0
    while node != ROOT:
        segment, count = node >> OFFSET_BITS, (node & OFFSET_MASK) + 1
        have = need.get(segment, 0)
        if have >= count:
            break
        need[segment] = count
        added += count - have
        if have:
            break
        node = tree.parents[segment]
    return added
