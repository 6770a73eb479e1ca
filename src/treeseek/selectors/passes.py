"""Selectors of programs by which tests they pass, where programs and tests are both only plausible.

All four sort programs into sets that pass the same tests and rank the sets; they differ in what the
size of a set and the number of its passed tests are worth.
"""

import math
from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from treeseek.errors import InvalidOption
from treeseek.options import Range
from treeseek.selectors.pool import Pooled
from treeseek.selectors.selector import Choice, ranked, selector

Passed = NDArray[np.bool_]


@selector("b4")
def b4(
    candidates: Sequence[Pooled],
    *,
    alpha: Annotated[float, Range(above=0), "belief that programs and tests are right"] = 10.0,
    beta: Annotated[float, Range(above=0), "belief that wrong does not pass wrong"] = 10.0,
) -> list[Choice]:
    """The set of programs that is right with the highest posterior probability (B4).

    A set X with pass row y is right if its tests are the right ones; priors: shares of right
    programs and right tests Beta(alpha, 1), chance that a wrong program passes a right test
    Beta(1, 1), a wrong one Beta(1, beta). Exact under that model, in which all right programs pass
    the same tests; weights are the posterior over the sets met. The paper takes alpha = 1e3 and
    beta = 1e4 to 1e6 for real code. Cost O(M (N + sets)). Reference: b4
    """
    passed = _rows(candidates)
    n, m = passed.shape
    passes = passed.sum(axis=0)

    def posterior(size: int, row: Passed) -> float:
        count, others = int(row.sum()), n - size
        right = int(passes[row].sum()) - size * count
        wrong = int(passes[~row].sum())
        return (
            _log_beta(size + alpha, others + 1)
            + _log_beta(count + alpha, m - count + 1)
            + _log_beta(right + 1, others * count - right + 1)
            + _log_beta(wrong + 1, others * (m - count) - wrong + beta)
        )

    found = _sets(candidates, passed, posterior)
    peak = found[0].score
    whole = math.fsum(math.exp(choice.score - peak) for choice in found)
    return [
        Choice(one.key, one.index, one.score, math.exp(one.score - peak) / whole) for one in found
    ]


@selector("codet")
def codet(candidates: Sequence[Pooled]) -> list[Choice]:
    """The set of programs with the largest (tests passed) * sqrt(programs) (CodeT).

    A heuristic: good where right programs and right tests are common, fooled by a single program
    that passes many wrong tests. Reference: codet
    """
    return _sets(candidates, _rows(candidates), lambda size, row: math.sqrt(size) * int(row.sum()))


@selector("mbr-exec")
def mbr_exec(candidates: Sequence[Pooled]) -> list[Choice]:
    """The largest set of programs that pass the same tests (MBR-exec): the majority by behaviour.

    Whether tests pass or fail is not looked at. It loses where wrong programs are wrong alike.
    Reference: mbr-exec
    """
    return _sets(candidates, _rows(candidates), lambda size, row: float(size))


@selector()
def max_pass(candidates: Sequence[Pooled]) -> list[Choice]:
    """The programs that pass the most tests.

    Exact where every test is right; a wrong test counts as much as a right one.
    """
    return _sets(candidates, _rows(candidates), lambda size, row: float(row.sum()))


def _rows(candidates: Sequence[Pooled]) -> Passed:
    """Candidates by tests [N, M]; raises InvalidOption where a row is empty or shorter."""
    lengths = {len(candidate.tests) for candidate in candidates}
    if len(lengths) != 1 or lengths == {0}:
        raise InvalidOption(
            "Selectors by tests need every candidate's row of the same tests: run all tests on all "
            "candidates and give Pooled(tests=...)."
        )
    return np.array([candidate.tests for candidate in candidates], dtype=np.bool_)


def _sets(
    candidates: Sequence[Pooled], passed: Passed, score: Callable[[int, Passed], float]
) -> list[Choice]:
    """The sets of candidates with equal rows, best `score(size, row [M])` first.

    The candidate drawn first stands for its set.
    """
    groups: dict[bytes, list[int]] = {}
    for index, row in enumerate(passed):
        groups.setdefault(row.tobytes(), []).append(index)
    return ranked(
        Choice(
            key=candidates[group[0]].key,
            index=group[0],
            score=score(len(group), passed[group[0]]),
            weight=len(group) / len(passed),
        )
        for group in groups.values()
    )


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
