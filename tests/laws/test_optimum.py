"""Law 3: best-first with an admissible bound returns the optimum."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.test_beam import LIMIT, V, brute
from tests.laws.wild import toy
from treeseek import Expand, search, strategy


@strategy()
def by_bound(ctx: Any, root: Any, *, bound: Callable[..., float]) -> Any:
    """Expand the prefix of the best bound until that prefix is an end."""
    arrival = count()
    heap = [(0.0, next(arrival), root)]
    while not heap[0][-1].is_end:
        (reply,) = yield [Expand(heappop(heap)[-1], k=V)]
        for child in reply.children:
            heappush(heap, (-bound(child), next(arrival), child))
    ctx.finish(heap[0][-1])


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6))
def test_the_total_so_far_is_admissible_and_finds_the_optimum(seed: int) -> None:
    lm = toy(seed, vocabulary=V)
    best = search([0], model=lm, strategy=by_bound(bound=lambda n: n.total), limit=LIMIT).best
    total, tokens = brute(lm, [0])[0]
    assert best is not None
    assert best.logprob == pytest.approx(total)
    assert best.token_ids == tuple(t for t in tokens if t != V - 1)


def test_a_bound_that_is_not_admissible_misses_it_somewhere() -> None:
    """Negative control: the mean a token can rise, and the first end it meets need not be best."""
    missed = 0
    for seed in range(40):
        lm = toy(seed, vocabulary=V)
        mean = by_bound(bound=lambda n: n.total / n.depth)
        best = search([0], model=lm, strategy=mean, limit=LIMIT).best
        missed += best is None or best.logprob < brute(lm, [0])[0][0] - 1e-9
    assert missed > 5
