"""Suffix drafts against slow references: every place that ends alike, and rules of other tools."""

from array import array
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.replay import lookup
from treeseek.drafters import Drafter, Site, Suffix, Tip
from treeseek.drafters.history import NEAR, History
from treeseek.drafters.places import Cursor

SITE = Site(10, frozenset(), lambda name: None)
TEXTS = st.lists(st.integers(0, 2), min_size=1, max_size=60)


def alike(text: Sequence[int], longest: int = 16) -> dict[int, int]:
    """By place: how many tokens before it the text ends with, one at least, by comparing."""
    found = {}
    for place in range(1, len(text)):
        length = 0
        while length < place and text[place - 1 - length] == text[-1 - length]:
            length += 1
        if length:
            found[place] = min(length, longest)
    return found


def levels(history: History, cursor: Cursor, **options: Any) -> dict[int, int]:
    given = {"most": 999, "shortest": 1, "longest": 16, "first": False} | options
    return {place: level - NEAR for place, level in history.alike(cursor, **given)}


def started(drafting: Suffix, text: Sequence[int], **options: Any) -> Drafter:
    drafter = drafting.start(SITE)
    drafter.begin(0, text, **options)
    return drafter


def chain(drafting: Suffix, text: Sequence[int], budget: int = 16) -> list[int]:
    (tree,) = started(drafting, text).propose([Tip(0)], [budget])
    assert list(tree.parents) == list(range(-1, len(tree) - 1))
    return list(tree.tokens)


@given(TEXTS)
def test_every_place_that_ends_alike_is_known_with_its_length(text: list[int]) -> None:
    drafter: Any = started(Suffix(), text)
    assert levels(drafter.history, drafter.texts[0][0]) == alike(text)


@given(TEXTS, st.lists(st.integers(1, 5), max_size=20))
def test_growing_knows_what_reading_at_once_knows(text: list[int], cuts: list[int]) -> None:
    drafter: Any = started(Suffix(), text[:1])
    at = 1
    for cut in [*cuts, len(text)]:
        drafter.extend(0, text[at : at + cut])
        at = min(at + cut, len(text))
        found = levels(drafter.history, drafter.texts[0][0])
        # Lengths are counted without end while a text grows, so the bound is put on both sides.
        assert found == alike(text[:at])


def test_a_length_that_is_wrong_by_one_is_seen() -> None:
    """The control: matches that do not grow."""

    class Forgetful(History):
        def follow(self, cursor: Cursor, tokens: Any) -> None:
            super().follow(cursor, tokens)
            cursor.lengths = array("i", [1] * len(cursor.lengths))

    text, cursor = [0, 1, 0, 1, 0, 1], Cursor(0)
    history = Forgetful(room=99, window=99)
    history.put(cursor, text)
    history.follow(cursor, text)
    assert levels(history, cursor) != alike(text)


@given(TEXTS, TEXTS)
def test_a_fork_ends_like_the_whole_text_does(text: list[int], more: list[int]) -> None:
    """A text that begins with what is known finds the places the first of its kind would find."""
    drafter: Any = started(Suffix(longest=8), text)
    drafter.begin(1, text + more, known=len(text))
    whole: Any = started(Suffix(longest=8), text + more)
    found = drafter.history.alike(drafter.texts[1][0], most=999, shortest=1, longest=8, first=False)
    alone = whole.history.alike(whole.texts[0][0], most=999, shortest=1, longest=8, first=False)

    def told(of: Any, matches: list[tuple[int, int]]) -> list[tuple[int, int]]:
        return sorted((of.history.text[place], level) for place, level in matches)

    assert told(drafter, found) == told(whole, alone)
    assert len(drafter.history) <= len(text) + len(more) + 16


@given(TEXTS.filter(lambda text: len(text) > 2))
def test_prompt_lookup_is_a_case(text: list[int]) -> None:
    assert chain(Suffix(follow="first", longest=2, most=10), text) == lookup(text)


@given(TEXTS.filter(lambda text: len(text) > 2), st.integers(1, 3), st.integers(0, 3))
def test_ngram_lookup_is_a_case(text: list[int], shortest: int, more: int) -> None:
    """The earliest of the longest matches of shortest..shortest + more tokens, k tokens of it."""
    longest = shortest + more
    known = {place: n for place, n in alike(text, longest).items() if n >= shortest}
    best = max(known.values(), default=0)
    start = min((place for place, n in known.items() if n == best), default=len(text))
    drafting = Suffix(follow="first", shortest=shortest, longest=longest, most=5)
    assert chain(drafting, text) == text[start : start + 5]


@given(TEXTS.filter(lambda text: len(text) > 2))
def test_the_automaton_of_suffixes_is_a_case(text: list[int]) -> None:
    """The longest match at all, from its earliest or its latest end."""
    known = alike(text, 255)
    best = max(known.values(), default=0)
    ends = [place for place, n in known.items() if n == best] or [len(text)]
    assert chain(Suffix(follow="first", longest=255), text) == text[min(ends) : min(ends) + 16]
    assert chain(Suffix(follow="last", longest=255), text) == text[max(ends) : max(ends) + 16]


def test_the_longest_match_speaks_first_and_shorter_ones_for_the_rest() -> None:
    text = [1, 2, 3, 9, 4, 3, 9, 5, 2, 3, 9, 5, 1, 2, 3]
    (tree,) = started(Suffix(), text).propose([Tip(0)], [16])
    assert list(tree.tokens[:3]) == [9, 4, 3] and tree.chances[0] > 0.6
    followers = {tree.tokens[i]: tree.chances[i] for i in range(len(tree)) if tree.parents[i] == 0}
    assert set(followers) == {4, 5} and followers[4] > followers[5] > 0.0
    assert chain(Suffix(follow="often"), text)[:2] == [9, 4]


def test_the_most_frequent_is_followed_where_matches_are_alike() -> None:
    text = [7, 1, 0, 7, 2, 0, 7, 2, 0, 7]
    assert chain(Suffix(follow="often", longest=1), text, 1) == [2]
    assert chain(Suffix(follow="first", longest=1), text, 1) == [1]
    assert chain(Suffix(follow="last", longest=1), text, 1) == [2]


def test_a_broken_copy_is_taken_up_again_behind_the_changed_word() -> None:
    source = list(range(10, 30))
    text = [*source, 1, *source[:8], 2]
    site = Site(40, frozenset(), lambda name: None)
    for resume, wanted in ((16, True), (0, False)):
        drafter = Suffix(resume=resume).start(site)
        drafter.begin(0, text[:-1])
        drafter.propose([Tip(0)], [4])
        drafter.extend(0, text[-1:])
        (tree,) = drafter.propose([Tip(0)], [16])
        first = {tree.tokens[i] for i in range(len(tree)) if tree.parents[i] == -1}
        assert (source[9] in first) is wanted
        if wanted:
            node = tree.children()[-1, source[9]]
            assert tree.children().get((node, source[10])) is not None


def test_searches_of_a_run_learn_from_each_other_only_where_asked() -> None:
    text = [5, 6, 7, 8, 9]
    for search, level in ((0, 2 + NEAR), (1, 2)):
        drafter: Any = started(Suffix(scope="run"), text)
        drafter.begin(1, [5, 6], search=search)
        cursor = drafter.texts[1][0]
        found = drafter.history.alike(cursor, most=9, shortest=1, longest=9, first=False)
        assert found == [(2, level)]


@settings(max_examples=60)
@given(st.lists(TEXTS, min_size=3, max_size=8))
def test_what_is_forgotten_is_the_oldest(texts: list[list[int]]) -> None:
    """Among what is left, places and lengths are those of the text that is left."""
    drafter: Any = Suffix(room=64, longest=4).start(SITE)
    for number, text in enumerate(texts):
        drafter.begin(number, text)
        drafter.extend(number, [0, 1])
        if number:
            drafter.end(number - 1)
        history, cursor = drafter.history, drafter.texts[number][0]
        assert len(history) <= 64
        left = list(history.text)
        for place, length in levels(history, cursor, longest=4).items():
            assert 0 < place < len(left)
            tail = left[max(cursor.at + 1 - length, 0) : cursor.at + 1]
            assert left[place - len(tail) : place] == tail


@pytest.mark.parametrize("options", [{"longest": 0}, {"scope": "world"}, {"room": 3}])
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="suffix"):
        Suffix(**options)
