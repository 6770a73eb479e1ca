"""Rows without a token tree in the cache: every path is put through the plain model again.

Right for whatever the model does inside (recurrent layers, position biases by index, scaling that
depends on the length), because it is the plain forward, and slow for the same reason. Paths of one
length share a call, so nothing is ever padded. Where a prefix is pure, one call gives the rows of
all ancestors; only last hidden states are kept, and `slots` counts these.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
from torch import Tensor

from treeseek.backends.head import Head
from treeseek.backends.local import LOGIT_BYTES, admit, context_of, vocabulary_of
from treeseek.backends.protocol import Block, Capabilities, Spent
from treeseek.tree import ROOT, Tree

TOKENS = 4096
"""Most tokens put through the model in one call, where one path does not need more."""
ROWS = 256
"""Most nodes of one block."""


class ReplayBackend:
    """Rows of any causal model over one tree; costs a path's whole length for every new row."""

    def __init__(
        self,
        head: Head,
        *,
        pure: bool = True,
        slots: int | None = None,
        nodes: int | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Serve the model of `head`; `pure`: a prefix's rows do not depend on what follows."""
        model = head.model
        self.head, self.pure = head, pure
        self.tree = Tree(nodes=nodes)
        self.slots = slots
        self.context = context_of(model)
        self.vocabulary = vocabulary_of(model)
        self.device = next(model.parameters()).device
        self.capabilities = Capabilities(path="replay", notes=notes)
        self.spent = Spent()
        self._kept: OrderedDict[int, Tensor] = OrderedDict()
        self._scaled = [] if pure else [m for m in model.modules() if hasattr(m, "rope_type")]

    def expand(self, nodes: Sequence[int]) -> Iterator[Block]:
        """Yield the rows of `nodes`. See `Backend.expand`.

        Raises ContextOverflow at once where a path exceeds the context or the slots.
        """
        admit(self.tree, nodes, self.context, self.slots)
        return self._blocks(nodes)

    def warm(self) -> int:
        """Number of rows kept."""
        return len(self._kept)

    def clear(self) -> None:
        """Forget every row."""
        self._kept.clear()

    def _blocks(self, nodes: Sequence[int]) -> Iterator[Block]:
        most = max(1, min(ROWS, LOGIT_BYTES // (4 * self.vocabulary)))
        for begin in range(0, len(nodes), most):
            some = nodes[begin : begin + most]
            with torch.inference_mode():
                found, computed = self._rows(some)
                logits = self.head(found).to(device="cpu", dtype=torch.float32).numpy()
            index = range(begin, begin + len(some))
            yield Block(index, logits, computed, any(computed))

    def _rows(self, nodes: Sequence[int]) -> tuple[Tensor, list[int]]:
        """Last hidden states [n, width] of `nodes`, and the tokens computed for each."""
        found: dict[int, Tensor] = {}
        cold = []
        for node in nodes:
            row = self._kept.get(node)
            if row is None:
                cold.append(node)
            else:
                self._kept.move_to_end(node)
                found[node] = row
        spent = dict.fromkeys(nodes, 0)
        tree, asked = self.tree, set(cold)
        inner = {above for node in cold for above in self._above(node)} & asked if self.pure else ()
        leaves = sorted((node for node in cold if node not in inner), key=tree.depth)
        for length, group in groupby(leaves, key=tree.depth):
            same = list(group)
            step = max(1, TOKENS // length)
            for at in range(0, len(same), step):
                part = same[at : at + step]
                for node, rows in zip(part, self._forward(part), strict=True):
                    spent[node] = length
                    line = [node, *self._above(node)] if self.pure else [node]
                    for place, above in enumerate(line):
                        if above in asked:
                            found[above] = rows[length - 1 - place]
                    self._keep(line, rows)
        return torch.stack([found[node] for node in nodes]), [spent[node] for node in nodes]

    def _forward(self, nodes: Sequence[int]) -> Tensor:
        """Hidden states [n, length, width] of paths of one length."""
        self._reset()
        tokens = torch.tensor([self.tree.path(node) for node in nodes], device=self.device)
        self.spent.forwards += 1
        self.spent.computed += tokens.numel()
        hidden: Tensor = self.head.decoder(input_ids=tokens, use_cache=False)[0]
        return hidden

    def _keep(self, line: Sequence[int], rows: Tensor) -> None:
        """Keep the rows of a path given from its end; what was kept before was computed again."""
        kept = self._kept
        for place, node in enumerate(line):
            if node in kept:
                self.spent.recomputed += 1
            else:
                kept[node] = rows[len(rows) - 1 - place].clone()
        while self.slots is not None and len(kept) > self.slots:
            kept.popitem(last=False)

    def _above(self, node: int) -> Iterator[int]:
        """The ancestors of `node`, nearest first."""
        above = self.tree.parent(node)
        while above != ROOT:
            yield above
            above = self.tree.parent(above)

    def _reset(self) -> None:
        """Bring scaling that remembers the longest sequence so far back to its start."""
        for module in self._scaled:
            kinds = module.rope_type if isinstance(module.rope_type, dict) else (None,)
            for kind in kinds:
                extra = {} if kind is None else {"layer_type": kind}
                first = torch.zeros((1, 1), dtype=torch.long, device=self.device)
                module(torch.zeros((1, 1, 1), device=self.device), first, **extra)
