"""Runs of tokens: entered and shown at once, they are what one token after another makes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeseek.runs import STRIDE, Trie, common, key_of
from treeseek.settings import Settings
from treeseek.shown import Shown
from treeseek.tree import ROOT, Tree

Step = tuple[int, list[int]]
STEPS = st.lists(
    st.tuples(st.integers(0, 400), st.lists(st.integers(0, 2), max_size=90)), max_size=12
)
"""Where to go on, among what there is, and by which tokens."""


@given(st.lists(st.integers(0, 1), max_size=100), st.integers(0, 100), st.data())
def test_what_is_common_is_counted(one: list[int], cut: int, data: Any) -> None:
    other = [*one[:cut], *data.draw(st.lists(st.integers(0, 1), max_size=2 * STRIDE))]
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    assert common(key_of(one), key_of(other)) == count


@given(st.lists(st.lists(st.sampled_from([0, 1, 255, 256, 65536, 2**31]), max_size=5)))
def test_keys_stand_in_the_order_of_the_runs(runs: list[list[int]]) -> None:
    assert sorted(runs, key=key_of) == sorted(runs)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.lists(st.integers(0, 2), min_size=1, max_size=9)),
        min_size=1,
        max_size=30,
    )
)
def test_a_trie_holds_every_beginning_once(some: list[tuple[int, list[int]]]) -> None:
    heads, runs = [head for head, _ in some], [run for _, run in some]
    trie = Trie(heads, runs)
    beginnings = {(head, *run[:end]) for head, run in some for end in range(1, len(run) + 1)}
    assert len(trie.tokens) - trie.heads == len(beginnings)
    for head, run, path in zip(heads, runs, trie.paths, strict=True):
        assert [trie.tokens[edge] for edge in path] == run
        assert [trie.parents[edge] for edge in path] == [head, *path[:-1]]
    inside = {beginning[:-1] for beginning in beginnings}
    inner = {edge for first, stop in trie.chains() for edge in range(first, stop)}
    for head, run, path in zip(heads, runs, trie.paths, strict=True):
        for end, edge in enumerate(path, 1):
            assert (edge in inner) == ((head, *run[:end]) in inside)
    assert sorted(place for place, *_ in trie.laid) == list(range(len(runs)))
    laid = [edge for *_, first, stop in trie.laid for edge in range(first, stop)]
    assert laid == list(range(trie.heads, len(trie.tokens)))
    before: list[int] = []
    for place, shared, first, stop in trie.laid:
        assert trie.paths[place] == before[:shared] + list(range(first, stop))
        before = trie.paths[place]


@settings(deadline=None)
@given(STEPS)
def test_tokens_entered_at_once_stand_where_each_is_added(steps: list[Step]) -> None:
    tree, slow = Tree(), Tree()
    places: list[tuple[int, int]] = [(ROOT, ROOT)]
    for at, tokens in steps:
        node, other = places[at % len(places)]
        found = tree.enter(node, tokens)
        for address, token in zip(found, tokens, strict=True):
            other = slow.add(other, token)
            places.append((address, other))
            assert tree.path(address) == slow.path(other)
        assert tree.extend(node, tokens) == (found[-1] if found else node)
    assert len(tree) == len(slow)


def told(steps: list[Step], *, at_once: bool) -> Any:
    """What is known of the nodes along `steps`, shown at once or token by token."""
    live = Shown([5], Settings(limit=2000))
    for at, tokens in steps:
        handle = at % len(live.parents)
        logprobs = [-0.5 * token for token in tokens]
        if at_once:
            live.along(handle, tokens, logprobs)
        else:
            for pair in zip(tokens, logprobs, strict=True):
                handle = live.child(handle, *pair)
    return live.parents, live.token, live.totals, live.depths, live.logprobs


@settings(deadline=None)
@given(STEPS)
def test_tokens_shown_at_once_have_the_handles_of_each_alone(steps: list[Step]) -> None:
    assert told(steps, at_once=True) == told(steps, at_once=False)


def test_the_child_that_is_the_next_handle_is_found_and_must_be_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: whoever looks only at what was written down loses it."""
    for blind in (False, True):
        if blind:
            monkeypatch.setattr(Shown, "_has_children", lambda self, at: at in self._kin)
        live = Shown([5], Settings(limit=2000))
        live.along(0, [0, 1, 2], [0.0] * 3)
        live.along(1, [2], [0.0])
        assert live.shown(1, 2) == 4
        assert live.shown(1, 1) == (None if blind else 2)
