"""The ways to put rows of a tree through a transformers model, best first.

`TreeRoute` hands the layers our attention and no mask; `MaskRoute` leaves their own attention alone
and gives it the union of all keys with a mask, for families that do not use the interface. Both
are silently wrong for some families, so neither is used before the self-test has passed it.
"""

from typing import Any, Protocol

import torch
from torch import Tensor

from treeseek.backends.attention import NAME, Layout, MaskCache, TreeCache, current
from treeseek.backends.groups import Group, group, whole
from treeseek.backends.plan import Call
from treeseek.backends.pool import Pool
from treeseek.backends.slots import SlotTable


class Route(Protocol):
    """One way to put the rows of a call through the model."""

    name: str
    exact: bool
    """Whether a row's bits depend on its own path alone."""

    def lay(self, table: SlotTable, call: Call, pool: Pool, device: Any) -> Any:
        """Lay out what the rows of `call` see; `.count` rows, stored in `.slots` [N] int64."""
        ...

    def rows(self, layout: Any) -> Tensor:
        """Last hidden states [N, width] of the call's rows, their keys and values stored."""
        ...


class TreeRoute:
    """Attention reads the pool through transformers' attention interface: no mask at all."""

    name = "tree"
    exact = False

    def __init__(self, model: Any, decoder: Any) -> None:
        """Switch the attention of `model` over; from then on it only serves trees."""
        model.set_attn_implementation(NAME)
        self.decoder = decoder
        self.cache = TreeCache()

    def lay(self, table: SlotTable, call: Call, pool: Pool, device: Any) -> Layout:
        """What each row of `call` sees, as tensors."""
        return Layout(call, self.groups(table, call), pool, device)

    def groups(self, table: SlotTable, call: Call) -> list[Group]:
        """Rows grouped by shared prefix."""
        return group(table, call)

    def rows(self, layout: Layout) -> Tensor:
        """One forward of the decoder over the rows of `layout`."""
        self.cache.layout = layout
        token = current.set(layout)
        try:
            out = self.decoder(
                input_ids=layout.tokens,
                position_ids=layout.depths,
                past_key_values=self.cache,
                use_cache=True,
            )
        finally:
            current.reset(token)
            self.cache.layout = None
        hidden: Tensor = out.last_hidden_state
        return hidden[0]


class MaskRoute:
    """The model's own attention over the union of all keys, under a 4-D additive mask.

    `by_type` gives a mask for each layer type, as models with several types want it; otherwise
    one mask, windowed where the configuration names a window. Slower than the tree route by the
    keys of other trees and by repeated heads.
    """

    name = "mask"
    exact = False

    def __init__(self, model: Any, decoder: Any, *, attention: str, by_type: bool) -> None:
        """Switch `model` back to its own `attention` (sdpa or eager)."""
        model.set_attn_implementation(attention)
        self.decoder = decoder
        self.config = model.config.get_text_config(decoder=True)
        self.by_type = by_type
        self.cache = MaskCache()

    def lay(self, table: SlotTable, call: Call, pool: Pool, device: Any) -> Layout:
        """What each row of `call` sees, as tensors."""
        return Layout(call, self.groups(table, call), pool, device)

    def groups(self, table: SlotTable, call: Call) -> list[Group]:
        """All rows in one group: the mask is one matrix."""
        return whole(table, call)

    def rows(self, layout: Layout) -> Tensor:
        """One forward of the decoder over the rows of `layout`."""
        self.cache.layout = layout
        out = self.decoder(
            input_ids=layout.tokens,
            position_ids=layout.depths,
            past_key_values=self.cache,
            attention_mask=self._masks(layout),
            use_cache=True,
        )
        self.cache.layout = None
        hidden: Tensor = out.last_hidden_state
        return hidden[0]

    def _masks(self, layout: Layout) -> Any:
        (part,) = layout.parts
        dtype = next(self.decoder.parameters()).dtype
        window = getattr(self.config, "sliding_window", None)

        def mask(width: int | None) -> Tensor:
            hides = width is not None and part.deepest >= abs(width)
            found = part.mask(width if hides else None, 1, dtype)
            if found is None:
                shape = (layout.count, part.width)
                found = torch.zeros(shape, dtype=dtype, device=layout.device)
            return found[None, None]

        if not self.by_type:
            return mask(window)
        kinds = set(self.config.layer_types)
        chunk = getattr(self.config, "attention_chunk_size", None)
        widths = {"sliding_attention": window, "chunked_attention": -chunk if chunk else None}
        return {kind: mask(widths.get(kind)) for kind in kinds}
