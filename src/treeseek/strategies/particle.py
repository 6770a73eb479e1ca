"""A particle filter over steps: prefixes multiply by what a process scorer says of them."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate, count
from typing import Annotated, Literal

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node
from treeseek.strategies.levels import Passing, levels
from treeseek.strategies.measures import Valued, measure
from treeseek.strategies.posteriors import Rng
from treeseek.strategies.prefixes import Prefix, Same, last
from treeseek.strategies.restarts import Restarts, repeated

_EDGE = 1e-6


@strategy("particle-filter", tier="step")
def particle(
    ctx: Context,
    root: Node,
    *,
    particles: Annotated[int, Range(low=1), "prefixes in the population"] = 8,
    resample: Annotated[
        Literal["multinomial", "systematic"], "how the next population is drawn"
    ] = "multinomial",
    ess: Annotated[
        float | None,
        Range(above=0, high=1),
        "resample below this effective share of the population; none: at every step",
    ] = None,
    temperature: Annotated[float, Range(above=0), "of the weights"] = 1.0,
    value: Valued = "auto",
    restarts: Restarts = None,
) -> Search:
    """Let every prefix go on by one step, then draw the next population by weight.

    A prefix weighs v / (1 - v) for its value v, read as the chance that it ends right, to the power
    1 / temperature. Answers stay in the population and are drawn again, but cost no more. Cost:
    `particles` steps a level. Where a beam drops what looks second best, this keeps it in
    proportion: it loses to a beam where the value can be trusted, and to independent draws where it
    is noise, for few ancestors survive. Deviations: values are clipped to [1e-6, 1 - 1e-6]; every
    answer drawn is a candidate; while a budget lasts (`restarts`) other populations follow.
    Reference: particle-filter
    """
    by = yield from measure(ctx, root, value)
    runs = count()

    def once(_: Mapping[Same, int]) -> Passing:
        run, level = next(runs), count()
        ended: list[Prefix] = []

        def keep(children: list[Prefix]) -> list[Prefix]:
            population = [*children, *ended]
            weights = odds([last(at) for at in population], temperature)
            rng = ctx.rng("resample", run, next(level))
            if ess is None or effective(weights) < ess * len(weights):
                population = [
                    population[at]
                    for at in drawn(weights, particles, rng, resample == "systematic")
                ]
            ended[:] = [at for at in population if at.closed]
            return [at for at in population if not at.closed]

        return levels(ctx, [Prefix(root)] * particles, by, width=1, keep=keep)

    yield from repeated(ctx, once, restarts=restarts)


def odds(values: Sequence[float], temperature: float) -> list[float]:
    """Weights (v / (1 - v))^(1 / temperature), normalised to sum to 1."""
    inside = [min(max(value, _EDGE), 1.0 - _EDGE) for value in values]
    logs = [math.log(value / (1.0 - value)) / temperature for value in inside]
    top = max(logs, default=0.0)
    raw = [math.exp(log - top) for log in logs]
    return [weight / sum(raw) for weight in raw]


def effective(weights: Sequence[float]) -> float:
    """Effective sample size of weights that sum to 1: from 1 to their number."""
    return 1.0 / sum(weight * weight for weight in weights) if weights else 0.0


def drawn(weights: Sequence[float], n: int, rng: Rng, systematic: bool) -> list[int]:
    """Indices of `n` draws in proportion to `weights`.

    Systematic draws share one uniform number: each index comes within one of n * weight times.
    """
    sums = list(accumulate(weights))
    if not sums:
        return []
    if systematic:
        first = rng.random()
        points = [(nth + first) / n for nth in range(n)]
    else:
        points = [rng.random() for _ in range(n)]
    return [bisect_right(sums, point * sums[-1], hi=len(sums) - 1) for point in points]
