"""Greedy decoding that looks ahead where the model is unsure."""

from collections.abc import Sequence
from typing import Annotated, Literal

from treeseek.declare import Search, strategy
from treeseek.decoding.samplers import Greedy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Expand, How, Node, Sample

_GREEDY = How(sampler=Greedy())


@strategy("adadec")
def adadec(
    ctx: Context,
    root: Node,
    *,
    threshold: Annotated[
        float | Literal["learn"], Range(low=0), "entropy in nats above which to look ahead"
    ] = 1.0,
    width: Annotated[int, Range(low=2), "tokens compared"] = 3,
    lookahead: Annotated[int, Range(low=1), "tokens looked ahead of each"] = 5,
    trials: Annotated[int, Range(low=2), "steps compared before a threshold is learnt"] = 16,
) -> Search:
    """Take the likeliest token, but above an entropy threshold the one that reads on best.

    There the `width` likeliest are each continued greedily by `lookahead` tokens and the one with
    the best mean log-probability, itself included, is taken. Cost: one charged node a token, and up
    to width * lookahead more where it pauses. One answer. It loses to beam where it is unsure
    everywhere. Deviation: published thresholds are 0.6 to 1.3, learnt from solved problems; "learn"
    has none, so it takes a change of mind as the error to predict, on the first `trials` steps and
    on every pause since. Reference: adadec
    """
    seen: list[tuple[float, bool]] = []
    node = root
    while not node.is_end:
        (row,) = yield [Expand(node, k=width)]
        if not row.children:
            return
        choice = 0
        if threshold != "learn":
            unsure = row.entropy > threshold
        else:
            unsure = len(seen) < trials or row.entropy > cut(seen)
        if unsure:
            replies = yield [Sample(child, limit=lookahead, how=_GREEDY) for child in row.children]
            means = [
                (child.logprob + run.logprob) / (1 + len(run.tokens))
                for child, reply in zip(row.children, replies, strict=True)
                for run in reply.continuations
            ]
            choice = means.index(max(means))
            seen.append((row.entropy, choice > 0))
        node = row.children[choice]
    ctx.finish(node)


def cut(seen: Sequence[tuple[float, bool]]) -> float:
    """The entropy that best parts the steps whose choice changed (above) from the others.

    Best by the mean of the two rates of being right, so that the rarer kind counts as much; of
    equal cuts the highest: all lie below it where nothing changed, above where everything did.
    """
    ordered = sorted(seen)
    changed = sum(change for _, change in ordered)
    kept = len(ordered) - changed
    if not changed:
        return ordered[-1][0]
    below = [0, 0]
    best, where = (0.5 if kept else 1.0), 0.0
    for index, (entropy, change) in enumerate(ordered):
        below[change] += 1
        above = ordered[index + 1][0] if index + 1 < len(ordered) else entropy
        if above == entropy and index + 1 < len(ordered):
            continue
        right = (below[False] / kept if kept else 1.0) + 1 - below[True] / changed
        if right / 2 >= best:
            best, where = right / 2, (entropy + above) / 2
    return where
