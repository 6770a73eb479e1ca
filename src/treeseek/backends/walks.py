"""What a walk asks of rows, as the kernels take it: slots, tokens, and where the answers go."""

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treeseek.native.kernels import Asked
from treeseek.native.vocabulary import FACTS


class Question:
    """The log-sum-exp of the rows kept in `slots` [n], and their logits of `tokens`, n lists."""

    def __init__(self, slots: NDArray[np.int32], tokens: Sequence[Sequence[int]]) -> None:
        """Make room for the answers."""
        self.count = len(slots)
        self.facts: NDArray[Any] = np.empty(self.count, FACTS)
        """Largest logit and log-sum-exp of each row, once it was asked."""
        self._starts = np.zeros(self.count + 1, np.int64)
        np.cumsum([len(some) for some in tokens], out=self._starts[1:])
        self._slots = np.ascontiguousarray(slots)
        self._tokens = np.fromiter(chain.from_iterable(tokens), np.int64, self._starts[-1])
        self._logits = np.empty(len(self._tokens), np.float32)
        self.asked = Asked(
            count=self.count,
            slots=self._slots.ctypes.data,
            starts=self._starts.ctypes.data,
            tokens=self._tokens.ctypes.data,
            logits=self._logits.ctypes.data,
            found=self.facts.ctypes.data,
        )

    def logits(self) -> list[list[float]]:
        """The logits of each row's tokens, once it was asked."""
        found, starts = self._logits.tolist(), self._starts.tolist()
        return [found[begin:end] for begin, end in pairwise(starts)]
