"""Best-first search over prefixes."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Annotated, Literal

from treeseek.declare import Search, strategy
from treeseek.decoding.samplers import Greedy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Expand, How, Node, Sample
from treeseek.strategies.best_of_n import RANKS, settle

_GREEDY = How(sampler=Greedy())


@strategy("llm-tree-search")
def best_first(
    ctx: Context,
    root: Node,
    *,
    width: Annotated[int, Range(low=1), "children of a node"] = 4,
    priority: Annotated[
        Literal["mean", "total"] | Callable[[Node], float],
        "which prefix is next: the highest log-probability, mean a token or total",
    ] = "mean",
    leaves: Annotated[int, Range(low=1), "prefixes expanded at once"] = 1,
    expansions: Annotated[
        int, Range(low=1), "nodes expanded at most; then the best prefixes are completed greedily"
    ] = 1000,
) -> Search:
    """Expand the most confident prefix first, wherever in the tree it stands.

    Ends when as many sequences as the caller wants (n) came first in the queue; with a verifier
    ends are judged as they appear, and n must be solved. Cost: one charged node an expand. With
    "total", a width of the whole vocabulary and one leaf at a time it is exact: the n likeliest
    sequences, in order; but it stays near the root. "mean" dives. It loses where what is right
    starts badly. Candidates are ranked by the priority, or by the verifier. Deviation: a prefix has
    its own confidence, not that of completions of it. Reference: llm-tree-search
    """
    value = RANKS[priority] if isinstance(priority, str) else priority
    arrival = count()
    heap = [(0.0, next(arrival), root)]
    wanted = ctx.n
    try:
        while wanted > 0 and heap and expansions:
            batch: list[Node] = []
            while wanted > 0 and heap and len(batch) < min(leaves, expansions):
                if not heap[0][-1].is_end:
                    batch.append(heappop(heap)[-1])
                elif batch:
                    break
                else:
                    first = heappop(heap)[-1]
                    ctx.finish(first, score=value(first))
                    wanted -= 1
            expansions -= len(batch)
            replies = yield [Expand(node, k=width) for node in batch]
            children = [child for reply in replies for child in reply.children]
            if ctx.verifier is not None:
                wanted -= yield from settle(ctx, [child for child in children if child.is_end])
                children = [child for child in children if not child.is_end]
            for child in children:
                heappush(heap, (-value(child), next(arrival), child))
        if wanted > 0 and heap:
            rest = [heappop(heap)[-1] for _ in range(min(wanted, len(heap)))]
            replies = yield [Sample(node, how=_GREEDY) for node in rest]
            ends = [run.node for reply in replies for run in reply.continuations]
            if ctx.verifier is not None:
                yield from settle(ctx, ends)
            else:
                for node in ends:
                    ctx.finish(node, score=value(node))
    finally:
        for *_, node in sorted(heap, key=lambda item: item[:2]):
            if node.is_end:
                ctx.finish(node, score=value(node))
