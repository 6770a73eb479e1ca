"""What is asked of rows, in columns: each row once, and a token's logit of it as often as it comes.

Whoever asks is told in its own order, whatever rows were computed together.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Asked:
    """Log-probabilities of tokens after rows, asked for by several; rows in the tree's order."""

    def __init__(self, parts: Sequence[tuple[Sequence[int], Sequence[int]]]) -> None:
        """Sort by row what each of `parts` asks: addresses of rows, and a token of each."""
        self._counts = [len(rows) for rows, _ in parts]
        every = np.array([row for rows, _ in parts for row in rows], np.int64)
        self._order = np.argsort(every, kind="stable")
        every = every[self._order]
        new = np.ones(len(every), bool)
        np.not_equal(every[1:], every[:-1], out=new[1:])
        self.rows: Ints = every[new]
        """Addresses, ascending."""
        asked = np.array([token for _, tokens in parts for token in tokens], np.int64)
        self.tokens: Ints = asked[self._order]
        """What is asked of each row, one row after another."""
        self.starts: Ints = np.append(np.flatnonzero(new), len(every))
        """Where that begins for each row, and where it ends for the last."""
        self._found = np.empty(len(every))

    def places(self, addresses: Sequence[int]) -> Ints:
        """Which row each of `addresses` is, -1 for none."""
        wanted = np.array(addresses, np.int64)
        found = np.minimum(np.searchsorted(self.rows, wanted), len(self.rows) - 1)
        return np.where(self.rows[found] == wanted, found, -1)

    def read(self, places: Ints, lse: Floats, logits: NDArray[np.floating[Any]]) -> None:
        """Take what is asked of rows `places` by their log-sum-exps and logits [n, V]."""
        counts = self.starts[places + 1] - self.starts[places]
        shift = np.repeat(self.starts[places] - np.cumsum(counts) + counts, counts)
        where = np.arange(len(shift)) + shift
        lines = np.repeat(np.arange(len(places)), counts)
        picked = logits[lines, self.tokens[where]].astype(np.float64)
        self._found[where] = picked - lse[lines]

    def note(self, places: range, lse: Floats, logits: NDArray[np.float32]) -> None:
        """Take the log-sum-exps of the rows `places`, and of each the logits that are asked."""
        begin, end = self.starts[places.start], self.starts[places.stop]
        counts = np.diff(self.starts[places.start : places.stop + 1])
        self._found[begin:end] = logits - np.repeat(lse, counts)

    def answers(self) -> list[list[float]]:
        """What each part asked for, in its order."""
        found = np.empty_like(self._found)
        found[self._order] = self._found
        values, at, parts = found.tolist(), 0, []
        for count in self._counts:
            parts.append(values[at : at + count])
            at += count
        return parts
