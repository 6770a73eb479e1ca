"""Rows of a Llama-shaped decoder on a GPU: one recorded graph a size of call, replayed.

A small call on a GPU waits for the processor to launch its kernels. So calls are padded to a few
sizes, each recorded once over memory that never moves, and a call is one copy in and one replay.
The prefix that all rows share is attended without a mask and read once; what follows it is gathered
row by row; the two are merged by their log-sum-exps. Calls that have no such shape (a prompt being
read, several trees with long paths, sliding windows that bite) go by `fused`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from treeseek.backends.attention import Layout
from treeseek.backends.fused import FusedRoute
from treeseek.backends.groups import shared_length
from treeseek.backends.plan import Call
from treeseek.backends.pool import Pool
from treeseek.backends.slots import SlotTable

ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
TAILS = (8, 32, 128)
"""Tokens of a path past the shared prefix."""
PREFIX = 64
"""Least room for the shared prefix; it grows by doubling."""


class Shape(NamedTuple):
    """Rows of a call, tokens of the shared prefix, tokens of a tail: the sizes padded to."""

    rows: int
    prefix: int
    tail: int


class Sheet:
    """What a call of one shape is told, in one stretch of int64, so that one copy brings it all."""

    def __init__(self, shape: Shape, device: Any) -> None:
        """Lay out the parts on `device`, all zero: every row is padding in slot 0."""
        rows, prefix, tail = shape
        sizes = [rows, rows, rows, rows, 1, prefix, rows * tail]
        self.host = torch.zeros(sum(sizes), dtype=torch.int64, pin_memory=device.type == "cuda")
        self.there = torch.zeros(sum(sizes), dtype=torch.int64, device=device)
        self.tokens, self.depths, self.slots, self.lengths, self.prefix, self.shared, tails = (
            torch.split(self.there, sizes)
        )
        self.tails = tails.view(rows, tail)
        """Slots past the prefix, the row's own last; `lengths` of them count."""

    def fill(self, values: np.ndarray[Any, np.dtype[np.int64]]) -> None:
        """Bring the values of one call."""
        self.host.copy_(torch.from_numpy(values))
        self.there.copy_(self.host, non_blocking=True)


class Told:
    """One call, ready to be copied into the sheet of its shape."""

    def __init__(self, shape: Shape, call: Call, values: Any, pool: Pool, device: Any) -> None:
        """Hold `values` as a Sheet takes them."""
        self.shape, self.values, self.pool = shape, values, pool
        self.count = len(call.tokens)
        self.deepest = int(call.depths.max())
        self.slots = torch.from_numpy(call.slots.astype(np.int64)).to(device)


class GraphRoute:
    """The layers of `fused` in calls of a few sizes, recorded as CUDA graphs.

    Without `record` the same steps run one by one, on any device.
    """

    name = "graphs"
    exact = False

    def __init__(self, fused: FusedRoute, *, record: bool = True) -> None:
        """Record nothing yet."""
        self.fused, self.record = fused, record
        self._calls: dict[Shape, tuple[Sheet, Callable[[], Tensor]]] = {}
        self._turned: Tensor | None = None
        self._pool: Pool | None = None
        self._capacity = 0

    def lay(self, table: SlotTable, call: Call, pool: Pool, device: Any) -> "Told | Layout":
        """The shape `call` is padded to and what it is told, or the layout of `fused`."""
        told = self._told(table, call, pool, device)
        return self.fused.lay(table, call, pool, device) if told is None else told

    def rows(self, layout: "Told | Layout") -> Tensor:
        """Last hidden states [N, width] of the rows of `layout`, overwritten by the next call."""
        if not isinstance(layout, Told):
            return self.fused.rows(layout)
        turned, pool = self.fused.turns(layout.deepest)[0], layout.pool
        same = turned is self._turned and pool is self._pool and pool.capacity == self._capacity
        if not same:
            self._calls.clear()  # recorded over tensors that have moved
            self._turned, self._pool, self._capacity = turned, pool, pool.capacity
        known = self._calls.get(layout.shape)
        if known is None:
            known = self._calls[layout.shape] = self._made(layout)
        sheet, run = known
        sheet.fill(layout.values)
        return run()[: layout.count]

    def _told(self, table: SlotTable, call: Call, pool: Pool, device: Any) -> Told | None:
        count = len(call.tokens)
        windows = [self.fused.window(layer.attention) for layer in self.fused.layers]
        deepest = int(call.depths.max())
        if count > ROWS[-1] or any(window and deepest >= window for window in windows):
            return None
        paths = [
            path.slots[: end - back]
            for path, end, length in zip(
                table.paths(call.spans),
                (table.tree.starts[s] + stop for s, _, stop in call.spans),
                (stop - start for _, start, stop in call.spans),
                strict=True,
            )
            for back in range(length - 1, -1, -1)
        ]
        shortest = min(map(len, paths)) - 1
        shared = shared_length(paths, shortest) if shortest else 0
        longest = max(map(len, paths)) - shared
        if longest > TAILS[-1]:
            return None
        prefix = 0
        if shared:
            prefix = max(PREFIX, 1 << (shared - 1).bit_length())
        shape = Shape(_room(ROWS, count), prefix, _room(TAILS, longest))
        values = np.zeros(4 * shape.rows + 1 + prefix + shape.rows * shape.tail, np.int64)
        plain = values[: 4 * shape.rows].reshape(4, shape.rows)
        plain[0, :count], plain[1, :count], plain[2, :count] = call.tokens, call.depths, call.slots
        plain[3] = 1
        values[4 * shape.rows] = shared
        values[4 * shape.rows + 1 :][:shared] = paths[0][:shared]
        tails = values[4 * shape.rows + 1 + prefix :].reshape(shape.rows, shape.tail)
        for row, path in enumerate(paths):
            plain[3, row] = len(path) - shared
            tails[row, : len(path) - shared] = path[shared:]
        return Told(shape, call, values, pool, device)

    def _made(self, layout: Told) -> tuple[Sheet, Callable[[], Tensor]]:
        """The sheet of the layout's shape and what runs it."""
        sheet = Sheet(layout.shape, self.fused.decoder.embed_tokens.weight.device)
        if not self.record:
            return sheet, lambda: self._steps(sheet, layout.pool)
        beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(2):  # what is made on a first run must not be made while recording
                self._steps(sheet, layout.pool)
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            hidden = self._steps(sheet, layout.pool)

        def run() -> Tensor:
            graph.replay()
            return hidden

        return sheet, run

    def _steps(self, sheet: Sheet, pool: Pool) -> Tensor:
        """All layers over the rows of `sheet`: last hidden states [rows, width]."""
        fused = self.fused
        cos, sin = fused.turns(0)
        cos, sin = cos.index_select(0, sheet.depths), sin.index_select(0, sheet.depths)
        unseen = torch.arange(sheet.tails.shape[1], device=cos.device) >= sheet.lengths[:, None]
        unshared = torch.arange(len(sheet.shared), device=cos.device) >= sheet.prefix

        def attend(
            number: int, attention: Any, query: Tensor, key: Tensor, value: Tensor
        ) -> Tensor:
            keys, values = pool.layer(number, key, value)
            keys.index_copy_(0, sheet.slots, key)
            values.index_copy_(0, sheet.slots, value)
            query = query.reshape(len(query), fused.held, -1, fused.width) * attention.scaling
            own = _tails(query, keys, values, sheet.tails, unseen)
            if not len(sheet.shared):
                return own[0]
            shared = _prefix(query, keys, values, sheet.shared, unshared)
            return _merged(own, shared).to(key.dtype)

        return fused.through(sheet.tokens, cos, sin, attend)


def _room(sizes: tuple[int, ...], count: int) -> int:
    return next(size for size in sizes if size >= count)


def _prefix(
    query: Tensor, keys: Tensor, values: Tensor, slots: Tensor, unseen: Tensor
) -> tuple[Tensor, Tensor]:
    """Attention of `query` [N, held, share, width] over one set of `slots` [P], and its lse."""
    chosen, valued = keys.index_select(0, slots), values.index_select(0, slots)
    count, held, share, width = query.shape
    grouped = query.transpose(0, 1).reshape(held, count * share, width)
    scores = (grouped @ chosen.permute(1, 2, 0)).float().masked_fill(unseen, -torch.inf)
    lse = scores.logsumexp(-1)
    out = (scores - lse[..., None]).exp().to(values.dtype) @ valued.transpose(0, 1)
    out = out.view(held, count, share, width).transpose(0, 1)
    return out, lse.view(held, count, share).transpose(0, 1)


def _tails(
    query: Tensor, keys: Tensor, values: Tensor, slots: Tensor, unseen: Tensor
) -> tuple[Tensor, Tensor]:
    """Attention of `query` [N, held, share, width] over slots [N, T] of its own, and its lse."""
    count, tail = slots.shape
    chosen = keys.index_select(0, slots.flatten()).view(count, tail, *keys.shape[1:])
    valued = values.index_select(0, slots.flatten()).view(count, tail, *values.shape[1:])
    scores = (query @ chosen.permute(0, 2, 3, 1)).float()
    scores = scores.masked_fill(unseen[:, None, None], -torch.inf)
    lse = scores.logsumexp(-1)
    out = (scores - lse[..., None]).exp().to(values.dtype) @ valued.transpose(1, 2)
    return out, lse


def _merged(first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> Tensor:
    """Attention over both sets of keys."""
    share = torch.sigmoid(first[1] - second[1])[..., None]
    return first[0] * share + second[0] * (1.0 - share)
