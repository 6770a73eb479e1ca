"""Adaptive branching by independent arms."""

from typing import Annotated, Literal

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
from treeseek.strategies.answer_tree import AnswerTree, adaptive
from treeseek.strategies.posteriors import BetaPrior, NormalPrior, Rng


@strategy("ab-mcts", "bailey-t", tier="step", check=one_or_many)
def ab_mcts_a(
    ctx: Context,
    root: Node,
    *,
    answers: Answers = None,
    parallel: Parallel = 1,
    refine: Refining = None,
    actions: Actions = (),
    arm: Annotated[
        Literal["normal", "beta"] | NormalPrior | BetaPrior, "posterior of an arm, or its prior"
    ] = "normal",
) -> Search:
    """Generate a new answer or refine an old one, by Thompson draws of independent arms.

    Every answer has an arm for what came of it, one for generating below it and one for going on
    below. An answer is worth the verifier's score, else the scorer's, else its confidence; with a
    verifier it ends once n are solved. Cost: the tokens of each answer, and of each prompt that
    `refine` makes; without `refine` a refinement pays only for what it changes. An answer in flight
    counts as the mean of its siblings. With several `actions`, each generation takes one by a
    Thompson draw over all that it came to. It loses where refining helps less than drawing anew.
    Deviation: refining without a prompt. Reference: ab-mcts, bailey-t
    """
    prior = NormalPrior() if arm == "normal" else BetaPrior() if arm == "beta" else arm

    def choose(tree: AnswerTree, rng: Rng) -> int:
        return adaptive(tree, prior, rng)

    yield from branched(ctx, root, choose, answers, parallel, actions or [Action(None, refine)])
