"""What is kept of a row of logits: its log-sum-exp, its likeliest tokens and its entropy.

This file believes that a whole row need not outlive the call that computed it, and that ties must
fall the same way everywhere: children come in the order (-log-probability, token id), no other.
Numbers are float64 whatever the logits are. It covers neither warps nor masks: it reads the
model's own row.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treeseek.errors import BrokenLogits, InvalidOption

Rows = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SMALL = 1024
_GROUP = 64
_SAFE = 40.0
_FLOOR = -1e4


@dataclass(frozen=True, slots=True)
class Summary:
    """Facts of N rows: `lse` [N], `tokens` and `logprobs` [N, k], `entropy` [N] in nats.

    `tokens` are ordered by (-log-probability, token id); places past the tokens of nonzero
    probability carry -inf. `entropy` is NaN where it was not asked for.
    """

    lse: Floats
    tokens: Ints
    logprobs: Floats
    entropy: Floats


class Kept:
    """Summaries of rows by address, in flat columns: no object a row, so that millions may stay."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.clear()

    def clear(self) -> None:
        """Forget every row."""
        self._rows: dict[int, int] = {}
        self._lse, self._entropy, self._logprobs = array("d"), array("d"), array("d")
        self._tokens, self._ends = array("q"), array("q", [0])

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, addresses: Sequence[int], summary: Summary) -> None:
        """Keep `summary`, its rows in the order of `addresses`."""
        row, end = len(self._lse), self._ends[-1]
        count, k = summary.tokens.shape
        self._rows.update(zip(addresses, range(row, row + count), strict=True))
        self._ends.extend(range(end + k, end + count * k + 1, k))
        self._lse.frombytes(summary.lse.tobytes())
        self._entropy.frombytes(summary.entropy.tobytes())
        self._tokens.frombytes(summary.tokens.tobytes())
        self._logprobs.frombytes(summary.logprobs.tobytes())

    def get(self, address: int, k: int) -> tuple[float, list[int], list[float], float] | None:
        """Log-sum-exp, k likeliest tokens, their log-probabilities, entropy; None if unknown."""
        row = self._rows.get(address)
        if row is None or self._ends[row + 1] - self._ends[row] < k:
            return None
        place = slice(self._ends[row], self._ends[row] + k)
        tokens, logprobs = self._tokens[place].tolist(), self._logprobs[place].tolist()
        return self._lse[row], tokens, logprobs, self._entropy[row]


def summarise(logits: Rows, k: int, *, entropy: bool = True) -> Summary:
    """Summarise rows of logits [N, V]: the k likeliest tokens of each, or all V if k is larger.

    One exponential a token, no sort of the row: the maxima of groups of tokens bound the k-th
    largest from below, and only groups that reach the bound are looked into. float64 logits are
    computed in float64 throughout; float32 logits of a large vocabulary are exponentiated in
    float32 and summed in float64. A row's bits do not depend on its neighbours. Raises
    BrokenLogits, naming the row, for NaN, +inf or a row of only -inf.
    """
    if logits.ndim != 2 or logits.shape[1] == 0:
        raise InvalidOption(f"logits must be rows [N, V] with V >= 1, not shape {logits.shape}")
    if k < 0:
        raise InvalidOption(f"k must be 0 or more, not {k}")
    rows, vocabulary = logits.shape
    k = min(k, vocabulary)
    if vocabulary <= _SMALL:
        return _small(np.array(logits, np.float64, order="C"), k, entropy)
    logits = _contiguous(logits)
    result = Summary(
        np.empty(rows), np.empty((rows, k), np.int64), np.empty((rows, k)), np.full(rows, np.nan)
    )
    scratch = np.empty(vocabulary, logits.dtype)
    for i, row in enumerate(logits):
        peaks = _peaks(row)
        lse, spread = _normaliser(row, _checked(float(peaks.max()), i), scratch, entropy)
        result.lse[i] = lse
        result.tokens[i], result.logprobs[i] = _likeliest(row, peaks, lse, k)
        result.entropy[i] = spread
    return result


def log_sum_exp(scores: Rows) -> Floats:
    """Log-sum-exp of each row, float64 [N], with the bits `summarise` gives; -inf for no token.

    Costs one exponential a token. Raises BrokenLogits for NaN or +inf.
    """
    if scores.shape[1] <= _SMALL:
        rows = np.array(scores, np.float64, order="C")
        highest = np.maximum.reduce(rows, axis=1)
        alive = highest != -np.inf
        if np.logical_and.reduce(alive):
            return _normalisers(rows, highest)
        lse = np.full(len(rows), -np.inf)
        lse[alive] = _normalisers(rows[alive], highest[alive])
        return lse
    lse = np.full(len(scores), -np.inf)
    scratch = None
    for i, row in enumerate(_contiguous(scores)):
        top = float(row.max())
        if top != -np.inf:
            scratch = np.empty_like(row) if scratch is None else scratch
            lse[i], _ = _normaliser(row, _checked(top, i), scratch, False)
    return lse


def _small(rows: Floats, k: int, entropy: bool) -> Summary:
    """All rows of a small vocabulary at once, in float64; `rows` is overwritten."""
    lse = _normalisers(rows, np.maximum.reduce(rows, axis=1))
    rows -= lse[:, None]
    if entropy:
        spread = -np.add.reduce(np.exp(rows) * np.maximum(rows, _FLOOR), axis=1)
    else:
        spread = np.full(len(rows), np.nan)
    tokens = _ranked(rows, k)
    first = np.arange(0, rows.size, rows.shape[1])
    return Summary(lse, tokens, rows.ravel()[tokens + first[:, None]], spread)


def _normalisers(rows: Floats, highest: Floats) -> Floats:
    """Log-sum-exp of rows whose largest elements are `highest`, each refused unless a number."""
    if not np.logical_and.reduce(np.isfinite(highest)):
        i = int(np.isfinite(highest).argmin())
        _checked(float(highest[i]), i)
    weights = rows - highest[:, None]
    total: Floats = np.add.reduce(np.exp(weights, out=weights), axis=1)
    return highest + np.log(total)


def _ranked(logprobs: Floats, k: int) -> Ints:
    """The k likeliest tokens of each row in order, ties to the lower id, int64 [N, k]."""
    rows, vocabulary = logprobs.shape
    if k <= 1:
        return logprobs.argmax(axis=1)[:, None] if k else np.empty((rows, 0), np.int64)
    if vocabulary < 4 * max(k, _GROUP // 4):
        return (-logprobs).argsort(axis=1, kind="stable")[:, :k]
    near = logprobs.argpartition(vocabulary - k, axis=1)[:, vocabulary - k :]
    near.sort(axis=1)
    values = np.take_along_axis(logprobs, near, axis=1)
    tokens = np.take_along_axis(near, (-values).argsort(axis=1, kind="stable"), axis=1)
    # Where the k-th likeliest shares its place with tokens that were left out, the row is sorted.
    tied = np.flatnonzero((logprobs >= values.min(axis=1)[:, None]).sum(axis=1) > k)
    if len(tied):
        tokens[tied] = (-logprobs[tied]).argsort(axis=1, kind="stable")[:, :k]
    return tokens


def _contiguous(rows: Rows) -> Rows:
    """The same numbers as float32 or float64, rows back to back."""
    kind = rows.dtype if rows.dtype in (np.float32, np.float64) else np.dtype(np.float32)
    return np.ascontiguousarray(rows, dtype=kind)


def _checked(highest: float, row: int) -> float:
    """The largest logit of a row, refused unless it is a number."""
    if np.isfinite(highest):
        return highest
    what = "NaN" if np.isnan(highest) else "+inf" if highest > 0 else "nothing but -inf"
    raise BrokenLogits(
        f"row {row} of the logits holds {what}; check the weights, or load the model with "
        "another dtype (float16 overflows where float32 does not)"
    )


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
    groups = len(row) // _GROUP
    body = groups * _GROUP
    return np.concatenate([row[:body].reshape(_GROUP, groups).max(axis=0), row[body:]])


def _likeliest(row: Rows, peaks: Rows, lse: float, k: int) -> tuple[Ints, Floats]:
    """The k tokens of the largest log-probabilities, ties to the lower id, in order."""
    if k == 0:
        return np.empty(0, np.int64), np.empty(0)
    groups = len(row) // _GROUP
    if k > groups // 2:
        near = np.arange(len(row))
        bound = -np.inf
    else:
        # k groups hold a token at least this likely, so the k-th likeliest token is too.
        bound = float(np.partition(peaks, len(peaks) - k)[-k]) - lse
        hits = np.flatnonzero(peaks.astype(np.float64) - lse >= bound)
        cut = int(np.searchsorted(hits, groups))
        steps = np.arange(0, groups * _GROUP, groups)[:, None]
        near = (steps + hits[:cut]).ravel()
        if cut < len(hits):
            near = np.concatenate([near, hits[cut:] + groups * (_GROUP - 1)])
    logprobs = row[near].astype(np.float64) - lse
    if k < len(near):
        kept = np.flatnonzero(logprobs >= bound)
        near, logprobs = near[kept], logprobs[kept]
    order = np.argsort(-logprobs, kind="stable")[:k]
    return near[order], logprobs[order]
