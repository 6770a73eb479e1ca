"""Screens: a cheap guess of what a candidate is worth, learnt from what was scored.

This file believes that most neighbours need no model to be refused. The sum of what each word lost
after the word before it, in whatever context, ranks neighbours well enough to score only those that
look best, and a few by chance so that the guess is never the last word.
"""

from collections.abc import Sequence
from itertools import pairwise

from treeseek.sequences.choice import Choice
from treeseek.sequences.space import Space
from treeseek.sequences.trial import Cand, Rated, Rng

CHANCE = 8
"""One of so many that are scored is drawn by chance."""
RATE = 0.2
"""Part of an error that one candidate without losses corrects."""


class Pairs:
    """The mean loss of each item after each other, START before the first.

    It learns from losses by position where the objective has them, else from values: each pair of
    a candidate takes its part of the error.
    """

    START = -1

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._sums: dict[tuple[int, int], list[float]] = {}
        self._mean = [0.0, 0.0]

    def learn(self, rated: Sequence[Rated]) -> None:
        """Learn from candidates that were scored; abandoned ones say nothing."""
        for one in rated:
            if one.value == float("inf") or not one.charged:
                continue
            pairs = list(pairwise((self.START, *one.cand)))
            losses = one.losses
            if losses is None:
                part = RATE * (one.value - self.guess(one.cand)) / len(pairs)
                losses = tuple(self.loss(*pair) + part for pair in pairs)
                for pair, loss in zip(pairs, losses, strict=True):
                    self._sums[pair] = [loss, 1.0]
            else:
                for pair, loss in zip(pairs, losses, strict=True):
                    known = self._sums.setdefault(pair, [0.0, 0.0])
                    known[0] += loss
                    known[1] += 1.0
            self._mean[0] += sum(losses)
            self._mean[1] += len(losses)

    def loss(self, one: int, other: int) -> float:
        """The mean loss of `other` after `one`; that of all pairs where it was not seen."""
        known = self._sums.get((one, other))
        if known is None:
            return self._mean[0] / self._mean[1] if self._mean[1] else 0.0
        return known[0] / known[1]

    def guess(self, cand: Cand) -> float:
        """What `cand` loses, by its pairs."""
        return sum([self.loss(*pair) for pair in pairwise((self.START, *cand))])


class Screening:
    """Pairs that are asked where `factor` neighbours are drawn for one that is scored."""

    def __init__(self, factor: int) -> None:
        """Know nothing yet."""
        self.factor = factor
        self.pairs = Pairs()

    def learn(self, rated: Sequence[Rated]) -> None:
        """Learn, where anything is screened at all."""
        if self.factor > 1:
            self.pairs.learn(rated)


def screened(
    screening: Screening, choice: Choice, space: Space, cand: Cand, rng: Rng, many: int
) -> dict[Cand, int]:
    """`many` neighbours of `cand` with their moves: those the screen likes, and some by chance."""
    drawn = choice.draw(space, cand, rng, many * screening.factor)
    if screening.factor == 1 or len(drawn) <= many:
        return drawn
    chance = max(1, many // CHANCE)
    lucky = list(drawn)[:chance]  # as drawn, in no order of worth
    ranked = sorted(list(drawn)[chance:], key=screening.pairs.guess)
    return {one: drawn[one] for one in [*ranked[: many - chance], *lucky]}
