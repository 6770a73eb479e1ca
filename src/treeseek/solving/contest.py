"""Strategies beside their controls, on the same problems, at the same budgets.

Every search of a table gets the same budget of charged tokens a problem, and no control gets fewer:
best-of-n draws until the budget ends and is chosen from by whatever the strategies are chosen by
(where that takes tokens, it pays for them as well); the majority of the same draws; one of them at
random. Where searches may ask whether a step is legal, so may the draws of a fourth, and token by
token those of a fifth, if one of the strategies prunes tokens. Differences are paired over
problems, since one problem is far harder than another.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from treeseek.budget import Budget
from treeseek.declare import Strategy
from treeseek.result import Cost
from treeseek.selectors.votes import majority
from treeseek.solving.choices import Chooser, at_random, by_rank, by_selector
from treeseek.solving.comparison import Comparison, Counted, Failure, pair_of
from treeseek.solving.draws import Drawn, draws, weighed
from treeseek.solving.judging import Memory
from treeseek.solving.trials import WINDOW, Conditions, Outcome, Series, Trial, described
from treeseek.tasks.protocol import Problem

BEST, MAJORITY, RANDOM = "best-of-n", "majority", "random"
LEGAL, LEGAL_TOKENS = "best-of-n, legal", "best-of-n, legal tokens"
CONTROLS = (BEST, MAJORITY, RANDOM, LEGAL, LEGAL_TOKENS)


@dataclass(frozen=True)
class Contender:
    """A strategy under its name in the table, and how its answer is chosen."""

    label: str
    strategy: Strategy
    choose: Chooser = by_rank
    control: bool = False


def extent(problems: int, contenders: int, budgets: Sequence[int]) -> dict[str, int]:
    """How many searches a comparison runs, and the most that all of them may be charged."""
    return {
        "searches": problems * (contenders * len(budgets) + 1),
        "most": problems * (contenders * sum(budgets) + max(budgets)),
    }


class Contest:
    """A comparison that can be stepped; `treeseek.compare` runs one to its end.

    Every problem is one group of searches: each contender at each budget, and the draws of the
    controls, made once for the largest budget. What is interrupted leaves whole problems only.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        contenders: Sequence[Contender],
        *,
        budgets: Sequence[int],
        on: Conditions,
        choose: Chooser = by_rank,
        window: int = WINDOW,
        told: Callable[[str, int, Outcome], None] | None = None,
    ) -> None:
        """`choose` takes the answer of best-of-n, as it does those of the strategies.

        `told` hears of every outcome, by label and budget, once its problem has ended.
        """
        self._problems = problems
        self._contenders = list(contenders)
        self._budgets = budgets
        self._on = on
        self._choose: dict[str, Chooser] = {
            BEST: choose,
            MAJORITY: by_selector(majority()),
            RANDOM: at_random,
        }
        if on.pays:
            self._contenders.append(Contender(BEST, weighed(), self._choose.pop(BEST), True))
        self._counted = {
            (label, budget): Counted()
            for label in [*(one.label for one in self._contenders), *self._choose]
            for budget in budgets
        }
        self._told = told
        self._failures: list[Failure] = []
        self._verified = 0
        self._ended = 0
        self.series = Series(
            self._groups(),
            lm=on.lm,
            settled=self._settle,
            window=window,
            **extent(len(problems), len(self._contenders), budgets),
        )

    def step(self) -> bool:
        """Run one round; False once all has ended."""
        return self.series.step()

    def cut(self) -> None:
        """End what is open, and begin nothing else."""
        self.series.cut()

    @property
    def comparison(self) -> Comparison:
        """What is known so far: every problem on which all searches have ended."""
        on, controls = self._on, list(self._choose)
        controls += [one.label for one in self._contenders if one.control]
        controls.sort(key=CONTROLS.index)
        labels = [*(one.label for one in self._contenders if not one.control), *controls]
        strategies = [one for one in self._contenders if not one.control]
        rows = [
            self._counted[label, budget].row(label, budget, control=label in controls)
            for label in labels
            for budget in self._budgets
        ]
        pairs = [
            pair_of(
                one.label, control, budget,
                self._counted[one.label, budget].solved, self._counted[control, budget].solved,
            )
            for one in strategies
            for control in controls
            for budget in self._budgets
        ]  # fmt: skip
        tally = self.series.tally
        cost = Cost(
            tally.charged, tally.computed, forwards=self.series.forwards, seconds=tally.seconds,
            verifier_calls=self._verified,
        )  # fmt: skip
        keys = [key for one in self._contenders for key in one.strategy.references]
        return Comparison(
            task=described(on.task), model=on.lm.name, seed=on.seed,
            problems=self._ended, asked=len(self._problems),
            names={one.label: repr(one.strategy) for one in self._contenders},
            rows=tuple(rows), pairs=tuple(pairs), failures=tuple(self._failures), cost=cost,
            references=tuple(dict.fromkeys([*keys, *draws.references, *majority.references])),
        )  # fmt: skip

    def _groups(self) -> Iterator[list[Trial]]:
        most = max(self._budgets)
        for problem in self._problems:
            memory = Memory()
            plan = [(one.strategy, budget) for one in self._contenders for budget in self._budgets]
            yield [
                Trial(problem, strategy, Budget(tokens=budget), self._on, memory)
                for strategy, budget in [*plan, (draws(n=most), most)]
            ]

    def _settle(self, trials: Sequence[Trial]) -> None:
        if any(trial.cut for trial in trials):
            return
        self._ended += 1
        *searches, pool = trials
        named = ((one, budget) for one in self._contenders for budget in self._budgets)
        for (one, budget), trial in zip(named, searches, strict=True):
            self._count(one.label, budget, trial.outcome(one.choose))
        drawn = None if pool.run is None else Drawn(pool.run)
        for budget in self._budgets:
            candidates, charged = ([], 0) if drawn is None else drawn.within(budget)
            ranked = pool.ranked(candidates)
            for label, choose in self._choose.items():
                outcome = pool.chosen(choose, ranked, Cost(tokens=charged), budget)
                self._count(label, budget, outcome)

    def _count(self, label: str, budget: int, outcome: Outcome) -> None:
        self._counted[label, budget].add(outcome)
        self._verified += outcome.cost.verifier_calls
        if outcome.failure:
            self._failures.append(Failure(outcome.id, label, budget, outcome.failure))
        if self._told is not None:
            self._told(label, budget, outcome)
