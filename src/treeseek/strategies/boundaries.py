"""Where the steps of an answer that is already written end.

What a request for one step would have stopped at, read back from the text: the searches that go
over a finished answer cut it here. It judges no step.
"""

from treeseek.decoding.stops import stop_at
from treeseek.live import Context
from treeseek.requests import Node


def boundaries(ctx: Context, node: Node, *, after: Node | None = None) -> list[Node]:
    """The prefixes of `node` at the ends of its steps, shortest first, `node` itself last.

    Steps are those of `ctx.step`, counted from `after` (default: the search's root), which must
    lie on the path to `node`. Costs no request; the text is read once a token.
    """
    start = 0 if after is None else after.depth
    path = [node]
    while path[-1].depth > start + 1:
        path.append(ctx.parent(path[-1]))
    path.reverse()
    if node.depth <= start:
        return [node]
    told = "" if after is None else ctx.text(after)
    found, begun = [], start
    for prefix in path[:-1]:
        text = ctx.text(prefix)
        full = ctx.step.tokens is not None and prefix.depth - begun >= ctx.step.tokens
        if full or stop_at(text[len(told) :], ctx.step.stop) is not None:
            found.append(prefix)
            told, begun = text, prefix.depth
    return [*found, node]
