"""A beam over the words of a bag: the beginnings that promise most, one word longer at a time.

This file believes that beginnings of equal length can only be compared with what is still to come:
who has put all cheap words first has lost little and has it all before him. It never mends what it
has written; whoever wants that goes on from its best by a local search.
"""

from typing import Annotated

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node
from treeseek.sequences.growth import Growth
from treeseek.sequences.permutation import Permutation
from treeseek.sequences.perplexity import Perplexity


@strategy("beam-search")
def bag_beam(
    ctx: Context,
    root: Node,
    *,
    space: Annotated[Permutation, "the orders"],
    objective: Annotated[Perplexity, "what is good"],
    width: Annotated[int, Range(low=1), "beginnings kept at first"] = 4,
    scores: Annotated[int | None, Range(low=1), "orders to score at most"] = None,
) -> Search:
    """Beam search under the bag: loss so far, and for each word left its least loss in any context.

    The `width` best beginnings grow by every word that is left; those of one word are all kept, so
    that each word was met after each other one. At the end of all words the beam
    begins anew, twice as wide, until the budget is spent or nothing was dropped, which proves the
    best (`optimal`). Each best is a candidate. Cost: a row for each beginning kept, those of the
    narrower beam being there already. Exact once it is as wide as all beginnings. Loses against
    local search where early words decide late losses. Deviation: least losses are those met so far,
    and the beam is widened. Reference: beam-search
    """
    growth = Growth(ctx, root, space, objective)
    best, value, scored = None, float("inf"), 0
    while not growth.over and (scores is None or scored < scores):
        level, dropped = [growth.start()], False
        while level and level[0].rest and not growth.over:
            longer = yield from growth.grown(level)
            most = width if level[0].cand else len(longer)
            level = sorted(longer, key=growth.promise)[:most]
            dropped = dropped or len(longer) > most
        whole = [one for one in level if not one.rest]
        scored += len(whole)
        for one in whole:
            new = objective.value(one.spelling, [one.loss])
            if new < value:
                best, value = one, new
                growth.stand(one, scored=scored)
        if best is not None and not dropped and not growth.over:
            growth.stand(best, scored=scored, optimal=True)
            break
        width *= 2
