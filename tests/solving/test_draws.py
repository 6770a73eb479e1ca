"""One pool of draws serves every budget: what it says is what best-of-n finds with that budget."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treeseek
from treeseek.result import Candidate
from treeseek.solving.draws import Drawn, draws
from treeseek.strategies import best_of_n


def pool(lm: treeseek.LM, tokens: int, *, limit: int = 8, seed: int = 0) -> Drawn:
    run = treeseek.start(
        "abc", model=lm, strategy=draws(n=tokens), budget=tokens, limit=limit, seed=seed
    )
    run.run()
    return Drawn(run)


def texts(candidates: Sequence[Candidate]) -> list[tuple[str, str]]:
    return sorted((one.text, one.finish) for one in candidates)


@settings(max_examples=30)
@given(
    model=st.integers(0, 5),
    vocabulary=st.integers(3, 8),
    small=st.integers(1, 90),
    more=st.integers(0, 60),
    limit=st.integers(1, 12),
    seed=st.integers(0, 3),
)
def test_a_smaller_budget_is_a_prefix(
    model: int, vocabulary: int, small: int, more: int, limit: int, seed: int
) -> None:
    lm = treeseek.load(f"toy:hash?vocabulary={max(4, vocabulary)}&seed={model}")
    found, charged = pool(lm, small + more, limit=limit, seed=seed).within(small)
    alone = treeseek.search(
        "abc", model=lm, strategy=best_of_n(n=small), budget=small, limit=limit, seed=seed
    )
    assert texts(found) == texts(alone.candidates)
    assert charged == alone.cost.tokens
    for one in found:
        assert any(one.logprob == pytest.approx(other.logprob) for other in alone.candidates)


def test_without_a_bound_it_is_everything() -> None:
    lm = treeseek.load("toy:hash?vocabulary=6&seed=3")
    run = treeseek.start("abc", model=lm, strategy=draws(n=40), limit=8)
    run.run()
    found, charged = Drawn(run).within(None)
    assert len(found) == 40 and charged == run.result.cost.tokens
    assert [one.finish for one in found].count("budget") == 0


def test_no_budget_buys_no_draw() -> None:
    lm = treeseek.load("toy:hash?vocabulary=6&seed=3")
    assert pool(lm, 30).within(0) == ([], 0)


def test_draws_come_in_the_order_drawn() -> None:
    lm = treeseek.load("toy:hash?vocabulary=6&seed=3")
    found, _ = pool(lm, 200).within(200)
    one_by_one = treeseek.search(
        "abc", model=lm, strategy=treeseek.strategies.sample(), n=9, limit=8
    )
    assert [one.text for one in found[:9]] == [one.text for one in one_by_one.candidates]
