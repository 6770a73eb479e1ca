"""The tensors behind the slots: keys and values of every layer, and the last hidden state.

One row is one token. Tensors start at zero, because a masked key still enters a product, and
0 * NaN is NaN. They grow by doubling, up to the slots the table may give out; what no slot has
used yet takes no memory where the system gives zeros on demand. Shapes are learned from the first
row that is stored.
"""

import math

import numpy as np
import torch
from torch import Tensor

START = 256
"""Rows allocated at first."""
LINE = 64
"""Bytes that the first row is aligned to."""


class Pool:
    """Keys and values [slots, kv heads, head width] by layer, hidden states [slots, width]."""

    def __init__(self, *, limit: int | None = None) -> None:
        """Allocate nothing yet; never grow past `limit` + 1 rows (slot 0 is nobody's)."""
        self.limit = limit
        self.capacity = START if limit is None else min(START, limit + 1)
        self.keys: dict[int, Tensor] = {}
        self.values: dict[int, Tensor] = {}
        self.hidden: Tensor | None = None

    def reserve(self, top: int) -> None:
        """Make room for slots below `top`."""
        if top <= self.capacity:
            return
        room = max(top, 2 * self.capacity)
        self.capacity = room if self.limit is None else max(top, min(room, self.limit + 1))
        for column in (self.keys, self.values):
            for layer, rows in column.items():
                column[layer] = self._grown(rows)
        if self.hidden is not None:
            self.hidden = self._grown(self.hidden)

    def layer(self, index: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """The tensors of one layer, shaped after `key` and `value` [n, kv heads, width]."""
        if index not in self.keys:
            self.keys[index] = self._room(key, *key.shape[1:])
            self.values[index] = self._room(value, *value.shape[1:])
        return self.keys[index], self.values[index]

    def keep(self, slots: Tensor, rows: Tensor) -> None:
        """Store last hidden states [n, width] in `slots` [n] int64."""
        self.last(rows.shape[1], rows).index_copy_(0, slots, rows)

    def last(self, width: int, like: Tensor | None = None) -> Tensor:
        """The last hidden states [slots, width] themselves, made `like` a tensor or in float32."""
        if self.hidden is None:
            self.hidden = self._room(torch.empty(0) if like is None else like, width)
        return self.hidden

    def slot_bytes(self) -> int:
        """Bytes of one slot, over all layers; right once a first row was stored."""
        held = [*self.keys.values(), *self.values.values()]
        held += [] if self.hidden is None else [self.hidden]
        return sum(rows[0].numel() * rows.element_size() for rows in held)

    def _room(self, like: Tensor, *shape: int) -> Tensor:
        return _zeros((self.capacity, *shape), like)

    def _grown(self, rows: Tensor) -> Tensor:
        grown = self._room(rows, *rows.shape[1:])
        grown[: len(rows)] = rows
        return grown


def _zeros(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Zeros of the type and place of `like`, whose pages the system gives when they are written."""
    if like.device.type != "cpu":
        return torch.zeros(shape, dtype=like.dtype, device=like.device)
    count = math.prod(shape) * like.element_size()
    raw = np.zeros(count + LINE, np.uint8)  # torch would write its zeros
    begin = -raw.ctypes.data % LINE
    return torch.from_numpy(raw[begin : begin + count]).view(like.dtype).view(shape)
