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
    scores: NDArray[np.float32], table: NDArray[np.uint64], key: int
) -> tuple[NDArray[np.float32], int]:
    """Upper bounds [V] of score + Gumbel noise, all less one constant, and the largest's token."""
    upper = np.empty_like(scores)
    best: int = kernels().vocabulary_bounds(
        upper.ctypes.data, scores.ctypes.data, table.ctypes.data, key, len(scores)
    )
    return upper, best
