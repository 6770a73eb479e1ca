"""What a comparison says: plain values, from the counts of every search to differences in pairs.

A row is one strategy or control at one budget, a pair one strategy against one control over the
same problems. Nothing is left out because a strategy lost.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from treeseek.result import Cost
from treeseek.solving.intervals import by_chance, paired, wilson
from treeseek.solving.trials import Outcome


@dataclass(frozen=True, slots=True)
class Row:
    """One strategy or control at one budget of charged tokens a problem.

    `accuracy` is the share of `problems` it solved, `low` and `high` its 95 % interval, `tokens`
    what it was charged a problem on average, `failed` how many problems an error ended.
    """

    strategy: str
    budget: int
    accuracy: float
    low: float
    high: float
    tokens: float
    problems: int
    solved: int
    failed: int
    control: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """A strategy against a control at the same budget, over the same problems.

    `difference` is the strategy's accuracy less the control's, `low` and `high` its 95 % interval;
    `only_strategy` and `only_control` count the problems that one of them alone solved, and `p` is
    how often chance alone would set them as far apart.
    """

    strategy: str
    control: str
    budget: int
    difference: float
    low: float
    high: float
    only_strategy: int
    only_control: int
    p: float

    @property
    def word(self) -> str:
        """wins or loses where the interval says so, else leads, trails or ties."""
        if self.low > 0 or self.high < 0:
            return "wins" if self.low > 0 else "loses"
        return "leads" if self.difference > 0 else "trails" if self.difference < 0 else "ties"


@dataclass(frozen=True, slots=True)
class Failure:
    """A problem that an error ended in one search; it counts as not solved."""

    problem: str
    strategy: str
    budget: int
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Strategies and their controls on the same problems, at the same budgets.

    `problems` is how many all of them have ended, `asked` how many there were to be. `names` are
    the strategies with all their options, by their names in the table.
    """

    task: str
    model: str
    seed: int
    problems: int
    asked: int
    names: dict[str, str]
    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    failures: tuple[Failure, ...]
    cost: Cost
    references: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        """Whether nothing was interrupted."""
        return self.problems == self.asked

    def row(self, strategy: str, budget: int) -> Row:
        """The row of `strategy` at `budget`."""
        return next(row for row in self.rows if (row.strategy, row.budget) == (strategy, budget))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **asdict(self),
            "pairs": [{**asdict(pair), "word": pair.word} for pair in self.pairs],
            "done": self.done,
        }


@dataclass(slots=True)
class Counted:
    """What one search of the table came to, problem by problem, in their order."""

    solved: list[bool] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    failed: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one more problem."""
        self.solved.append(outcome.solved)
        self.tokens.append(outcome.cost.tokens)
        self.failed += bool(outcome.failure)

    def row(self, strategy: str, budget: int, *, control: bool) -> Row:
        """The counts as a row."""
        of, solved = len(self.solved), sum(self.solved)
        low, high = wilson(solved, of)
        return Row(
            strategy, budget, solved / of if of else 0.0, low, high,
            sum(self.tokens) / of if of else 0.0, of, solved, self.failed, control,
        )  # fmt: skip


def pair_of(
    strategy: str, control: str, budget: int, ours: Sequence[bool], theirs: Sequence[bool]
) -> Pair:
    """The difference of two lists of what was solved, problem by problem."""
    both = list(zip(ours, theirs, strict=True))
    first, second = both.count((True, False)), both.count((False, True))
    low, high = paired(first, second, len(both))
    difference = (first - second) / len(both) if both else 0.0
    p = by_chance(first, second)
    return Pair(strategy, control, budget, difference, low, high, first, second, p)
