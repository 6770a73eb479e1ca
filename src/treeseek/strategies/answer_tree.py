"""The tree of whole answers behind adaptive branching, and the two ways to choose in it.

This file believes that what an arm has seen is a sum over a subtree, so that every posterior
reads the same few sums and an answer in flight is one more score, replaced when it comes. Which
node of the search an answer is, is the strategy's business.
"""

import math
from collections import Counter
from typing import Protocol

from treeseek.strategies.mixed_effects import MixedEffects
from treeseek.strategies.posteriors import Moments, Rng


class Arm(Protocol):
    """The posterior of one arm."""

    def draw(self, seen: Moments, rng: Rng) -> float:
        """A value drawn after what was `seen`."""
        ...


class AnswerTree:
    """Answers by number: 0 is the problem, the others refine their parent.

    `below[a]` are the scores of `a` and all that came of it, `direct[a]` those of its children.
    With `bounded` scores lie in [0, 1]; else they are read on the scale from the least to the most
    seen.
    """

    def __init__(self, *, bounded: bool) -> None:
        """Start with a problem that nobody answered."""
        self.bounded = bounded
        self.low, self.high = (0.0, 1.0) if bounded else (math.inf, -math.inf)
        self.parents = [-1]
        self.children: list[list[int]] = [[]]
        self.scores = [0.5 if bounded else 0.0]
        self.below = [Moments()]
        self.direct = [Moments()]
        self.tally = [Counter[float]()]
        self.flying = [False]

    def add(self, parent: int) -> int:
        """Number of a new answer in flight below `parent`.

        Until it lands it counts as the mean of its siblings, else as its parent.
        """
        near = self.direct[parent]
        score = near.total / near.count if near.count else self.scores[parent]
        number = len(self.parents)
        self.parents.append(parent)
        self.children.append([])
        self.children[parent].append(number)
        self.scores.append(score)
        self.below.append(Moments())
        self.direct.append(Moments())
        self.tally.append(Counter())
        self.flying.append(True)
        self._count(number, score, 1)
        return number

    def land(self, number: int, score: float) -> None:
        """Let the answer in flight have its true `score`."""
        self._count(number, self.scores[number], -1)
        self.scores[number] = score
        self.flying[number] = False
        self.low, self.high = min(self.low, score), max(self.high, score)
        self._count(number, score, 1)

    def _count(self, number: int, score: float, times: int) -> None:
        self.direct[self.parents[number]].add(score, times)
        while number >= 0:
            self.below[number].add(score, times)
            self.tally[number][score] += times
            number = self.parents[number]

    def seen(self, moments: Moments) -> Moments:
        """`moments` on the scale from 0 to 1."""
        if self.bounded:
            return moments
        span = self.high - self.low
        return moments.scaled(self.low, span) if span > 0 else moments.scaled(self.low - 0.5, 1.0)

    def landed(self, parent: int) -> list[int]:
        """Children of `parent` that are there to be refined."""
        return [child for child in self.children[parent] if not self.flying[child]]

    def stale(self, number: int) -> bool:
        """Whether at least 4 answers of the subtree, three in four of them, score the same."""
        count = self.below[number].count
        return count >= 4 and max(self.tally[number].values()) >= 0.75 * count


def adaptive(tree: AnswerTree, arm: Arm, rng: Rng) -> int:
    """Where to generate next, by independent arms.

    At every answer that has children, generating here and going on below draw against each other;
    below, the children do. Reference: ab-mcts
    """
    at = 0
    while below := tree.landed(at):
        here = tree.direct[at]
        deeper = tree.below[at].less(here)
        if at:
            deeper.add(tree.scores[at], -1)
        if arm.draw(tree.seen(here), rng) >= arm.draw(tree.seen(deeper), rng):
            break
        worth = [arm.draw(tree.seen(tree.below[child]), rng) for child in below]
        at = below[worth.index(max(worth))]
    return at


def mixed(tree: AnswerTree, rng: Rng) -> int:
    """Where to generate next, by one model of all children of an answer.

    The children are groups of a random-effects model and a new answer is a new group. A stale
    subtree is passed over for the next best. Reference: ab-mcts
    """
    at = 0
    while tree.landed(at):
        groups = tree.children[at]
        model = MixedEffects([tree.seen(tree.below[child]) for child in groups])
        new, *drawn = model.draw(rng)
        open_ = [
            (worth, -child)
            for worth, child in zip(drawn, groups, strict=True)
            if worth > new and not tree.flying[child] and not tree.stale(child)
        ]
        if not open_:
            break
        at = -max(open_)[1]
    return at
