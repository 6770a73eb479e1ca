"""Two ways to compute the same rows, by how many there are: our kernels for few, torch for many.

A row's bits then depend on how many were computed with it, which is why this is taken only where
the caller has given up on that.
"""

from typing import Any

from torch import Tensor

from treeseek.backends.fused import FusedRoute
from treeseek.backends.native import NativeLinear, NativeRoute, Paths
from treeseek.backends.plan import Call
from treeseek.backends.pool import Pool
from treeseek.backends.slots import SlotTable


class SplitRoute:
    """The layers by `native` below `wide` rows, by `fused` from there on, in one pool."""

    name = "native"
    exact = False

    def __init__(self, native: NativeRoute, fused: FusedRoute, wide: int) -> None:
        """Take both; they must share their weights."""
        self.native, self.fused, self.wide = native, fused, wide

    def lay(self, table: SlotTable, call: Call, pool: Pool, device: Any) -> Any:
        """Lay out the rows of `call` for the way that serves so many."""
        route: Any = self.fused if len(call.tokens) >= self.wide else self.native
        return route.lay(table, call, pool, device)

    def rows(self, layout: Any) -> Tensor:
        """Last hidden states [N, width] of the rows of `layout`."""
        route: Any = self.native if isinstance(layout, Paths) else self.fused
        rows: Tensor = route.rows(layout)
        return rows


class SplitLinear:
    """A product by `native` below `wide` rows, by the module `matrix` from there on."""

    def __init__(self, native: NativeLinear, matrix: Any, wide: int) -> None:
        """Take both; they must share their weights."""
        self.native, self.matrix, self.wide = native, matrix, wide

    def __call__(self, x: Tensor) -> Tensor:
        """The product [n, outputs]."""
        product: Tensor = (self.matrix if len(x) >= self.wide else self.native)(x)
        return product
