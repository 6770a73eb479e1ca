"""Which tokens of a row stay in play: the rules that cut a distribution's tail.

Each rule takes the scores of the tokens still allowed (finite, ascending by token id) and returns
the ascending indices of those it keeps, at least one. This file believes that a rule should look
at the tail as little as it can: none sorts the row. Meanings, ties included, are those of the
warpers of transformers; probabilities are rounded to the row's own type before they are compared.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating[Any]]
Kept = NDArray[np.int64]


def top_k(scores: Scores, k: int) -> Kept:
    """The k largest scores, and all that tie with the smallest of them."""
    if k >= len(scores):
        return np.arange(len(scores))
    return np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[-k])


def top_p(scores: Scores, p: float) -> Kept:
    """The fewest likeliest tokens whose mass is at least p, ties at the edge to the lower id.

    Reference: nucleus.
    """
    weights, total = _weighed(scores)
    spare = 1.0 - p
    # Tokens below this weigh less than half of `spare` together: all of them go, unsorted.
    ranked = np.sort(scores[np.flatnonzero(weights > total * spare / (2 * len(scores)))])
    masses = np.cumsum(np.exp(ranked - ranked[-1]), dtype=np.float64)
    masses += total - masses[-1]
    first = int(np.count_nonzero((masses / total).astype(scores.dtype) <= spare))
    edge = ranked[min(first, len(ranked) - 1)]
    kept = np.flatnonzero(scores >= edge)
    surplus = len(kept) - max(len(ranked) - first, 1)
    if surplus:
        return np.delete(kept, np.flatnonzero(scores[kept] == edge)[-surplus:])
    return kept


def min_p(scores: Scores, p: float) -> Kept:
    """Tokens at least p times as likely as the likeliest one. Reference: min-p."""
    floor = float(scores.max()) + math.log(p)
    return np.flatnonzero(scores >= scores.dtype.type(floor))


def typical_p(scores: Scores, mass: float) -> Kept:
    """Tokens whose surprise is closest to the entropy, until their mass reaches `mass`.

    All tokens that tie at the edge stay. Reference: typical.
    """
    weights, total = _weighed(scores)
    entropy = _entropy(scores, weights, total)
    surprise = float(scores.max()) + math.log(total) - scores
    distance = np.abs(surprise - scores.dtype.type(entropy))
    radius, near = 1.0, np.flatnonzero(distance <= 1.0)
    while len(near) < len(scores) and weights[near].sum() < (mass + 1e-4) * total:
        radius *= 2.0
        near = np.flatnonzero(distance <= radius)
    order = near[np.argsort(distance[near])]
    masses = (np.cumsum(weights[order], dtype=np.float64) / total).astype(scores.dtype)
    last = min(int(np.count_nonzero(masses < mass)), len(order) - 1)
    return np.flatnonzero(distance <= distance[order[last]])


def epsilon(scores: Scores, cutoff: float) -> Kept:
    """Tokens of probability at least `cutoff`, and always the likeliest. Reference: eta."""
    weights, total = _weighed(scores)
    return np.flatnonzero((weights / total >= cutoff) | (scores == scores.max()))


def eta(scores: Scores, cutoff: float) -> Kept:
    """As `epsilon`, with a cutoff that falls to sqrt(cutoff) * exp(-entropy) in flat rows.

    Reference: eta.
    """
    weights, total = _weighed(scores)
    floor = min(cutoff, math.sqrt(cutoff) * math.exp(-_entropy(scores, weights, total)))
    return np.flatnonzero((weights / total >= floor) | (scores == scores.max()))


def _weighed(scores: Scores) -> tuple[Scores, float]:
    """exp(score - largest score), and its sum in float64."""
    weights = np.exp(scores - scores.max())
    return weights, float(weights.sum(dtype=np.float64))


def _entropy(scores: Scores, weights: Scores, total: float) -> float:
    """Entropy in nats."""
    mean = float((weights * (scores - scores.max())).sum(dtype=np.float64)) / total
    return math.log(total) - mean
