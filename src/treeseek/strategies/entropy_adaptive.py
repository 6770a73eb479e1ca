"""Two models that take turns by entropy: the large one writes where the writer is unsure."""

from collections import deque
from math import log
from typing import Annotated

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Expand, How, Node

_SAME = How()


@strategy("entropy-adaptive-decoding")
def entropy_adaptive(
    ctx: Context,
    root: Node,
    *,
    small: Annotated[How, "the small model, as How(model=...); its name in words"] = _SAME,
    threshold: Annotated[
        float, Range(low=0), "mean entropy in bits that calls the large one"
    ] = 1.0,
    window: Annotated[int, Range(low=1), "tokens of the mean"] = 5,
    hold: Annotated[int, Range(low=1), "tokens between two switches at least"] = 10,
) -> Search:
    """Write by the small model while it is sure, by the search's own, the large one, while not.

    Before each token the mean entropy of the last `window` rows, whoever computed them, decides;
    the small model begins. One answer, not that of either model: nothing here is lossless. Cost:
    one charged node a token, and on a switch the cache of what the other wrote. Scores of the
    candidate: `large`, the share of tokens the large model wrote, and `switches`. It loses where
    the small model is surely wrong. Exact at threshold 0 with hold 1 but for the first token.
    Deviation: who begins is not published. Reference: entropy-adaptive-decoding
    """
    rows = deque[float](maxlen=window)
    node, large, since = root, False, hold
    tokens = wrote = switches = 0
    try:
        while not node.is_end:
            call = bool(rows) and sum(rows) / len(rows) > threshold
            if call is not large and since >= hold:
                large, since, switches = call, 0, switches + 1
            (row,) = yield [Expand(node, k=1, how=None if large else small)]
            if not row.children:
                break
            node = row.children[0]
            rows.append(row.entropy / log(2))
            tokens, since, wrote = tokens + 1, since + 1, wrote + large
    finally:
        if tokens:
            ctx.finish(node, large=wrote / tokens, switches=switches)
