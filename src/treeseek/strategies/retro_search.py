"""Retro-Search: go back over a finished answer and look for a shorter way on from every step."""

from collections.abc import Sequence
from typing import Annotated

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import How, Node, Sample, Walk
from treeseek.strategies.answers import Judged, judged
from treeseek.strategies.boundaries import boundaries

SWITCHES = ("Wait", "But", "Alternatively", "Hmm", "However", "Let me check", "Another")
"""How a step begins that gives the last one up."""


@strategy("retro-search", tier="step")
def retro_search(
    ctx: Context,
    root: Node,
    *,
    path: Annotated[
        Sequence[int] | None, "tokens of the answer to go over; none: the best of the first draws"
    ] = None,
    tries: Annotated[int, Range(low=1), "ways on drawn at every step"] = 4,
    gamma: Annotated[float, Range(above=0, below=1), "worth of an answer one step longer"] = 0.9,
    switches: Annotated[Sequence[str], "a way on may not begin by these"] = SWITCHES,
    law: Annotated[
        How | None, "law of a way on, such as one that bans the tokens of the switches"
    ] = None,
    passes: Annotated[
        int | None, Range(low=1), "times over the answer; none: until nothing is gained"
    ] = 1,
) -> Search:
    """At the end of each step draw other ways on; take one that is as right and gets there sooner.

    An answer of T steps is worth gamma^T * R, R the verifier's score, else the scorer's, else its
    confidence. A way on replaces the rest where its R is no less and its worth is more, unless its
    first step begins by a switch. Every answer is a candidate; of equals the shorter comes first,
    those left out last. Cost: `tries` answers a step. It shortens what is right, and loses to
    best-of-n where nothing is right yet: it does not find what the first draws were far from.
    Deviation: without `law` switches are rejected, not masked. Reference: retro-search
    """

    def switched(prefix: Node, end: Node) -> bool:
        """Whether the way on from `prefix` to `end` begins by a switch."""
        begun = ctx.text(end)[len(ctx.text(prefix)) :].lstrip()
        return begun.startswith(tuple(switches))

    def rank(node: Node, one: Judged) -> float:
        return one.mark + gamma ** len(boundaries(ctx, node)) - 1.0

    if path is None:
        (drawn,) = yield [Sample(root, n=tries)]
        ends = [run.node for run in drawn.continuations]
    else:
        (walked,) = yield [Walk(root, tuple(path))]
        ends = [walked.node]
    judgements = yield from judged(ctx, ends, rank=rank)
    known = [(end, one) for end, one in zip(ends, judgements, strict=True) if one]
    if not known:
        return
    best, worth = max(known, key=lambda at: rank(*at))
    done, gained = 0, True
    while gained and (passes is None or done < passes):
        done, gained, at = done + 1, False, 0
        while at < len(steps := boundaries(ctx, best)):
            prefix = steps[at - 1] if at else root
            (reply,) = yield [Sample(prefix, n=tries, how=law)]
            ends = [run.node for run in reply.continuations]
            left_out = [switched(prefix, end) for end in ends]
            kept = [end for end, out in zip(ends, left_out, strict=True) if not out]
            yield from judged(
                ctx,
                [end for end, out in zip(ends, left_out, strict=True) if out],
                rank=lambda node, one: rank(node, one) - 1.0,
            )
            judgements = yield from judged(ctx, kept, rank=rank)
            for end, one in zip(kept, judgements, strict=True):
                if one is None or one.value < worth.value:
                    continue
                longer = len(boundaries(ctx, end)) - len(boundaries(ctx, best))
                if gamma**longer * one.value > worth.value:
                    best, worth, gained = end, one, True
            if any(end.end == "budget" for end in ends):
                return
            at += 1
