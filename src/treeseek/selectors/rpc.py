"""Reasoning-pruned perplexity consistency: answers weighed by the probability of their paths."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np

from treeseek.errors import InvalidOption
from treeseek.selectors.pool import Pooled
from treeseek.selectors.selector import Choice, answers, selector, summed
from treeseek.selectors.weibull import Floats, fit

FEWEST = 4
"""Candidates below which nothing is pruned: five parameters cannot be read off three numbers."""


@selector("rpc")
def rpc(
    candidates: Sequence[Pooled],
    *,
    measure: Annotated[
        Literal["mean", "total"], "probability of a path: a token's on average, or the whole path's"
    ] = "mean",
    prune: Annotated[bool, "drop improbable paths first"] = True,
) -> list[Choice]:
    """Sum the model's probability over the distinct paths to each answer, improbable ones pruned.

    q of a path is e to its mean log-probability a token (measure="total": its probability). Two
    Weibull distributions are fitted to all q; a path more likely of the lower one and below the
    mean q is dropped; an answer's score is the sum of q over its distinct texts. It needs about
    half the samples of the majority where q tells right from wrong, and is the majority over
    distinct texts where it does not. Deviations: values are scaled before the fit, shapes bounded,
    no pruning for fewer than 4 paths or equal q. prune=False is perplexity consistency. Raises
    InvalidOption without log-probabilities. Reference: rpc
    """
    logs = np.array([_log_probability(candidate, measure) for candidate in candidates])
    values = np.exp(logs - logs.max())
    keep = survivors(values) if prune else np.ones(len(values), dtype=np.bool_)
    counted: set[tuple[str | None, str]] = set()
    scores = []
    for candidate, value, kept in zip(candidates, values, keep, strict=True):
        path = (candidate.key, candidate.text)
        scores.append(float(value) if kept and path not in counted else 0.0)
        if kept:
            counted.add(path)
    return summed(candidates, answers(candidates), scores)


def survivors(values: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which of the positive `values` [N] are kept: not of the lower component, or not below mean.

    All are kept where there are fewer than 4 or all are equal. Reference: rpc
    """
    values = np.maximum(values, np.finfo(np.float64).tiny)
    if len(values) < FEWEST or float(np.ptp(values)) <= 1e-12 * float(values.max()):
        return np.ones(len(values), dtype=np.bool_)
    mixture = fit(values)
    joint = mixture.joint(values)
    high = int(mixture.means[1] > mixture.means[0])
    kept: np.ndarray[tuple[int], np.dtype[np.bool_]] = (joint[high] >= joint[1 - high]) | (
        values >= values.mean()
    )
    return kept


def _log_probability(candidate: Pooled, measure: str) -> float:
    logprob = candidate.mean_logprob if measure == "mean" else candidate.logprob
    if logprob is None or math.isnan(logprob):
        raise InvalidOption(
            "rpc weighs paths by their log-probability and a candidate has none: give "
            "Pooled(logprob=..., tokens=...), or take majority."
        )
    return logprob
