"""Drafts by the kernels are the drafts made step by step, to the last bit of every chance."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.drafters.test_trees import trees
from treeseek.drafters import Drafter, DraftTree, Site, Suffix, Tip
from treeseek.drafters import suffix as room
from treeseek.drafters.calibration import Compiled, Counted
from treeseek.native.vocabulary import available

SITE = Site(10, frozenset(), lambda name: None)
HOWS = (
    Suffix(),
    Suffix(places=3, resume=2, longest=5),
    Suffix(scope="run", window=5, shortest=2, most=7),
    Suffix(follow="often", places=4),
    Suffix(follow="first", longest=2, most=10),
    Suffix(follow="last", room=64),
    Suffix(room=64, resume=20, places=40),
)
PLAYS = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.integers(0, 3), max_size=9), st.integers(0, 12)),
    max_size=30,
)
pytestmark = pytest.mark.skipif(not available(), reason="the kernels are not built here")


def both(options: Suffix) -> list[Drafter]:
    return [room._Repeats(options, compiled=compiled) for compiled in (True, False)]


def played(drafter: Any, play: list[tuple[int, list[int], int]]) -> Iterator[Any]:
    """What is drafted, and known, while three texts begin, grow and fork."""
    for name in range(3):
        drafter.begin(name, [name, 1, 2][: name + 1], search=name // 2)
    for turn, (name, tokens, budget) in enumerate(play):
        drafter.extend(name, tokens)
        if turn % 7 == 6:
            drafter.end(name)
            drafter.begin(name, [1, *tokens, 2], known=min(turn % 3, len(tokens)), search=name)
        for tree in drafter.propose([Tip(name), Tip((name + 1) % 3)], [budget, 5]):
            yield list(tree.tokens), list(tree.parents), list(tree.chances)
        yield [(list(c.places), list(c.lengths), c.at) for c, _ in drafter.texts.values()]
        yield [(copy.matches, copy.place, copy.since) for _, copy in drafter.texts.values()]


@settings(max_examples=300, deadline=None)
@given(play=PLAYS, options=st.sampled_from(HOWS))
def test_the_kernels_draft_the_same(play: Any, options: Suffix) -> None:
    compiled, plain = (list(played(drafter, play)) for drafter in both(options))
    assert compiled == plain


def test_a_kernel_that_is_told_otherwise_is_found_out() -> None:
    """The control: one constant of the kernels off by a little."""
    play = [(turn % 3, [turn % 4, 1, turn % 3], 12) for turn in range(30)]
    compiled, plain = both(Suffix())
    compiled.growing.at.near = 1
    assert list(played(compiled, play)) != list(played(plain, play))


def test_long_texts_draft_the_same() -> None:
    """Wide trees, many places and large token numbers."""
    text = [(place * place) % 97 + (place % 5) * 30_000 for place in range(3000)]
    for options in (Suffix(places=200), Suffix(follow="often"), Suffix(longest=255)):
        trees = []
        for drafter in both(options):
            drafter.begin(0, text)
            drafter.extend(0, text[:70])
            trees.append(drafter.propose([Tip(0)], [64])[0])
        assert trees[0] == trees[1] and len(trees[0]) == 64


WRONG = (
    DraftTree([1, 2], [-1, 1], [0.5, 0.5]),
    DraftTree([1, 2], [-1, 0], [0.5, 1.5]),
    DraftTree([1, 1 << 40], [-1, 0], [0.5, 0.5]),
    DraftTree([1, 2], [-1], [0.5, 0.5]),
    DraftTree([1], [-1], [float("nan")]),
    DraftTree([3, 3], [-1, -1], [0.2, 0.7]),
)
TREES = trees() | st.sampled_from(WRONG)
GROWN = st.tuples(TREES, TREES, st.lists(st.integers(0, 4), max_size=5), st.integers(0, 9))


def merged(kind: type[Counted], play: list[Any]) -> Iterator[Any]:
    counted = kind(2, vocabulary=5)
    for turn, (one, other, grown, budget) in enumerate(play):
        tree = counted.united(turn % 3, (one, other), budget)
        yield list(tree.tokens), list(tree.parents), list(tree.chances)
        counted.grown(turn % 3, grown)
        yield [(list(count.right), list(count.reached)) for count in counted.counts]


@settings(max_examples=300, deadline=None)
@given(play=st.lists(GROWN, max_size=20))
def test_the_kernels_unite_and_count_the_same(play: list[Any]) -> None:
    assert list(merged(Compiled, play)) == list(merged(Counted, play))


def test_older_counts_are_halved_alike() -> None:
    tree = DraftTree([1, 2], [-1, 0], [0.5, 0.9])
    play = [(tree, tree, [1, turn % 3], 4) for turn in range(1200)]
    assert list(merged(Compiled, play)) == list(merged(Counted, play))


def test_a_table_that_is_not_shared_is_found_out() -> None:
    """The control: the kernels count in a table of their own."""

    class Apart(Compiled):
        def __init__(self, parts: int, *, vocabulary: int) -> None:
            super().__init__(parts, vocabulary=vocabulary)
            self.counts = Counted(parts, vocabulary=vocabulary).counts

    play = [(DraftTree([1], [-1], [0.5]), DraftTree(), [1], 2)]
    assert list(merged(Apart, play)) != list(merged(Counted, play))
