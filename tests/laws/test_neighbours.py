"""Law 10: two searches together give the candidates and charge they give alone."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.wild import SEEDS, gone_wild, same, toy
from treeseek import search_all, strategies
from treeseek.scheduler import Scheduler


@settings(max_examples=60)
@given(seeds=st.lists(SEEDS, min_size=2, max_size=4), flat=st.booleans())
def test_together_as_alone(seeds: list[int], flat: bool) -> None:
    alone = [same(gone_wild(seed, toy(1, flat=flat)).run()) for seed in seeds]
    lm, scheduler = toy(1, flat=flat), Scheduler()
    runs = [gone_wild(seed, lm, scheduler=scheduler) for seed in seeds]
    scheduler.run()
    assert [same(run.result) for run in runs] == alone


@settings(max_examples=40)
@given(seeds=st.lists(SEEDS, min_size=2, max_size=4), order=SEEDS)
def test_joining_late_in_any_order_with_few_slots_as_alone(seeds: list[int], order: int) -> None:
    alone = [same(gone_wild(seed, toy(1)).run()) for seed in seeds]
    lm, scheduler, dice = toy(1, slots=24), Scheduler(), random.Random(order)
    waiting, runs = list(range(len(seeds))), {}
    while waiting or any(not run.ended for run in runs.values()):
        if waiting and dice.random() < 0.5:
            at = waiting.pop(dice.randrange(len(waiting)))
            runs[at] = gone_wild(seeds[at], lm, scheduler=scheduler)
            dice.shuffle(scheduler.seats)
        scheduler.step()
    assert [same(runs[at].result) for at in range(len(seeds))] == alone


@settings(max_examples=20)
@given(seed=SEEDS, budget=st.none() | st.integers(0, 60))
def test_search_all_is_search_on_each_and_shares_forwards(seed: int, budget: int | None) -> None:
    prompts = [[0], [1, 2], [0], [0, 3]]
    options = {"strategy": strategies.sample, "n": 3, "limit": 6, "seed": seed, "budget": budget}
    alone = [search_all([prompt], model=toy(2), **options)[0] for prompt in prompts]
    lm = toy(2)
    together = search_all(prompts, model=lm, **options)
    assert [same(result) for result in together] == [same(result) for result in alone]
    if budget is None:
        assert lm.backend.spent.forwards <= 6


def test_a_search_under_another_key_is_another_search() -> None:
    """Negative control: the place in the run enters the noise, so equality is not for free."""
    told = {same(gone_wild(2, toy(1), key=(name,)).run())[0] for name in "abcdef"}
    assert len(told) > 3
