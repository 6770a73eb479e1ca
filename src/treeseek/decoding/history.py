"""Scores that depend on what was already written: penalties and bans.

This file believes that a penalty is a function of the path alone, so each of these reads one path
and changes one row in place; whoever asks again gets the same row. Meanings are those of the
`generate` method of transformers, except presence and frequency, which follow the chat servers.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = NDArray[np.floating[Any]]
Path = NDArray[np.int64]


def penalise_repetition(row: Row, path: Path, penalty: float) -> None:
    """Divide the positive and multiply the other scores of every token in the whole path.

    A token that occurs often is penalised once. Reference: ctrl.
    """
    seen = np.unique(path[path < len(row)])
    scores = row[seen]
    row[seen] = np.where(scores < 0, scores * penalty, scores / penalty)


def penalise_presence(row: Row, written: Path, presence: float, frequency: float) -> None:
    """Subtract `presence` plus `frequency` times its count from each token written so far."""
    seen, counts = np.unique(written[written < len(row)], return_counts=True)
    row[seen] -= (presence + frequency * counts).astype(row.dtype)


def forbid_repeated_ngrams(row: Row, path: Path, n: int) -> None:
    """Forbid every token that would complete an n-gram the path already holds."""
    if len(path) < n:
        return
    windows = np.lib.stride_tricks.sliding_window_view(path, n)
    again = (windows[:, :-1] == path[len(path) + 1 - n :]).all(axis=1)
    banned = windows[again, -1]
    row[banned[banned < len(row)]] = -np.inf


def forbid_words(row: Row, path: Path, words: Sequence[tuple[int, ...]]) -> None:
    """Forbid the last token of each word whose other tokens end the path."""
    for *head, last in words:
        if len(head) <= len(path) and path[len(path) - len(head) :].tolist() == head:
            row[last] = -np.inf
