"""Weights in eight bits: each row of a matrix is whole numbers up to 127 times one scale.

What a model in eight bits says is defined here, by its rounded weights; how they are multiplied is
the route's business. Activations stay float32 but for a rounding finer than these. Embeddings and
norms are not rounded unless an output matrix shares them.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

WIDE = 16
"""Rows are padded with zeros to a multiple of this."""


class Eight(NamedTuple):
    """`values` int8 [outputs, inputs, padded] and `scales` float32 [outputs]: weight = product."""

    values: Tensor
    scales: Tensor


def eight_bits(weight: Tensor) -> Eight:
    """Round `weight` [outputs, inputs] row by row to the nearest; rows of zeros stay zero."""
    weight = weight.detach().to(torch.float32)
    scales = weight.abs().amax(1) / 127
    rounded = (weight / scales.clamp_min(1e-30)[:, None]).round_().to(torch.int8)
    values = torch.zeros(len(weight), -(-weight.shape[1] // WIDE) * WIDE, dtype=torch.int8)
    values[:, : weight.shape[1]] = rounded
    return Eight(values, scales.contiguous())


def round_weights(network: Any) -> None:
    """Replace every linear weight of `network` by what eight bits keep of it, in place."""
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Linear):
                values, scales = eight_bits(module.weight)
                inputs = module.weight.shape[1]
                module.weight.copy_(values[:, :inputs] * scales[:, None])
