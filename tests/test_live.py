"""A live search driven by hand: what it may do, what it is told, how it ends."""

from typing import Any

import pytest

from treeseek import BudgetSpent, Derive, Expand, Sample, Stop, Walk, drive, strategy
from treeseek.errors import InvalidOption, StrategyError
from treeseek.replies import Continuation, Derived, Expanded, Sampled, Walked


@strategy()
def asks(ctx: Any, root: Any, *, what: Any, heard: Any = None) -> Any:
    """Yield the lists of `what` (or what its functions make of the last replies) in turn."""
    replies: Any = []
    for item in what:
        try:
            replies = yield item(root, replies) if callable(item) else item
        except BudgetSpent as spent:
            heard.append(spent.replies)
            return
        if heard is not None:
            heard.append(replies)


def live_of(*what: Any, heard: Any = None, **settings: Any) -> Any:
    return drive(asks(what=what, heard=heard), [0, 1], **settings)


EXPAND = lambda root, replies: [Expand(root, k=3)]  # noqa: E731
TOLD = Expanded([2, 0, 1], [-0.5, -1.0, -2.0])


def test_children_carry_what_the_reply_said_and_where_they_end() -> None:
    heard: list[Any] = []
    live = live_of(EXPAND, heard=heard, ends=frozenset({0}), stop=Stop(tokens=(1,)), limit=5)
    live.ask()
    live.tell([TOLD])
    children = heard[0][0].children
    assert [(c.token, c.logprob, c.total, c.depth) for c in children] == [
        (2, -0.5, -0.5, 1), (0, -1.0, -1.0, 1), (1, -2.0, -2.0, 1),
    ]  # fmt: skip
    assert [c.end for c in children] == [None, "end", "stop"]
    assert live.ask() is None and live.ended


def test_one_child_is_what_the_list_of_children_holds_whichever_is_asked_first() -> None:
    facts = ("handle", "token", "logprob", "score", "total", "depth", "end")
    for scores in (None, [-0.25, -1.5, -2.5]):
        heard: list[Any] = []
        live = live_of(EXPAND, heard=heard, ends=frozenset({0}), stop=Stop(tokens=(1,)), limit=5)
        live.ask()
        live.tell([Expanded([2, 0, 1], [-0.5, -1.0, -2.0], scores)])
        (reply,) = heard[0]
        alone = [reply.child(nth) for nth in (0, 1, 2)]
        for mine, theirs in zip(alone, reply.children, strict=True):
            assert [getattr(mine, f) for f in facts] == [getattr(theirs, f) for f in facts]
        assert reply.child(1) is reply.children[1] and reply.child(-1) is reply.children[2]


def test_a_node_shown_twice_keeps_its_handle_and_totals_run_left_to_right() -> None:
    heard: list[Any] = []
    live = live_of(
        EXPAND,
        lambda root, replies: [Walk(root, (2, 3, 1))],
        lambda root, replies: [Expand(replies[0].node, k=2)],
        heard=heard,
        limit=4,
    )
    live.ask()
    live.tell([TOLD])
    live.tell([Walked([-0.5, -0.25, -1e-17])])
    live.tell([Expanded([5, 6], [-1.0, -2.0])])
    walked = heard[1][0].node
    assert live.parent(live.parent(walked)).handle == heard[0][0].children[0].handle
    assert walked.total == ((0.0 - 0.5) - 0.25) - 1e-17
    assert [c.end for c in heard[2][0].children] == ["limit", "limit"]


def test_stop_strings_end_a_node_wherever_the_tokens_were_cut() -> None:
    letters = lambda prompt, tokens: "".join("abc"[t] for t in tokens)  # noqa: E731
    heard: list[Any] = []
    live = live_of(
        lambda root, replies: [Walk(root, (0, 1))],
        lambda root, replies: [Expand(replies[0].node, k=2)],
        heard=heard,
        stop=Stop(strings=("bc",)),
        text=letters,
    )
    live.ask()
    live.tell([Walked([-1.0, -1.0])])
    live.tell([Expanded([2, 0], [-1.0, -1.0])])
    assert [c.end for c in heard[1][0].children] == ["stop", None]


def test_a_derived_root_has_its_own_prompt_text_and_room() -> None:
    heard: list[Any] = []
    live = live_of(
        lambda root, replies: [Derive(root, (7, 8, 9))],
        lambda root, replies: [Sample(replies[0].root, limit=2)],
        heard=heard,
        limit=4,
        reach=lambda prompt, limit: min(limit, 5 - len(prompt)),
    )
    live.ask()
    live.tell([Derived([7, 8, 9])])
    live.tell([Sampled([Continuation([1, 2], [-1.0, -1.0], -2.0, "limit")])])
    node = heard[1][0].continuations[0].node
    assert live.origin(node.handle) == [7, 8, 9]
    assert live.path_tokens(node.handle) == [1, 2]
    assert node.end == "limit"


def test_wrong_replies_leave_the_search_waiting() -> None:
    live = live_of(EXPAND, limit=5)
    with pytest.raises(StrategyError, match="without a pending ask"):
        live.tell([])
    live.ask()
    for wrong, why in (
        ([], "1 requests are pending, 0 replies"),
        ([TOLD, TOLD], "2 replies"),
        ([Walked([-1.0])], "does not answer"),
        ([{"kind": "expanded", "tokens": [1]}], "does not fit"),
        ([{"tokens": [1]}], "needs a kind"),
    ):
        with pytest.raises(StrategyError, match=why):
            live.tell(wrong)
        assert not live.ended and len(live.ask()) == 1
    live.tell([TOLD])
    assert live.ask() is None
    with pytest.raises(StrategyError, match="without a pending ask"):
        live.tell([])


@pytest.mark.parametrize("wrong", [None, 3, (Expand,), [3], [[]]])
def test_a_strategy_that_yields_no_list_of_requests_is_named(wrong: Any) -> None:
    live = live_of(wrong)
    with pytest.raises(StrategyError, match=r"'asks' yielded .*: yield a list of requests"):
        live.ask()
    assert live.ended and live.ask() is None


def test_an_empty_list_is_a_barrier_like_any_other() -> None:
    heard: list[Any] = []
    live = live_of([], EXPAND, heard=heard)
    assert live.ask() == []
    live.tell([])
    assert heard == [[]] and len(live.ask()) == 1


def test_a_function_that_yields_nothing_is_no_strategy() -> None:
    @strategy()
    def plain(ctx: Any, root: Any) -> Any:
        """Forget to yield."""

    with pytest.raises(StrategyError, match="yield lists of requests"):
        drive(plain)


def test_an_error_of_the_strategy_ends_it_and_comes_through() -> None:
    @strategy()
    def broken(ctx: Any, root: Any) -> Any:
        """Fail after the first reply."""
        yield [Expand(root)]
        raise ZeroDivisionError

    live = drive(broken)
    live.ask()
    with pytest.raises(ZeroDivisionError):
        live.tell([TOLD])
    assert live.ended and live.ask() is None


def test_the_end_of_a_budget_is_thrown_once_with_the_replies_before_it() -> None:
    heard: list[Any] = []
    two = lambda root, replies: [Expand(root, k=3), Expand(root, k=1)]  # noqa: E731
    live = live_of(two, EXPAND, heard=heard)
    live.ask()
    live.exhaust([TOLD])
    assert heard == [[TOLD]] and len(TOLD.children) == 3
    assert live.ended and live.spent and live.ask() is None


def test_a_strategy_may_finish_what_it_holds_but_not_go_on() -> None:
    @strategy()
    def stubborn(ctx: Any, root: Any) -> Any:
        """Ask on after the end of the budget."""
        try:
            yield [Expand(root)]
        except BudgetSpent:
            ctx.finish(root, score=1.0)
            yield [Expand(root)]
            ctx.finish(root, score=2.0)

    live = drive(stubborn)
    live.ask()
    live.exhaust([])
    assert [(c.score, c.finish) for c in live.candidates] == [(1.0, "budget")]


def test_a_score_that_ranks_nothing_is_refused() -> None:
    @strategy()
    def undecided(ctx: Any, root: Any) -> Any:
        """Finish with no number."""
        ctx.finish(root, score=float("nan"))
        yield []

    with pytest.raises(StrategyError, match="NaN"):
        drive(undecided).ask()


def test_keyed_numbers_depend_on_their_key_and_on_nothing_else() -> None:
    drawn: list[Any] = []

    @strategy()
    def dice(ctx: Any, root: Any) -> Any:
        """Draw under several keys."""
        drawn.append([ctx.rng(*key).random() for key in ((), (1,), (1,), (2,), ("1",), (1, 2))])
        yield []

    for settings in ({"seed": 1}, {"seed": 1}, {"seed": 2}, {"seed": 1, "key": ("p",)}):
        drive(dice, [0], **settings).ask()
    drive(dice, [1], seed=1).ask()
    first = drawn[0]
    assert first[1] == first[2] and len(set(first)) == 5
    assert drawn[1] == first
    assert all(drawn[i][j] != first[j] for i in (2, 3, 4) for j in range(6))


def test_handles_follow_the_order_in_which_nodes_were_shown() -> None:
    heard: list[Any] = []
    live = live_of(EXPAND, EXPAND, heard=heard)
    live.ask()
    live.tell([Expanded([2, 0], [-1.0, -1.0])])
    live.tell([Expanded([0, 1, 2], [-1.0, -1.0, -1.0])])
    assert [c.handle for c in heard[0][0].children] == [1, 2]
    assert [c.handle for c in heard[1][0].children] == [2, 3, 1]


def test_unknown_settings_and_options_are_refused() -> None:
    with pytest.raises(InvalidOption, match="asks has no option 'who'"):
        asks(who=1)
    with pytest.raises(InvalidOption, match="asks needs what"):
        asks()
