"""One strategy on many problems, and the draws that the same budget would have bought instead."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from treeseek.budget import Budget
from treeseek.declare import Strategy
from treeseek.result import Cost, candidate_json
from treeseek.selectors.votes import majority
from treeseek.solving.choices import Chooser, at_random, by_rank, by_selector
from treeseek.solving.comparison import Comparison, Counted, Failure, Pair, pair_of
from treeseek.solving.contest import BEST, CONTROLS, LEGAL, LEGAL_TOKENS, MAJORITY, RANDOM
from treeseek.solving.draws import Drawn, draws, weighed
from treeseek.solving.intervals import wilson
from treeseek.solving.joint import Joint
from treeseek.solving.judging import Memory
from treeseek.solving.trials import WINDOW, Conditions, Outcome, Series, Tally, Trial, described
from treeseek.tasks.protocol import Problem

_KEYS = {
    "control": BEST, "majority": MAJORITY, "random": RANDOM, "legal": LEGAL,
    "legal_tokens": LEGAL_TOKENS,
}  # fmt: skip
"""The controls by their names in JSON."""


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
    """What a strategy solved, and what its `controls` solve with the same budget.

    Controls are left out where the run was interrupted before they were `done`; the search's own
    side then holds what was found by that time.
    """

    task: str
    model: str
    seed: int
    side: Side
    controls: tuple[Side, ...] = ()
    done: bool = False
    references: tuple[str, ...] = ()

    def beside(self, label: str) -> Side | None:
        """The control of that name, where it was run."""
        return next((one for one in self.controls if one.strategy == label), None)

    @property
    def control(self) -> Side | None:
        """Best-of-n."""
        return self.beside(BEST)

    @property
    def majority(self) -> Side | None:
        """The vote of its draws."""
        return self.beside(MAJORITY)

    def table(self, budget: int, name: str) -> Comparison:
        """The same as a comparison at one budget of tokens a problem, the search called `name`."""
        name = self.side.strategy if name in CONTROLS else name
        sides = [replace(self.side, strategy=name), *self.controls]
        rows, pairs, failures = [], [], []
        for side in sides:
            counted = Counted()
            for one in side.outcomes:
                counted.add(one)
                if one.failure:
                    failures.append(Failure(one.id, side.strategy, budget, one.failure))
            rows.append(counted.row(side.strategy, budget, control=side in self.controls))
            if side in self.controls:
                pairs.append(_pair(sides[0], side, budget))
        return Comparison(
            task=self.task, model=self.model, seed=self.seed, problems=len(self.side.outcomes),
            asked=len(self.side.outcomes), names={name: self.side.strategy}, rows=tuple(rows),
            pairs=tuple(pairs), failures=tuple(failures), cost=self.side.cost,
            references=self.references,
        )  # fmt: skip

    @property
    def pair(self) -> Pair | None:
        """The search against best-of-n, over the same problems."""
        return None if self.control is None else _pair(self.side, self.control, 0)

    def to_json(self) -> dict[str, Any]:
        """Plain values: task, the search's problems and figures, its controls, the comparison."""
        pair = self.pair
        beside = {key: self.beside(label) for key, label in _KEYS.items()}
        return {
            "task": self.task,
            **self.side.to_json(),
            **{key: None if side is None else side.to_json() for key, side in beside.items()},
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


def _pair(search: Side, control: Side, budget: int) -> Pair:
    ours, theirs = ([one.solved for one in side.outcomes] for side in (search, control))
    return pair_of(search.strategy, control.strategy, budget, ours, theirs)


class Attempt:
    """A run of `solve` that can be stepped; `treeseek.solve` runs one to its end.

    First the searches, then the draws, then the controls in `told`, each by itself: each problem's
    have the budget of tokens that its search had, or where that was unlimited, what its search was
    charged. `choose` takes the answers of the search, `by` those of the controls. `trials` are the
    first `keep` searches, for whoever draws their trees. With `together` the strategy is an
    allocator, which shares one budget over all problems; the controls then have equal parts of it.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        strategy: Strategy,
        *,
        budget: Budget,
        on: Conditions,
        choose: Chooser = by_rank,
        by: Chooser = by_rank,
        told: Mapping[str, Strategy] | None = None,
        window: int = WINDOW,
        keep: int = 0,
        together: bool = False,
    ) -> None:
        """Nothing runs before the first step."""
        self._together = together
        self._problems, self._strategy, self._budget = problems, strategy, budget
        self._on, self._choose, self._keep = on, choose, keep
        self._by = by
        self._vote = by_selector(majority())
        self._told = dict(told or {})
        self._found: list[Outcome] = []
        labels = (BEST, MAJORITY, RANDOM, *self._told)
        self._outcomes: dict[str, list[Outcome]] = {label: [] for label in labels}
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
        self._checking = {
            label: Series(
                self._controls(one), settled=partial(self._control_ended, label), most=most,
                searches=len(problems), **bounds,
            )
            for label, one in self._told.items()
        }  # fmt: skip

    @property
    def _all(self) -> list[Series]:
        return [self._searching, self._drawing, *self._checking.values()]

    def step(self) -> bool:
        """Run one round; False once all has ended."""
        for series in self._all:
            if series.step():
                return True
            if series.interrupted:
                break
        return False

    def cut(self) -> None:
        """End what is open with what it holds, and begin nothing else."""
        for series in self._all:
            series.cut()

    @property
    def tally(self) -> Tally:
        """How the open part stands."""
        *_, last = self._all
        return next((one for one in self._all if not one.ended), last).tally

    @property
    def solved(self) -> Solved:
        """What is known; each control once all its searches have ended."""
        on = self._on
        by = dict.fromkeys((BEST, MAJORITY, RANDOM), self._drawing) | self._checking
        ended = [one for one in CONTROLS if one in by and _whole(by[one])]
        keys = (*self._strategy.references, *draws.references, *majority.references)
        return Solved(
            described(on.task), on.lm.name, on.seed,
            self._side(repr(self._strategy), self._found, self._searching),
            tuple(self._side(label, self._outcomes[label], by[label]) for label in ended),
            all(map(_whole, self._all)), tuple(dict.fromkeys(keys)),
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

    def _shares(self) -> Iterator[int]:
        """The tokens of each problem's controls."""
        for place, found in enumerate(self._found):
            tokens = found.cost.tokens if self._budget.tokens is None else self._budget.tokens
            if self._together and self._budget.tokens is not None:
                equal, rest = divmod(tokens, len(self._problems))
                tokens = equal + (place < rest)
            yield tokens

    def _draws(self) -> Iterator[list[Trial]]:
        given = zip(self._problems, self._memories, self._shares(), strict=True)
        for problem, memory, tokens in given:
            strategies = [draws(n=max(1, tokens)), *([weighed()] if self._on.pays else [])]
            budget = Budget(tokens=tokens)
            yield [Trial(problem, one, budget, self._on, memory) for one in strategies]

    def _controls(self, strategy: Strategy) -> Iterator[list[Trial]]:
        given = zip(self._problems, self._memories, self._shares(), strict=True)
        for problem, memory, tokens in given:
            yield [Trial(problem, strategy, Budget(tokens=tokens), self._on, memory)]

    def _control_ended(self, label: str, trials: Sequence[Trial]) -> None:
        (trial,) = trials
        self._outcomes[label].append(trial.outcome(self._by))

    def _draws_ended(self, trials: Sequence[Trial]) -> None:
        trial, *paying = trials
        pool = [] if trial.run is None else Drawn(trial.run).within(trial.budget.tokens)[0]
        cost = Cost() if trial.run is None else trial.run.result.cost
        ranked = trial.ranked(pool)
        tokens = trial.budget.tokens or 0
        for label, choose in ((BEST, self._by), (MAJORITY, self._vote), (RANDOM, at_random)):
            found = (
                paying[0].outcome(choose)
                if paying and label == BEST
                else trial.chosen(choose, ranked, replace(cost), tokens)
            )
            self._outcomes[label].append(found)


def _whole(series: Series) -> bool:
    return series.ended and not series.interrupted
