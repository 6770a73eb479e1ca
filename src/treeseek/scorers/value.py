"""The value head: what a prefix is worth, read off the model's own last hidden state.

A small network beside a language model, trained on what became of the model's own tries. It costs
one row a prefix, which an expand of the same node would cost too.
"""

from collections.abc import Mapping
from hashlib import blake2b
from math import erf, exp, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treeseek.errors import BrokenWeights

_SHAPES = ("inner.weight", "inner.bias", "outer.weight", "outer.bias")


class ValueHead:
    """V = sigmoid(outer(gelu(inner(h)))) of a last hidden state h [width], in (0, 1).

    `weights` are inner.weight [n, width], inner.bias [n], outer.weight [1, n] and outer.bias [1].
    Computed in float64, row by row: a value does not depend on what else is scored. It ranks
    prefixes of the tasks it was trained on; of other texts it says nothing. Raises BrokenWeights
    for weights of another shape. Reference: alphamath
    """

    name = "value"

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Take the weights."""
        if set(weights) != set(_SHAPES):
            found = ", ".join(sorted(weights)) or "nothing"
            raise BrokenWeights(
                f"a value head has {', '.join(_SHAPES)}, this one {found}: train it again."
            )
        self._inner, self._shift, outer, last = (
            np.asarray(weights[name], np.float64) for name in _SHAPES
        )
        sizes = self._inner.shape[0], self._shift.size, outer.size, last.size
        if self._inner.ndim != 2 or sizes != (sizes[0], sizes[0], sizes[0], 1):
            raise BrokenWeights("the weights of the value head do not fit each other: train again.")
        self._outer, self._last = outer.ravel(), float(last.ravel()[0])
        kept = b"".join(np.asarray(weights[name], np.float32).tobytes() for name in _SHAPES)
        self.version = blake2b(kept, digest_size=6).hexdigest()

    def read(self, rows: NDArray[Any]) -> list[float]:
        """Values of last hidden states [n, width]."""
        return [self._value(row) for row in np.asarray(rows, np.float64)]

    def _value(self, row: NDArray[np.float64]) -> float:
        made = (self._inner @ row + self._shift).tolist()
        bent = np.array([0.5 * x * (1.0 + erf(x / sqrt(2.0))) for x in made])
        logit = float(self._outer @ bent) + self._last
        return 1.0 / (1.0 + exp(-logit)) if logit > -700 else 0.0
