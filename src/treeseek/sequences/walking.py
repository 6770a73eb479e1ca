"""How a model rates trials: walks of the token tree, as short as the bounds allow.

This file believes that a candidate is mostly what it was made from: it is walked from where it
parts from a path that is known, and by a few tokens at a time while its loss may still pass what
the strategy would take. The exact bound says that no token gains anything; the calibrated one that
the rest loses about what its tokens lost in what the candidate was made from, less a margin of what
that was off before, and it looks now and then how often that was wrong.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Literal, TypeAlias

from treeseek.live import Context
from treeseek.replies import BudgetSpent, Walked
from treeseek.requests import Derive, How, Node, Request, Walk
from treeseek.sequences.perplexity import Perplexity
from treeseek.sequences.space import Space
from treeseek.sequences.spelling import Speller, Spelling
from treeseek.sequences.trial import Cand, Rated, Trial

KEPT = 512
"""Paths of scored candidates that are held to start others from."""
LONGEST = 64
"""Most tokens of a walk that may be abandoned."""

BAND = 4
"""Lengths of rest that are foreseen as one."""
ENOUGH = 24
"""Rests that must be seen before any is foreseen."""
RECENT = 0.002
"""Least share of what is seen now in what is known."""

Bound: TypeAlias = Literal["none", "exact", "calibrated"]


@dataclass(slots=True)
class Path:
    """A candidate that was walked whole: its spelling, its losses by model, its nodes by depth."""

    spelling: Spelling
    losses: list[list[float]]
    walked: Walked
    nodes: list[Node] = field(default_factory=list)

    @property
    def end(self) -> Node:
        """Where it ends; most candidates are never looked at."""
        return self.walked.node


class Foresight:
    """What the rest of a candidate will lose, told by what the same tokens lost near it.

    `margin` standard deviations are taken off, of what was seen of candidates walked whole; the
    spread is kept for each `BAND` tokens of rest, the latest the more.
    """

    def __init__(self, margin: float) -> None:
        """Nothing was seen: nothing is promised."""
        self.margin = margin
        self.audited = self.wrong = 0
        self._seen: dict[int, tuple[int, float, float]] = {}

    def learn(self, expected: Sequence[float], losses: Sequence[float]) -> None:
        """Note what was lost where `expected` was left to lose from each token on."""
        rest = 0.0
        for count, (thought, loss) in enumerate(
            zip(expected[-2::-1], losses[::-1], strict=True), 1
        ):
            rest += loss
            seen, mean, spread = self._seen.get(count // BAND, (0, 0.0, 0.0))
            rate, off = max(1.0 / (seen + 1), RECENT), thought - rest - mean
            mean, spread = mean + rate * off, (1.0 - rate) * (spread + rate * off * off)
            self._seen[count // BAND] = (seen + 1, mean, spread)

    def least(self, expected: float, count: int) -> float:
        """The least that `count` tokens lose, but for a few in a thousand."""
        seen, mean, spread = self._seen.get(count // BAND, (0, 0.0, 0.0))
        if seen < ENOUGH:
            return 0.0
        return max(0.0, expected - mean - self.margin * math.sqrt(spread))


def foreseen(near: Path, spelling: Spelling, shared: int) -> list[float]:
    """What is left to lose from each counted token of `spelling` behind `shared`, and 0 at last.

    Each token loses what it did in `near`, its first after the first, and one that was not there
    nothing.
    """
    begin = max(shared, spelling.first)
    known: dict[int, list[float]] = {}
    for at in range(near.spelling.last - 1, max(shared, near.spelling.first) - 1, -1):
        known.setdefault(near.spelling.tokens[at], []).append(near.losses[0][at])
    own = [
        known[token].pop() if known.get(token) else 0.0
        for token in spelling.tokens[begin : spelling.last]
    ]
    return [*accumulate(reversed(own), initial=0.0)][::-1]


class Course:
    """One trial under one model, walked in parts."""

    def __init__(
        self, spelling: Spelling, start: Node, losses: list[float], how: How | None
    ) -> None:
        """Go on from `start`, before which the tokens lost `losses`."""
        self.spelling, self.start, self.losses, self.how = spelling, start, losses, how
        self.walked: Walked | None = None
        """What was walked last."""
        self.most: float | None = None
        """Loss of the counted tokens past which nobody wants it."""
        self.foresight: Foresight | None = None
        self.expected: list[float] = []
        """What is left to lose from each counted token behind the start, if that is foreseen."""
        self.audit = self.tripped = self.abandoned = False
        self.charged = 0
        self.spent: float | None = None
        self._began = len(losses)
        self._stop = 0
        self._strict: float | None = None

    @property
    def done(self) -> bool:
        """Whether nothing is left to walk."""
        return self.abandoned or len(self.losses) >= self.spelling.last

    @property
    def total(self) -> float:
        """Loss of the counted tokens walked so far, summed from left to right."""
        return sum(self.losses[self.spelling.first : self.spelling.last])

    def request(self, chunk: int) -> Walk:
        """Walk on, at most `chunk` tokens where that may be all; one where its row is there."""
        at, last, above = len(self.losses), self.spelling.last, None
        self._stop, self._strict = last, None
        if at < self.spelling.first:
            self._stop = self.spelling.first
        elif self.most is not None:
            few = 1 if at == self._began > 0 else chunk
            self._stop = min(last, at + few)
            above = self.most - self.total
            if self.foresight is not None and self.expected:
                rest = last - self._stop
                strict = above - self.foresight.least(self.expected[-1 - rest], rest)
                above, self._strict = (None, strict) if self.audit else (strict, strict)
        start = self.start if self.walked is None else self.walked.node
        return Walk(start, self.spelling.tokens[at : self._stop], above, self.how)

    def take(self, reply: Walked) -> None:
        """Note what was walked."""
        self.losses += [-logprob for logprob in reply.logprobs]
        self.walked, self.abandoned = reply, reply.abandoned
        self.charged += reply.charged
        self.spent = reply.spent
        if self.audit and self._strict is not None:
            self.tripped = self.tripped or -reply.total > self._strict


class Walker:
    """Rates trials of `space` by walks from `root`; `rate` is a part of a strategy."""

    def __init__(
        self,
        ctx: Context,
        root: Node,
        space: Space,
        objective: Perplexity,
        *,
        bound: Bound = "exact",
        chunk: int = 16,
        margin: float = 2.0,
        audit: float = 0.02,
    ) -> None:
        """Walk nothing yet."""
        self.ctx, self.root, self.objective = ctx, root, objective
        self.speller = Speller(
            space,
            objective.encode,
            begin=objective.begin,
            end=objective.end,
            span=objective.span,
            rng=ctx.rng,
        )
        self.bound = bound
        self.foresight = Foresight(margin)
        self.audit = audit
        # What is foreseen is worth a look more often than what was lost.
        self.chunk = self._short = max(1, chunk // 4) if bound == "calibrated" else chunk
        self.paths: dict[Cand, Path] = {}
        self.over = False
        self._roots: dict[tuple[int, ...], Node] = {}
        self._tried, self._held = 0, KEPT

    def rate(self, trials: Sequence[Trial]) -> Generator[list[Request], Any, list[Rated]]:
        """Rate `trials`, in order; `over` is true, and the last are missing, at a budget's end."""
        self._held = max(KEPT, len(trials))  # a best of these trials is still there after them
        runs = yield from self._courses(trials)
        pending = [course for courses in runs for course in courses]
        while pending:
            asked: list[Request] = [course.request(self.chunk) for course in pending]
            try:
                replies = yield asked
            except BudgetSpent as spent:
                replies, self.over = spent.replies, True
            for course, reply in zip(pending, replies, strict=False):
                course.take(reply)
            if self.over:
                break
            self._adapt(pending)
            pending = [course for course in pending if not course.done]
        return [
            self._rated(trial, courses)
            for trial, courses in zip(trials, runs, strict=False)
            if all(course.done for course in courses)
        ]

    def _courses(
        self, trials: Sequence[Trial]
    ) -> Generator[list[Request], Any, list[list[Course]]]:
        """A course for each trial and model, from where it parts from a path that is known."""
        spelt = [self.speller.spell(trial.cand) for trial in trials]
        if not self.objective.begin:
            new = [one for one in dict.fromkeys(s.given for s in spelt) if one not in self._roots]
            if new:
                try:
                    derived = yield [Derive(self.root, given) for given in new]
                except BudgetSpent:
                    self.over = True
                    return []
                self._roots |= {g: reply.root for g, reply in zip(new, derived, strict=True)}
        runs = []
        for trial, spelling in zip(trials, spelt, strict=True):
            start, known = self._start(trial, spelling)
            courses = []
            for nth, how in enumerate(self.objective.laws):
                before = known[nth] if known else []
                courses.append(Course(spelling, start, list(before), how))
            if self.bound != "none":
                self._bind(courses[0], trial)
            if self.bound == "calibrated" and known and trial.near is not None:
                near, shared = self.paths[trial.near], len(known[0])
                courses[0].expected = foreseen(near, spelling, shared)
            runs.append(courses)
        return runs

    def _bind(self, course: Course, trial: Trial) -> None:
        course.most = self.objective.most(course.spelling, trial.above)
        if self.bound == "calibrated" and course.most is not None:
            self._tried += 1
            course.foresight = self.foresight
            course.audit = self.ctx.rng("audit", self._tried).random() < self.audit

    def _start(self, trial: Trial, spelling: Spelling) -> tuple[Node, list[list[float]]]:
        """Where `spelling` parts from the path it was made from, and the losses up to there."""
        root = self._roots.get(spelling.given, self.root)
        near = self.paths.pop(trial.near, None) if trial.near is not None else None
        if near is None or trial.near is None:
            return root, []
        self.paths[trial.near] = near  # held longest
        if near.spelling.given != spelling.given:
            return root, []
        shared, most = 0, min(len(spelling.tokens), len(near.spelling.tokens), near.spelling.last)
        while shared < most - 1 and spelling.tokens[shared] == near.spelling.tokens[shared]:
            shared += 1
        return self._nodes(near)[shared], [losses[:shared] for losses in near.losses]

    def _nodes(self, path: Path) -> list[Node]:
        """The nodes of `path` by depth, found when they are first asked for."""
        if not path.nodes:
            path.nodes = [path.end]
            while len(path.nodes) <= len(path.losses[0]):
                path.nodes.append(self.ctx.parent(path.nodes[-1]))
            path.nodes.reverse()
        return path.nodes

    def before(self, cand: Cand, at: int) -> tuple[Node, int]:
        """The node `at` tokens into `cand` and `at`; the root and 0 where its path is not held."""
        path = self.paths.get(cand)
        return (self.root, 0) if path is None else (self._nodes(path)[at], at)

    def _rated(self, trial: Trial, courses: list[Course]) -> Rated:
        """What the finished `courses` of `trial` come to."""
        own, charged = courses[0], sum(course.charged for course in courses)
        spelling = own.spelling
        foresight = self.foresight
        foresight.audited += own.tripped
        if own.abandoned:
            least = self.objective.least(spelling, own.total)
            return Rated(trial.cand, float("inf"), least, _parts(own), charged, own.spent)
        value = self.objective.value(spelling, [course.total for course in courses])
        foresight.wrong += own.tripped and trial.above is not None and value <= trial.above
        if own.expected and (own.most is None or own.audit):  # survivors are no fair sample
            foresight.learn(own.expected, own.losses[spelling.last + 1 - len(own.expected) :])
        self.paths.pop(trial.cand, None)
        assert own.walked is not None
        self.paths[trial.cand] = Path(spelling, [c.losses for c in courses], own.walked)
        while len(self.paths) > self._held:
            del self.paths[next(iter(self.paths))]
        parts, spent = _parts(own), courses[-1].spent
        rest = own.total - sum(parts or ())
        return Rated(trial.cand, value, value, parts, charged, spent, rest)

    def keep(self, cand: Cand) -> Path:
        """The path of a best, moved to where it is held longest; checks how it is spelt."""
        self.speller.check(cand)
        path = self.paths[cand] = self.paths.pop(cand)
        return path

    def _adapt(self, walked: Sequence[Course]) -> None:
        """Walk longer parts where most survive, shorter ones where they do not."""
        bounded = [course for course in walked if course.most is not None]
        if bounded:
            alive = sum(not course.abandoned for course in bounded) / len(bounded)
            longer = min(LONGEST, 2 * self.chunk)
            self.chunk = longer if alive > 0.8 else max(self._short, self.chunk // 2)


def _parts(course: Course) -> tuple[float, ...] | None:
    """Loss of each position that was walked whole, what stands around them left out."""
    cuts = course.spelling.cuts
    if cuts is None:
        return None
    begin, walked = max(0, course.spelling.first), len(course.losses)
    found = []
    for cut in cuts:
        if cut > walked:
            break
        found.append(sum(course.losses[begin:cut]))
        begin = cut
    return tuple(found)
