"""What is kept of a row for drafts: its likeliest tokens, and how probably each comes again.

This file believes that where the likeliest token is taken, or the noise is known, probabilities
are to be sharpened. It does not cover where rows come from.
"""

from collections.abc import Sequence
from math import exp

_SHARP = 2.0
"""Power of the probabilities where the likeliest token is taken, or the noise is known."""
_LEAST = 0.003
"""Share below which a token is not drafted."""


class Entry:
    """The likeliest tokens of a row with their log-probabilities, best first."""

    __slots__ = ("_plain", "logprobs", "tokens")

    def __init__(self, tokens: Sequence[int], logprobs: Sequence[float]) -> None:
        """Of one row."""
        self.tokens, self.logprobs = tokens, logprobs
        self._plain: list[tuple[int, float]] | None = None

    @property
    def plain(self) -> list[tuple[int, float]]:
        """The tokens and their shares where the likeliest is taken, worked out once."""
        if self._plain is None:
            self._plain = shares(self.tokens, self.logprobs)
        return self._plain


def shares(tokens: Sequence[int], scores: Sequence[float]) -> list[tuple[int, float]]:
    """How probably each is taken, those that hardly ever are left out."""
    best = max(scores)
    weights = [exp(_SHARP * (score - best)) for score in scores]
    total = sum(weights)
    least = _LEAST * total
    return [
        (token, weight / total)
        for token, weight in zip(tokens, weights, strict=True)
        if weight >= least
    ]
