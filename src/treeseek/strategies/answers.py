"""Whole answers: judged by what the caller gave, and finished as soon as they are met.

This file believes that an answer which was paid for stands as a candidate, whatever becomes of
the search. Prefixes are judged elsewhere.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple

from treeseek.live import Context
from treeseek.replies import BudgetSpent
from treeseek.requests import Node, Request, Score, Verify, mean_logprob
from treeseek.strategies.measures import SOLVED, confidence, merit
from treeseek.strategies.steps import cut


class Judged(NamedTuple):
    """What an answer is worth: `value` to a search, `mark` as a candidate, and the verifier's note.

    `value` is the verifier's score in [0, 1], else the scorer's in any range, else confidence.
    """

    value: float
    mark: float
    note: str
    solved: bool


def judged(
    ctx: Context,
    nodes: Sequence[Node],
    *,
    rank: Callable[[Node, Judged], float] | None = None,
    **noted: float,
) -> Generator[list[Request], Any, list[Judged | None]]:
    """Judge and finish `nodes`, in order; None for those that the budget or a constraint cut.

    Cost: a score an answer that was not cut. Where the scores run out, the rest is finished last,
    by its log-probability, and BudgetSpent is raised again. `rank` gives the score that ranks an
    answer, its mark by default; each notes `noted`.
    """
    whole = [node for node in nodes if not cut(node)]
    found: list[Judged] = []
    spent = None
    try:
        if ctx.verifier is not None and whole:
            replies = yield [Verify(node, ctx.verifier) for node in whole]
            found = [_by(reply.verdict) for reply in replies]
        elif ctx.scorer is not None and whole:
            (reply,) = yield [Score(tuple(whole), ctx.scorer)]
            found = [Judged(value, value, "", False) for value in reply.values]
        else:
            found = [Judged(value, value, "", False) for value in map(confidence, whole)]
    except BudgetSpent as end:
        found, spent = [_by(reply.verdict) for reply in list[Any](end.replies)], end
    known, least = iter(found), min([0.0, *(one.mark for one in found)])
    results = [next(known, None) if not cut(node) else None for node in nodes]
    for node, one in zip(nodes, results, strict=True):
        if one is None:
            ctx.finish(node, score=least + mean_logprob(node), **noted)
        else:
            ctx.finish(node, score=one.mark if rank is None else rank(node, one), **noted)
    if spent is not None:
        raise spent
    return results


def _by(verdict: Any) -> Judged:
    mark = merit(verdict)
    return Judged(verdict.score, mark, verdict.feedback, mark >= SOLVED)
