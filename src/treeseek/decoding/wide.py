"""Rows of a large vocabulary: one pass for the maxima, one exponential a token, no sort.

The maxima of groups of tokens bound the k-th largest from below, and only tokens that reach the
bound are looked at again. float32 rows go through the compiled kernels where there are any; the
tokens and their order are the same without, and the numbers equal to some 1e-7.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from treeseek.errors import BrokenLogits
from treeseek.native import vocabulary

Rows = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Likeliest = list[tuple[Ints, Floats]]

GROUP = 64
_SAFE = 40.0
_FLOOR = -1e4


def wide(
    rows: Rows, k: int, *, entropy: bool, empty: bool = False
) -> tuple[Floats, Floats, Likeliest]:
    """Log-sum-exp [N], entropy [N] (NaN unless asked for) and the k likeliest of rows [N, V].

    The likeliest are tokens and their log-probabilities, in order, ties to the lower id. Raises
    BrokenLogits for a row whose largest logit is not finite; -inf passes with `empty`.
    """
    rows = _contiguous(rows)
    if rows.dtype == np.float32 and vocabulary.available():
        return _compiled(rows, k, entropy, empty)
    lse, spread = np.full(len(rows), -np.inf), np.full(len(rows), np.nan)
    likeliest: Likeliest = []
    scratch = np.empty(rows.shape[1], rows.dtype)
    for i, row in enumerate(rows):
        peaks = _peaks(row)
        highest = float(peaks.max())
        if empty and highest == -np.inf:
            continue
        lse[i], spread[i] = _normaliser(row, checked(highest, i), scratch, entropy)
        likeliest.append(_likeliest(row, peaks, float(lse[i]), k))
    return lse, spread, likeliest


def _compiled(
    rows: NDArray[np.float32], k: int, entropy: bool, empty: bool
) -> tuple[Floats, Floats, Likeliest]:
    found, near = vocabulary.facts(rows, k)
    lse = normalisers(found["largest"], found["lse"], empty=empty)
    spread = found["entropy"].copy() if entropy else np.full(len(rows), np.nan)
    likeliest = []
    if k:
        for row, tokens, count, total in zip(
            rows, near, found["near"].tolist(), lse.tolist(), strict=True
        ):
            likeliest.append(_ordered(row, tokens[:count], total, k))
    return lse, spread, likeliest


def normalisers(highest: Floats, lse: Floats, *, empty: bool = False) -> Floats:
    """Log-sum-exps [N] of rows whose largest logits are `highest`, as `wide` gives or refuses."""
    lse = lse.copy()
    broken = ~np.isfinite(highest)
    if broken.any():
        if empty:
            broken &= highest != -np.inf
            lse[highest == -np.inf] = -np.inf
        if broken.any():
            i = int(broken.argmax())
            checked(float(highest[i]), i)
    return lse


def checked(highest: float, row: int) -> float:
    """The largest logit of a row, refused unless it is a number."""
    if np.isfinite(highest):
        return highest
    what = "NaN" if np.isnan(highest) else "+inf" if highest > 0 else "nothing but -inf"
    raise BrokenLogits(
        f"row {row} of the logits holds {what}; check the weights, or load the model with "
        "another dtype (float16 overflows where float32 does not)"
    )


def _contiguous(rows: Rows) -> Rows:
    """The same numbers as float32 or float64, rows back to back."""
    kind = rows.dtype if rows.dtype in (np.float32, np.float64) else np.dtype(np.float32)
    return np.ascontiguousarray(rows, dtype=kind)


def _normaliser(row: Rows, highest: float, scratch: Rows, entropy: bool) -> tuple[float, float]:
    """Log-sum-exp of a row and its entropy, NaN unless asked for."""
    # Logits of ordinary size are exponentiated as they are: no rounding by a subtraction.
    shift = 0.0 if abs(highest) <= _SAFE else highest
    shifted = np.subtract(row, shift) if shift else row
    weights = np.exp(shifted, out=scratch)
    total = float(weights.sum(dtype=np.float64))
    log_total = float(np.log(total))
    if not entropy:
        return shift + log_total, np.nan
    with np.errstate(invalid="ignore"):
        mean = float((weights * shifted).sum(dtype=np.float64)) / total
    if np.isnan(mean):  # 0 * -inf
        mean = float((weights * np.maximum(shifted, _FLOOR)).sum(dtype=np.float64)) / total
    return shift + log_total, log_total - mean


def _peaks(row: Rows) -> Rows:
    """The maxima of V // 64 groups of tokens (token modulo their number), then the odd tail."""
    groups = len(row) // GROUP
    body = groups * GROUP
    return np.concatenate([row[:body].reshape(GROUP, groups).max(axis=0), row[body:]])


def _likeliest(row: Rows, peaks: Rows, lse: float, k: int) -> tuple[Ints, Floats]:
    """The k tokens of the largest log-probabilities, ties to the lower id, in order."""
    if k == 0:
        return np.empty(0, np.int64), np.empty(0)
    groups = len(row) // GROUP
    if k > groups // 2:
        return _ordered(row, np.arange(len(row)), lse, k)
    # k groups hold a token at least this likely, so the k-th likeliest token is too.
    bound = float(np.partition(peaks, len(peaks) - k)[-k]) - lse
    hits = np.flatnonzero(peaks.astype(np.float64) - lse >= bound)
    cut = int(np.searchsorted(hits, groups))
    steps = np.arange(0, groups * GROUP, groups)[:, None]
    near = (steps + hits[:cut]).ravel()
    if cut < len(hits):
        near = np.concatenate([near, hits[cut:] + groups * (GROUP - 1)])
    return _ordered(row, near[row[near].astype(np.float64) - lse >= bound], lse, k)


def _ordered(row: Rows, near: NDArray[np.integer[Any]], lse: float, k: int) -> tuple[Ints, Floats]:
    """The first k of the tokens `near` and their log-probabilities."""
    logprobs = row[near].astype(np.float64) - lse
    if len(near) > 4 * k:
        kept = np.flatnonzero(logprobs >= np.partition(logprobs, len(near) - k)[-k])
        near, logprobs = near[kept], logprobs[kept]
    order = np.lexsort((near, -logprobs))[:k]
    return near[order].astype(np.int64), logprobs[order]
