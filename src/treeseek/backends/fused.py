"""Our own forward of the Llama shape, over the same plan and the same weights.

A transformers layer spends, on a small model, more time on dispatch than on arithmetic. Where a
decoder has exactly this shape (root-mean-square norms, rotary positions, gated feed-forward), its
layers are run here with a third of the operations: one product for queries, keys and values, one
for gate and up, one table of rotations. Anything else about a family that differs in value is left
to the self-test to notice; nothing is decided by a model's name.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, rms_norm

from treeseek.backends.attention import Layout, Weighing
from treeseek.backends.groups import group
from treeseek.backends.plan import Call
from treeseek.backends.pool import Pool
from treeseek.backends.product import product
from treeseek.backends.slots import SlotTable
from treeseek.errors import Incompatible

Attend: TypeAlias = Callable[[int, Any, Tensor, Tensor, Tensor], Tensor]

_DECODER = {"embed_tokens", "layers", "norm", "rotary_emb"}
_LAYER = {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"}
_ATTENTION = {"q_proj", "k_proj", "v_proj", "o_proj"}
_NORMS = {"q_norm", "k_norm"}
_MLP = {"gate_proj", "up_proj", "down_proj", "act_fn"}


class _Norm(NamedTuple):
    weight: Tensor
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        return rms_norm(x, self.weight.shape, self.weight, self.eps)


class _Layer(NamedTuple):
    attention: Any
    before: _Norm
    joint: Tensor
    joint_bias: Tensor | None
    heads: _Norm | None
    out: Tensor
    out_bias: Tensor | None
    after: _Norm
    gate_up: Tensor
    gate_up_bias: Tensor | None
    activation: Any
    down: Tensor
    down_bias: Tensor | None


class FusedRoute:
    """Rows of a Llama-shaped decoder in about 16 operations a layer.

    The joint matrices replace the model's own, which become views of them, so nothing is held
    twice. Raises Incompatible for a decoder of another shape.
    """

    name = "fused"
    exact = False

    def __init__(self, model: Any, decoder: Any) -> None:
        """Join the weights of `decoder`."""
        if set(dict(decoder.named_children())) != _DECODER:
            raise Incompatible(f"{type(decoder).__name__} has not the parts of a Llama decoder.")
        self.config = decoder.config
        self.decoder = decoder
        self.norm = _norm(decoder.norm)
        with torch.no_grad():
            self.layers = [_layer(layer) for layer in decoder.layers]
        attention = decoder.layers[0].self_attn
        self.width = int(attention.head_dim)
        self.queries = attention.q_proj.out_features // self.width
        self.held = attention.k_proj.out_features // self.width
        self.cos, self.sin = self._table(256)

    def lay(self, table: SlotTable, call: Call, pool: Pool, device: Any) -> Layout:
        """Rows grouped by shared prefix."""
        return Layout(call, group(table, call), pool, device)

    def rows(self, layout: Layout) -> Tensor:
        """Last hidden states [N, width] of the rows of `layout`."""
        count, deepest = layout.count, layout.deepest
        cos, sin = self.turns(deepest)
        if count == 1:
            cos, sin = cos[deepest : deepest + 1], sin[deepest : deepest + 1]
        else:
            depths = layout.depths[0]
            cos, sin = cos.index_select(0, depths), sin.index_select(0, depths)

        def attend(
            number: int, attention: Any, query: Tensor, key: Tensor, value: Tensor
        ) -> Tensor:
            keys, values = layout.store(number, key, value)
            how = Weighing(attention.scaling, self.window(attention), None, None)
            return layout.attend(query.transpose(0, 1)[None], keys, values, how)

        return self.through(layout.tokens[0], cos, sin, attend)

    def through(self, tokens: Tensor, cos: Tensor, sin: Tensor, attend: Attend) -> Tensor:
        """All layers over the rows of `tokens` [N], turned by `cos` and `sin` [N, 1, width].

        `attend` takes a layer's number and attention, and queries, keys and values
        [N, heads, width] of the rows; it stores the last two and gives what the queries see.
        """
        count, turned = len(tokens), self.queries + self.held
        half = self.width // 2
        x = embedding(tokens, self.decoder.embed_tokens.weight)
        for number, layer in enumerate(self.layers):
            joint = product(layer.before(x), layer.joint, layer.joint_bias)
            joint = joint.reshape(count, turned + self.held, self.width)
            flat = joint[:, :turned]
            if layer.heads is not None:
                flat = rms_norm(flat, (self.width,), None, layer.heads.eps) * layer.heads.weight
            flat = torch.addcmul(flat * cos, torch.roll(flat, half, -1), sin)
            query, key = flat[:, : self.queries], flat[:, self.queries :]
            seen = attend(number, layer.attention, query, key, joint[:, turned:])
            x = x + product(seen.reshape(count, -1), layer.out, layer.out_bias)
            gate, up = product(layer.after(x), layer.gate_up, layer.gate_up_bias).chunk(2, -1)
            x = x + product(layer.activation(gate) * up, layer.down, layer.down_bias)
        return self.norm(x)

    def release(self) -> None:
        """Free the matrices of the layers, which another route holds in its own form."""
        nothing = self.layers[0].out.new_empty(0)
        for layer in self.decoder.layers:
            for module in layer.modules():
                if isinstance(module, nn.Linear):
                    module.weight.data = nothing
        self.layers = [
            layer._replace(joint=nothing, out=nothing, gate_up=nothing, down=nothing)
            for layer in self.layers
        ]

    def turns(self, deepest: int) -> tuple[Tensor, Tensor]:
        """Cosines and signed sines [depths, 1, width], at least to depth `deepest`."""
        while deepest >= len(self.cos):
            self.cos, self.sin = self._table(2 * len(self.cos))
        return self.cos, self.sin

    def window(self, attention: Any) -> int | None:
        """How many tokens up to itself a row of this layer sees, None: all."""
        holder = attention if hasattr(attention, "sliding_window") else self.config
        window: int | None = getattr(holder, "sliding_window", None)
        return window

    def _table(self, length: int) -> tuple[Tensor, Tensor]:
        """Cosines and signed sines [length, 1, width] by depth; a roll swaps the halves."""
        weight = self.decoder.embed_tokens.weight
        depths = torch.arange(length, device=weight.device)[None]
        with torch.inference_mode():
            cos, sin = self.decoder.rotary_emb(weight[:1, :1], depths)
            sin = sin[0].clone()
            sin[:, : self.width // 2].neg_()
        return cos[0, :, None], sin[:, None]


def _layer(layer: Any) -> _Layer:
    attention, mlp = layer.self_attn, layer.mlp
    names = [set(dict(part.named_children())) for part in (layer, attention, mlp)]
    if names[0] != _LAYER or names[1] - _NORMS != _ATTENTION or names[2] != _MLP:
        raise Incompatible(f"{type(layer).__name__} has not the parts of a Llama layer.")
    heads = None
    if "q_norm" in names[1]:
        query, key = _norm(attention.q_norm), _norm(attention.k_norm)
        width = attention.head_dim
        if query.weight.shape != (width,) or key.weight.shape != (width,):
            raise Incompatible(f"{type(layer).__name__} does not norm its heads one by one.")
        each = [query.weight] * (attention.q_proj.out_features // width)
        each += [key.weight] * (attention.k_proj.out_features // width)
        heads = _Norm(torch.stack(each), query.eps)
    joint, joint_bias = _join([attention.q_proj, attention.k_proj, attention.v_proj])
    gate_up, gate_up_bias = _join([mlp.gate_proj, mlp.up_proj])
    return _Layer(
        attention,
        _norm(layer.input_layernorm),
        joint,
        joint_bias,
        heads,
        attention.o_proj.weight,
        attention.o_proj.bias,
        _norm(layer.post_attention_layernorm),
        gate_up,
        gate_up_bias,
        mlp.act_fn,
        mlp.down_proj.weight,
        mlp.down_proj.bias,
    )


def _norm(module: Any) -> _Norm:
    eps = getattr(module, "variance_epsilon", getattr(module, "eps", None))
    if getattr(module, "bias", None) is not None or eps is None:
        raise Incompatible(f"{type(module).__name__} is no root-mean-square norm.")
    return _Norm(module.weight, eps)


def _join(parts: list[nn.Linear]) -> tuple[Tensor, Tensor | None]:
    """The weights of `parts` below each other; the parts keep views of the one matrix."""
    if any(type(part) is not nn.Linear for part in parts):
        raise Incompatible("A projection is no plain linear layer.")
    joint = torch.cat([part.weight for part in parts])
    at = 0
    for part in parts:
        part.weight.data = joint[at : at + part.out_features]
        at += part.out_features
    if any(part.bias is None for part in parts):
        if any(part.bias is not None for part in parts):
            raise Incompatible("Some projections have a bias and others none.")
        return joint, None
    return joint, torch.cat([part.bias for part in parts])
