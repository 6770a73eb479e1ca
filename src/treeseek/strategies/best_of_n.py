"""Best of n: draw whole continuations, then choose."""

from collections.abc import Generator, Iterable
from typing import Annotated, Any, Literal

from treeseek.declare import Search, strategy
from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.replies import BudgetSpent
from treeseek.requests import Node, Request, Score, Verify, mean_logprob, total_logprob
from treeseek.strategies.draws import Draws, drawn
from treeseek.strategies.lawful import lawful
from treeseek.strategies.measures import SOLVED, merit

RANKS = {"mean": mean_logprob, "total": total_logprob}


@strategy("best-of-n")
def best_of_n(
    ctx: Context,
    root: Node,
    *,
    n: Draws = 8,
    rank: Annotated[
        Literal["mean", "total"],
        "log-probability that ranks without a verifier or scorer: mean a token, or total",
    ] = "mean",
    legal: Annotated[
        Literal["no", "steps", "tokens"],
        "what the verifier calls lost: give a draw up at such a step, draw such a token again",
    ] = "no",
) -> Search:
    """Draw n continuations and put the best first.

    The caller's verifier judges them if there is one (solved first, then its score, then mean
    log-probability), else the caller's scorer, else the model's own log-probability. Cost: one
    charged node a token, shared prefixes once. Draws are keyed, so n=8 is a prefix of n=64. It is
    the control that every search must beat, and loses where wrong answers show early: it learns
    nothing from one draw for the next. A draw that the budget cut is not judged. With `legal`, the
    control of searches that prune, draws follow one another, so a budget leaves one of them
    unfinished at most. Deviation: without a scorer confidence ranks. Reference: best-of-n
    """
    if n is not None and n < ctx.n:
        raise InvalidOption(f"best-of-n(n={n}) cannot give {ctx.n} answers: set n={ctx.n}.")
    if legal != "no":
        yield from lawful(ctx, root, n, tokens=legal == "tokens")
    else:
        yield from drawn(ctx, root, n, lambda nodes: settle(ctx, nodes, rank))


def settle(
    ctx: Context, nodes: Iterable[Node], rank: str = "mean"
) -> Generator[list[Request], Any, int]:
    """Judge `nodes` by verifier, else scorer, else log-probability; finish them, best first.

    How many are solved. Those that the budget of scores leaves unjudged come last.
    """
    ordered = sorted(nodes, key=mean_logprob, reverse=True)
    marks: list[float] = []
    if ctx.verifier is not None:
        try:
            replies = yield [Verify(node, ctx.verifier) for node in ordered]
        except BudgetSpent as spent:
            replies = spent.replies
        marks = [merit(reply.verdict) for reply in replies]
    elif ctx.scorer is not None and ordered:
        try:
            (scored,) = yield [Score(tuple(ordered), ctx.scorer)]
            marks = scored.values
        except BudgetSpent:
            pass
    else:
        marks = [RANKS[rank](node) for node in ordered]
    worst = min(marks, default=0.0)
    for node in ordered[len(marks) :]:
        marks.append(min(worst, 0.0) + mean_logprob(node))
    for mark, node in sorted(zip(marks, ordered, strict=True), key=lambda pair: -pair[0]):
        ctx.finish(node, score=mark)
    return sum(mark >= SOLVED for mark in marks) if ctx.verifier is not None else 0
