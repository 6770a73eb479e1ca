"""Adaptive branching: a tree of whole answers, wider or deeper as the scores so far suggest.

This file believes that the members of the family differ in how they choose where to generate and in
nothing else. It does not choose.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from treeseek.declare import Search
from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Derive, How, Node, Request, Sample
from treeseek.strategies.answer_tree import AnswerTree
from treeseek.strategies.answers import judged
from treeseek.strategies.boundaries import boundaries
from treeseek.strategies.draws import FREE
from treeseek.strategies.posteriors import Moments, NormalPrior, Rng

Choice: TypeAlias = Callable[[AnswerTree, Rng], int]
Refine: TypeAlias = Callable[[str, str, str], str]
_PRIOR = NormalPrior()
Answers = Annotated[
    int | None, Range(low=1), "answers to generate; none: 32, or until the budget ends"
]
Parallel = Annotated[int, Range(low=1), "answers in flight, at most one more than there are"]
Refining = Annotated[
    Refine | None,
    "prompt, answer and feedback to the prompt that asks for a better one; none: keep an answer "
    "up to one of its steps and go on from there",
]


@dataclass(frozen=True)
class Action:
    """One way to generate an answer: by a law (another model, a temperature), a prompt, or both.

    `how` None is the search's own law; `refine` is as the option of that name.
    """

    how: How | None = None
    refine: Refine | None = None


Actions = Annotated[
    Sequence[Action], "ways to generate, chosen by what they came to; none: one, by refine"
]


def one_or_many(refine: Refine | None, actions: Sequence[Action], **_: object) -> None:
    """Raise InvalidOption where ways are given in both forms."""
    if actions and refine is not None:
        raise InvalidOption("actions= and refine= exclude each other: give each Action its refine.")


def branched(
    ctx: Context,
    root: Node,
    choose: Choice,
    answers: int | None,
    parallel: int,
    ways: Sequence[Action],
) -> Search:
    """Grow a tree of answers where `choose` says; every answer is a candidate.

    The way is drawn by Thompson over all that each of `ways` came to, wherever in the tree.
    """
    tree = AnswerTree(bounded=ctx.scorer is None or ctx.verifier is not None)
    ends, notes, worth = [root], [""], [Moments() for _ in ways]
    starts: dict[tuple[int, int], Node] = {}
    left, solved, free, endless = answers or 32, 0, 0, answers is None
    while left > 0 and solved < ctx.n and free < FREE:
        picks = []
        for _ in range(min(parallel, left, len(ends))):
            rng = ctx.rng("choose", len(tree.parents))
            at = choose(tree, rng)
            drawn = [_PRIOR.draw(tree.seen(seen), rng) for seen in worth] if ways[1:] else [0.0]
            picks.append((tree.add(at), at, drawn.index(max(drawn))))
        new = [
            (at, way, refine)
            for at, way in dict.fromkeys(pick[1:] for pick in picks)
            if at and (at, way) not in starts and (refine := ways[way].refine) is not None
        ]
        prompts: list[Request] = [
            Derive(root, refine(ctx.prompt, ctx.text(ends[at]), notes[at])) for at, _, refine in new
        ]
        replies = (yield prompts) if prompts else []
        for (at, way, _), reply in zip(new, replies, strict=True):
            starts[at, way] = reply.root
        asks: list[Request] = []
        for number, at, way in picks:
            start = root if at == 0 else starts.get((at, way))
            start = start or _kept(ctx, root, ends[at], number)
            asks.append(Sample(start, how=ways[way].how))
        replies = yield asks
        nodes = [reply.continuations[0].node for reply in replies]
        found = yield from judged(ctx, nodes)
        for (number, _, way), one in zip(picks, found, strict=True):
            tree.land(number, one.value if one else tree.scores[number])
            if one is not None:
                worth[way].add(one.value)
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
