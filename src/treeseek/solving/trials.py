"""One search on one problem, and many of them in windows on one scheduler.

A problem that an error ends is a recorded failure, and the others go on. Searches of a window share
their forward calls and the tree; between windows the tree is cleared, so that thousands of problems
take no more room than one window does. What a search finds and is charged does not depend on who
is beside it.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, is_dataclass, replace

from treeseek.budget import Budget
from treeseek.declare import Strategy
from treeseek.decoding.warp import Warp
from treeseek.front import Run, start
from treeseek.model import LM
from treeseek.options import options_of
from treeseek.requests import Reader, Scorer, Verdict
from treeseek.result import Candidate, Cost
from treeseek.scheduler import Scheduler
from treeseek.solving.choices import CUT, Chooser, Held
from treeseek.solving.judging import Memory, Patient
from treeseek.solving.programs import reader
from treeseek.strategies.self_consistency import said
from treeseek.tasks.protocol import Problem, Task
from treeseek.tree import ROOT

WINDOW = 128
"""Searches that run at once."""


@dataclass(frozen=True)
class Conditions:
    """What holds for every search of a table.

    `limit` is the longest answer in tokens, `n` how many a search looks for; `scorer` makes the
    scorer of a problem, which sees the problem's prompt and no answer; `shown` says whether
    searches may ask the verifier while they run, or only the table asks it in the end. `pays` says
    that answers are chosen by scores that take tokens, so that choosing among draws does too.
    """

    lm: LM
    task: Task
    limit: int
    n: int = 1
    seed: int = 0
    warp: Warp | None = None
    scorer: Callable[[Problem], Scorer | Reader] | None = None
    shown: bool = True
    pays: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one problem: its answer, the verdict on it, and what the search cost."""

    id: str
    prompt: str
    answer: Candidate | None
    verdict: Verdict | None
    failure: str
    cost: Cost

    @property
    def solved(self) -> bool:
        """Whether the answer solves the problem."""
        return self.verdict is not None and self.verdict.solved

    @property
    def words(self) -> str:
        """What became of it, in words."""
        if self.failure:
            return f"failed: {self.failure}"
        if self.verdict is None:
            return "no answer within the budget"
        return f"{'solved: ' if self.solved else ''}{self.verdict.feedback}"


@dataclass(slots=True)
class Trial:
    """One search on one problem, before, while and after it runs.

    `memory` holds verdicts by text, and may be shared by the trials on the same problem.
    """

    problem: Problem
    strategy: Strategy
    budget: Budget
    on: Conditions
    memory: Memory = field(default_factory=Memory)
    run: Run | None = None
    failure: str = ""
    judge: Patient | None = None
    cut: bool = False

    def begin(self, scheduler: Scheduler) -> None:
        """Take a seat; what prevents it is recorded."""
        on, problem = self.on, self.problem
        try:
            strategy = suited(self.strategy, on.task, problem)
            verifier = on.task.verifier(problem)
            self.judge = Patient(verifier, self.memory, read=reader(strategy))
            self.run = start(
                problem.prompt, model=on.lm, strategy=strategy, budget=self.budget, n=on.n,
                limit=on.limit, seed=on.seed, step=on.task.step, warp=on.warp,
                scorer=None if on.scorer is None else on.scorer(problem),
                verifier=self.judge if on.shown else None,
                key=(problem.id,), scheduler=scheduler,
            )  # fmt: skip
        except Exception as error:
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Record the first error that ended this problem."""
        self.failure = self.failure or named(error)

    def stop(self) -> None:
        """End the search at its next request, if it has not ended."""
        if self.run is not None and not self.run.ended:
            self.cut = True
            self.run.cut()

    def outcome(self, choose: Chooser) -> Outcome:
        """The answer that `choose` takes of what the search found, judged."""
        if self.run is None:
            return self.chosen(choose, (), Cost())
        result = self.run.result
        return self.chosen(choose, result.candidates, result.cost)

    def ranked(self, pool: Sequence[Candidate]) -> list[Candidate]:
        """`pool` as best-of-n ranks it: by scorer if no verifier is shown, else by confidence.

        A candidate's score is the number it was ranked by; it comes as the mean log-probability.
        """
        ordered = sorted(pool, key=lambda one: (one.finish in CUT, -one.score))
        if self.on.shown or self.on.scorer is None or self.on.pays or not ordered:
            return ordered
        try:
            values = self._scores(self.on.scorer(self.problem), ordered)
        except Exception as error:
            self.fail(error)
            return ordered
        marked = [replace(one, score=value) for one, value in zip(ordered, values, strict=True)]
        return sorted(marked, key=lambda one: (one.finish in CUT, -one.score))

    def _scores(self, scorer: Scorer | Reader, pool: Sequence[Candidate]) -> Sequence[float]:
        if not isinstance(scorer, Reader):
            return scorer.score([one.text for one in pool])
        lm = self.on.lm
        prompt = lm.encode(self.problem.prompt)
        nodes = [lm.tree.extend(ROOT, [*prompt, *one.token_ids]) for one in pool]
        distinct = list(dict.fromkeys(nodes))  # two candidates may end in one node
        values = dict(zip(distinct, scorer.read(lm.hidden(distinct)), strict=True))
        return [values[node] for node in nodes]

    def chosen(
        self, choose: Chooser, pool: Sequence[Candidate], cost: Cost, *place: str | int
    ) -> Outcome:
        """The answer that `choose` takes of `pool`, judged; `place` names the choice for chance."""
        answer, verdict, failure = None, None, self.failure
        if self.judge is not None:
            known = len(self.judge.asked)
            task, problem, judge = self.on.task, self.problem, self.judge
            held = Held(
                pool,
                judge.judge_all,
                lambda text: task.answer(problem, judge.said(text)),
                task.step,
                self.on.seed,
                (problem.id, *place),
            )
            try:
                answer = choose(held)
                verdict = None if answer is None else self.judge.judge(answer.text)
            except Exception as error:
                failure = failure or named(error)
            cost.verifier_calls += len(self.judge.asked) - known
        return Outcome(self.problem.id, self.problem.prompt, answer, verdict, failure, cost)


@dataclass(frozen=True, slots=True)
class Tally:
    """How a series stands: plain values, for a live line or a log.

    `most` is what all searches may be charged, None without a bound; `best` a text worth showing.
    """

    ended: int
    searches: int
    charged: int
    most: int | None
    computed: int
    seconds: float
    best: str = ""


class Series:
    """Trials that are run in windows; step it until it is False.

    `groups` yields the trials that must be judged together (one problem's, say), `searches` says
    how many there will be, `most` what they may be charged in all. When a window has ended,
    `settled` is told of its groups, in order, and their trees are forgotten.
    """

    def __init__(
        self,
        groups: Iterable[Sequence[Trial]],
        *,
        lm: LM,
        settled: Callable[[Sequence[Trial]], None],
        searches: int,
        most: int | None,
        window: int,
    ) -> None:
        """Nothing runs before the first step."""
        self._groups: Iterator[Sequence[Trial]] = iter(groups)
        self._lm = lm
        self._settled = settled
        self._searches = searches
        self._most = most
        self._window = window
        self._began: float | None = None
        self._over: float | None = None
        self.forwards = 0
        """Model calls so far."""
        self._ended = self._charged = self._computed = 0
        self._open: list[Sequence[Trial]] = []
        self._scheduler = Scheduler()
        self.interrupted = False

    @property
    def ended(self) -> bool:
        """Whether every window has ended."""
        return self._over is not None

    @property
    def seconds(self) -> float:
        """Wall clock from the first step to the last."""
        if self._began is None:
            return 0.0
        return (self._over or time.monotonic()) - self._began

    def step(self) -> bool:
        """Run one round of the open window, or open the next; False once none is left."""
        if self.ended:
            return False
        if self._began is None:
            self._began = time.monotonic()
        if not self._open and (self.interrupted or not self._next()):
            self._over = time.monotonic()
            return False
        before = self._lm.backend.spent.forwards
        try:
            active = self._scheduler.step()
        except Exception as error:
            active = True
            self._failed(error)
        self.forwards += self._lm.backend.spent.forwards - before
        if not active:
            self._close()
        return True

    def cut(self) -> None:
        """End the open searches at their next request, and open no others."""
        self.interrupted = True
        for trial in self._trials():
            trial.stop()

    @property
    def tally(self) -> Tally:
        """How it stands."""
        runs = [trial.run for trial in self._trials() if trial.run is not None]
        best = ""
        for run in runs:
            if not best and run.seat.live.candidates:
                best = run.progress.best
        return Tally(
            ended=self._ended + sum(run.ended for run in runs),
            searches=self._searches,
            charged=self._charged + sum(run.seat.ledger.tokens for run in runs),
            most=self._most,
            computed=self._computed + sum(run.seat.cost.tokens_computed for run in runs),
            seconds=self.seconds,
            best=best,
        )

    def _trials(self) -> Iterator[Trial]:
        return (trial for group in self._open for trial in group)

    def _next(self) -> bool:
        """Open the next window: as many whole groups as fit, at least one."""
        self._lm.clear()
        self._scheduler = Scheduler()
        held = 0
        while held < self._window and (group := next(self._groups, None)) is not None:
            for trial in group:
                trial.begin(self._scheduler)
            self._open.append(group)
            held += len(group)
        return bool(self._open)

    def _close(self) -> None:
        for trial in self._trials():
            if trial.run is not None and trial.run.seat.failure is not None:
                trial.fail(trial.run.seat.failure)
        closed = self.tally
        groups, self._open = self._open, []
        for group in groups:
            self._settled(group)
            self._ended += len(group)
        self._charged, self._computed = closed.charged, closed.computed

    def _failed(self, error: Exception) -> None:
        """The scheduler closed whom `error` belongs to; where it knows of none, close all."""
        culprit, self._scheduler.failed = self._scheduler.failed, None
        if culprit is None:
            for trial in self._trials():
                if trial.run is not None and not trial.run.ended:
                    trial.run.seat.live.close()
                    trial.fail(error)


def suited(strategy: Strategy, task: Task, problem: Problem) -> Strategy:
    """`strategy` for one problem: what votes for whole texts votes for the task's answers."""
    if strategy.options.get("answer") is not said:
        return strategy
    return strategy.having(answer=lambda text: task.answer(problem, text))


def named(error: Exception) -> str:
    """An error in words, its kind first."""
    return f"{type(error).__name__}: {error}"


def described(task: Task) -> str:
    """A task and its options, as in `countdown(numbers=4)`."""
    names: list[str] = list(options_of(type(task))) if is_dataclass(task) else []
    shown = ", ".join(f"{name}={getattr(task, name)!r}" for name in names)
    return f"{task.name}({shown})" if shown else task.name
