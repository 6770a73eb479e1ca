"""Greedy decoding."""

from treeseek.declare import Search, strategy
from treeseek.decoding.samplers import Greedy
from treeseek.live import Context
from treeseek.requests import How, Node, Sample

_HOW = How(sampler=Greedy())


@strategy()
def greedy(ctx: Context, root: Node) -> Search:
    """Take the likeliest token at every step.

    One continuation, no search. Cost: one charged node a token. Exact only where the likeliest
    sequence is likeliest at every step; do not use it where variety or the best total matters.
    """
    (reply,) = yield [Sample(root, how=_HOW)]
    for run in reply.continuations:
        ctx.finish(run.node)
