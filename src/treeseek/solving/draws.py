"""The control: continuations drawn one after another, each of which is there for every budget.

Noise is keyed by place, so the draws that a small budget pays for are the first of those that a
large one pays for: one search per problem serves every budget and every way to choose among draws.
"""

from dataclasses import replace
from typing import Annotated

from treeseek.declare import Search, strategy
from treeseek.front import Run
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node, Sample, Score
from treeseek.result import Candidate

BATCH = 32
"""Draws asked for at once."""
FREE = 128
"""Draws in a row that cost nothing, after which more would find nothing new."""


@strategy("best-of-n", tier="step")
def draws(
    ctx: Context,
    root: Node,
    *,
    n: Annotated[int, Range(low=1), "continuations to draw"] = 64,
) -> Search:
    """Draw up to n continuations, or until the budget ends, in the order drawn; judge none.

    The same draws as best-of-n makes, `BATCH` at a time, so that a budget that ends first leaves
    few of them open. It ends as well after `FREE` draws in a row that were all there before. Cost:
    one charged node a token, shared prefixes once. Reference: best-of-n
    """
    drawn = free = 0
    while drawn < n and free < FREE:
        (reply,) = yield [Sample(root, n=min(BATCH, n - drawn))]
        for run in reply.continuations:
            ctx.finish(run.node, score=float(-drawn))
            drawn += 1
        free = 0 if reply.charged else free + len(reply.continuations)
        if any(run.node.end == "budget" for run in reply.continuations):
            return


@strategy("best-of-n", tier="step")
def weighed(ctx: Context, root: Node) -> Search:
    """Draw and score one continuation after another until the budget ends; the best score first.

    Best-of-n where a score takes tokens, so that how many draws a budget pays for depends on what
    their scores cost. What was drawn and not scored comes last. Cost: the tokens of each draw and
    of its score. Reference: best-of-n
    """
    assert ctx.scorer is not None
    free, drawn, least, left = 0, 0, 0.0, None
    try:
        while free < FREE:
            (reply,) = yield [Sample(root)]
            left = reply.continuations[0].node
            if left.end == "budget":
                break
            (scored,) = yield [Score((left,), ctx.scorer)]
            (value,) = scored.values
            ctx.finish(left, score=value)
            least, drawn, left = min(least, value), drawn + 1, None
            free = 0 if reply.charged else free + 1
            if reply.spent is None and drawn == BATCH:
                return
    finally:
        if left is not None:
            ctx.finish(left, score=least - 1.0)


class Drawn:
    """The draws of one search by `draws`, in order, and what the first of them cost.

    A candidate's score is its mean log-probability.
    """

    def __init__(self, run: Run) -> None:
        """Read `run`, which has ended or was cut."""
        live = run.seat.live
        self._run = run
        self._paths: list[list[int]] = []
        self._whole: list[Candidate | None] = [None] * len(live.candidates)
        self._charged: list[int] = []
        asked: set[int] = set()
        for found in live.candidates:
            path, at = [], found.node.handle
            while at > 0:
                path.append(at)
                at = live.parents[at]
            path.reverse()
            self._paths.append(path)
            asked.update(path[:-1])  # the row of a draw's last node is never asked for
            self._charged.append(len(asked))
        for candidate in run.candidates():
            place = int(-candidate.score)
            mean = candidate.logprob / max(1, len(self._paths[place]))
            self._whole[place] = replace(candidate, score=mean)

    def within(self, tokens: int | None) -> tuple[list[Candidate], int]:
        """The draws that `tokens` pay for, the one they end in as far as it came; their cost.

        As many draws as tokens at most, however little they cost. None pays for all.
        """
        most = len(self._paths) if tokens is None else min(len(self._paths), tokens)
        count = 0
        while count < most and (tokens is None or self._charged[count] <= tokens):
            count += 1
        pool = [one for one in self._whole[:count] if one is not None]
        cost = self._charged[count - 1] if count else 0
        if count < most and tokens is not None:
            asked = {handle for path in self._paths[:count] for handle in path[:-1]}
            return [*pool, *self._cut(count, asked, tokens - cost)], tokens
        return pool, cost

    def _cut(self, place: int, asked: set[int], left: int) -> list[Candidate]:
        """The draw at `place` as far as `left` tokens take it beyond the nodes in `asked`."""
        live, path, whole = self._run.seat.live, self._paths[place], self._whole[place]
        if whole is None:
            return []
        kept = 1
        for handle in path[:-1]:
            left -= handle not in asked
            if left < 0:
                break
            kept += 1
        tokens, total = [live.token[handle] for handle in path[:kept]], live.totals[path[kept - 1]]
        text = self._run.seat.lm.text(live.roots[0], tokens)
        return [
            replace(
                whole, text=text, token_ids=tuple(tokens), logprob=total, finish="budget",
                score=total / kept,
            )
        ]  # fmt: skip
