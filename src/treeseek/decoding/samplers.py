"""Samplers: from a row of scores and a key to one token, and how likely that draw was.

This file believes that a draw is a function of (scores, key, state) and of nothing else, that a
sampler is a plain value, and that its state is an immutable value that forks with the path. It
covers no truncation that a warp can express: Mirostat is here because its cut depends on what
was drawn before.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from treeseek.decoding.gumbel import gumbel_argmax
from treeseek.decoding.summary import log_sum_exp, summarise
from treeseek.errors import BrokenLogits, InvalidOption

Rows = NDArray[np.floating[Any]]
Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LN2 = math.log(2.0)


@dataclass(frozen=True, slots=True)
class Draw:
    """One token a row: `tokens` [N], the log-probability of each under the law it was drawn from,
    in nats [N], and the state of each path after its token."""

    tokens: Ints
    proposal: Floats
    states: list[Hashable]


class Sampler(Protocol):
    """Chooses a token in each row. A row's outcome must not depend on its neighbours."""

    def initial(self) -> Hashable:
        """State of a path that has drawn nothing; None for a sampler that remembers nothing."""

    def draw(
        self, scores: Rows, keys: Keys, states: Sequence[Any], lse: Floats | None = None
    ) -> Draw:
        """Choose from scores [N, V], -inf where forbidden, with one noise key and state a row.

        `lse` [N] is the log-sum-exp of the scores where the caller has it already.

        Raises BrokenLogits for a row that holds NaN or +inf, or allows no token.
        """

    def observe(self, scores: Rows, token: int, state: Any) -> Hashable:
        """State after `token` followed a node with the row `scores` [V], whoever chose it."""


@dataclass(frozen=True)
class Gumbel:
    """Draws from softmax(scores), exactly, by the largest score + keyed Gumbel noise.

    The proposal is the normalised log-probability of the drawn token. Costs one exponential and
    one hash a token. Reference: gumbel-max.
    """

    def initial(self) -> Hashable:
        """Nothing is remembered."""
        return None

    def draw(
        self, scores: Rows, keys: Keys, states: Sequence[Any], lse: Floats | None = None
    ) -> Draw:
        """Draw a token of each row by its key."""
        tokens, _ = gumbel_argmax(scores, keys)
        picked = scores[np.arange(len(tokens)), tokens].astype(np.float64)
        total = log_sum_exp(scores) if lse is None else lse
        return Draw(tokens, picked - total, [None] * len(tokens))

    def observe(self, scores: Rows, token: int, state: Any) -> Hashable:
        """Nothing is remembered."""
        return None


@dataclass(frozen=True)
class Greedy:
    """Takes the largest score, ties to the lowest token id; the proposal is 0 (certain)."""

    def initial(self) -> Hashable:
        """Nothing is remembered."""
        return None

    def draw(
        self, scores: Rows, keys: Keys, states: Sequence[Any], lse: Floats | None = None
    ) -> Draw:
        """Take the best token of each row; the keys are not read."""
        tokens = scores.argmax(axis=1)
        best = scores[np.arange(len(tokens)), tokens]
        if not np.isfinite(best).all():
            row = int(np.isfinite(best).argmin())
            raise BrokenLogits(
                f"row {row} has no best token: it holds NaN or +inf, or every token is forbidden; "
                "check the model's logits and whether the constraint leaves a token"
            )
        return Draw(tokens, np.zeros(len(tokens)), [None] * len(tokens))

    def observe(self, scores: Rows, token: int, state: Any) -> Hashable:
        """Nothing is remembered."""
        return None


@dataclass(frozen=True, kw_only=True)
class Mirostat:
    """Holds the mean surprise of a text at `target` bits a token by moving a bound on surprise.

    The state is the bound mu, in bits, at first 2 * target. Version 2 draws among the tokens whose
    surprise is at most mu; version 1 estimates a Zipf exponent from the `m` likeliest tokens and
    draws among the k it predicts. Then mu -= rate * (surprise - target), the surprise taken in
    the row it was given, before its cut, so that the text's own perplexity is what converges. A
    target above what the rows can give is not reached. The proposal is normalised over the tokens
    kept. Raises InvalidOption for a value out of range. Reference: mirostat.
    """

    version: int = 2
    target: float = 5.0
    rate: float = 0.1
    m: int = 100

    def __post_init__(self) -> None:
        if self.version not in (1, 2):
            raise InvalidOption(f"Mirostat's version must be 1 or 2, not {self.version!r}")
        for name in ("target", "rate"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InvalidOption(f"Mirostat's {name} must be above 0, not {value!r}")
        if self.m < 2:
            raise InvalidOption(f"Mirostat's m must be 2 or more tokens, not {self.m!r}")

    def initial(self) -> Hashable:
        """The first bound on surprise, in bits."""
        return 2.0 * self.target

    def draw(
        self, scores: Rows, keys: Keys, states: Sequence[Any], lse: Floats | None = None
    ) -> Draw:
        """Draw under each path's bound and move the bound."""
        count = np.arange(len(scores))
        kept = np.full(scores.shape, -np.inf)
        lse = np.empty(len(scores))
        for i, mu in enumerate(states):
            row = scores[i].astype(np.float64)
            lse[i] = summarise(row[None], 0, entropy=False).lse[0]
            within = self._within(row, (lse[i] - row) / _LN2, mu)
            kept[i, within] = row[within]
        tokens, _ = gumbel_argmax(kept, keys)
        picked = kept[count, tokens]
        surprise = (lse - picked) / _LN2
        moved = [self._moved(mu, bits) for mu, bits in zip(states, surprise.tolist(), strict=True)]
        return Draw(tokens, picked - log_sum_exp(kept), list(moved))

    def observe(self, scores: Rows, token: int, state: Any) -> Hashable:
        """Move the bound by the surprise of `token`, as if it had been drawn.

        A token the row forbids has no finite surprise and leaves the bound where it is.
        """
        row = scores.astype(np.float64)
        lse = float(summarise(row[None], 0, entropy=False).lse[0])
        bits = (lse - float(row[token])) / _LN2
        return self._moved(state, bits) if math.isfinite(bits) else float(state)

    def _moved(self, mu: Any, bits: float) -> float:
        return float(mu) - self.rate * (bits - self.target)

    def _within(self, row: Floats, surprise: Floats, mu: float) -> Ints:
        """The tokens that the bound leaves in play, never none."""
        if self.version == 1:
            k = self._zipf_k(surprise, mu)
            return summarise(row[None], k, entropy=False).tokens.ravel()
        within = np.flatnonzero(surprise <= mu)
        return within if len(within) else np.array([row.argmax()])

    def _zipf_k(self, surprise: Floats, mu: float) -> int:
        """How many tokens keep the expected surprise of Zipf's law near mu."""
        finite = surprise[np.isfinite(surprise)]
        head = np.sort(np.partition(finite, min(self.m, len(finite)) - 1)[: self.m])
        if len(head) < 2:
            return 1
        ranks = np.arange(1, len(head) + 1)
        steps, drops = np.diff(np.log(ranks)), np.diff(head) * _LN2
        exponent = max(float(steps @ drops) / float(steps @ steps), 1e-6)
        excess, size = exponent - 1.0, math.log(len(finite))
        ratio = 1.0 / size if abs(excess) < 1e-9 else excess / -math.expm1(-excess * size)
        log_k = (math.log(ratio) + mu * _LN2) / exponent
        return round(math.exp(min(max(log_k, 0.0), size)))
