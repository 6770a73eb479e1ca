"""Law 1: rows computed = distinct nodes asked for, while nothing was evicted."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.wild import SEEDS, closure, gone_wild, toy
from treeseek import Run
from treeseek.scheduler import Scheduler


@settings(max_examples=60)
@given(seeds=st.lists(SEEDS, min_size=1, max_size=4), flat=st.booleans())
def test_a_row_is_computed_once_whoever_asks(seeds: list[int], flat: bool) -> None:
    lm, scheduler = toy(1, flat=flat), Scheduler()
    runs = [gone_wild(seed, lm, scheduler=scheduler) for seed in seeds]
    scheduler.run()
    spent = lm.backend.spent
    assert spent.computed == len(closure(lm.backend.asked))
    assert spent.recomputed == 0
    assert spent.computed == sum(run.result.cost.tokens_computed for run in runs)
    assert spent.forwards <= sum(run.result.cost.forwards for run in runs)


@settings(max_examples=40)
@given(seed=SEEDS)
def test_alone_a_search_reports_every_forward_and_every_row(seed: int) -> None:
    lm = toy(2)
    cost = gone_wild(seed, lm).run().cost
    spent = lm.backend.spent
    assert (cost.forwards, cost.tokens_computed) == (spent.forwards, spent.computed)


@settings(max_examples=40)
@given(seed=SEEDS)
def test_the_second_of_two_equal_searches_computes_nothing(seed: int) -> None:
    lm = toy(3)
    first = gone_wild(seed, lm).run()
    computed = lm.backend.spent.computed
    second = gone_wild(seed, lm).run()
    assert lm.backend.spent.computed == computed
    assert second.cost.tokens == first.cost.tokens
    assert second.cost.tokens_computed == 0


def test_the_count_shows_rows_that_were_computed_again() -> None:
    """Negative control: where slots are short, rows computed pass the distinct nodes."""
    lm, scheduler = toy(1, slots=18), Scheduler()
    runs: list[Run] = [gone_wild(seed, lm, scheduler=scheduler, budget=60) for seed in range(1, 12)]
    scheduler.run()
    again = lm.backend.spent.computed - len(closure(lm.backend.asked))
    assert again == lm.backend.spent.recomputed > 0
    assert all(run.ended for run in runs)
