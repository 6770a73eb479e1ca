"""Every selector at every size of a pool, from candidates that were paid for once.

This file believes that selectors are compared on the same candidates in the same orders, so that
their differences are theirs. It covers no drawing of curves.
"""

from collections.abc import Mapping, Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from treeseek.errors import InvalidOption
from treeseek.selectors.pool import Pool
from treeseek.selectors.selector import Selector


def at_every_size(
    pool: Pool,
    selectors: Mapping[str, Selector],
    *,
    sizes: Sequence[int],
    orders: int = 1,
    k: int = 1,
    seed: int = 0,
) -> dict[str, NDArray[np.float64]]:
    """By name of a selector: how often one of its k answers is right, for each of `sizes`.

    The first N candidates of an order are the pool of size N. `orders` is how many orders are
    averaged: 1 takes the candidates as they were drawn (what a user with that budget saw), more
    takes so many shuffles, which follow from `seed` and the pool's id (the expectation over
    samples of that size). No model call; cost is sizes * orders * selectors rules. Raises
    InvalidOption for a size outside 1..N.
    """
    drawn = len(pool.candidates)
    if not all(1 <= size <= drawn for size in sizes) or orders < 1:
        raise InvalidOption(
            f"sizes={list(sizes)}, orders={orders}: {pool.id!r} has {drawn} candidates; give sizes "
            "from 1 to that and at least 1 order."
        )
    noise = np.random.default_rng([seed, crc32(pool.id.encode())])
    shuffles = [np.arange(drawn)]
    if orders > 1:
        shuffles = [noise.permutation(drawn) for _ in range(orders)]
    counts = {name: np.zeros(len(sizes)) for name in selectors}
    for shuffle in shuffles:
        ordered = [pool.candidates[index] for index in shuffle]
        for at, size in enumerate(sizes):
            for name, selector in selectors.items():
                chosen = selector(ordered[:size], k=k)
                counts[name][at] += any(choice.key in pool.right for choice in chosen)
    return {name: count / orders for name, count in counts.items()}
