"""Law 8: charged never exceeds the budget, and reported equals counted."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.wild import HOWS, SEEDS, Told, gone_wild, toy, wild
from treeseek import Gumbel, How, Warp
from treeseek.backends.protocol import Spent


@settings(max_examples=80)
@given(seed=SEEDS, budget=st.integers(0, 80))
def test_charged_stays_within_the_budget_through_any_nesting(seed: int, budget: int) -> None:
    run = gone_wild(seed, toy(6), budget=budget)
    while not run.ended:
        run.step()
        assert run.progress.tokens <= budget
    assert run.result.cost.tokens <= budget


@settings(max_examples=80)
@given(seed=SEEDS, budget=st.none() | st.integers(0, 80))
def test_reported_is_what_an_outsider_counts_by_tokens(seed: int, budget: int | None) -> None:
    second = toy(9)
    hows = (*HOWS, How(model=second), How(model=second, sampler=Gumbel(), warp=Warp(top_k=2)))
    told = Told(wild(seed=seed, depth=0, hows=hows), (0, 1))
    run = gone_wild(seed, toy(6), budget=budget, strategy=told.strategy)
    assert run.run().cost.tokens == len(told.asked)


@settings(max_examples=60)
@given(seed=SEEDS, budget=st.integers(1, 80))
def test_without_drafts_the_machine_computes_no_more_than_the_budget(
    seed: int, budget: int
) -> None:
    """Work that might not fit waits for its turn. The prompt's own row comes on top, and what an
    abandoned walk computed past the token that ended it."""
    lm = toy(6)
    told = Told(wild(seed=seed, depth=0), (0, 1))
    gone_wild(seed, lm, budget=budget, strategy=told.strategy).run()
    assert len(set(lm.backend.asked)) <= 1 + budget + told.beyond


@settings(max_examples=40)
@given(seed=SEEDS)
def test_a_budget_of_nothing_computes_nothing(seed: int) -> None:
    lm = toy(6)
    result = gone_wild(seed, lm, budget=0).run()
    assert (result.cost.tokens, lm.backend.spent) == (0, Spent())


def test_an_outsider_who_counts_a_node_twice_disagrees() -> None:
    """Negative control: distinct nodes are counted, not requests."""
    told = Told(wild(seed=3, depth=0, rounds=9), (0, 1))
    result = gone_wild(3, toy(6), budget=None, strategy=told.strategy).run()
    assert told.heard > len(told.asked) == result.cost.tokens > 0
