"""Results: ranks, answers and their shares, open leaves, plain values."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.laws.wild import END, SEEDS, gone_wild, toy
from treeseek import BudgetSpent, Candidate, Cost, Expand, Result, Sample, Walk, search, strategy
from treeseek.result import rank

FINISH = st.sampled_from(["end", "stop", "limit", "open", "dead", "budget"])
CANDIDATES = st.lists(
    st.builds(
        Candidate,
        st.sampled_from(["a", "b", "c"]),
        st.just((1,)),
        st.just(-1.0),
        FINISH,
        st.sampled_from([-1.0, 0.0, 2.0]),
    ),
    max_size=8,
)


def result_of(candidates: Any, n: int = 2) -> Result:
    return Result(rank(candidates), Cost(), "s()", "m", 0, "r", n=n)


@given(candidates=CANDIDATES)
def test_finished_come_first_then_better_then_earlier(candidates: list[Candidate]) -> None:
    ranked = rank(candidates)
    keys = [(c.finish in ("budget", "dead"), -c.score) for c in ranked]
    assert keys == sorted(keys)
    for i, first in enumerate(ranked):
        for second in ranked[i + 1 :]:
            if keys[i] == (second.finish in ("budget", "dead"), -second.score):
                assert _place(candidates, first) <= _place(candidates, second)


def _place(candidates: list[Candidate], one: Candidate) -> int:
    return next(i for i, c in enumerate(candidates) if c is one)


@given(candidates=CANDIDATES, n=st.integers(1, 4))
def test_answers_are_distinct_texts_with_their_share_of_the_votes(
    candidates: list[Candidate], n: int
) -> None:
    result = result_of(candidates, n)
    answers = result.answers
    texts = [answer.text for answer in answers]
    assert len(texts) == len(set(texts)) <= n
    voters = [c for c in candidates if c.finish != "budget"] or candidates
    for answer in answers:
        votes = sum(c.text == answer.text for c in voters)
        assert answer.weight == votes / len(voters) > 0
    if n >= 3 and candidates:
        assert sum(answer.weight for answer in answers) == pytest.approx(1.0)
    assert (result.best is None) == (not candidates)
    assert str(result) == (result.best.text if result.best else "")


@given(seed=SEEDS)
def test_a_result_is_plain_values_and_says_what_it_cost(seed: int) -> None:
    result = gone_wild(seed, toy(1)).run()
    said = json.loads(json.dumps(result.to_json()))
    assert said["cost"]["tokens"] == result.cost.tokens
    assert [c["token_ids"] for c in said["candidates"]] == [
        list(c.token_ids) for c in result.candidates
    ]
    assert said["budget_spent"] == result.budget_spent


@strategy()
def held(ctx: Any, root: Any, *, catch: bool = False) -> Any:
    """Expand the likeliest leaf without end, and finish nothing unless it may."""
    node = root
    try:
        while True:
            (reply,) = yield [Expand(node, k=2)]
            node = next(child for child in reply.children if not child.is_end)
    except BudgetSpent:
        if not catch:
            raise
        ctx.finish(node, score=7.0)


def test_open_leaves_stand_when_the_budget_ends_before_anything_is_finished() -> None:
    result = search([0], model=toy(1), strategy=held, budget=3, limit=9)
    assert result.budget_spent and result.best is not None
    assert {c.finish for c in result.candidates} == {"budget"}
    assert [c.score for c in result.candidates] == sorted(
        (c.score for c in result.candidates), reverse=True
    )
    assert max(c.tokens for c in result.candidates) == 4
    assert all(END not in c.token_ids for c in result.candidates)


def test_what_was_finished_in_time_ranks_before_them() -> None:
    result = search([0], model=toy(1), strategy=held(catch=True), budget=3, limit=9)
    assert result.best.score == 7.0 and result.best.finish == "budget"
    assert len({c.token_ids for c in result.candidates}) == len(result.candidates)


def test_not_one_token_is_no_candidate() -> None:
    result = search([0], model=toy(1), strategy=held, budget=0, limit=9)
    assert (result.best, result.candidates, result.answers) == (None, (), ())
    assert result.budget_spent and str(result) == ""


@strategy()
def ends(ctx: Any, root: Any) -> Any:
    """Finish some continuations and the root itself."""
    (reply,) = yield [Sample(root, n=40)]
    for run in reply.continuations:
        ctx.finish(run.node, score=run.logprob, tokens=len(run.tokens))
    (reply,) = yield [Walk(root, (2, 2))]
    ctx.finish(reply.node)


def test_an_end_token_is_counted_in_the_logprob_and_left_out_of_the_text() -> None:
    lm = toy(1)
    result = search([0], model=lm, strategy=ends, limit=5)
    assert {"end", "limit", "open"} == {c.finish for c in result.candidates}
    for c in result.candidates:
        assert c.text == "".join("abcde"[t] for t in c.token_ids) == str(c)
        assert c.tokens == len(c.token_ids)
        if c.finish != "open":
            assert c.scores["tokens"] == c.tokens + (c.finish == "end")
            assert c.score == c.logprob
