"""The doors of this room: `solve` and `compare`, and the parts they put together."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from treeseek.budget import Budget
from treeseek.declare import Strategy, StrategyFactory
from treeseek.decoding.warp import Warp
from treeseek.errors import InvalidOption
from treeseek.loading import shared
from treeseek.model import LM
from treeseek.paying import Asker
from treeseek.requests import Reader, Scorer
from treeseek.selectors.selector import Selector
from treeseek.selectors.votes import majority
from treeseek.solving.attempt import Attempt, Solved
from treeseek.solving.choices import Chooser, by_rank, by_selector, by_verifier
from treeseek.solving.comparison import Comparison
from treeseek.solving.contest import CONTROLS, LEGAL, LEGAL_TOKENS, Contender, Contest
from treeseek.solving.programs import unarmed
from treeseek.solving.trials import WINDOW, Conditions, described
from treeseek.strategies.best_of_n import best_of_n
from treeseek.strategies.self_consistency import said
from treeseek.tasks.protocol import Problem, Task

_TASK = ("name", "step", "limit", "problems", "verifier", "answer")


def conditions(
    task: Task,
    *,
    model: LM | str = "embedded",
    n: int = 1,
    seed: int = 0,
    limit: int | None = None,
    warp: Warp | None = None,
    scorer: Callable[[Problem], Scorer | Reader] | None = None,
    verifier: bool = True,
) -> Conditions:
    """What holds for every search on `task`; raises InvalidOption for what is no task."""
    lacks = [name for name in _TASK if not hasattr(task, name)]
    if lacks:
        raise InvalidOption(f"task={task!r} has no {', '.join(lacks)}: give one of treeseek.tasks.")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise InvalidOption(f"limit={limit!r}: give a whole number of at least 1.")
    lm = shared(model) if isinstance(model, str) else model
    return Conditions(lm, task, limit or task.limit, n, seed, warp, scorer, verifier)


def chooser(
    selector: Selector | None, *, verifier: bool, strategy: Strategy | None = None
) -> Chooser:
    """How answers are chosen: by `selector`, else by the verifier if it is shown, else by rank.

    Self-consistency and pal are ways to choose: their answers are those of the majority, whatever
    was asked.
    """
    if strategy is not None and strategy.name in ("self-consistency", "pal"):
        told = strategy.options.get("answer", said)
        return by_selector(majority()) if told is said else by_rank
    if selector is not None:
        if not isinstance(selector, Selector):
            raise InvalidOption(f"selector={selector!r}: give one of treeseek.selectors.")
        return by_selector(selector)
    return by_verifier if verifier else by_rank


def attempt(
    task: Task,
    *,
    strategy: Strategy | StrategyFactory | None = None,
    allocator: Strategy | StrategyFactory | None = None,
    budget: Budget | str | int | None = "tokens=400",
    problems: int = 100,
    selector: Selector | None = None,
    verifier: bool = True,
    window: int = WINDOW,
    keep: int = 0,
    **rest: Any,
) -> Attempt:
    """A run of `solve` that is ready to be stepped; see `solve`."""
    on = conditions(task, verifier=verifier, **rest)
    given = [one for one in (strategy, allocator) if one is not None]
    if not given:
        raise InvalidOption("strategy is missing: give one of treeseek.strategies.")
    chosen, *shares = able(configured(given))
    run = chosen if allocator is None else allotting(*reversed([chosen, *shares]))
    posed = made(on, problems)
    return Attempt(
        posed, run, budget=Budget.of(budget), on=paying(on, posed), window=window, keep=keep,
        choose=chooser(selector, verifier=verifier, strategy=chosen),
        by=chooser(selector, verifier=verifier), told=told([run], verifier=verifier),
        together=allocator is not None,
    )  # fmt: skip


def allotting(allocator: Strategy, strategy: Strategy | None = None) -> Strategy:
    """`allocator` with `strategy` for one draw; raises InvalidOption where it takes none."""
    if "problems" not in allocator.options:
        raise InvalidOption(f"allocator={allocator!r}: give one of treeseek.allocators.")
    if strategy is None:
        return allocator
    if "each" not in allocator.options:
        raise InvalidOption(f"{allocator.name} chooses among its plans=: leave the strategy out.")
    return allocator.having(each=strategy)


def solve(task: Task, **options: Any) -> Solved:
    """Search many problems of `task`, judge the answers, and say what the same budget buys else.

    `strategy` is one of treeseek.strategies, `budget` holds for each problem ("tokens=400"),
    `problems` is how many, `seed` makes them and all noise; `model`, `limit`, `warp` as for
    `search`. With `allocator`, one of treeseek.allocators, `budget` holds for all problems together
    and is shared as that says; `strategy` then is what serves a pick (default: the allocator's
    own), and the draws get equal parts. `scorer` makes the scorer of a problem. `verifier=False`
    hides the verifier from the search: it then only judges the one answer that `selector` (one of
    treeseek.selectors; default: the search's own ranking) chooses. The same controls get the same
    budget as in `compare`.

    Raises InvalidOption before anything runs; a problem that fails is a recorded failure.
    """
    run = attempt(task, **options)
    while run.step():
        pass
    return run.solved


def contest(
    task: Task,
    *,
    strategies: Sequence[Strategy | StrategyFactory],
    budgets: Sequence[int],
    problems: int = 100,
    selector: Selector | None = None,
    verifier: bool = True,
    window: int = WINDOW,
    **rest: Any,
) -> Contest:
    """A run of `compare` that is ready to be stepped; see `compare`."""
    on = conditions(task, verifier=verifier, **rest)
    choose = chooser(selector, verifier=verifier)
    check_budgets(budgets)
    found = contenders(able(configured(strategies)), selector=selector, verifier=verifier)
    posed = made(on, problems)
    return Contest(
        posed, found, budgets=sorted(budgets), on=paying(on, posed), choose=choose, window=window
    )


def paying(on: Conditions, problems: Sequence[Problem]) -> Conditions:
    """`on`, told whether answers are chosen by scores that a search is charged for."""
    if on.shown or on.scorer is None:
        return on
    try:
        return replace(on, pays=isinstance(on.scorer(problems[0]), Asker))
    except Exception:
        return on  # each problem says so itself


def check_budgets(budgets: Sequence[int]) -> None:
    """Raise InvalidOption unless `budgets` are whole numbers of tokens, each there once."""
    for budget in budgets:
        if isinstance(budget, bool) or not isinstance(budget, int) or budget < 1:
            raise InvalidOption(f"budgets={budgets!r}: give whole numbers of tokens, at least 1.")
    if not budgets or len(set(budgets)) < len(budgets):
        raise InvalidOption(f"budgets={budgets!r}: give at least one, and each once.")


def contenders(
    strategies: Sequence[Strategy | StrategyFactory],
    *,
    selector: Selector | None = None,
    verifier: bool = True,
) -> list[Contender]:
    """`strategies` under their names in the table, and the controls that are told what is lost."""
    found = [
        Contender(label, strategy, chooser(selector, verifier=verifier, strategy=strategy))
        for label, strategy in labelled(configured(strategies)).items()
    ]
    choose = chooser(selector, verifier=verifier)
    controls = told([one.strategy for one in found], verifier=verifier)
    return found + [Contender(*one, choose, control=True) for one in controls.items()]


def told(strategies: Sequence[Strategy], *, verifier: bool = True) -> dict[str, Strategy]:
    """The controls that are told what is lost, by their names in the table.

    Draws that end at an illegal step and, where one of `strategies` prunes tokens, draws of legal
    tokens; none where searches may not ask the verifier.
    """
    if not verifier:
        return {}
    found = {LEGAL: best_of_n(n=None, legal="steps")}
    if any(map(_prunes_tokens, strategies)):
        found[LEGAL_TOKENS] = best_of_n(n=None, legal="tokens")
    return found


def _prunes_tokens(strategy: Strategy) -> bool:
    """Whether it, or one that it was given, asks at every token whether all is lost."""
    nested: list[Any] = []
    for value in strategy.options.values():
        nested += value if isinstance(value, tuple | list) else [value]
    return strategy.prunes == "tokens" or any(
        _prunes_tokens(one) for one in nested if isinstance(one, Strategy)
    )


def compare(task: Task, **options: Any) -> Comparison:
    """Accuracy against charged tokens of several `strategies`, with controls at equal tokens.

    `budgets` are tokens a problem. Beside the strategies stand best-of-n, chosen from as they are;
    the majority of its draws; one of them at random; and, where the verifier may be asked, draws
    that end at the first illegal step, and beside a strategy that prunes tokens draws of legal
    tokens alone. Other options as for `solve`. Costs every strategy at every budget on every
    problem, and the draws once. Intervals are 95 %; differences are paired.

    Raises InvalidOption before anything runs; a problem that fails is a recorded failure.
    """
    run = contest(task, **options)
    while run.step():
        pass
    return run.comparison


def configured(strategies: Sequence[Strategy | StrategyFactory]) -> list[Strategy]:
    """Each of `strategies`, configured; raises InvalidOption for what is none."""
    chosen = [one() if isinstance(one, StrategyFactory) else one for one in strategies]
    for one in chosen:
        if not isinstance(one, Strategy):
            raise InvalidOption(f"strategy={one!r}: give one of treeseek.strategies.")
    if not chosen:
        raise InvalidOption("strategies is empty: give at least one of treeseek.strategies.")
    return chosen


def able(strategies: Sequence[Strategy]) -> Sequence[Strategy]:
    """`strategies`; raises InvalidOption where one runs programs and was given nothing to do so."""
    for one in strategies:
        if unarmed(one):
            raise InvalidOption(
                f"{one.name} runs programs, and a task says nothing of what they print: give it "
                f"executor=treeseek.verifiers.output.Output()."
            )
    return strategies


def labelled(strategies: Sequence[Strategy]) -> dict[str, Strategy]:
    """`strategies` by a name each: its own, or with all its options where that is taken.

    Raises InvalidOption for one that is there twice.
    """
    names = [one.name for one in strategies]
    found: dict[str, Strategy] = {}
    for one in strategies:
        plain = names.count(one.name) == 1 and one.name not in CONTROLS
        label = one.name if plain else repr(one)
        if label in found:
            raise InvalidOption(f"{label} is there twice: give each strategy once.")
        found[label] = one
    return found


def made(on: Conditions, count: int) -> Sequence[Problem]:
    """The first `count` problems of the task."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InvalidOption(f"problems={count!r}: give a whole number of at least 1.")
    problems = on.task.problems(on.seed, count)
    if not problems:
        raise InvalidOption(f"{described(on.task)} has no problems: check where they are read.")
    return problems
