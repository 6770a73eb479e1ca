"""Adaptive branching by one model of all siblings."""

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.requests import Node
from treeseek.strategies.ab_mcts import (
    Action,
    Actions,
    Answers,
    Parallel,
    Refining,
    branched,
    one_or_many,
)
from treeseek.strategies.answer_tree import mixed


@strategy("ab-mcts", tier="step", check=one_or_many)
def ab_mcts_m(
    ctx: Context,
    root: Node,
    *,
    answers: Answers = None,
    parallel: Parallel = 1,
    refine: Refining = None,
    actions: Actions = (),
) -> Search:
    """Generate a new answer or refine an old one, by one random-effects model of all siblings.

    As ab-mcts-a, but the children of an answer are groups of one model and learn from each other; a
    new answer is a new group. A subtree whose scores are three in four the same is not refined
    further. Cost: as ab-mcts-a, and about a millisecond for each level of a descent. It loses where
    scores take few values. Deviations: the posterior is exact up to a grid of two deviations, where
    the paper runs a chain; refining without a prompt. Reference: ab-mcts
    """
    yield from branched(ctx, root, mixed, answers, parallel, actions or [Action(None, refine)])
