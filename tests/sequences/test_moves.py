"""Moves: what each reaches, and what its nearest neighbour does not."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sequences.bags import letters
from treeseek import registry
from treeseek.errors import InvalidOption
from treeseek.noise import Rng
from treeseek.sequences import Cand, Move, Permutation
from treeseek.sequences.lexical import merge, runs, within
from treeseek.sequences.moves import (
    bridge,
    comb,
    cycle,
    exchange,
    insert,
    neighbour,
    reverse,
    segment,
    swap,
    window,
)

MOVES = [registry.find("moves", name) for name in registry.names("moves")]
BAG = letters(7)
HERE = BAG.bag


def every(move: Move, n: int = 7) -> set[Cand]:
    assert move.every is not None
    return set(move.every(BAG, tuple(range(n)))) - {tuple(range(n))}


def drawn(move: Move, cand: Cand = HERE, space: Permutation = BAG, times: int = 300) -> set[Cand]:
    return {move.draw(space, cand, Rng(seed)) for seed in range(times)} - {cand}


def test_names_are_those_of_the_registry() -> None:
    assert [move.name for move in MOVES] == registry.names("moves")


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.name)
@given(words=st.lists(st.sampled_from("aabbcdefg"), min_size=1, max_size=12), seed=st.integers(0))
def test_a_move_keeps_the_bag(move: Move, words: list[str], seed: int) -> None:
    space = Permutation(words)
    found = move.draw(space, space.bag, Rng(seed))
    assert Counter(found) == Counter(space.bag)
    several = move.every(space, space.bag) if move.every else ()
    assert all(Counter(one) == Counter(space.bag) for one in several)


@pytest.mark.parametrize("move", [m for m in MOVES if m.every], ids=lambda move: move.name)
def test_what_is_drawn_is_among_all_and_all_are_drawn(move: Move) -> None:
    five = Permutation(list("abcde"))
    assert move.every is not None
    everything = set(move.every(five, five.bag)) - {five.bag}
    assert drawn(move, five.bag, five, 4000) == everything


def test_each_move_reaches_what_its_nearest_neighbour_cannot() -> None:
    n = 7
    assert every(neighbour) < every(swap) and every(neighbour) < every(insert)
    assert (4, 1, 2, 3, 0, 5, 6) in every(swap) - every(insert)
    assert (1, 2, 3, 0, 4, 5, 6) in every(insert) - every(swap)
    assert (2, 3, 4, 0, 1, 5, 6) in every(segment) - every(insert)
    assert every(insert, 8) | every(segment, 8) < every(exchange, 8)
    assert (4, 5, 6, 7, 0, 1, 2, 3) in every(exchange, 8) - every(segment, 8)
    assert (0, 4, 5, 3, 1, 2, 6) in every(bridge) - every(exchange)
    assert (0, 4, 3, 2, 1, 5, 6) in every(reverse) - every(bridge)
    assert (0, 2, 1, 4, 3, 5, 6) in every(window) - every(reverse)
    assert (3, 1, 2, 6, 4, 5, 0) in every(cycle) - every(window) - every(exchange)
    assert len(every(swap)) == n * (n - 1) // 2
    assert len(every(insert)) == (n - 1) ** 2
    assert len(every(exchange)) == (n + 1) * n * (n - 1) // 6
    assert (1, 3, 5, 6, 0, 2, 4) in drawn(comb) - every(exchange) - every(bridge)


def test_kicks_break_more_than_moves_do() -> None:
    near = every(swap) | every(exchange) | every(bridge)
    for name in ("scatter", "shuffle", "pieces"):
        assert drawn(registry.find("moves", name)) - near, name


def test_merge_puts_words_into_an_alphabetical_run() -> None:
    space = Permutation(["pear", "ant", "bee", "cat", "dog", "and", "the"])
    assert runs(["pear", "ant", "bee", "cat", "dog", "and", "the"]) == [(1, 5)]
    texts = {tuple(space.vocabulary[w] for w in one) for one in drawn(merge, space.bag, space)}
    assert ("ant", "bee", "cat", "dog", "pear", "and", "the") in texts
    assert ("pear", "and", "ant", "bee", "cat", "dog", "the") in texts
    # A plain insert puts a word anywhere; this one only where it belongs.
    assert all(one.index("bee") < one.index("cat") < one.index("dog") for one in texts)
    assert not drawn(merge, BAG.bag[::-1])  # nothing ascends: nowhere to put a word


def test_a_class_moves_its_members_but_for_the_floor() -> None:
    space = Permutation(["the", "lion", "and", "tiger"])
    small = within(lambda word: len(word) == 3, floor=0.0, name="small")
    for one in drawn(small, space.bag, space):
        assert [space.vocabulary[w] for w in one if w in (1, 3)] == ["lion", "tiger"]
    assert any(one.index(3) < one.index(1) for one in drawn(insert, space.bag, space))
    with pytest.raises(InvalidOption, match="probability"):
        within(bool, floor=2.0, name="none")


def test_kin_exchanges_words_of_one_letter() -> None:
    space = Permutation(["bat", "cow", "bee", "cat"])
    kin = registry.find("moves", "kin")
    assert drawn(kin, space.bag, space) == {(2, 1, 0, 3), (0, 3, 2, 1)}
