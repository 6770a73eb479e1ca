"""Adaptive branching: a tree of whole answers, wider or deeper as the scores so far suggest.

This file believes that the members of the family differ in how they choose where to generate and in
nothing else. It does not choose.
"""

from collections.abc import Callable
from typing import Annotated, TypeAlias

from treeseek.declare import Search
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Derive, Node, Request, Sample
from treeseek.strategies.answer_tree import AnswerTree
from treeseek.strategies.answers import judged
from treeseek.strategies.boundaries import boundaries
from treeseek.strategies.draws import FREE
from treeseek.strategies.posteriors import Rng

Choice: TypeAlias = Callable[[AnswerTree, Rng], int]
Refine: TypeAlias = Callable[[str, str, str], str]
Answers = Annotated[
    int | None, Range(low=1), "answers to generate; none: 32, or until the budget ends"
]
Parallel = Annotated[int, Range(low=1), "answers in flight, at most one more than there are"]
Refining = Annotated[
    Refine | None,
    "prompt, answer and feedback to the prompt that asks for a better one; none: keep an answer "
    "up to one of its steps and go on from there",
]


def branched(
    ctx: Context,
    root: Node,
    choose: Choice,
    answers: int | None,
    parallel: int,
    refine: Refine | None,
) -> Search:
    """Grow a tree of answers where `choose` says; every answer is a candidate."""
    tree = AnswerTree(bounded=ctx.scorer is None or ctx.verifier is not None)
    ends, notes = [root], [""]
    starts: dict[int, Node] = {0: root}
    left, solved, free, endless = answers or 32, 0, 0, answers is None
    while left > 0 and solved < ctx.n and free < FREE:
        picks = []
        for _ in range(min(parallel, left, len(ends))):
            at = choose(tree, ctx.rng("choose", len(tree.parents)))
            picks.append((tree.add(at), at))
        if refine is not None:
            new = [at for at in dict.fromkeys(at for _, at in picks) if at not in starts]
            asked: list[Request] = [
                Derive(root, refine(ctx.prompt, ctx.text(ends[at]), notes[at])) for at in new
            ]
            replies = (yield asked) if asked else []
            starts |= {at: reply.root for at, reply in zip(new, replies, strict=True)}
            froms = [starts[at] for _, at in picks]
        else:
            froms = [_kept(ctx, root, ends[at], number) if at else root for number, at in picks]
        replies = yield [Sample(node) for node in froms]
        nodes = [reply.continuations[0].node for reply in replies]
        found = yield from judged(ctx, nodes)
        for (number, _), one in zip(picks, found, strict=True):
            tree.land(number, one.value if one else tree.scores[number])
            notes.append(one.note if one else "")
            solved += one is not None and one.solved
        ends += nodes
        if any(node.end == "budget" for node in nodes):
            return
        free = 0 if any(reply.charged for reply in replies) else free + len(nodes)
        left -= 0 if endless and replies[-1].spent is not None else len(nodes)


def _kept(ctx: Context, root: Node, answer: Node, number: int) -> Node:
    """The answer up to the end of one of its steps but the last; the root where it has one."""
    cuts = boundaries(ctx, answer)[:-1]
    return ctx.rng("keep", number).choice(cuts) if cuts else root
