"""Adaptive branching: a tree of whole answers, wider or deeper as the scores so far suggest."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal, TypeAlias

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Derive, Node, Request, Sample
from treeseek.strategies.answer_tree import AnswerTree, Arm, adaptive, mixed
from treeseek.strategies.answers import judged
from treeseek.strategies.boundaries import boundaries
from treeseek.strategies.posteriors import BetaPrior, NormalPrior, Rng

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


@strategy("ab-mcts", "bailey-t", tier="step")
def ab_mcts_a(
    ctx: Context,
    root: Node,
    *,
    answers: Answers = None,
    parallel: Parallel = 1,
    refine: Refining = None,
    arm: Annotated[
        Literal["normal", "beta"] | NormalPrior | BetaPrior, "posterior of an arm, or its prior"
    ] = "normal",
) -> Search:
    """Generate a new answer or refine an old one, by Thompson draws of independent arms.

    Every answer has an arm for what came of it, one for generating below it and one for going on
    below. An answer is worth the verifier's score, else the scorer's, else its confidence; with a
    verifier it ends once n are solved. Cost: the tokens of each answer, and of each prompt that
    `refine` makes; without `refine` a refinement pays only for what it changes. An answer in flight
    counts as the mean of its siblings. It loses where refining helps less than drawing anew.
    Deviations: one action a node; refining without a prompt. Reference: ab-mcts, bailey-t
    """
    prior = NormalPrior() if arm == "normal" else BetaPrior() if arm == "beta" else arm
    yield from branched(ctx, root, partial(_by_arms, prior), answers, parallel, refine)


@strategy("ab-mcts", tier="step")
def ab_mcts_m(
    ctx: Context,
    root: Node,
    *,
    answers: Answers = None,
    parallel: Parallel = 1,
    refine: Refining = None,
) -> Search:
    """Generate a new answer or refine an old one, by one random-effects model of all siblings.

    As ab-mcts-a, but the children of an answer are groups of one model and learn from each other;
    a new answer is a new group. The posterior is exact up to a grid of two deviations, where the
    paper runs a chain. A subtree whose scores are three in four the same is not refined further.
    Cost: as ab-mcts-a, and about a millisecond for each level of a descent. It loses where scores
    take few values. Reference: ab-mcts
    """
    yield from branched(ctx, root, mixed, answers, parallel, refine)


def _by_arms(prior: Arm, tree: AnswerTree, rng: Rng) -> int:
    return adaptive(tree, prior, rng)


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
    left, solved, endless = answers or 32, 0, answers is None
    while left > 0 and solved < ctx.n:
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
        left -= 0 if endless and replies[-1].spent is not None else len(nodes)


def _kept(ctx: Context, root: Node, answer: Node, number: int) -> Node:
    """The answer up to the end of one of its steps but the last; the root where it has one."""
    cuts = boundaries(ctx, answer)[:-1]
    return ctx.rng("keep", number).choice(cuts) if cuts else root
