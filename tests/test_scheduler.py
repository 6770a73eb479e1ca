"""One search served: walks and their bounds, laws of a request, chunks, cuts in order, errors."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.wild import END, NoTwice, V, gone_wild, same, toy
from treeseek import (
    LM,
    BudgetSpent,
    Derive,
    Expand,
    Greedy,
    Gumbel,
    How,
    Mirostat,
    Sample,
    Stop,
    Walk,
    Warp,
    search,
    start,
    strategy,
)
from treeseek.backends.toy import Letters, ToyBackend, table
from treeseek.errors import ContextOverflow, Incompatible, InvalidOption
from treeseek.scheduler import Scheduler


@strategy()
def asks(ctx: Any, root: Any, *, what: Any, heard: list[Any]) -> Any:
    """Yield the lists that the functions of `what` make of the last replies."""
    replies: Any = []
    for item in what:
        try:
            replies = yield item(root, replies)
        except BudgetSpent as spent:
            heard.append(spent)
            return
        heard.append(replies)


def ask(lm: LM, *what: Any, prompt: Any = (0, 1), **options: Any) -> list[Any]:
    """What a search hears that yields `what`."""
    heard: list[Any] = []
    search(prompt, model=lm, strategy=asks(what=what, heard=heard), **{"limit": 8} | options)
    return heard


def one(lm: LM, make: Any, **options: Any) -> Any:
    """The reply to the one request that `make(root)` makes."""
    return ask(lm, lambda root, _: [make(root)], **options)[0][0]


def logprobs(lm: LM, path: list[int]) -> np.ndarray:
    row = lm.backend.row(path)
    return row - np.log(np.exp(row).sum())


# Walks.


def test_a_walk_scores_each_token_and_charges_its_rows() -> None:
    lm = toy(1)
    reply = one(lm, lambda root: Walk(root, (2, 0, 3)))
    told = [logprobs(lm, [0, 1, *(2, 0, 3)[:i]])[t] for i, t in enumerate((2, 0, 3))]
    assert reply.logprobs == pytest.approx(told)
    assert (reply.charged, reply.abandoned) == (2, False)
    assert reply.node.total == reply.total == sum(reply.logprobs)


@settings(max_examples=30)
@given(
    tokens=st.lists(st.integers(0, END - 1), min_size=1, max_size=6),
    above=st.floats(0, 12),
    warm=st.lists(st.lists(st.integers(0, END - 1), min_size=1, max_size=6), max_size=3),
    slots=st.none() | st.just(12),
)
def test_a_walk_is_abandoned_at_the_same_token_whatever_was_there(
    tokens: list[int], above: float, warm: list[list[int]], slots: int | None
) -> None:
    losses = np.cumsum(
        [-logprobs(toy(1), [0, 1, *tokens[:i]])[token] for i, token in enumerate(tokens)]
    )
    passed = np.flatnonzero(losses > above)
    walked = passed[0] + 1 if len(passed) else len(tokens)
    lm = toy(1, slots=slots)
    for path in warm:
        one(lm, lambda root, path=path: Walk(root, tuple(path)), limit=6)
    reply = one(lm, lambda root: Walk(root, tuple(tokens), above=above), limit=6)
    assert len(reply.logprobs) == walked
    assert reply.abandoned == bool(len(passed))
    assert reply.charged == walked - 1
    assert reply.node.depth == walked


@settings(max_examples=30)
@given(above=st.none() | st.floats(0, 12), budget=st.integers(0, 8))
def test_a_walk_is_served_if_what_it_is_charged_fits(above: float | None, budget: int) -> None:
    tokens = (2, 0, 3, 1, 0, 2)
    free = one(toy(1), lambda root: Walk(root, tokens, above=above))
    (heard,) = ask(toy(1), lambda root, _: [Walk(root, tokens, above=above)], budget=budget)
    if free.charged <= budget and budget:
        assert (heard[0].logprobs, heard[0].charged) == (free.logprobs, free.charged)
    else:
        assert isinstance(heard, BudgetSpent) and heard.replies == []


# The law of a request.


def test_an_expand_under_a_law_scores_and_orders_by_it() -> None:
    lm = toy(1)
    p = logprobs(lm, [0, 1])
    how = How(warp=Warp(temperature=0.5), constraint=NoTwice(closed=True), tilt={0: {2: -9.0}})
    reply = one(lm, lambda root: Expand(root, k=V, how=how))
    scores = 2 * p
    scores[2] -= 9
    order = sorted(range(END), key=lambda t: -scores[t])
    assert reply.tokens == order
    assert reply.scores == pytest.approx(scores[order])
    assert reply.logprobs == pytest.approx(p[order])
    assert reply.mass == pytest.approx(1 - np.exp(p[END]))
    assert reply.norm == pytest.approx(np.log(np.exp(scores[:END]).sum()))
    assert reply.entropy == pytest.approx(-(np.exp(p) * p).sum())


def test_draws_of_an_expand_go_on_where_the_last_ones_stopped() -> None:
    how = How(sampler=Gumbel())
    two = [Expand, Expand]
    (both,) = ask(toy(1), lambda root, _: [kind(root, k=3, how=how) for kind in two])
    assert both[0].tokens != both[1].tokens or both[0].keys != both[1].keys
    short = one(toy(1), lambda root: Expand(root, k=1, how=how))
    assert short.keys == both[0].keys[:1] and both[0].keys == sorted(both[0].keys, reverse=True)


def test_a_second_model_has_its_own_tree_rows_and_charge() -> None:
    own, other = toy(1), toy(2)
    heard = ask(
        own,
        lambda root, _: [Walk(root, (2, 0, 3)), Walk(root, (2, 0, 3), how=How(model=other))],
        lambda root, _: [Walk(root, (2, 0, 3), how=How(model=other))],
    )
    mine, its = heard[0]
    assert its.logprobs == one(other, lambda root: Walk(root, (2, 0, 3))).logprobs
    assert its.logprobs != mine.logprobs
    assert [reply.charged for reply in (mine, its, heard[1][0])] == [2, 2, 0]
    assert own.backend.spent.computed == other.backend.spent.computed == 4


def test_models_of_other_vocabularies_do_not_mix() -> None:
    with pytest.raises(Incompatible, match="share a vocabulary"):
        one(toy(1), lambda root: Expand(root, how=How(model=toy(1, vocabulary=7))))


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), chunk=st.integers(1, 3), closed=st.booleans())
def test_a_constraint_holds_across_chunks_steps_and_walks(
    seed: int, chunk: int, closed: bool
) -> None:
    """Sampled in pieces, expanded and walked, under one law or several: no token comes twice."""
    how = How(constraint=NoTwice(closed=closed))
    free = How(sampler=Gumbel())

    @strategy()
    def pieces(ctx: Any, root: Any) -> Any:
        """Go on in pieces of every kind until the constraint leaves nothing."""
        node = root
        while node.end is None:
            kind = ctx.rng(node.depth).integers(4)
            if kind == 0:
                (reply,) = yield [Expand(node, k=1, how=how)]
                if not reply.children:
                    break
                node = reply.children[0]
            elif kind == 1:
                (reply,) = yield [Expand(node, k=V, how=free)]
                used = ctx.tokens(node)
                node = next(c for c in reply.children if c.token not in used)
            else:
                (reply,) = yield [Sample(node, limit=chunk, how=how)]
                run = reply.continuations[0]
                assert len(run.masses) == len(run.tokens)
                node = run.node
        ctx.finish(node)

    best = search([0], model=toy(3), strategy=pieces, seed=seed, limit=9).best
    assert best is not None
    assert len(set(best.token_ids)) == len(best.token_ids)
    if closed and best.finish == "dead":
        assert len(best.token_ids) == END


def test_a_path_the_constraint_does_not_allow_is_dead_under_it() -> None:
    how = How(constraint=NoTwice())
    heard = ask(
        toy(1),
        lambda root, _: [Walk(root, (2, 2))],
        lambda root, replies: [
            Expand(replies[0].node, how=how),
            Sample(replies[0].node, how=how),
            Sample(replies[0].node, limit=2),
        ],
    )
    expanded, sampled, free = heard[1]
    assert (expanded.tokens, expanded.mass) == ([], 0.0)
    assert (sampled.continuations[0].reason, sampled.continuations[0].tokens) == ("dead", [])
    assert free.continuations[0].tokens


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), cut=st.integers(1, 5))
def test_a_samplers_state_is_a_function_of_law_root_and_path(seed: int, cut: int) -> None:
    """Whoever took the steps: another setting that passed first leaves no trace."""
    how, hot = How(sampler=Mirostat(target=1.5)), How(sampler=Mirostat(target=1.5), warp=Warp(
        temperature=3.0))  # fmt: skip
    path = (2, 0, 3, 1, 2)[:cut]

    def after(first: Any) -> list[int]:
        heard = ask(
            toy(1),
            lambda root, _: [Walk(root, path), *first(root)],
            lambda root, replies: [Sample(replies[0].node, n=3, limit=3, how=how)],
            seed=seed,
        )
        return [run.tokens for run in heard[1][0].continuations]

    alone = after(lambda root: [])
    assert after(lambda root: [Sample(root, n=40, limit=cut, how=hot)]) == alone


def test_expand_refuses_a_sampler_that_needs_a_path() -> None:
    with pytest.raises(Incompatible, match="Expand cannot serve Mirostat"):
        one(toy(1), lambda root: Expand(root, how=How(sampler=Mirostat())))


def test_greedy_is_the_noiseless_sample() -> None:
    lm = toy(1)
    run = one(lm, lambda root: Sample(root, how=How(sampler=Greedy()))).continuations[0]
    path = [0, 1]
    for token in run.tokens:
        assert token == int(np.argmax(lm.backend.row(path)))
        path.append(token)
    assert run.proposal == 0.0 and run.weight == run.logprob


def test_tokens_of_no_probability_are_no_children() -> None:
    row = [0.0, -np.inf, 1.0, -np.inf]
    lm = LM(ToyBackend(table({}, row), 4), Letters(), name="holes")
    for how in (None, How(warp=Warp(top_k=3)), How(sampler=Gumbel())):
        reply = one(lm, lambda root, how=how: Expand(root, k=4, how=how), limit=3)
        assert sorted(reply.tokens) == [0, 2]


# Where a continuation ends.


def test_until_ends_a_piece_and_stop_ends_the_search() -> None:
    until, stop = Stop(strings=("a",)), Stop(strings=("b",))
    make = lambda root: Sample(root, n=60, until=until)  # noqa: E731
    runs = one(toy(1), make, stop=stop, limit=6).continuations
    reasons = {"a": set(), "b": set()}
    for run in runs:
        text = "".join("abcd."[t] for t in run.tokens)
        if run.reason == "stop":
            assert text[-1] in "ab" and not set(text[:-1]) & {"a", "b"}
            reasons[text[-1]].add(run.node.end)
        else:
            assert not set(text) & {"a", "b"}
    assert reasons == {"a": {None}, "b": {"stop"}}


def test_end_limit_and_piece_are_told_apart() -> None:
    runs = one(toy(1), lambda root: Sample(root, n=80, limit=2), limit=2).continuations
    assert {(run.reason, run.node.end) for run in runs} == {("end", "end"), ("limit", "limit")}
    runs = one(toy(1), lambda root: Sample(root, n=80, limit=2), limit=3).continuations
    assert {(run.reason, run.node.end) for run in runs} == {("end", "end"), ("limit", None)}


def test_a_finished_node_is_not_continued() -> None:
    heard = ask(
        toy(1),
        lambda root, _: [Sample(root, n=40, limit=3)],
        lambda root, replies: [Sample(run.node) for run in replies[0].continuations],
        limit=3,
    )
    for run, after in zip(heard[0][0].continuations, heard[1], strict=True):
        assert after.continuations[0].tokens == [] and after.charged == 0
        assert after.continuations[0].reason == run.node.end


# What goes wrong.


@pytest.mark.parametrize(
    ("make", "error", "why"),
    [
        (lambda root: Walk(root, (2, V)), InvalidOption, "outside the vocabulary"),
        (lambda root: Walk(root, (-1,)), InvalidOption, "outside the vocabulary"),
        (lambda root: Derive(root, (0, 99)), InvalidOption, "outside the vocabulary"),
        (lambda root: Derive(root, ""), InvalidOption, "prompt is empty"),
        (lambda root: Derive(root, (0,) * 40), ContextOverflow, "shorten it"),
        (lambda root: Walk(root, (0,) * 40), ContextOverflow, "shorten"),
        (lambda root: Expand(root, how=How(tilt={0: {77: 1.0}})), InvalidOption, "vocabulary"),
    ],
)
def test_a_request_the_model_cannot_serve_is_a_typed_error(make: Any, error: Any, why: str) -> None:
    with pytest.raises(error, match=why):
        one(toy(1, context=20), make)


def test_a_derived_prompt_leaves_the_room_the_context_leaves() -> None:
    heard = ask(
        toy(1, context=12),
        lambda root, _: [Derive(root, (0, 1, 2, 3) * 2)],
        lambda root, r: [Sample(r[0].root, n=30)],
    )
    assert max(len(run.tokens) for run in heard[1][0].continuations) == 4


def test_an_error_of_one_search_leaves_the_others_alone() -> None:
    lm, scheduler = toy(1), Scheduler()
    alone = same(gone_wild(7, toy(1)).run())
    bad = start([0], model=lm, strategy=asks(
        what=[lambda root, r: [Expand(root)], lambda root, r: [Walk(root, (99,))]], heard=[]),
        scheduler=scheduler, limit=3)  # fmt: skip
    good = gone_wild(7, lm, scheduler=scheduler)
    with pytest.raises(InvalidOption, match="outside the vocabulary"):
        scheduler.run()
    assert scheduler.failed is bad.seat and bad.ended
    scheduler.run()
    assert same(good.result) == alone
