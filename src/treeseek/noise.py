"""Noise keyed by place: a random number is a hash of where it is used, never of when.

This room believes that a draw belongs to a position in a stream, so the same text comes out
however the work was batched, drafted, resumed or served. Keys are 64 bits wide and so is every
hash of (key, token), because noise of 24 or 32 bits loses the rare tokens of a large vocabulary.
It holds no state and knows no model; which stream a position belongs to is the scheduler's word.
"""

import math
from collections.abc import MutableSequence, Sequence
from enum import IntEnum
from hashlib import blake2b
from struct import Struct
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from treeseek.errors import InvalidOption

T = TypeVar("T")

_MASK = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15
_POSITION = 0xD1342543DE82EF95
MIX_A = 0xBF58476D1CE4E5B9
MIX_B = 0x94D049BB133111EB
_word = Struct("<Q").unpack
_MANY = 16
"""Keys from which on a few passes over columns cost less than as many sums."""


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
    return Streams(seed, purpose, path).keys(name, stream, ordinal)[0]


class Streams:
    """The streams of one place of a run; what their names share is hashed once."""

    __slots__ = ("_place",)

    def __init__(self, seed: int, purpose: Purpose, path: tuple[Any, ...]) -> None:
        """See `stream_key`."""
        self._place = blake2b(_encoded((seed, int(purpose), path))[:-1], digest_size=8)

    def keys(self, name: int, stream: int, ordinal: int, count: int = 1) -> list[int]:
        """Keys of the streams of `count` ordinals from `ordinal` on."""
        before, found = f"i{name};i{stream:d};i", list[int]()
        for at in range(ordinal, ordinal + count):
            hashed = self._place.copy()
            hashed.update(f"{before}{at};)".encode())
            found += _word(hashed.digest())
        return found


def position_key(key: int, position: int) -> int:
    """Key of one position in a stream: an integer mix, cheap enough to call for every token."""
    return _mixed(key + (position + 1) * _POSITION & _MASK)  # type: ignore[no-any-return]


def position_keys(keys: Sequence[int], positions: Sequence[int]) -> NDArray[np.uint64]:
    """`position_key` of each pair, uint64 [N]: in columns once that is the cheaper way."""
    if len(keys) < _MANY:
        return np.array(list(map(position_key, keys, positions)), np.uint64)
    steps = (np.array(positions, np.uint64) + np.uint64(1)) * np.uint64(_POSITION)
    mixed: NDArray[np.uint64] = _mixed(np.array(keys, np.uint64) + steps)
    return mixed


class Rng:
    """Random numbers for a strategy, a function of one 64-bit key and the calls made so far.

    Build it from the key of a place, use it there and drop it: nothing of it outlives a barrier.
    Costs about a microsecond a number. Not for secrets.
    """

    __slots__ = ("_state",)

    def __init__(self, key: int) -> None:
        self._state = key & _MASK

    def _word(self) -> int:
        self._state = self._state + GAMMA & _MASK
        return _mixed(self._state)  # type: ignore[no-any-return]

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


def _mixed(word: Any) -> Any:
    """The SplitMix64 output function of a Python integer, or of a column of words."""
    word = (word ^ (word >> 30)) * MIX_A & _MASK
    word = (word ^ (word >> 27)) * MIX_B & _MASK
    return word ^ (word >> 31)
