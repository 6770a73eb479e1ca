"""Passes over rows of logits by the kernels, as arrays in and arrays out."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treeseek.native.build import Unbuilt
from treeseek.native.kernels import kernels

FACTS = np.dtype(
    [("largest", np.float64), ("lse", np.float64), ("entropy", np.float64), ("near", np.int64)]
)
"""Of a row: its largest logit, log-sum-exp, entropy, and how many tokens are near the best."""


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether the kernels can be had; they are compiled now if need be."""
    try:
        kernels()
    except Unbuilt:
        return False
    return True


def facts(rows: NDArray[np.float32], k: int) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """`FACTS` of rows [N, V], back to back, and the tokens near the best of each [N, V].

    The first `near` tokens of a row, ascending, hold its k likeliest. One pass for the maxima, one
    exponential a token. Rows whose largest logit is not finite have no other facts.
    """
    count, width = rows.shape
    found = np.empty(count, FACTS)
    near = np.empty((count, width) if k else (0, 0), np.int32)
    kernels().vocabulary_facts(
        found.ctypes.data, near.ctypes.data, rows.ctypes.data, count, width, k, 0
    )
    return found, near


def bounds(
    rows: NDArray[np.float32], table: NDArray[np.uint64], keys: NDArray[np.uint64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Upper bounds [N, V] of score + Gumbel noise of rows back to back, each with a key.

    All are less one constant. And the token of each row's largest.
    """
    upper, best = np.empty_like(rows), np.empty(len(rows), np.int64)
    kernels().vocabulary_bounds(
        upper.ctypes.data, best.ctypes.data, rows.ctypes.data, table.ctypes.data, keys.ctypes.data,
        *rows.shape,
    )  # fmt: skip
    return upper, best
