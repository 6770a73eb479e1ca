"""How a continuation that was drawn becomes a node of a Monte Carlo tree, new or known.

This file believes that prefixes worth the same should be searched once: what repeats a sibling's
tokens is nothing new, and what has the state of a known node is that node, unless the way to it is
the longer one, so that no path leads back. It reads states from the verifier and invents none.
"""

from math import exp

from treeseek.replies import Continuation
from treeseek.strategies.descents import Descents
from treeseek.strategies.measures import SOLVED
from treeseek.strategies.plans import Plan
from treeseek.strategies.steps import Worth
from treeseek.strategies.tallies import Tally


class Births:
    """The nodes that a search has, by their states."""

    def __init__(self, plan: Plan, tree: Descents, *, verified: bool) -> None:
        """Start with none; `verified`: a verifier judges ends."""
        self.plan, self.tree, self.verified = plan, tree, verified
        self.known: dict[str, Tally] = {}

    def value(self, what: Worth) -> float:
        """What is backed up for a child: its value; for an end, what the verifier has to say."""
        tree, value = self.tree, what.value
        if what.closed and self.verified:
            score = what.mark - SOLVED * what.solved
            value = score if tree.fixed else tree.loss + tree.span * score
        return self.plan.scaled(value)

    def child(self, parent: Tally, run: Continuation, what: Worth) -> Tally | None:
        """The node that `run` leads to from `parent`; None where there is nothing new."""
        plan = self.plan
        if what.lost or run.tokens in [child.text for child in parent.children]:
            return None
        state = what.state if plan.merge and not what.closed else ""
        if state in self.known:
            same = self.known[state]
            return same if same.steps > parent.steps and same not in parent.children else None
        child = Tally(
            run.node,
            prior=exp(run.logprob / len(run.tokens)),
            worth=self.value(what) if plan.judged or what.closed else 0.0,
        )
        child.text = run.tokens
        child.final = what.closed
        child.closed = what.closed and not plan.again
        if state:
            self.known[state] = child
        return child
