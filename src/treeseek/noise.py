"""Noise keyed by place: a random number is a hash of where it is used, never of when.

This room believes that a draw belongs to a position in a stream, so the same text comes out
however the work was batched, drafted, resumed or served. Keys are 64 bits wide and so is every
hash of (key, token), because noise of 24 or 32 bits loses the rare tokens of a large vocabulary.
It holds no state and knows no model; which stream a position belongs to is the scheduler's word.
"""

import math
import sys
from collections.abc import MutableSequence, Sequence
from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from treeseek.errors import BrokenLogits, InvalidOption
from treeseek.native import vocabulary

T = TypeVar("T")
Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MASK = (1 << 64) - 1
_GAMMA = 0x9E3779B97F4A7C15
_POSITION = 0xD1342543DE82EF95
_MIX_A = 0xBF58476D1CE4E5B9
_MIX_B = 0x94D049BB133111EB
_BELOW_ONE = 1.0 - 2.0**-53
_SMALL = 1024
_CHUNK = 12288
_LN2 = math.log(2.0)


class Purpose(IntEnum):
    """What a stream of noise is for; two purposes never share a number."""

    TOKEN = 0
    DRAFT = 1
    COIN = 2
    RNG = 3


def stream_key(
    seed: int, purpose: Purpose, path: tuple[Any, ...], name: int, stream: int, ordinal: int
) -> int:
    """Name one stream of noise by a 64-bit key, the same in every process.

    `path` is the search's place in the run, a nested tuple of integers and strings; `name` is the
    node's 128-bit name; `ordinal` counts the continuations asked of that node and stream so far.
    Costs one short cryptographic hash. Raises InvalidOption for a path of any other content.
    """
    place = (seed, int(purpose), path, name, stream, ordinal)
    return int.from_bytes(blake2b(_encoded(place), digest_size=8).digest(), "little")


def position_key(key: int, position: int) -> int:
    """Key of one position in a stream: an integer mix, cheap enough to call for every token."""
    return _mixed(key + (position + 1) * _POSITION & _MASK)


def gumbel(keys: Keys, vocabulary: int, tokens: Ints | None = None) -> Floats:
    """Standard Gumbel noise of every (row key, token), float64 [N, vocabulary].

    With `tokens`, only of those ids: shape [M] shared by all rows or [N, M] row by row, the same
    numbers that the full table holds. The uniforms behind them have 64 bits, so the upper tail is
    right down to a probability of about 2^-63; all lie strictly between 0 and 1. Costs two
    logarithms a number: `gumbel_argmax` finds a winner for far less.
    """
    table = _table(vocabulary)
    if tokens is not None:
        if tokens.size and not 0 <= int(tokens.min()) <= int(tokens.max()) < vocabulary:
            raise InvalidOption(f"tokens must lie in 0..{vocabulary - 1}, the vocabulary")
        table = table[tokens]
    return _to_gumbel(_hashed(table ^ _scrambled(keys.copy())[:, None]))


def gumbel_argmax(scores: NDArray[np.floating[Any]], keys: Keys) -> tuple[Ints, Floats]:
    """Draw one token of each row: the exact argmax of scores + Gumbel noise, [N] and [N].

    Samples from softmax(scores); a score of -inf never wins. Every token is hashed, but only those
    whose cheap upper bound reaches the leader's value pay for logarithms, so the answer equals the
    full computation bit for bit. A row is unaffected by its neighbours. Raises BrokenLogits where
    a row holds NaN or +inf, or allows no token. Reference: gumbel-max.
    """
    tokens, values = gumbel_topk(scores, keys, 1)
    return tokens[:, 0], values[:, 0]


def gumbel_topk(scores: NDArray[np.floating[Any]], keys: Keys, k: int) -> tuple[Ints, Floats]:
    """Draw k tokens of each row without replacement, best first: tokens and values, each [N, k].

    The values are scores + noise, so the first column is `gumbel_argmax` and a prefix of the
    columns is the draw of a smaller k. A value of -inf marks a place no allowed token was left
    for. Raises InvalidOption unless 1 <= k <= V, BrokenLogits as `gumbel_argmax` does.
    Reference: gumbel-topk.
    """
    rows, vocabulary = scores.shape
    if not 1 <= k <= vocabulary:
        raise InvalidOption(f"k must be 1..{vocabulary} (the vocabulary), not {k}")
    if len(keys) != rows:
        raise InvalidOption(f"{rows} rows need {rows} keys, not {len(keys)}: give one key a row")
    if scores.dtype not in (np.float32, np.float64):
        scores = scores.astype(np.float64)
    if vocabulary <= _SMALL:
        noisy = scores + gumbel(keys, vocabulary)
        top = noisy.max(axis=1)
        if k == 1:
            tokens, values = noisy.argmax(axis=1)[:, None], top[:, None]
        else:
            tokens = np.argsort(-noisy, axis=1, kind="stable")[:, :k]
            values = np.take_along_axis(noisy, tokens, axis=1)
    else:
        tokens, values, top = _races(scores, keys, k)
    if not np.isfinite(top).all():
        row = int(np.isfinite(top).argmin())
        raise BrokenLogits(
            f"row {row} has no winner: it holds NaN or +inf, or every token is forbidden; "
            "check the model's logits and whether the constraint leaves a token"
        )
    return tokens, values


class Rng:
    """Random numbers for a strategy, a function of one 64-bit key and the calls made so far.

    Build it from the key of a place, use it there and drop it: nothing of it outlives a barrier.
    Costs about a microsecond a number. Not for secrets.
    """

    __slots__ = ("_state",)

    def __init__(self, key: int) -> None:
        self._state = key & _MASK

    def _word(self) -> int:
        self._state = self._state + _GAMMA & _MASK
        return _mixed(self._state)

    def random(self) -> float:
        """A uniform number in [0, 1) with 53 bits."""
        return (self._word() >> 11) * 2.0**-53

    def integers(self, n: int) -> int:
        """An integer in 0..n-1, without bias; n may be 1 to 2^64."""
        if not 1 <= n <= 1 << 64:
            raise InvalidOption(f"integers(n) needs 1 <= n <= 2^64, not {n}")
        unbiased = (1 << 64) - (1 << 64) % n
        while (word := self._word()) >= unbiased:
            pass
        return word % n

    def choice(self, options: Sequence[T]) -> T:
        """One element of a sequence that is not empty, each equally likely."""
        if not options:
            raise InvalidOption("choice() needs at least one option")
        return options[self.integers(len(options))]

    def shuffle(self, items: MutableSequence[Any]) -> None:
        """Reorder a list in place; every order is equally likely up to the key's 64 bits."""
        for last in range(len(items) - 1, 0, -1):
            other = self.integers(last + 1)
            items[last], items[other] = items[other], items[last]

    def normal(self) -> float:
        """A standard normal number (Box and Muller, two words each)."""
        radius = math.sqrt(-2.0 * math.log1p(-self.random()))
        return radius * math.cos(2.0 * math.pi * self.random())


def _encoded(item: object) -> bytes:
    """Bytes of a nested tuple such that two different ones never give the same bytes."""
    if isinstance(item, tuple):
        return b"(" + b"".join(map(_encoded, item)) + b")"
    if isinstance(item, str):
        text = item.encode("utf-8", "surrogatepass")
        return b"s%d:" % len(text) + text
    if isinstance(item, (int, np.integer)):
        return b"i%d;" % item
    kind = type(item).__name__
    raise InvalidOption(
        f"a place is made of integers, strings and tuples of them, not {kind}: {item!r}"
    )


def _mixed(word: int) -> int:
    """The SplitMix64 output function on one Python integer."""
    word = (word ^ word >> 30) * _MIX_A & _MASK
    word = (word ^ word >> 27) * _MIX_B & _MASK
    return word ^ word >> 31


def _scrambled(words: Keys) -> Keys:
    """The SplitMix64 output function on an array, in place."""
    shifted = words >> np.uint64(30)
    words ^= shifted
    words *= np.uint64(_MIX_A)
    np.right_shift(words, np.uint64(27), out=shifted)
    words ^= shifted
    words *= np.uint64(_MIX_B)
    np.right_shift(words, np.uint64(31), out=shifted)
    words ^= shifted
    return words


@lru_cache(maxsize=8)
def _table(vocabulary: int) -> Keys:
    """One random word for each token, uint64 [V], the same for every key."""
    table = _scrambled(np.arange(1, vocabulary + 1, dtype=np.uint64) * np.uint64(_GAMMA))
    table.flags.writeable = False
    return table


def _hashed(words: Keys) -> Keys:
    """Hash, in place, words that are already a token's random word xor a row's scrambled key."""
    words *= np.uint64(_MIX_A)
    words ^= words >> np.uint64(32)
    words *= np.uint64(_MIX_B)
    return words


def _to_gumbel(words: Keys) -> Floats:
    """Turn hashes into Gumbel numbers; a small hash is a large number, resolved to 2^-64."""
    # v = 1 - u: the winners sit at v near 0, where floats are dense.
    v = words.astype(np.float64)
    v += 0.5
    v *= 2.0**-64
    np.minimum(v, _BELOW_ONE, out=v)
    np.negative(v, out=v)
    np.log1p(v, out=v)
    np.negative(v, out=v)
    np.log(v, out=v)
    return np.negative(v, out=v)


def _races(scores: NDArray[np.floating[Any]], keys: Keys, k: int) -> tuple[Ints, Floats, Floats]:
    """`gumbel_topk` of large rows, from as few logarithms as the proof allows; and each maximum."""
    table, keys = _table(scores.shape[1]), _scrambled(keys.copy())
    close = [_contenders(row, key, table, k) for row, key in zip(scores, keys, strict=True)]
    ends = np.cumsum([len(tokens) for tokens in close])
    chosen, owner = (
        np.concatenate(close),
        np.repeat(np.arange(len(close)), np.diff(ends, prepend=0)),
    )
    noisy = scores[owner, chosen] + _to_gumbel(_hashed(table[chosen] ^ keys[owner]))
    tokens, values = np.empty((len(close), k), np.int64), np.empty((len(close), k))
    top = np.empty(len(close))
    for i, (candidates, end) in enumerate(zip(close, ends, strict=True)):
        mine = noisy[end - len(candidates) : end]
        order = np.argsort(-mine, kind="stable")[:k]
        tokens[i], values[i], top[i] = candidates[order], mine[order], mine.max()
    return tokens, values, top


def _contenders(row: NDArray[np.floating[Any]], key: np.uint64, table: Keys, k: int) -> Ints:
    """Every token, ascending, that can be among the k best of a row; usually k and a few."""
    allowed = row != -np.inf
    left = int(np.count_nonzero(allowed))
    runners = None
    if left < len(row):
        runners = np.flatnonzero(allowed)
        if left <= max(4 * k, _SMALL):
            if left >= k:
                return runners
            return np.concatenate([runners, np.flatnonzero(~allowed)[: k - left]])
        row, table = row[runners], table[runners]
    # -log(-log1p(-v)) <= -log(v), and a float's bit pattern over 2^23, less 127, never exceeds
    # its log2: so reading bits bounds the noise from above, loosely by .06 where it is large.
    # `upper` leaves out the constant that turns bits into that bound.
    if row.dtype == np.float32 and vocabulary.available():
        upper, best = vocabulary.bounds(np.ascontiguousarray(row), table, int(key))
    else:
        upper = _bounds(row, key, table)
        best = int(upper.argmax()) if k == 1 else 0
    leaders = np.array([best]) if k == 1 else np.argpartition(upper, left - k)[-k:]
    exact = row[leaders] + _to_gumbel(_hashed(table[leaders] ^ key))
    bar = float(exact.min()) - (32 + 127) * _LN2
    # Rounding: at most eight float32 operations on numbers no larger than these.
    slack = 1e-6 * (300.0 + abs(bar) + abs(float(upper[leaders].max())))
    # NaN stays, to be found by the caller.
    close = np.flatnonzero(~(upper < bar - slack))
    return close if runners is None else runners[close]


def _bounds(row: NDArray[np.floating[Any]], key: np.uint64, table: Keys) -> Any:
    """Upper bounds of score + noise, in chunks that stay in the cache."""
    upper = np.empty_like(row)
    for start in range(0, len(row), _CHUNK):
        words = _hashed(table[start : start + _CHUNK] ^ key)
        upper[start : start + _CHUNK] = _high(words).astype(np.float32).view(np.int32)
    upper *= -_LN2 * 2.0**-23
    upper += row
    return upper


def _high(words: Keys) -> NDArray[np.uint32]:
    """The upper halves of 64-bit words, a view."""
    return words.view(np.uint32)[1 if sys.byteorder == "little" else 0 :: 2]
