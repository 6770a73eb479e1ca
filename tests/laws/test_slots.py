"""Law 7: slots return to zero after clear(), and none is pinned between calls."""

import random

from hypothesis import given, settings

from tests.laws.wild import SEEDS, Vowels, gone_wild, same, toy
from treeseek import Run, Verdict
from treeseek.scheduler import Scheduler


@settings(max_examples=40)
@given(seed=SEEDS)
def test_nothing_is_held_after_clear_not_even_by_open_searches(seed: int) -> None:
    lm = toy(4)
    run = gone_wild(seed, lm, budget=60)
    for _ in range(3):
        run.step()
    lm.clear()
    assert (lm.backend.warm(), len(lm.tree), len(lm.summaries)) == (0, 0, 0)
    run.run()
    lm.clear()
    assert (lm.backend.warm(), len(lm.tree)) == (0, 0)


@settings(max_examples=40)
@given(seed=SEEDS)
def test_a_search_cleared_at_any_round_ends_the_same(seed: int) -> None:
    alone = same(gone_wild(seed, toy(5)).run())
    lm, dice = toy(5), random.Random(seed)
    run = gone_wild(seed, lm)
    while not run.ended:
        run.step()
        if dice.random() < 0.4:
            lm.clear()
    assert same(run.result) == alone


@settings(max_examples=25)
@given(seed=SEEDS)
def test_a_scorer_that_clears_the_model_in_the_middle_of_a_round_changes_nothing(seed: int) -> None:
    alone = [same(gone_wild(seed + i, toy(5)).run()) for i in range(3)]
    lm, scheduler = toy(5), Scheduler()

    class Clears(Vowels):
        def verify(self, text: str) -> Verdict:
            lm.clear()
            return super().verify(text)

    runs = [gone_wild(seed + i, lm, scheduler=scheduler, judge=Clears()) for i in range(3)]
    scheduler.run()
    assert [same(run.result) for run in runs] == alone


@settings(max_examples=40)
@given(seed=SEEDS)
def test_between_rounds_every_slot_can_be_taken(seed: int) -> None:
    """A stranger whose one path fills the pool is served between any two rounds."""
    slots = 24
    lm = toy(5, slots=slots)
    run = gone_wild(seed, lm)
    held = 0
    while not run.ended:
        run.step()
        held = max(held, lm.backend.warm())
        _fill(lm, slots)
        assert lm.backend.warm() == slots
    assert held <= slots
    assert same(run.result) == same(gone_wild(seed, toy(5)).run())


def _fill(lm, slots: int) -> None:
    node = lm.tree.extend(-1, [2] * slots)
    for _ in lm.backend.expand([node]):
        pass


def test_a_finished_search_leaves_its_rows_warm_until_then() -> None:
    """Negative control: the zero above is clear()'s doing."""
    lm = toy(4)
    run: Run = gone_wild(2, lm, budget=60)
    run.run()
    assert lm.backend.warm() > 0
