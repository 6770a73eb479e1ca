"""Limited discrepancy search: leave the greedy path where leaving it is likeliest, then be greedy.

This file believes that a model is mostly right, so that an answer it misses differs from its
greedy one in few tokens, and that a place it came to in another order is not worth a second visit.
"""

import math
from heapq import heappop, heappush
from itertools import count
from typing import Annotated

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Expand, Node, Verify, mean_logprob
from treeseek.strategies.draws import FIRST
from treeseek.strategies.measures import SOLVED, measure, merit


@strategy("limited-discrepancy", prunes="tokens")
def limited_discrepancy(
    ctx: Context,
    root: Node,
    *,
    completions: Annotated[
        int | None,
        Range(low=1),
        f"answers met; none: until the budget is spent, {FIRST} without one",
    ] = None,
    width: Annotated[int, Range(low=1), "likeliest tokens that are children"] = 8,
    parallel: Annotated[
        int, Range(low=1), "paths that go on together, each begun before the last has ended"
    ] = 1,
    merge: Annotated[bool, "prefixes of one state, by the verifier, are gone on from once"] = True,
) -> Search:
    """Take the likeliest token to the end of an answer; the others wait in one queue.

    What waits is ordered by its probability from the root, among the children that the verifier
    does not call lost; the likeliest is taken next and completed greedily in its turn. Cost: one
    charged node a token of a completion, from where it leaves what is known; a verdict a child
    where the verifier foresees. Every completion is a candidate; it ends once n are solved or
    nothing waits. It loses to draws where the model is sure and wrong early: it comes back there
    last. Deviations: discrepancies count by their probability, not by their number, and prefixes
    with the verifier's state in common are merged. Reference: limited-discrepancy
    """
    by = yield from measure(ctx, root)
    arrival = count()
    waiting: list[tuple[float, int, Node]] = [(0.0, next(arrival), root)]
    going: list[tuple[float, Node]] = []
    states, solved, met, most = set[str](), 0, 0, completions
    while solved < ctx.n and (most is None or met < most):
        while waiting and len(going) < parallel:
            behind, _, node = heappop(waiting)
            going.append((behind, node))
        if not going:
            return
        rows = yield [Expand(node, k=width) for _, node in going]
        if completions is None and rows[0].spent is None:
            most = max(FIRST, ctx.n)
        born = [child for row in rows for child in row.children]
        judge = ctx.verifier
        asked = [child for child in born if child.is_end or by.foresees] if judge else []
        replies = (yield [Verify(child, judge) for child in asked]) if judge and asked else []
        said = {child.handle: reply.verdict for child, reply in zip(asked, replies, strict=True)}
        onward: list[tuple[float, Node]] = []
        for (behind, _), row in zip(going, rows, strict=True):
            open_: list[Node] = []
            for child in row.children:
                verdict = said.get(child.handle)
                if child.is_end:
                    mark = mean_logprob(child) if verdict is None else merit(verdict)
                    ctx.finish(child, score=mark)
                    met += 1
                    solved += verdict is not None and mark >= SOLVED
                elif verdict is None or verdict.solved or not verdict.terminal:
                    if verdict and merge and verdict.state:
                        if verdict.state in states:
                            continue
                        states.add(verdict.state)
                    open_.append(child)
            mass = sum(math.exp(child.score) for child in open_)
            for nth, child in enumerate(open_):
                rank = behind - child.score + math.log(mass)
                if nth == 0:
                    onward.append((rank, child))
                else:
                    heappush(waiting, (rank, next(arrival), child))
        going = onward
