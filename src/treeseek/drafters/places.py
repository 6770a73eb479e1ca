"""Places of tokens in a history, and the end of a text among them, as arrays that can grow.

This file believes that numbers which grow one by one and are read all at once are best kept flat:
the kernels read them where they lie, and so does numpy. It does not cover what they mean.
"""

from array import array
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = "array[int]"

NONE = -1
NOWHERE: Ints = array("i")


class Cursor:
    """The end of one text: its own place, and every place that ends alike, oldest first.

    The text ends with the `lengths[i]` tokens up to `places[i]`; its own place is among them.
    """

    __slots__ = ("at", "label", "lengths", "places")

    def __init__(self, label: int) -> None:
        """Of a text without a token; `label` is what it belongs to."""
        self.label, self.at = label, NONE
        self.places = self.lengths = NOWHERE


def view(numbers: Ints) -> NDArray[np.int32]:
    """`numbers` as they lie in memory; they must not grow meanwhile."""
    return np.frombuffer(numbers, np.int32) if numbers else np.empty(0, np.int32)


def held(numbers: NDArray[np.integer[Any]]) -> Ints:
    """`numbers` as an array that can grow."""
    return array("i", numbers.astype(np.int32).tobytes())
