"""One strategy on many problems, and the draws that the same budget would have bought instead."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from treeseek.budget import Budget
from treeseek.declare import Strategy
from treeseek.result import Cost, candidate_json
from treeseek.selectors.votes import majority
from treeseek.solving.choices import Chooser, by_rank, by_selector
from treeseek.solving.comparison import Pair, pair_of
from treeseek.solving.draws import Drawn, draws, weighed
from treeseek.solving.intervals import wilson
from treeseek.solving.joint import Joint
from treeseek.solving.judging import Memory
from treeseek.solving.trials import WINDOW, Conditions, Outcome, Series, Tally, Trial, described
from treeseek.tasks.protocol import Problem


@dataclass(frozen=True, slots=True)
class Side:
    """Outcomes by problem of a strategy or a control, and what all of it cost."""

    strategy: str
    outcomes: tuple[Outcome, ...]
    cost: Cost

    @property
    def solved(self) -> int:
        """How many problems were solved."""
        return sum(outcome.solved for outcome in self.outcomes)

    @property
    def accuracy(self) -> float:
        """Share of the problems that were solved; 0 of none."""
        return self.solved / len(self.outcomes) if self.outcomes else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy."""
        return wilson(self.solved, len(self.outcomes))

    def to_json(self) -> dict[str, Any]:
        """Plain values: problems, accuracy with its 95 % interval, cost."""
        low, high = self.interval
        return {
            "strategy": self.strategy,
            "problems": [
                {
                    "id": one.id,
                    "prompt": one.prompt,
                    "best": candidate_json(one.answer) if one.answer else None,
                    "solved": one.solved,
                    "feedback": one.verdict.feedback if one.verdict else "",
                    "failure": one.failure or None,
                    "cost": asdict(one.cost),
                }
                for one in self.outcomes
            ],
            "solved": self.solved,
            "accuracy": self.accuracy,
            "low": low,
            "high": high,
            "cost": asdict(self.cost),
        }


@dataclass(frozen=True, slots=True)
class Solved:
    """What a strategy solved, and what best-of-n and a majority solve with the same budget.

    `control` and `majority` are None where the run was interrupted before they were done; the
    search's own side then holds what was found by that time.
    """

    task: str
    model: str
    seed: int
    side: Side
    control: Side | None = None
    majority: Side | None = None
    references: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        """Whether nothing was interrupted."""
        return self.control is not None

    @property
    def pair(self) -> Pair | None:
        """The search against best-of-n, over the same problems."""
        if self.control is None:
            return None
        ours, theirs = ([one.solved for one in side.outcomes] for side in (self.side, self.control))
        return pair_of(self.side.strategy, self.control.strategy, 0, ours, theirs)

    def to_json(self) -> dict[str, Any]:
        """Plain values: task, the search's problems and figures, both controls, the comparison."""
        pair = self.pair
        return {
            "task": self.task,
            **self.side.to_json(),
            "control": None if self.control is None else self.control.to_json(),
            "majority": None if self.majority is None else self.majority.to_json(),
            "comparison": None
            if pair is None
            else {
                "search": pair.word,
                "difference": pair.difference,
                "low": pair.low,
                "high": pair.high,
                "only_search": pair.only_strategy,
                "only_control": pair.only_control,
                "p": pair.p,
            },
            "model": self.model,
            "seed": self.seed,
            "references": list(self.references),
        }


class Attempt:
    """A run of `solve` that can be stepped; `treeseek.solve` runs one to its end.

    First the searches, then the draws: each problem's have the budget of tokens that its search
    had, or where that was unlimited, what its search was charged. `trials` are the first `keep`
    searches, for whoever draws their trees. With `together` the strategy is an allocator, which
    shares one budget over all problems; the draws then have equal parts of it.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        strategy: Strategy,
        *,
        budget: Budget,
        on: Conditions,
        choose: Chooser = by_rank,
        window: int = WINDOW,
        keep: int = 0,
        together: bool = False,
    ) -> None:
        """Nothing runs before the first step."""
        self._together = together
        self._problems, self._strategy, self._budget = problems, strategy, budget
        self._on, self._choose, self._keep = on, choose, keep
        self._vote = by_selector(majority())
        self._found: list[Outcome] = []
        self._drawn: list[Outcome] = []
        self._voted: list[Outcome] = []
        self.trials: list[Trial] = []
        self._memories = [Memory() for _ in problems]
        most = budget.tokens
        if most is not None and not together:
            most *= len(problems)
        bounds: dict[str, Any] = {"lm": on.lm, "window": window}
        self._searching = Series(
            self._searches(), settled=self._search_ended, most=most,
            searches=1 if together else len(problems), **bounds,
        )  # fmt: skip
        pools = 2 if on.pays else 1
        self._drawing = Series(
            self._draws(), settled=self._draws_ended, most=most and pools * most,
            searches=pools * len(problems), **bounds,
        )  # fmt: skip

    def step(self) -> bool:
        """Run one round; False once all has ended."""
        if self._searching.step():
            return True
        return not self._searching.interrupted and self._drawing.step()

    def cut(self) -> None:
        """End what is open with what it holds, and begin nothing else."""
        self._searching.cut()
        self._drawing.cut()

    @property
    def tally(self) -> Tally:
        """How the open part stands."""
        return (self._drawing if self._searching.ended else self._searching).tally

    @property
    def solved(self) -> Solved:
        """What is known; the controls once all their draws have ended."""
        on, ended = self._on, self._drawing.ended and not self._drawing.interrupted
        label = repr(self._strategy)
        return Solved(
            described(on.task), on.lm.name, on.seed,
            self._side(label, self._found, self._searching),
            self._side("best-of-n", self._drawn, self._drawing) if ended else None,
            self._side("majority", self._voted, self._drawing) if ended else None,
            tuple(dict.fromkeys((*self._strategy.references, *draws.references))),
        )  # fmt: skip

    def _side(self, label: str, outcomes: Sequence[Outcome], series: Series) -> Side:
        tally = series.tally
        cost = Cost(
            sum(one.cost.tokens for one in outcomes), tally.computed,
            sum(one.cost.tokens_reused for one in outcomes), series.forwards,
            sum(one.cost.verifier_calls for one in outcomes), tally.seconds,
        )  # fmt: skip
        return Side(label, tuple(outcomes), cost)

    def _searches(self) -> Iterator[list[Trial]]:
        each = [
            Trial(problem, self._strategy, self._budget, self._on, memory)
            for problem, memory in zip(self._problems, self._memories, strict=True)
        ]
        if self._together:
            first = self._problems[0]
            yield [Joint(first, self._strategy, self._budget, self._on, parts=each)]
        else:
            yield from ([trial] for trial in each)

    def _search_ended(self, trials: Sequence[Trial]) -> None:
        (trial,) = trials
        if isinstance(trial, Joint):
            self._found += trial.outcomes(self._choose)
            return
        self._found.append(trial.outcome(self._choose))
        if len(self.trials) < self._keep:
            self.trials.append(trial)

    def _draws(self) -> Iterator[list[Trial]]:
        given = zip(self._problems, self._memories, self._found, strict=True)
        for place, (problem, memory, found) in enumerate(given):
            tokens = found.cost.tokens if self._budget.tokens is None else self._budget.tokens
            if self._together and self._budget.tokens is not None:
                equal, rest = divmod(tokens, len(self._problems))
                tokens = equal + (place < rest)
            strategies = [draws(n=max(1, tokens)), *([weighed()] if self._on.pays else [])]
            budget = Budget(tokens=tokens)
            yield [Trial(problem, one, budget, self._on, memory) for one in strategies]

    def _draws_ended(self, trials: Sequence[Trial]) -> None:
        trial, *paying = trials
        pool = [] if trial.run is None else Drawn(trial.run).within(trial.budget.tokens)[0]
        cost = Cost() if trial.run is None else trial.run.result.cost
        ranked = trial.ranked(pool)
        found = [one.outcome(self._choose) for one in paying]
        self._drawn.append(found[0] if found else trial.chosen(self._choose, ranked, cost))
        self._voted.append(trial.chosen(self._vote, ranked, replace(cost)))
