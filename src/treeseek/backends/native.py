"""Rows of a Llama-shaped decoder through the compiled kernels: one call for all layers.

The weights are those the fused route joined, read where they lie. A row's bits depend on its own
path alone, not on the other rows of the call nor on the number of threads. Plain float32 on a CPU.
"""

import weakref
from collections.abc import Callable
from ctypes import pointer
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import silu

from treeseek.backends.eight import eight_bits
from treeseek.backends.fused import FusedRoute
from treeseek.backends.plan import Call
from treeseek.backends.pool import Pool
from treeseek.backends.slots import SlotTable
from treeseek.backends.walks import Question
from treeseek.errors import Incompatible
from treeseek.native.kernels import Decoder, Layer, Matrix, RowsCall, kernels

SHARED, SHARED_BYTES = 2_000_000, 12_000_000
"""Multiplications below which one thread is done before a second one is awake: floats, bytes."""


class Paths:
    """A call as the kernels take it: each row by the address of its path's slots."""

    def __init__(self, table: SlotTable, call: Call, pool: Pool) -> None:
        """Look up the paths of `call`; `pool` must have room for its slots."""
        self.pool = pool
        self.count = len(call.tokens)
        self.deepest = int(call.depths.max())
        self._slots = call.slots
        self.tokens, self.depths = call.tokens, call.depths
        paths = table.paths(call.spans)
        self.held = [path.slots for path in paths]
        found = [path.at for path in paths]
        if len(found) < self.count:
            lengths = [stop - start for _, start, stop in call.spans]
            self.paths = np.repeat(np.array(found, np.int64), lengths)
        else:
            self.paths = np.array(found, np.int64)

    @property
    def slots(self) -> Tensor:
        """Where each row is stored [N] int64."""
        return torch.from_numpy(self._slots.astype(np.int64))


class NativeRoute:
    """The layers of `fused`, and with `head` the logits behind them, computed by the kernels.

    Raises Incompatible for other than float32 on a CPU and silu gates, Unbuilt where the kernels
    cannot be had.
    """

    name = "native"
    exact = True

    def __init__(
        self, fused: FusedRoute, *, head: "NativeLinear | None" = None, eight: bool = False
    ) -> None:
        """Describe the weights of `fused` to the kernels, in eight bits if `eight`."""
        self.fused, self.eight, self.head = fused, eight, head
        weight = fused.decoder.embed_tokens.weight
        if weight.device.type != "cpu" or weight.dtype != torch.float32:
            raise Incompatible("The kernels take float32 on a CPU.")
        trial = torch.linspace(-9, 9, 37)
        if not all(torch.equal(layer.activation(trial), silu(trial)) for layer in fused.layers):
            raise Incompatible("The kernels know no other gate than silu.")
        self.run = kernels()
        self._held = Held(eight)
        at = self._held.at
        self._layers = (Layer * len(fused.layers))(*map(self._layer, fused.layers))
        self._windowed = [
            (entry, layer.attention)
            for entry, layer in zip(self._layers, fused.layers, strict=True)
            if fused.window(layer.attention) is not None
        ]
        first = fused.layers[0]
        self._decoder = Decoder(
            layers=self._layers,
            count=len(fused.layers),
            model=weight.shape[1],
            heads=fused.queries,
            held=fused.held,
            width=fused.width,
            inner=first.down.shape[1],
            embedding=at(weight),
            norm=at(fused.norm.weight),
            eps=fused.norm.eps,
        )
        if head is not None:
            self._decoder.head = head.matrix
        self._work = sum(
            matrix.numel()
            for layer in fused.layers
            for matrix in (layer.joint, layer.out, layer.gate_up, layer.down)
        )
        self._room = torch.empty(0)
        self._turned: Tensor | None = None
        self._pool: Pool | None = None
        self._capacity = 0

    def lay(self, table: SlotTable, call: Call, pool: Pool, _: Any) -> Paths:
        """Find the paths of the rows of `call`."""
        return Paths(table, call, pool)

    def rows(self, layout: Paths) -> Tensor:
        """Last hidden states [N, width] of the rows of `layout`."""
        hidden = torch.empty(layout.count, self._decoder.model)
        self._run(layout, 0, hidden=hidden.data_ptr())
        return hidden

    def logits(self, layout: Paths, asked: int) -> Tensor:
        """Logits [asked, V] of the last `asked` rows, all rows' hidden states kept in the pool.

        In the memory of the last logits where nobody holds them. Needs a head.
        """
        assert self.head is not None
        out = self.head.place(asked)
        kept = layout.pool.last(self._decoder.model)
        self._run(layout, asked, kept=kept.data_ptr(), asked=asked, logits=out.data_ptr())
        return out

    def stream(self, layout: Paths, question: Question) -> None:
        """Answer `question` behind the rows of `layout`, whose hidden states are kept in the pool.

        Needs a head.
        """
        kept = layout.pool.last(self._decoder.model)
        wanted = pointer(question.asked)
        self._run(layout, question.count, kept=kept.data_ptr(), wanted=wanted)

    def _run(self, layout: Paths, asked: int, /, **places: Any) -> None:
        self._point(layout.pool)
        cos, sin = self.fused.turns(layout.deepest)
        if cos is not self._turned:
            self._turned = cos
            self._decoder.cosine, self._decoder.sine = cos.data_ptr(), sin.data_ptr()
        for entry, attention in self._windowed:
            entry.window = self.fused.window(attention) or 0
        count, head = layout.count, self._decoder.head
        work = count * self._work + asked * head.outputs * head.inputs
        threads = _threads(work, self.eight)
        room = self.run.decoder_room(self._decoder, count, threads)
        if "wanted" in places:
            room += self.run.stream_room(head, asked, threads)
        if room > len(self._room):
            self._room = torch.empty(room)
        call = RowsCall(
            rows=count,
            tokens=layout.tokens.ctypes.data,
            depths=layout.depths.ctypes.data,
            paths=layout.paths.ctypes.data,
            room=self._room.data_ptr(),
            **places,
        )
        self.run.decoder_run(self._decoder, call, threads)

    def _point(self, pool: Pool) -> None:
        """Follow the pool's tensors when they moved."""
        if pool is self._pool and pool.capacity == self._capacity:
            return
        like = torch.empty(1, self.fused.held, self.fused.width)
        for number, entry in enumerate(self._layers):
            keys, values = pool.layer(number, like, like)
            entry.keys, entry.values = keys.data_ptr(), values.data_ptr()
        self._pool, self._capacity = pool, pool.capacity

    def _layer(self, layer: Any) -> Layer:
        held, heads = self._held, layer.heads
        gates, bias = layer.gate_up.chunk(2), layer.gate_up_bias
        biases = (None, None) if bias is None else bias.chunk(2)
        return Layer(
            joint=held.matrix(layer.joint, layer.joint_bias),
            out=held.matrix(layer.out, layer.out_bias),
            gate=held.matrix(gates[0], biases[0]),
            up=held.matrix(gates[1], biases[1]),
            down=held.matrix(layer.down, layer.down_bias),
            before=held.at(layer.before.weight),
            after=held.at(layer.after.weight),
            heads=None if heads is None else held.at(heads.weight),
            before_eps=layer.before.eps,
            after_eps=layer.after.eps,
            heads_eps=0.0 if heads is None else heads.eps,
            scale=layer.attention.scaling,
        )


class NativeLinear:
    """x [n, inputs] float32 times the transpose of `weight` [outputs, inputs], plus `bias`."""

    def __init__(self, weight: Tensor, bias: Tensor | None, *, eight: bool = False) -> None:
        """Describe the matrix, in eight bits if `eight`. Raises Unbuilt."""
        self._held = Held(eight)
        self.matrix = self._held.matrix(weight, bias)
        self._room = torch.empty(0)
        self._out = np.empty((0, self.matrix.outputs), np.float32)
        self._given: Callable[[], object] = lambda: None
        """The array last given out, as long as a tensor or an array of it lives."""
        self.run = kernels()

    def __call__(self, x: Tensor) -> Tensor:
        """The product [n, outputs], in the memory of the last one where nobody holds that."""
        x = x.contiguous()
        by, count = self.matrix, len(x)
        out = self.place(count)
        room = self.run.linear_room(by, count)
        if room > len(self._room):
            self._room = torch.empty(room)
        threads = _threads(count * by.outputs * by.inputs, self._held.eight)
        self.run.linear_run(out.data_ptr(), x.data_ptr(), count, by, self._room.data_ptr(), threads)
        return out

    def stream(self, kept: Tensor, question: Question) -> None:
        """Answer `question` about hidden states that are `kept` by slot [slots, inputs]."""
        by, count = self.matrix, question.count
        threads = _threads(count * by.outputs * by.inputs, self._held.eight)
        room = self.run.stream_room(by, count, threads)
        if room > len(self._room):
            self._room = torch.empty(room)
        self.run.stream_run(question.asked, kept.data_ptr(), by, self._room.data_ptr(), threads)

    def place(self, count: int) -> Tensor:
        """Memory for a product [count, outputs], that of the last one where nobody holds it."""
        if count > len(self._out) or self._given() is not None:
            self._out = np.empty((count, self.matrix.outputs), np.float32)
        given = self._out[:count]
        self._given = weakref.ref(given)
        return torch.from_numpy(given)


class Held:
    """Tensors whose addresses the kernels were given, alive as long as this is."""

    def __init__(self, eight: bool) -> None:
        """Hold nothing yet; give matrices as bytes if `eight`."""
        self.eight = eight
        self._tensors: list[Tensor] = []

    def at(self, tensor: Tensor) -> int:
        """Address of `tensor`."""
        held = tensor.detach().contiguous()
        self._tensors.append(held)
        return held.data_ptr()

    def matrix(self, weight: Tensor, bias: Tensor | None) -> Matrix:
        """`weight` [outputs, inputs] and `bias` as the kernels take them."""
        outputs, inputs = weight.shape
        matrix = Matrix(outputs=outputs, inputs=inputs)
        if bias is not None:
            matrix.bias = self.at(bias)
        if self.eight:
            values, scales = eight_bits(weight)
            matrix.bytes, matrix.scales = self.at(values), self.at(scales)
        else:
            matrix.weight = self.at(weight)
        return matrix


def _threads(work: int, eight: bool) -> int:
    return torch.get_num_threads() if work >= (SHARED_BYTES if eight else SHARED) else 1
