"""Two answers to one search: equal, a proved tie, or a violation.

Two programs that add the same numbers in another order may part where two choices are equally
good. That they are is proved here, by a referee that knows neither program: it walks the search
with rows of the plain model, follows every way in which choices nearer than `TOLERANCE` may fall,
and calls two answers tied only where it reaches both.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

TOLERANCE = 1e-4
"""Nats of summed log-probability below which two choices count as equal."""
END = -1
"""Stands for whichever end token closed an answer."""
MOST = 400
"""States the referee looks at before it calls a search too full of ties to be judged."""

Tokens = tuple[int, ...]
Rows = Callable[[Sequence[Tokens]], np.ndarray]
"""Scores [n, V] under the law, after each of n continuations of one length."""


class Answer(NamedTuple):
    """Tokens of a continuation, END last where an end token closed it, and its score."""

    tokens: Tokens
    score: float


class Prefix(NamedTuple):
    """A continuation with its score, and how far that may be off."""

    tokens: Tokens
    score: float
    slack: float = TOLERANCE


@dataclass
class Tally:
    """Verdicts counted; `violations` says what each was, `ours` holds what was compared."""

    equal: int = 0
    tie: int = 0
    violations: list[str] = field(default_factory=list)
    ours: list[Any] = field(default_factory=list)

    def add(self, equal: bool, tied: Callable[[], bool], what: Callable[[], str]) -> None:
        """Count one comparison; `tied` is asked only where the answers differ."""
        if equal:
            self.equal += 1
        elif tied():
            self.tie += 1
        else:
            self.violations.append(what())

    def __str__(self) -> str:
        return f"{self.equal} equal, {self.tie} tie, {len(self.violations)} violation"


def tied_choice(values: np.ndarray, ours: int, theirs: int) -> bool:
    """Whether both tokens are the best of `values` [V], within the tolerance."""
    worse = min(values[ours], values[theirs])
    return bool(values.max() - worse < TOLERANCE)


def tied_path(rows: Rows, ours: Tokens, theirs: Tokens, *, ends: Sequence[int], limit: int) -> bool:
    """Whether two greedy or drawn continuations part first at a tie of `rows`."""
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
    if at is None or at >= limit:
        return False  # one goes on where the other stopped: no choice of a token explains that
    values = rows([ours[:at]])[0].astype(np.float64)
    if ends:
        closing = values[list(ends)].max()
        values[list(ends)] = -np.inf
        values = np.append(values, closing)  # END is -1
    return tied_choice(values, ours[at], theirs[at])


def ways(found: Sequence[Prefix], count: int) -> Iterator[tuple[Prefix, ...]]:
    """Every choice of the `count` best: the exact one first, then those a near tie allows."""
    order = sorted(found, key=lambda one: -one.score)
    kept, dropped = order[:count], order[count:]
    yield tuple(kept)
    if not dropped or not kept:
        return
    last, first = kept[-1], dropped[0]
    low = [one for one in kept if _near(one, first)]
    high = [one for one in dropped if _near(last, one)]
    sure = [one for one in kept if one not in low]
    for chosen in combinations(range(len(low) + len(high)), len(low)):
        pool = [*low, *high]
        inside = [pool[i] for i in chosen]
        outside = [pool[i] for i in range(len(pool)) if i not in chosen]
        if inside != low and all(_near(b, a) for a in inside for b in outside):
            yield (*sure, *inside)


def _near(better: Prefix, worse: Prefix) -> bool:
    """Whether `worse` may stand before `better`."""
    return better.score - worse.score < max(better.slack, worse.slack)


@dataclass
class Referee:
    """Beam search as transformers means it, where near ties may fall either way.

    `rows` gives scores of a whole frontier; sums are float64. A finished score is
    sum / length ** length_penalty, and the tolerance is divided likewise.
    """

    rows: Rows
    width: int
    limit: int
    ends: frozenset[int]
    length_penalty: float = 1.0
    early_stopping: bool | str = False

    def reaches(self, answers: Sequence[Answer]) -> bool:
        """Whether some way to resolve the ties ends in these answers, in this order."""
        return any(self._is(answers, found) for found in self.outcomes())

    def outcomes(self) -> Iterator[list[Prefix]]:
        """Finished beams, best first, for every way in which near ties may fall."""
        start = ((Prefix((), 0.0),), ())
        stack: list[tuple[tuple[Prefix, ...], tuple[Prefix, ...]]] = [start]
        seen = {start}
        while stack:
            running, finished = stack.pop()
            if not running:
                yield sorted(finished, key=lambda one: -one.score)
                continue
            for state in self._step(running, finished):
                if state not in seen:
                    seen.add(state)
                    stack.append(state)
            if len(seen) > MOST:
                raise AssertionError(f"more than {MOST} states: too many ties to judge by")

    def _step(
        self, running: tuple[Prefix, ...], finished: tuple[Prefix, ...]
    ) -> Iterator[tuple[tuple[Prefix, ...], tuple[Prefix, ...]]]:
        children = self._children(running)
        length = len(running[0].tokens) + 1
        going_on = [c for c in children if c.tokens[-1] not in self.ends and length < self.limit]
        for top in ways(children, self.width):
            ended = [self._finished(c) for c in top if c not in going_on]
            for kept in ways([*finished, *ended], self.width):
                for go_on in ways(going_on, self.width):
                    kept_set = tuple(sorted(kept, key=lambda one: one.tokens))
                    for hope in self._hopeful(go_on, kept):
                        yield (tuple(sorted(go_on)) if hope else (), kept_set)

    def _children(self, running: Sequence[Prefix]) -> list[Prefix]:
        """Children that any choice could turn on: the best few more than can be kept."""
        scores = self.rows([prefix.tokens for prefix in running]).astype(np.float64)
        scores = scores + np.array([[prefix.score] for prefix in running])
        most = min(scores.size, (max(2, 1 + len(self.ends)) + 1) * self.width)
        flat = np.argsort(-scores, axis=None, kind="stable")[:most]
        where = zip(*np.unravel_index(flat, scores.shape), strict=True)
        return [
            Prefix((*running[beam].tokens, int(token)), float(scores[beam, token]))
            for beam, token in where
            if scores[beam, token] != -np.inf
        ]

    def _finished(self, one: Prefix) -> Prefix:
        scale = len(one.tokens) ** self.length_penalty
        return Prefix(one.tokens, one.score / scale, TOLERANCE / scale)

    def _hopeful(self, running: Sequence[Prefix], finished: Sequence[Prefix]) -> set[bool]:
        if not running:
            return {False}
        if len(finished) < self.width:
            return {True}
        if self.early_stopping is True:
            return {False}
        best = max(running, key=lambda one: one.score)
        never = self.early_stopping == "never" and self.length_penalty > 0
        scale = (self.limit if never else len(best.tokens)) ** self.length_penalty
        worst = min(finished, key=lambda one: one.score)
        margin = best.score / scale - worst.score
        if abs(margin) < max(TOLERANCE / scale, worst.slack):
            return {True, False}
        return {margin > 0}

    def _is(self, answers: Sequence[Answer], found: Sequence[Prefix]) -> bool:
        left, order = list(found), []
        for answer in answers:
            match = next((one for one in left if self._shown(one) == answer.tokens), None)
            if match is None or not close(answer.score, match.score, match.slack):
                return False
            left.remove(match)
            order.append(match)
        later = [(a, b) for i, a in enumerate(order) for b in order[i + 1 :]]
        missed = [(a, b) for a in order for b in left]
        return all(_near(b, a) for a, b in later + missed)

    def _shown(self, one: Prefix) -> Tokens:
        return (*one.tokens[:-1], END) if one.tokens[-1] in self.ends else one.tokens


def close(a: float, b: float, slack: float = TOLERANCE) -> bool:
    """Whether two scores agree up to the slack and the rounding of float32."""
    return abs(a - b) < slack + 1e-6 * abs(b)


def same_beams(ours: Sequence[Answer], theirs: Sequence[Answer], length_penalty: float) -> bool:
    """The same answers in the same order, with the same scores."""
    return len(ours) == len(theirs) and all(
        a.tokens == b.tokens
        and close(a.score, b.score, TOLERANCE / max(1, len(a.tokens)) ** length_penalty)
        for a, b in zip(ours, theirs, strict=True)
    )
