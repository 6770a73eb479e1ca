"""One arm of a comparison: a strategy on several problems, searched together, judged at the end.

No search ends early for having been lucky: while it runs, the verifier tells it how good a text is
and never that it is solved, so a control given the same charged tokens is given the same chance.
Every candidate is judged in the end, and the first solved one is the answer. A problem that an
error ends is a recorded failure, and the others go on.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from treeseek.budget import Budget
from treeseek.cli.screen import Silence, Standing, spending
from treeseek.cli.stepping import step_all
from treeseek.declare import Strategy
from treeseek.front import Run, start
from treeseek.model import LM
from treeseek.requests import Verdict, Verifier
from treeseek.result import Candidate, Cost, Result, candidate_json
from treeseek.scheduler import Scheduler

Z = 1.959963984540054
"""Standard normal deviate of a 95 % interval."""


class Problem(Protocol):
    """What a task hands to a search."""

    @property
    def id(self) -> str:
        """Name of the problem, the same wherever it is drawn."""
        ...

    @property
    def prompt(self) -> str:
        """Text that the model continues."""
        ...


class Patient:
    """A verifier that withholds the word "solved", and remembers every verdict by its text."""

    def __init__(self, verifier: Verifier) -> None:
        """Judge as `verifier` does."""
        self._verifier = verifier
        self.name = verifier.name
        self.version = f"{verifier.version}, patient"
        self.verdicts: dict[str, Verdict] = {}

    def judge(self, text: str) -> Verdict:
        """The whole verdict on `text`, asked for once."""
        if text not in self.verdicts:
            self.verdicts[text] = self._verifier.verify(text)
        return self.verdicts[text]

    def verify(self, text: str) -> Verdict:
        """The verdict on `text`, as a search may see it."""
        return replace(self.judge(text), solved=False)


@dataclass(slots=True)
class Trial:
    """One problem in one arm: its search, its answer and what the verifier says of it."""

    problem: Problem
    verifier: Patient
    run: Run | None = None
    result: Result | None = None
    answer: Candidate | None = None
    verdict: Verdict | None = None
    failure: str = ""
    cost: Cost | None = None

    @property
    def solved(self) -> bool:
        """Whether the answer solves the problem."""
        return self.verdict is not None and self.verdict.solved

    def fail(self, error: Exception) -> None:
        """Record the first error that ended this problem."""
        self.failure = self.failure or f"{type(error).__name__}: {error}"

    def settle(self) -> None:
        """Judge what was found and choose the answer."""
        if self.run is None:
            self.cost = Cost()
            return
        self.result = self.run.result
        self.cost = self.result.cost
        known = len(self.verifier.verdicts)
        best = (False, -math.inf)
        for candidate in self.result.candidates:
            try:
                verdict = self.verifier.judge(candidate.text)
            except Exception as error:
                self.fail(error)
                break
            if (verdict.solved, verdict.score) > best:
                best = (verdict.solved, verdict.score)
                self.answer, self.verdict = candidate, verdict
        self.cost.verifier_calls += len(self.verifier.verdicts) - known

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "id": self.problem.id,
            "prompt": self.problem.prompt,
            "best": candidate_json(self.answer) if self.answer else None,
            "solved": self.solved,
            "feedback": self.verdict.feedback if self.verdict else "",
            "failure": self.failure or None,
            "cost": asdict(self.cost or Cost()),
        }


@dataclass(slots=True)
class Arm:
    """A strategy and its trials; `done` is False where the user interrupted it."""

    strategy: Strategy
    trials: list[Trial]
    cost: Cost
    done: bool = True

    @property
    def solved(self) -> int:
        """How many problems were solved."""
        return sum(trial.solved for trial in self.trials)

    @property
    def accuracy(self) -> float:
        """Share of the problems that were solved."""
        return self.solved / len(self.trials)

    def to_json(self) -> dict[str, Any]:
        """Plain values: problems, accuracy with its 95 % interval, cost."""
        low, high = wilson(self.solved, len(self.trials))
        return {
            "strategy": repr(self.strategy),
            "problems": [trial.to_json() for trial in self.trials],
            "solved": self.solved,
            "accuracy": self.accuracy,
            "low": low,
            "high": high,
            "cost": asdict(self.cost),
        }


def attempt(
    problems: Sequence[Problem],
    *,
    lm: LM,
    strategies: Sequence[Strategy],
    budgets: Sequence[Budget],
    verifier: Callable[[Any], Verifier],
    limit: int,
    seed: int,
    screen: Silence,
) -> Arm:
    """Search all `problems` together, each with its own strategy and budget, and judge them.

    The tree is cleared first, so that what an arm computed does not depend on the one before it.
    """
    lm.clear()
    scheduler = Scheduler()
    trials = [Trial(problem, Patient(verifier(problem))) for problem in problems]
    for trial, strategy, budget in zip(trials, strategies, budgets, strict=True):
        try:
            trial.run = start(
                trial.problem.prompt, model=lm, strategy=strategy, budget=budget, limit=limit,
                seed=seed, verifier=trial.verifier, key=(trial.problem.id,), scheduler=scheduler,
            )  # fmt: skip
        except Exception as error:
            trial.fail(error)
    runs = [trial.run for trial in trials if trial.run is not None]
    by_run = {id(trial.run): trial for trial in trials if trial.run is not None}
    began, forwards = time.monotonic(), lm.backend.spent.forwards
    done = step_all(
        runs,
        screen,
        lambda: _standing(trials, time.monotonic() - began),
        failed=lambda run, error: by_run[id(run)].fail(error),
    )
    seconds = time.monotonic() - began
    total = Cost(forwards=lm.backend.spent.forwards - forwards, seconds=seconds)
    for trial in trials:
        trial.settle()
        cost = trial.cost or Cost()
        for name in ("tokens", "tokens_computed", "tokens_reused", "verifier_calls"):
            setattr(total, name, getattr(total, name) + getattr(cost, name))
    return Arm(strategies[0], trials, total, done)


def wilson(successes: int, of: int) -> tuple[float, float]:
    """95 % interval of a proportion, by Wilson's score."""
    share, spread = successes / of, Z * Z / of
    middle = share + spread / 2
    reach = Z * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    low, high = (middle - reach) / (1 + spread), (middle + reach) / (1 + spread)
    return max(0.0, low), min(1.0, high)


def by_chance(only_first: int, only_second: int) -> float:
    """Probability of a difference at least this large if both arms were equally good.

    Exact sign test over the problems that one of the arms solved and the other did not.
    """
    n = only_first + only_second
    tail = sum(math.comb(n, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, float(2 * tail / 2**n))


def _standing(trials: Sequence[Trial], seconds: float) -> Standing:
    runs = [trial.run for trial in trials if trial.run is not None]
    ended = sum(run.ended for run in runs)
    charged = sum(run.seat.ledger.tokens for run in runs)
    computed = sum(run.seat.cost.tokens_computed for run in runs)
    limits = [run.budget.tokens for run in runs]
    most = sum(limit for limit in limits if limit is not None)
    bound = most if most and None not in limits else None
    facts = (
        *spending(charged, bound, computed, seconds),
        f"{ended} of {len(trials)} problems ended",
        f"{seconds:.0f} s",
    )
    first = runs[0]
    title = f"{first.strategy.name} on {first.seat.lm.name}"
    return Standing(title, None if bound is None else charged / bound, facts)
