"""Rows times a matrix on a CPU, by the way torch does it fastest for so many rows.

`linear` on a CPU reads a matrix for a single row with one thread, and packs it anew in every call
for a few rows. The same product as a batch of two halves takes all threads, and with the matrix on
the left it is not packed. What is computed is the same; how the sums are ordered is not.
"""

import torch
from torch import Tensor
from torch.nn.functional import linear

FEW = 128
"""Rows up to which the matrix stands on the left."""
LARGE = 1 << 22
"""Elements of a matrix that are worth a second thread for a single row."""


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x` [n, inputs] times `weight` [outputs, inputs] transposed, plus `bias`: [n, outputs].

    Reads the matrix once whatever n is. On other devices, for other than float32 and for many rows
    it is torch's `linear`.
    """
    count, (outputs, inputs) = len(x), weight.shape
    if x.device.type != "cpu" or x.dtype != torch.float32 or not 0 < count <= FEW:
        return linear(x, weight, bias)
    if count > 1:
        out = torch.mm(weight, x.t()).t()
        return out if bias is None else out + bias
    parts = torch.get_num_threads()
    if outputs * inputs < LARGE or outputs % parts:
        return linear(x, weight, bias)
    column = x.t().expand(parts, inputs, 1)  # with a stride of 1 the slow way would be taken
    out = torch.bmm(weight.view(parts, outputs // parts, inputs), column).view(1, outputs)
    return out if bias is None else out + bias


class Product:
    """`product` by one matrix and its bias."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        """Multiply by `weight` [outputs, inputs]."""
        self.weight, self.bias = weight, bias

    def __call__(self, x: Tensor) -> Tensor:
        """The product [n, outputs]."""
        return product(x, self.weight, self.bias)
