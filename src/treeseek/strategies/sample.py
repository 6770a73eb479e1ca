"""Ancestral sampling."""

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.requests import Node, Sample


@strategy()
def sample(ctx: Context, root: Node) -> Search:
    """Draw as many independent continuations as the caller wants (n), in the order drawn.

    Every token is drawn from the search's own law: the model under its warp and constraint, with
    noise keyed by place, so the first of many is the one drawn alone. Cost: one charged node a
    token, shared prefixes once. It does not choose: for the best of several use best-of-n.
    """
    (reply,) = yield [Sample(root, n=ctx.n)]
    for rank, run in enumerate(reply.continuations):
        ctx.finish(run.node, score=float(-rank))
