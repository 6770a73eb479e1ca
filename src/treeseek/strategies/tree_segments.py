"""Sampling by segments of fixed length that share their beginnings: many answers, fewer tokens."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node, Sample, mean_logprob
from treeseek.strategies.answers import judged
from treeseek.strategies.levels import Pass, Passing
from treeseek.strategies.prefixes import Same
from treeseek.strategies.restarts import Restarts, repeated


@strategy("treepo")
def tree_segments(
    ctx: Context,
    root: Node,
    *,
    width: Annotated[int, Range(low=1), "answers of one tree"] = 8,
    segment: Annotated[int, Range(low=1), "tokens between two forks"] = 8,
    branch: Annotated[int, Range(low=1), "forks of a prefix at most"] = 2,
    lean: Annotated[float, "forks go to surprising segments; below 0: to expected ones"] = 1.0,
    repeats: Annotated[
        int | None, Range(low=2), "a segment that says the same so often ends; none: never"
    ] = 4,
    restarts: Restarts = None,
) -> Search:
    """Draw segments from every open prefix, forking until `width` of them are open or ended.

    Each open prefix goes on once; what is left of the width is shared out by exp(lean * surprise),
    the mean nats a token of its last segment. A branch that repeats itself dies; where none is
    open, the most surprising prefix passed so far is forked again. Cost: the tokens of `width`
    answers less those that they share. It gives less variety than as many independent answers, and
    loses to them where the first segment decides. Deviations: no training signal; the fallback is
    not drawn at random. Reference: treepo
    """

    def once(_: Mapping[Same, int]) -> Passing:
        return _grown(ctx, root, width, segment, branch, lean, repeats)

    yield from repeated(ctx, once, restarts=restarts)


def _grown(
    ctx: Context,
    root: Node,
    width: int,
    segment: int,
    branch: int,
    lean: float,
    repeats: int | None,
) -> Passing:
    live: list[tuple[Node, float]] = [(root, 0.0)]
    passed: list[tuple[Node, float]] = []
    charged, spent, ended, died, solved = 0, None, 0, 0, list[str]()
    while ended < width and died < width and len(set(solved)) < ctx.n:
        if not live:
            passed.sort(key=lambda at: at[1])
            live = [passed.pop() if len(passed) > 1 else passed[0]]
        counts = shared([lean * surprise for _, surprise in live], width - ended, branch)
        replies = yield [
            Sample(node, n=n, limit=segment) for (node, _), n in zip(live, counts, strict=True)
        ]
        charged += sum(reply.charged for reply in replies)
        spent = replies[-1].spent
        passed += live
        live, ends = [], []
        for reply in replies:
            for run in reply.continuations:
                surprise = -run.logprob / max(1, len(run.tokens))
                if run.node.is_end:
                    ends.append(run.node)
                elif repeats and repeating(run.tokens, repeats):
                    ctx.finish(run.node, score=mean_logprob(run.node) - 1.0)
                    died += 1
                else:
                    live.append((run.node, surprise))
        found = yield from judged(ctx, ends)
        solved += [
            ctx.text(end) for end, one in zip(ends, found, strict=True) if one and one.solved
        ]
        ended += len(ends)
        if any(end.end == "budget" for end in ends):
            break
    return Pass(charged, spent, solved, [])


def shared(weights: Sequence[float], room: int, most: int) -> list[int]:
    """How often each prefix goes on: at least once, at most `most`, and `room` times in all.

    What is beyond one each goes to exp(weight), by largest remainders of what may still be given.
    """
    counts = [1] * len(weights)
    top = max(weights, default=0.0)
    pull = [math.exp(weight - top) for weight in weights]
    for _ in range(min(room, most * len(weights)) - len(weights)):
        open_ = [at for at, count in enumerate(counts) if count < most]
        counts[max(open_, key=lambda at: pull[at] / counts[at])] += 1
    return counts


def repeating(tokens: Sequence[int], times: int) -> bool:
    """Whether `tokens` are one block said at least `times` times, the last perhaps in part."""
    size = len(tokens)
    return any(
        all(tokens[at] == tokens[at - period] for at in range(period, size))
        for period in range(1, size // times + 1)
    )
