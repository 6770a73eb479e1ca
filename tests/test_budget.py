"""Budgets: how they are written, and where, in which order and how the end of one is told."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.wild import Vowels, toy
from tests.test_scheduler import ask, asks
from treeseek import (
    Budget,
    BudgetSpent,
    Derive,
    Expand,
    Sample,
    Score,
    Verify,
    Walk,
    search,
    start,
    strategies,
    strategy,
)
from treeseek.budget import Ledger
from treeseek.errors import Incompatible, InvalidOption
from treeseek.scheduler import Scheduler


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        (None, Budget()),
        (7, Budget(tokens=7)),
        ("7", Budget(tokens=7)),
        ("2k", Budget(tokens=2000)),
        ("1.5k", Budget(tokens=1500)),
        ("tokens=1m, scores=3,seconds=0.5", Budget(tokens=10**6, scores=3, seconds=0.5)),
        (Budget(seconds=1), Budget(seconds=1.0)),
    ],
)
def test_a_budget_is_read_from_what_a_person_writes(text: Any, budget: Budget) -> None:
    assert Budget.of(text) == budget


@pytest.mark.parametrize(
    "text",
    ["", "x", "-1", -1, "tokens=", "tokens=1,tokens=2", "money=3", "1.5", "1e3", 2.5, True, "nan",
     "scores=0.5", "tokens=1;seconds=2", [3]],
)  # fmt: skip
def test_a_budget_that_means_nothing_is_refused(text: Any) -> None:
    with pytest.raises(InvalidOption, match="budget"):
        Budget.of(text)


@pytest.mark.parametrize(
    "limits",
    [{"tokens": -1}, {"tokens": 2.5}, {"scores": "3"}, {"seconds": float("inf")}, {"tokens": True},
     {"seconds": float("nan")}, {"seconds": "1"}],
)  # fmt: skip
def test_limits_are_numbers_of_at_least_zero(limits: Any) -> None:
    with pytest.raises(InvalidOption, match="number of at least 0"):
        Budget(**limits)


@given(names=st.lists(st.integers(0, 9)), more=st.lists(st.integers(0, 9)), limit=st.integers(0, 9))
def test_a_ledger_charges_each_name_once(names: list[int], more: list[int], limit: int) -> None:
    ledger = Ledger(limit, free=[0])
    fresh = set(names) - {0}
    assert ledger.fits(names) == (len(fresh) <= limit)
    fitting = ledger.fitting(names)
    assert ledger.fits(fitting) and fitting == names[: len(fitting)]
    assert len(fitting) == len(names) or not ledger.fits(names[: len(fitting) + 1])
    assert ledger.charge(names) == ledger.tokens == len(fresh)
    assert ledger.charge(more) == len(set(more) - fresh - {0}) == ledger.tokens - len(fresh)
    assert ledger.charge(names + more) == 0


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), budget=st.integers(0, 60))
def test_best_of_n_under_a_budget_is_a_prefix_of_the_whole_list(seed: int, budget: int) -> None:
    options = {"strategy": strategies.sample, "n": 8, "limit": 6, "seed": seed}
    whole = search([0], model=toy(2), **options)
    lm = toy(2)
    part = search([0], model=lm, budget=budget, **options)
    done = [c for c in part.candidates if c.finish != "budget"]
    cut = [c for c in part.candidates if c.finish == "budget"]
    assert [c.token_ids for c in done] == [c.token_ids for c in whole.candidates[: len(done)]]
    if len(done) < 8 and cut:
        full = whole.candidates[len(done)].token_ids
        assert cut[0].token_ids == full[: len(cut[0].token_ids)]
    assert part.cost.tokens <= budget
    assert lm.backend.spent.computed <= budget + 1
    assert part.budget_spent == (len(done) < 8)


def test_a_list_is_cut_as_if_served_one_after_another() -> None:
    """A costly request ahead stops a cheap one behind it, whatever was computed by then."""
    (spent,) = ask(
        toy(1),
        lambda root, _: [Walk(root, (0, 2)), Walk(root, (2, 0, 3)), Expand(root), Walk(root, (3,))],
        budget=2,
    )
    assert [reply.charged for reply in spent.replies] == [1]


def test_a_loop_that_only_samples_ends_with_the_budget() -> None:
    heard: list[int] = []

    @strategy()
    def forever(ctx: Any, root: Any) -> Any:
        """Sample without end."""
        while True:
            (reply,) = yield [Sample(root, n=2)]
            heard.append([run.reason for run in reply.continuations].count("budget"))
            for run in reply.continuations:
                ctx.finish(run.node)

    result = search([0], model=toy(1), strategy=forever, budget=40, limit=6)
    assert result.budget_spent and result.cost.tokens == 40
    assert [count > 0 for count in heard].count(True) == 1


@pytest.mark.parametrize("make", [
    lambda root: Expand(root), lambda root: Derive(root, (0, 1)), lambda root: Walk(root, (2,)),
])  # fmt: skip
def test_a_budget_of_nothing_serves_nothing_not_even_what_is_free(make: Any) -> None:
    (spent,) = ask(toy(1), lambda root, _: [make(root)], budget=0)
    assert isinstance(spent, BudgetSpent) and spent.replies == []


def test_scores_are_booked_once_a_text_and_end_the_search_when_they_are_out() -> None:
    judge = Vowels()
    heard = ask(
        toy(1),
        lambda root, _: [Expand(root, k=3)],
        lambda root, r: [Score((*r[0].children, r[0].children[0]), judge)],
        lambda root, r: [Verify(root, judge), Score((root,), judge), Verify(root, judge)],
        budget="scores=4",
    )
    assert judge.texts == 4
    assert heard[1][0].values[0] == heard[1][0].values[3]
    assert [type(reply).__name__ for reply in heard[2].replies] == ["Verified"]


def test_a_scorer_that_loses_texts_is_named() -> None:
    judge = Vowels()
    judge.score = lambda texts: [1.0]  # type: ignore[method-assign]
    with pytest.raises(Incompatible, match="'vowels' gave 1 values for 3 texts"):
        ask(
            toy(1),
            lambda root, _: [Expand(root, k=3)],
            lambda root, r: [Score(tuple(r[0].children), judge)],
        )


class Ticking:
    """A clock that a test moves by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_seconds_end_a_search_between_rounds_and_are_told_in_replies(rounds: int) -> None:
    clock, heard = Ticking(), []
    what = [lambda root, r: [Expand(root, k=2), Walk(root, (2, 3))]] * 9
    run = start(
        [0, 1], model=toy(1), strategy=asks(what=what, heard=heard), limit=8,
        budget=Budget(seconds=10 * rounds), scheduler=Scheduler(clock=clock),
    )  # fmt: skip
    while not run.ended:
        run.step()
        clock.now += 10
    assert len(heard) == rounds // 1 + 1 or rounds == 0
    assert isinstance(heard[-1], BudgetSpent)
    told = [reply.spent for replies in heard[:-1] for reply in replies]
    assert told == sorted(told) and all(0 <= fraction <= 1 for fraction in told)
    assert run.result.budget_spent and "seconds" in run.result.exempt[0]


def test_a_cut_run_settles_what_is_open() -> None:
    run = start([0], model=toy(1), strategy=strategies.sample, n=4, limit=9, seed=3)
    run.step()
    run.step()
    run.cut()
    result = run.run()
    assert {c.finish for c in result.candidates} <= {"budget", "end"}
    assert any(c.finish == "budget" for c in result.candidates)
    assert "ended by its caller" in result.exempt[0]
