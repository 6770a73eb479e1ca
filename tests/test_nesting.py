"""Nested searches: slices, pauses, more, races, and what the parent is charged."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.wild import END, SEEDS, NoTwice, closure, gone_wild, toy
from tests.test_scheduler import ask
from treeseek import (
    BudgetSpent,
    Continue,
    Derive,
    Expand,
    Greedy,
    How,
    Race,
    Sample,
    Score,
    Spawn,
    Walk,
    Warp,
    strategies,
    strategy,
)
from treeseek.errors import InvalidOption, StrategyError

PATH = (2, 0, 3, 1, 2, 0, 3)


@strategy()
def steps(ctx: Any, root: Any, *, count: int = 3, finish: bool = True, path: Any = PATH) -> Any:
    """Walk `path` token by token, one charged row each, and finish."""
    node = root
    for token in path[:count]:
        (reply,) = yield [Walk(node, (token,))]
        node = reply.node
    if finish:
        ctx.finish(node, score=float(count))


@strategy()
def draws(ctx: Any, root: Any, *, n: int = 3) -> Any:
    """Draw n continuations in one list."""
    (reply,) = yield [Sample(root, n=n)]
    for run in reply.continuations:
        ctx.finish(run.node, score=run.logprob)


def spawn(root: Any, count: int, budget: int | None = None) -> Spawn:
    return Spawn(steps(count=count), root, budget=budget)


def test_a_child_in_its_slice_finishes_or_pauses_and_the_parent_pays_for_both() -> None:
    ((done, paused),) = ask(
        toy(1), lambda root, _: [spawn(root, 3), spawn(root, 5, budget=3)], budget=20
    )
    assert (done.status, done.cost, done.charged) == ("finished", 2, 2)
    assert [f.tokens for f in done.found] == [list(PATH[:3])]
    assert (paused.status, paused.cost, paused.charged, paused.found) == ("paused", 3, 1, [])


@settings(max_examples=30)
@given(
    budgets=st.lists(st.none() | st.integers(0, 12), min_size=1, max_size=5),
    whole=st.integers(1, 25),
)
def test_slices_are_fixed_at_the_yield_and_never_exceed_what_is_left(
    budgets: list[int | None], whole: int
) -> None:
    """Children of disjoint paths that would spend anything show what they were given."""
    paths = [(first, second) for first in range(END) for second in range(END)]

    def lists(root: Any, _: Any) -> list[Spawn]:
        return [
            Spawn(steps(count=7, path=(*paths[i], *(0,) * 30)), root, budget=budget)
            for i, budget in enumerate(budgets)
        ]

    (heard,) = ask(toy(1), lists, budget=whole, limit=8)
    replies = heard.replies if isinstance(heard, BudgetSpent) else heard
    given_ = [reply.cost for reply in replies]
    assert sum(reply.charged for reply in replies) <= whole
    left, named = whole, sum(budget or 0 for budget in budgets)
    unnamed = budgets.count(None)
    spare, nth = max(0, whole - named), 0
    for budget, cost in zip(budgets, given_, strict=True):
        share = budget
        if budget is None:
            share = spare // unnamed + (nth < spare % unnamed)
            nth += 1
        share = min(share, left)
        left -= share
        assert cost <= share
        assert cost == min(share, 6)


@settings(max_examples=30)
@given(seed=SEEDS, slice_=st.integers(1, 4), n=st.integers(1, 3))
def test_slice_by_slice_a_child_comes_to_the_same_end(seed: int, slice_: int, n: int) -> None:
    """A continuation that pauses midway has paid for its tokens and goes on from there."""

    @strategy()
    def patient(ctx: Any, root: Any) -> Any:
        """Give a little at a time."""
        costs = []
        (reply,) = yield [Spawn(draws(n=n), root, budget=slice_)]
        while reply.status == "paused":
            costs.append(reply.cost)
            (reply,) = yield [Continue(reply.child, budget=slice_)]
        assert costs == [slice_ * (i + 1) for i in range(len(costs))]
        for found in reply.found:
            ctx.finish(found.node, score=found.score)

    @strategy()
    def generous(ctx: Any, root: Any) -> Any:
        """Give everything at once."""
        (reply,) = yield [Spawn(draws(n=n), root)]
        for found in reply.found:
            ctx.finish(found.node, score=found.score)

    lm = toy(2)
    slow, fast = (
        gone_wild(seed, model, strategy=how, budget=None).run()
        for model, how in ((lm, patient()), (toy(2), generous()))
    )
    assert [c.token_ids for c in slow.candidates] == [c.token_ids for c in fast.candidates]
    assert slow.cost.tokens == fast.cost.tokens
    assert lm.backend.spent.computed == len(closure(lm.backend.asked))


def test_nothing_more_makes_a_child_finish_what_it_holds() -> None:
    ((paused,), (ended,), (again,)) = ask(
        toy(1),
        lambda root, _: [Spawn(draws(n=4), root, budget=5)],
        lambda root, r: [Continue(0, budget=0)],
        lambda root, r: [Continue(0)],
        seed=3,
    )
    assert (paused.status, paused.cost, paused.found) == ("paused", 5, [])
    assert (ended.status, ended.cost, ended.charged) == ("finished", 5, 0)
    assert ended.found[-1].finish == "budget" and len(ended.found) == 4
    assert (again.status, again.charged, len(again.found)) == ("finished", 0, 4)


def test_a_child_that_was_cut_with_nothing_finished_gives_its_best_open_leaf() -> None:
    heard = ask(
        toy(1),
        lambda root, _: [Spawn(steps(count=7), root, budget=3)],
        lambda root, r: [Continue(0, budget=0)],
        lambda root, r: [Sample(r[0].found[0].node, limit=1)],
    )
    assert [(f.tokens, f.finish) for f in heard[1][0].found] == [([2, 0, 3, 1], "budget")]
    assert len(heard[2][0].continuations[0].tokens) == 1


def test_what_a_child_left_open_can_be_continued() -> None:
    heard = ask(
        toy(1),
        lambda root, _: [spawn(root, 2)],
        lambda root, r: [Sample(r[0].found[0].node, limit=2)],
    )
    node = heard[0][0].found[0].node
    assert (node.depth, node.end) == (2, None)
    assert heard[1][0].continuations[0].tokens


def test_found_ranks_what_was_finished_before_what_was_cut() -> None:
    heard = ask(
        toy(1),
        lambda root, _: [Spawn(draws(n=30), root, budget=25)],
        lambda root, r: [Continue(0, budget=0)],
    )
    cut = [f.finish == "budget" for f in heard[1][0].found]
    assert cut == sorted(cut) and True in cut and False in cut
    whole = [f.score for f, late in zip(heard[1][0].found, cut, strict=True) if not late]
    assert whole == sorted(whole, reverse=True)


# Races.


def race(counts: list[int], budget: Any = None, **options: Any) -> Any:
    paths = [(first, *PATH) for first in range(END)]

    def lists(root: Any, _: Any) -> list[Race]:
        spawns = [
            Spawn(steps(count=count, path=paths[i]), root, budget=budget)
            for i, count in enumerate(counts)
        ]
        return [Race(tuple(spawns))]

    (heard,) = ask(toy(1), lists, **options)
    return heard[0]


@settings(max_examples=30)
@given(counts=st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_a_race_is_won_by_the_least_charge_ties_to_the_earlier(counts: list[int]) -> None:
    """A walk of c tokens from the free root is charged c - 1; losers stop once they cannot win."""
    reply = race(counts)
    assert reply.winner == counts.index(min(counts))
    least = min(counts) - 1
    costs = [least + (i < reply.winner) for i in range(len(counts))]
    assert reply.cost == reply.charged == sum(costs)


def test_a_race_of_which_all_pause_has_no_winner() -> None:
    reply = race([5, 6, 7], budget=2)
    assert (reply.winner, reply.found, reply.cost) == (None, [], 6)


def test_a_race_charges_its_losers_by_whole_lists() -> None:
    """What a loser had in flight does not depend on how it was computed."""

    def lists(root: Any, _: Any) -> list[Race]:
        return [Race((Spawn(draws(n=3), root), spawn(root, 6)))]

    tokens = set()
    for options in ({}, {"slots": 14}, {"flat": False}):
        (heard,) = ask(toy(3, **options), lists, seed=5)
        tokens.add((heard[0].winner, heard[0].charged, heard[0].cost))
    assert len(tokens) == 1


# What a child inherits.


def test_a_constraint_and_penalties_see_what_came_before_the_child() -> None:
    how = How(constraint=NoTwice(), sampler=Greedy())
    forced = NoTwice()

    @strategy()
    def goes_on(ctx: Any, root: Any) -> Any:
        """Take the likeliest tokens under the search's own law."""
        (reply,) = yield [Sample(root, how=How(sampler=Greedy()))]
        ctx.finish(reply.continuations[0].node)

    def whole(spawned: bool) -> list[int]:
        def lists(root: Any, r: Any) -> list[Any]:
            node = r[0].continuations[0].node
            return [Spawn(goes_on(), node) if spawned else Sample(node, how=how)]

        heard = ask(
            toy(1),
            lambda root, _: [Sample(root, limit=2, how=how)],
            lists,
            constraint=forced,
            warp=Warp(presence_penalty=1.5),
            min_tokens=3,
        )
        before = heard[0][0].continuations[0].tokens
        after = heard[1][0].found[0] if spawned else heard[1][0].continuations[0]
        return [*before, *after.tokens]

    nested, flat = whole(True), whole(False)
    assert nested == flat
    assert len(set(nested)) == len(nested) > 2


def test_a_child_may_grow_by_what_the_limit_leaves() -> None:
    (_, (reply,)) = ask(
        toy(1, vocabulary=9),
        lambda root, _: [Walk(root, (2, 0, 3))],
        lambda root, r: [Spawn(draws(n=30), r[0].node)],
        limit=5,
    )
    assert max(len(found.tokens) for found in reply.found) == 2
    assert {f.finish for f in reply.found if len(f.tokens) == 2} <= {"limit", "end"}


def test_a_candidate_of_a_derived_prompt_keeps_its_prompt() -> None:
    @strategy()
    def rewrites(ctx: Any, root: Any) -> Any:
        """Start again from another prompt."""
        (reply,) = yield [Derive(root, (3, 3))]
        (reply,) = yield [Walk(reply.root, (1, 2))]
        ctx.finish(reply.node)

    @strategy()
    def passes_on(ctx: Any, root: Any) -> Any:
        """Finish what the child found."""
        (reply,) = yield [Spawn(rewrites(), root)]
        for found in reply.found:
            assert found.prompt == [3, 3]
            ctx.finish(found.node)

    result = gone_wild(1, toy(1), strategy=passes_on(), budget=None).run()
    assert result.best.token_ids == (1, 2)
    assert result.cost.tokens == 3


def test_a_derived_prompt_is_charged_where_it_leaves_the_own_one() -> None:
    (heard,) = ask(
        toy(1),
        lambda root, _: [
            Derive(root, (0, 1, 2, 3)), Derive(root, (0, 1, 2, 0)), Derive(root, (0, 1)),
            Derive(root, (2,)),
        ],
    )  # fmt: skip
    assert [reply.charged for reply in heard] == [2, 1, 0, 1]


def test_scores_are_shared_out_like_tokens() -> None:
    class Even:
        name, version = "even", "1"

        def score(self, texts: list[str]) -> list[float]:
            return [0.0] * len(texts)

    @strategy()
    def greedy_for_scores(ctx: Any, root: Any) -> Any:
        """Score every child of the root, one by one."""
        (reply,) = yield [Expand(root, k=4)]
        for node in reply.children:
            yield [Score((node,), Even())]
            ctx.finish(node)

    lists = lambda root, _: [Spawn(greedy_for_scores(), root) for _ in range(3)]  # noqa: E731
    (heard,) = ask(toy(1), lists, budget="scores=7")
    assert [reply.status for reply in heard] == ["paused"] * 3
    assert [len(reply.found) for reply in heard] == [3, 2, 2]


# What is refused.


@pytest.mark.parametrize(
    ("lists", "error", "why"),
    [
        ([lambda root, r: [Continue(0)]], InvalidOption, "no nested search has that number"),
        (
            [lambda root, r: [spawn(root, 9, 1)], lambda root, r: [Continue(0, 1), Continue(0, 1)]],
            StrategyError,
            "twice in one list",
        ),
        ([lambda root, r: [spawn(root, 2), Expand(root)]], StrategyError, "a list of their own"),
    ],
)
def test_lists_that_mean_nothing_are_refused(lists: Any, error: Any, why: str) -> None:
    with pytest.raises(error, match=why):
        ask(toy(1), *lists)


def test_a_parent_with_nothing_left_is_told_so() -> None:
    heard = ask(
        toy(1),
        lambda root, _: [Walk(root, (2, 0, 3))],
        lambda root, r: [Spawn(strategies.sample(), root)],
        budget=2,
    )
    assert isinstance(heard[-1], BudgetSpent) and heard[-1].replies == []
