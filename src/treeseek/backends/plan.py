"""From nodes that were asked for to rows that one forward call computes.

Cold ancestors are rows too, several levels deep, each once; ancestors come first. A call holds at
most `ROWS` rows and never needs more slots than there are. What attention does with the rows is
decided elsewhere: here a row is a token, a depth and a slot.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treeseek.backends.slots import Slots, SlotTable, Span, climb
from treeseek.tree import OFFSET_BITS, OFFSET_MASK, ROOT

ROWS = 512
"""Most rows of one call: past a few hundred, a row costs the same however many there are."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one block of rows takes: the spans to compute and the tokens charged to each node.

    `computed[i]` belongs to the i-th node of the batch; its length is how many nodes were taken.
    """

    spans: list[Span]
    computed: list[int]


@dataclass(frozen=True, slots=True)
class Call:
    """Rows of one forward call, ancestors first.

    `tokens`, `depths` [N] int64 (the first token of a prompt has depth 0), `slots` [N] where each
    row is stored, `spans` the runs of rows in order.
    """

    tokens: NDArray[np.int64]
    depths: NDArray[np.int64]
    slots: Slots
    spans: list[Span]


def take(table: SlotTable, nodes: Sequence[int], begin: int, *, rows: int = ROWS) -> Batch:
    """Take as many of `nodes` from `begin` on as one call serves, at least one.

    A single node may need more than `rows` rows; `cut` makes calls of them. Costs O(1) a node
    and O(its cold segments); where slots run short also O(segments of its path).
    """
    table.follow()
    tree, warm = table.tree, table.warm
    claims: dict[int, int] = {}
    computed: list[int] = []
    total = 0
    parents = tree.parents
    for node in nodes[begin:] if begin else nodes:
        if len(computed) >= rows:
            break
        segment, need = node >> OFFSET_BITS, (node & OFFSET_MASK) + 1
        known = claims.get(segment, warm[segment])
        above = parents[segment] if known == 0 else ROOT
        if need == known + 1 and (
            above == ROOT or (above & OFFSET_MASK) < warm[above >> OFFSET_BITS]
        ):
            # One token past what is warm: nearly always all there is to do.
            if total >= rows:
                break
            claims[segment] = need
            total += 1
            computed.append(1)
            continue
        added: list[tuple[int, int]] = []
        count = 0
        while need > known:
            added.append((segment, need))
            count += need - known
            node = ROOT if known else parents[segment]
            if node == ROOT:
                break
            segment, need = node >> OFFSET_BITS, (node & OFFSET_MASK) + 1
            known = claims.get(segment, warm[segment])
        if total and total + count > rows:
            break
        claims.update(added)
        total += count
        computed.append(count)
    if table.limit is not None and table.used + total > table.limit:
        fitting = _fitting(table, nodes[begin : begin + len(computed)])
        if fitting < len(computed):
            return take(table, nodes[begin : begin + fitting], 0, rows=rows)
    spans = [Span(segment, warm[segment], claims[segment]) for segment in sorted(claims)]
    return Batch(spans, computed)


def open_call(table: SlotTable, spans: list[Span], flight: Sequence[int]) -> Call:
    """Open slots for `spans` and lay out their rows; the caller commits or drops the spans.

    `flight` are the nodes whose paths must stay warm meanwhile.
    """
    slots = table.open(spans, flight)
    tree = table.tree
    if len(spans) == len(slots):
        tokens = [tree.tokens[segment][start] for segment, start, _ in spans]
        depths = [tree.starts[segment] + start for segment, start, _ in spans]
        return Call(np.array(tokens), np.array(depths), slots, spans)
    tokens, depths = [], []
    for segment, start, stop in spans:
        begin = tree.starts[segment]
        tokens.extend(tree.tokens[segment][start:stop])
        depths.extend(range(begin + start, begin + stop))
    return Call(np.array(tokens), np.array(depths), slots, spans)


def cut(spans: list[Span], rows: int = ROWS) -> Iterator[list[Span]]:
    """Cut spans, ancestors first, into parts of at most `rows` rows."""
    if len(spans) <= rows and sum([stop - start for _, start, stop in spans]) <= rows:
        if spans:
            yield spans
        return
    part: list[Span] = []
    room = rows
    for segment, start, stop in spans:
        while stop - start > room:
            if room:
                part.append(Span(segment, start, start + room))
            start += room
            yield part
            part, room = [], rows
        part.append(Span(segment, start, stop))
        room -= stop - start
    if part:
        yield part


def _fitting(table: SlotTable, nodes: Sequence[int]) -> int:
    """How many leading `nodes` have paths that together fit the slots, at least one."""
    assert table.limit is not None
    need: dict[int, int] = {}
    size = 0
    for index, node in enumerate(nodes):
        size += climb(table.tree, node, need)
        if size > table.limit:
            return max(index, 1)
    return len(nodes)
