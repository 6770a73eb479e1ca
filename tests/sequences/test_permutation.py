"""Orders of a bag: a multiset, with words that keep their place."""

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeseek.errors import InvalidOption
from treeseek.noise import Rng
from treeseek.sequences import Permutation, text_of

WORDS = st.lists(st.sampled_from(["a", "b", "the", "cat"]), min_size=1, max_size=6)


@given(words=WORDS)
def test_candidates_are_the_distinct_texts(words: list[str]) -> None:
    space = Permutation(words)
    texts = {text_of(space, order) for order in permutations(space.bag)}
    assert texts == {" ".join(order) for order in permutations(words)}
    assert len(texts) == space.count() == len(set(permutations(space.bag)))


@given(words=WORDS, places=st.sets(st.integers(0, 5)), seed=st.integers(0))
def test_fixed_words_stand_where_they_were_put(
    words: list[str], places: set[int], seed: int
) -> None:
    fixed = {place: words[place] for place in places if place < len(words)}
    if len(fixed) == len(words):
        fixed.popitem()
    space = Permutation(words, fixed=fixed, prefix="once", suffix="end")
    text = text_of(space, space.sample(Rng(seed))).split(" ")
    assert text[0] == "once" and text[-1] == "end"
    assert Counter(text[1:-1]) == Counter(words)
    assert all(text[1 + place] == word for place, word in fixed.items())
    assert space.numbers(text[1:-1]) is not None


def test_numbers_are_the_way_back() -> None:
    space = Permutation(["b", "a", "b", "c"], fixed={1: "a"})
    assert text_of(space, space.numbers(["b", "a", "c", "b"])) == "b a c b"
    with pytest.raises(InvalidOption, match="no order"):
        space.numbers(["a", "b", "c", "b"])


def test_sampling_is_even() -> None:
    space = Permutation(["a", "a", "b"])
    seen = Counter(text_of(space, space.sample(Rng(seed))) for seed in range(3000))
    assert set(seen) == {"a a b", "a b a", "b a a"}
    assert max(seen.values()) - min(seen.values()) < 200


@pytest.mark.parametrize(
    "options",
    [
        {"words": []},
        {"words": ["a", ""]},
        {"words": "ab"},
        {"words": ["a"], "fixed": {0: "b"}},
        {"words": ["a", "b"], "fixed": {2: "b"}},
    ],
)
def test_a_bag_that_is_none_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(InvalidOption):
        Permutation(**options)  # type: ignore[arg-type]
