"""Whole answers, drawn one after another, and their votes.

This file believes that independent draws are the control of every search, so there is one way to
draw them: by number, or until the budget is spent. It does not choose among them but by votes.
"""

from collections import Counter
from collections.abc import Callable, Generator, Hashable, Sequence
from typing import Annotated, Any, TypeAlias

from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node, Request, Sample, mean_logprob
from treeseek.strategies.steps import cut

FIRST, MOST = 8, 64
"""Draws of the first batch without a number, and of a batch at most."""
FREE = 128
"""Draws in a row that were charged nothing, after which more find nothing new."""

Draws: TypeAlias = Annotated[
    int | None, Range(low=1), "draws; none: until the budget is spent, 8 without one"
]


def drawn(
    ctx: Context,
    root: Node,
    n: int | None,
    judge: Callable[[list[Node]], Generator[list[Request], Any, Any]],
) -> Generator[list[Request], Any, None]:
    """Draw `n` answers of `root`; None: batch after batch until the budget is spent, if any.

    `judge` is handed each batch. What the budget or a constraint cut is finished behind all others
    and not handed on. Cost: one charged node a token, shared prefixes once.
    """
    batch, free = n or FIRST, 0
    while True:
        (reply,) = yield [Sample(root, n=batch)]
        nodes = [run.node for run in reply.continuations]
        for node in nodes:
            if cut(node):
                ctx.finish(node, score=mean_logprob(node))
        yield from judge([node for node in nodes if not cut(node)])
        free = 0 if reply.charged else free + batch
        if n or reply.spent is None or reply.spent >= 1.0 or free >= FREE:
            return
        batch = min(2 * batch, MOST)


def elect(ctx: Context, nodes: Sequence[Node], answers: Sequence[Hashable | None]) -> None:
    """Finish `nodes`, each by the share of them that gives its answer; 0 where it gives none.

    Of equals the likelier comes first, so the best candidate is the likeliest that says what most
    say. Ties of answers go to the one met first.
    """
    votes = Counter(answer for answer in answers if answer is not None)
    ranks = {answer: place for place, answer in enumerate(votes)}
    order = sorted(
        range(len(nodes)),
        key=lambda at: (ranks.get(answers[at], len(ranks)), -mean_logprob(nodes[at])),
    )
    for at in order:
        ctx.finish(nodes[at], score=votes[answers[at]] / len(nodes))
