"""Branch and bound over the orders of a bag: the best of all, and the proof that it is.

This file believes that a proof is worth its cost on few words: a beginning that has lost more than
the best whole order needs no end, and everything else is looked at. On many words it is only a
search from the left, and a poor one.
"""

from typing import Annotated

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node
from treeseek.sequences.growth import Beginning, Growth
from treeseek.sequences.permutation import Permutation
from treeseek.sequences.perplexity import Perplexity

SAME = 1e-12
"""Part of a value by which sums of the same losses may differ."""


@strategy("branch-and-bound")
def branch_and_bound(
    ctx: Context,
    root: Node,
    *,
    space: Annotated[Permutation, "the orders"],
    objective: Annotated[Perplexity, "what is good"],
    width: Annotated[int, Range(low=1), "beginnings grown together"] = 64,
    scores: Annotated[int | None, Range(low=1), "orders to score at most"] = None,
) -> Search:
    """The order of least `objective`, proved: `optimal` among its scores is 1 where all was seen.

    Depth first: the beginning that promises most grows by every word that is left; once one order
    is whole, the `width` that promise most of those held last. A beginning is dropped where its
    loss alone, shared out over all tokens, is no better than the best whole order; each that is
    dropped on its way counts as an order scored. Each best is a candidate. Cost: a row for each
    beginning, n! of them at worst; nine words are many. Exact for words that are spelt alike where
    they stand, which is checked for each pair of neighbours. Loses against every local search once
    it cannot finish. Deviation: a breadth of `width` where the published one grows one at a time.
    Reference: branch-and-bound
    """
    growth = Growth(ctx, root, space, objective)
    held, best, scored = [growth.start()], None, 0
    value = float("inf")
    while held and not growth.over and (scores is None or scored < scores):
        some: list[Beginning] = []
        while held and len(some) < (width if best is not None else 1):
            one = held.pop()
            if growth.least(one) < value:
                some.append(one)
        before = growth.abandoned
        longer = yield from growth.grown(some, None if best is None else value)
        scored += growth.abandoned - before
        for one in longer:
            if one.rest:
                continue
            scored += 1
            new = objective.value(one.spelling, [one.loss])
            if best is None or new < value - SAME * abs(value):
                best, value = one, new
                growth.stand(one, scored=scored)
        held += sorted((one for one in longer if one.rest), key=growth.promise, reverse=True)
    if best is not None and not growth.over and not held:
        growth.stand(best, scored=scored, optimal=True)
