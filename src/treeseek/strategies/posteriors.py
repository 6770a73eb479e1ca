"""What an arm is worth after what was seen of it, as draws from its posterior.

This file believes that an arm needs no more memory than the count, the sum and the sum of squares
of its scores, and that a draw should cost a microsecond or two: nothing here is iterated to
convergence. It covers no contexts and no groups of arms that learn from each other.
"""

import math
from dataclasses import dataclass
from typing import Protocol


class Rng(Protocol):
    """Keyed random numbers, as `ctx.rng` gives them."""

    def random(self) -> float:
        """A uniform number in [0, 1)."""
        ...

    def normal(self) -> float:
        """A standard normal number."""
        ...


@dataclass(slots=True)
class Moments:
    """Count, sum and sum of squares of the scores seen."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, score: float, times: int = 1) -> None:
        """See `score`; with times=-1 forget it."""
        self.count += times
        self.total += times * score
        self.squares += times * score * score

    def less(self, other: "Moments") -> "Moments":
        """What is left without the scores of `other`."""
        count, total = self.count - other.count, self.total - other.total
        return Moments(count, total, self.squares - other.squares)

    def scaled(self, low: float, span: float) -> "Moments":
        """The moments of (score - low) / span."""
        total, squares = self.total, self.squares - low * (2 * self.total - low * self.count)
        return Moments(self.count, (total - low * self.count) / span, squares / (span * span))

    @property
    def scatter(self) -> float:
        """Sum of the squared distances from the mean."""
        return max(0.0, self.squares - self.total * self.total / self.count) if self.count else 0.0


@dataclass(frozen=True, slots=True)
class NormalPrior:
    """Normal scores of unknown mean and variance: a normal-inverse-chi-squared prior.

    `mean` weighs as much as `kappa` scores, the variance `tau2` as much as `nu`. A draw is of the
    mean: a Student t, which Bailey's polar method gives exactly from two uniform numbers.
    Reference: ab-mcts, bailey-t
    """

    mean: float = 0.0
    kappa: float = 1.0
    nu: float = 1.0
    tau2: float = 0.1

    def draw(self, seen: Moments, rng: Rng) -> float:
        """A mean drawn from the posterior."""
        kappa, nu = self.kappa + seen.count, self.nu + seen.count
        pull = self.kappa * self.mean + seen.total
        spread = (
            self.nu * self.tau2 + self.kappa * self.mean**2 + seen.squares - pull * pull / kappa
        )
        reach = nu * (math.pow(1.0 - rng.random(), -2.0 / nu) - 1.0)
        wave = math.cos(2.0 * math.pi * rng.random())
        return pull / kappa + math.sqrt(max(0.0, spread) / (nu * kappa) * reach) * wave


@dataclass(frozen=True, slots=True)
class BetaPrior:
    """Scores in [0, 1] as fractions of a success: Beta(`a`, `b`), Jeffreys' by default.

    A draw is of the success rate; it costs two gamma numbers.
    """

    a: float = 0.5
    b: float = 0.5

    def draw(self, seen: Moments, rng: Rng) -> float:
        """A success rate drawn from the posterior."""
        won = gamma(self.a + seen.total, rng)
        lost = gamma(self.b + seen.count - seen.total, rng)
        return won / (won + lost) if won + lost > 0 else 0.5


def gamma(shape: float, rng: Rng) -> float:
    """A gamma number of scale 1, by rejection from a cubed normal. Reference: marsaglia-gamma"""
    if shape < 1.0:
        return gamma(shape + 1.0, rng) * math.pow(1.0 - rng.random(), 1.0 / shape)
    wide = shape - 1.0 / 3.0
    while True:
        bend = rng.normal()
        cube = 1.0 + bend / math.sqrt(9.0 * wide)
        if cube <= 0.0:
            continue
        cube = cube * cube * cube
        if math.log(1.0 - rng.random()) < 0.5 * bend * bend + wide * (1.0 - cube + math.log(cube)):
            return wide * cube
