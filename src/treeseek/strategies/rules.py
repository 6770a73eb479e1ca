"""Selection rules: which child a descent takes, as pure functions of the tallies.

Written for a parent visited N times and a child of prior P visited n times with value Q. `c` is
the weight of exploration and `span` the greatest value less the least: what a formula adds to a
value in [0, 1] is multiplied by it, so that values of any scale can be searched. A child that
nobody visited has Q as it was judged when it was drawn, 0 where it was not. Chance enters a rule
nowhere but in priors; thresholds and stops are the strategy's business.
"""

import math
from collections.abc import Sequence
from typing import Protocol

from treeseek.strategies.posteriors import gamma
from treeseek.strategies.tallies import Rule, Tally


class Rng(Protocol):
    """Keyed random numbers, as `ctx.rng` gives them."""

    def random(self) -> float:
        """A uniform number in [0, 1)."""
        ...

    def normal(self) -> float:
        """A standard normal number."""
        ...


BASE = 19652.0
"""Visits after which AlphaZero's exploration grows."""


def _log(n: int) -> float:
    return math.log(n) if n > 1 else 0.0


def uct(parent: Tally, children: Sequence[Tally], c: float, span: float) -> list[float]:
    """Q + c * sqrt(ln N / n); whoever nobody visited comes first."""
    log = _log(parent.n)
    return [k.q + span * c * math.sqrt(log / k.n) if k.n else math.inf for k in children]


def uct_fast(parent: Tally, children: Sequence[Tally], c: float, span: float) -> list[float]:
    """UCT where a child nobody visited counts as visited once, at what it was judged to be."""
    log = _log(parent.n)
    return [k.q + span * c * math.sqrt(log / (k.n or 1)) for k in children]


def uct_prior(parent: Tally, children: Sequence[Tally], c: float, span: float) -> list[float]:
    """Q + c * P * sqrt(ln N / n); whoever nobody visited comes first."""
    log = _log(parent.n)
    return [k.q + span * c * k.prior * math.sqrt(log / k.n) if k.n else math.inf for k in children]


def rest(parent: Tally, children: Sequence[Tally], c: float, span: float) -> list[float]:
    """Q + c * sqrt(2 ln N / n); Q + 1 where nobody visited."""
    log = 2.0 * _log(parent.n)
    return [k.q + span * (c * math.sqrt(log / k.n) if k.n else 1.0) for k in children]


def rstar(parent: Tally, children: Sequence[Tally], c: float, span: float) -> list[float]:
    """UCT in which a child nobody visited has 0 for both terms."""
    log = _log(parent.n)
    return [k.q + span * c * math.sqrt(log / k.n) if k.n else 0.0 for k in children]


def puct(parent: Tally, children: Sequence[Tally], c: float, span: float) -> list[float]:
    """Q + c * P * sqrt(N) / (1 + n)."""
    reach = span * c * math.sqrt(parent.n)
    return [k.q + reach * k.prior / (1 + k.n) for k in children]


def alphazero(parent: Tally, children: Sequence[Tally], c: float, span: float) -> list[float]:
    """PUCT with c + ln((N + 19653) / 19652) in the place of c."""
    return puct(parent, children, c + math.log((parent.n + BASE + 1) / BASE), span)


def unled(parent: Tally, children: Sequence[Tally], c: float, span: float) -> list[float]:
    """Q + (c + ln((N + 19652) / 19652)) * sqrt(N - 1) / (1 + n): AlphaZero's without priors."""
    reach = span * (c + math.log((parent.n + BASE) / BASE)) * math.sqrt(max(parent.n - 1, 0))
    return [k.q + reach / (1 + k.n) for k in children]


def p_ucb(parent: Tally, children: Sequence[Tally], c: float, span: float) -> list[float]:
    """Q + c * P * sqrt(ln N) / (1 + n)."""
    reach = span * c * math.sqrt(_log(parent.n))
    return [k.q + reach * k.prior / (1 + k.n) for k in children]


def var_p_ucb(parent: Tally, children: Sequence[Tally], c: float, span: float) -> list[float]:
    """P-UCB with c + ln((N + 11) / 10) in the place of c."""
    return p_ucb(parent, children, c + math.log((parent.n + 11.0) / 10.0), span)


def stir(children: Sequence[Tally], priors: Sequence[float], rng: Rng, share: float) -> None:
    """Make priors that sum to 1 of `priors`, a `share` of them drawn from Dirichlet(0.3).

    The noise of a child is its place's in `rng`: it stays when more children come.
    """
    drawn = [gamma(0.3, rng) for _ in children]
    sums = sum(drawn) or 1.0, sum(priors) or 1.0
    for child, prior, noise in zip(children, priors, drawn, strict=True):
        child.prior = share * noise / sums[0] + (1 - share) * prior / sums[1]


RULES: dict[str, tuple[Rule, float]] = {
    "uct": (uct, math.sqrt(2.0)),
    "uct-fast": (uct_fast, 1.0),
    "uct-prior": (uct_prior, math.sqrt(2.0)),
    "rest": (rest, 0.7),
    "rstar": (rstar, 2.0),
    "puct": (puct, 1.25),
    "alphazero": (alphazero, 1.25),
    "unled": (unled, 1.25),
    "p-ucb": (p_ucb, 4.0),
    "var-p-ucb": (var_p_ucb, 4.0),
}
"""Every rule by its name, with the weight of exploration that its paper or its code sets."""
