"""Attention over the tree, straight from the slot pool, as transformers' layers call it.

The plan of a call is laid out once and read by every layer: no mask is built per layer, no key is
repeated for grouped heads, no row is padded to another's length unless that is cheaper. Softcap,
sinks and sliding windows (counted in depth, not in slots) are here; biases by position are not,
and a family that needs them is caught by the self-test.
"""

from contextvars import ContextVar
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.cache_utils import Cache

from treeseek.backends.groups import Group, Index, Keys
from treeseek.backends.plan import Call
from treeseek.backends.pool import Pool

NAME = "treeseek_tree"
current: ContextVar["Layout | None"] = ContextVar("layout", default=None)
"""The call in progress. Not every family hands extra arguments down to its attention."""
_HIDDEN = np.float32(-np.inf)
_HARMLESS = {
    "cu_seq_lens_k",
    "cu_seq_lens_q",
    "cu_seqlens",
    "dropout",
    "is_causal",
    "max_length_k",
    "max_length_q",
    "output_attentions",
    "output_hidden_states",
    "output_router_logits",
    "past_key_values",
    "position_embeddings",
    "position_ids",
    "use_cache",
}
"""Arguments that layers hand down and that change nothing here. Any other is refused: what it
does may show only on long sequences, where no trial reaches."""


class Layout:
    """A call as tensors: what the model is fed and what attention reads. Built once a call."""

    def __init__(self, call: Call, groups: list[Group], pool: Pool, device: Any) -> None:
        """Move the indices of `call` to `device`; `pool` must have room for its slots."""
        self.pool = pool
        self.device = device
        self.count = len(call.tokens)
        self.deepest = int(call.depths.max())
        self.tokens = torch.from_numpy(call.tokens)[None].to(device)
        self.depths = torch.from_numpy(call.depths)[None].to(device)
        first, last = int(call.slots[0]), int(call.slots[-1])
        run = last - first == self.count - 1 and bool((np.diff(call.slots) == 1).all())
        self.run = (first, last + 1) if run else None
        self.slots = torch.from_numpy(call.slots.astype(np.int64)).to(device)
        self.parts = [Part(each, device) for each in groups]

    def write(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Store the rows' keys and values [1, kv heads, N, width]; return the layer's tensors."""
        return self.store(layer, key[0].transpose(0, 1), value[0].transpose(0, 1))

    def store(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Store the rows' keys and values [N, kv heads, width]; return the layer's tensors."""
        keys, values = self.pool.layer(layer, key, value)
        if self.run is not None:
            first, stop = self.run
            keys[first:stop] = key
            values[first:stop] = value
        else:
            keys.index_copy_(0, self.slots, key)
            values.index_copy_(0, self.slots, value)
        return keys, values

    def attend(self, query: Tensor, keys: Tensor, values: Tensor, how: "Weighing") -> Tensor:
        """Attention of `query` [1, heads, N, width] over the pool: [1, N, heads, width]."""
        parts = self.parts
        if len(parts) == 1 and parts[0].rows is None:
            return parts[0].attend(query, keys, values, how)
        shape = (1, self.count, query.shape[1], values.shape[-1])
        out = torch.empty(shape, dtype=query.dtype, device=query.device)
        for part in parts:
            out[:, part.rows] = part.attend(query[:, :, part.rows], keys, values, how)
        return out


class TreeCache(Cache):  # type: ignore[misc]
    """The cache transformers' layers write to: rows go to the pool, and the pool comes back."""

    is_compileable = False

    def __init__(self) -> None:
        """Belong to no call yet."""
        super().__init__(layers=[])
        self.layout: Layout | None = None

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Store the rows of the call in progress."""
        assert self.layout is not None
        return self.layout.write(layer_idx, key_states, value_states)

    def get_mask_sizes(self, query_length: int, layer_idx: int) -> tuple[int, int]:
        """Only asked for by layers that build masks of their own; the rows are all they see."""
        return query_length, 0

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Nothing lies before the rows: positions are always given."""
        return 0


def tree_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    **rest: Any,
) -> tuple[Tensor, None]:
    """Attention function registered as `treeseek_tree`; `key`, `value` are the pool's tensors.

    Raises TypeError on whatever would change the weights and is not known here.
    """
    unknown = [name for name, given in rest.items() if given is not None and name not in _HARMLESS]
    layout = current.get()
    if layout is None or attention_mask is not None or unknown:
        raise TypeError(f"tree attention was called with a mask, without a plan, or with {unknown}")
    config = module.config
    window = sliding_window
    if getattr(config, "attention_chunk_size", None) and config.layer_types[
        module.layer_idx
    ].startswith("chunked"):
        window = -config.attention_chunk_size
    if scaling is None:
        scaling = query.shape[-1] ** -0.5
    how = Weighing(scaling, window, softcap, s_aux)
    return layout.attend(query, key, value, how), None


class MaskCache(TreeCache):
    """Hands out the keys a call needs, gathered, for models whose attention takes a mask."""

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Store the rows; return keys and values [1, kv heads, K, width] of the union."""
        assert self.layout is not None
        keys, values = self.layout.write(layer_idx, key_states, value_states)
        (part,) = self.layout.parts
        return part.gathered(keys), part.gathered(values)


AttentionInterface.register(NAME, tree_attention)


class Weighing:
    """The scalars of one layer's attention.

    A row sees the last `window` tokens up to itself; negative: the tokens of its own chunk, where
    the sequence is cut into chunks of that many.
    """

    __slots__ = ("plain", "scaling", "sinks", "softcap", "window")

    def __init__(
        self, scaling: float, window: int | None, softcap: float | None, sinks: Tensor | None
    ) -> None:
        self.scaling, self.window = scaling, window
        self.softcap, self.sinks = softcap, sinks
        self.plain = softcap is None and sinks is None

    def narrow(self, deepest: int) -> int | None:
        """The window if it hides anything from a row as deep as `deepest`, else None."""
        window = self.window
        return window if window is not None and deepest >= abs(window) else None

    def weights(self, scores: Tensor, mask: Tensor | None, sinks: Tensor | None) -> Tensor:
        """Softmax over the last axis of unscaled `scores`; `sinks` [..., 1] take a share."""
        scores = scores * self.scaling
        if self.softcap is not None:
            scores = torch.tanh(scores / self.softcap) * self.softcap
        if mask is not None:
            scores = scores + mask
        if sinks is None:
            return torch.softmax(scores, -1, dtype=torch.float32).to(scores.dtype)
        width = scores.shape[-1]
        scores = torch.cat((scores, sinks.expand(*scores.shape[:-1], 1)), -1)
        return torch.softmax(scores, -1, dtype=torch.float32).to(scores.dtype)[..., :width]


class Part:
    """Rows over one set of keys: one product for all heads that share keys."""

    def __init__(self, group: Group, device: Any) -> None:
        self.rows = None if group.rows is None else torch.from_numpy(group.rows).to(device)
        self.keys = _index(group.keys, device)
        self.width = _length(group.keys)
        self.group = group
        self.device = device
        self.deepest = int(group.depths[-1]) if len(group.depths) == 1 else int(group.depths.max())
        self._masks: dict[tuple[int | None, int, torch.dtype], Tensor | None] = {}

    def attend(self, query: Tensor, keys: Tensor, values: Tensor, how: Weighing) -> Tensor:
        """Attention of the part's rows: [1, n, heads, width]."""
        _, heads, count, width = query.shape
        held = keys.shape[1]
        share = heads // held
        window = how.narrow(self.deepest)
        mask = self.mask(window, share, query.dtype)
        chosen, valued = self.gathered(keys), self.gathered(values)
        grouped = query.reshape(1, held, share * count, width) if share > 1 else query
        if how.plain:
            out = scaled_dot_product_attention(
                grouped, chosen, valued, attn_mask=mask, scale=how.scaling
            )
        else:
            sinks = how.sinks
            if sinks is not None:
                sinks = sinks.view(1, held, share, 1).expand(1, held, share, count)
                sinks = sinks.reshape(1, held, share * count, 1).to(query.dtype)
            weights = how.weights(grouped @ chosen.transpose(-1, -2), mask, sinks)
            out = weights @ valued
        return out.reshape(1, heads, count, values.shape[-1]).transpose(1, 2)

    def gathered(self, rows: Tensor) -> Tensor:
        """The part's keys or values [1, kv heads, K, width] out of a layer's pool."""
        return _pick(rows, self.keys).transpose(0, 1)[None]

    def mask(self, window: int | None, share: int, dtype: torch.dtype) -> Tensor | None:
        """0 where a row sees a key and -inf elsewhere, [share * n, K]; None: all is seen."""
        name = (window, share, dtype)
        if name not in self._masks:
            group = self.group
            visible, mask = group.visible, None
            if visible is not None or window is not None:
                values = np.zeros((len(group.depths), self.width), np.float32)
                if visible is not None:
                    values[:, group.prefix :] = np.where(visible, np.float32(0), _HIDDEN)
                if window is not None:
                    far = group.key_depths < _first_seen(group.depths[:, None], window)
                    values[far] = _HIDDEN
                mask = torch.from_numpy(values)
                mask = mask.to(device=self.device, dtype=dtype)
                mask = mask.repeat(share, 1) if share > 1 else mask
            self._masks[name] = mask
        return self._masks[name]


def _first_seen(depths: Index, window: int) -> Index:
    """Depth of the first key a row at each of `depths` sees under `window`."""
    return depths - window + 1 if window > 0 else depths // -window * -window


def _index(keys: Keys, device: Any) -> slice | Tensor:
    if isinstance(keys, tuple):
        return slice(*keys)
    return torch.from_numpy(keys).to(device)


def _length(keys: Keys) -> int:
    return keys[1] - keys[0] if isinstance(keys, tuple) else len(keys)


def _pick(rows: Tensor, keys: slice | Tensor) -> Tensor:
    return rows[keys] if isinstance(keys, slice) else rows.index_select(0, keys)
