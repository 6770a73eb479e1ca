"""Stops: across tokens, first come first served, the same however the text was cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeseek.decoding.stops import Stop, stop_at
from treeseek.errors import InvalidOption

Texts = st.text("ab\n", max_size=30)
Words = st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=4).map(tuple)


def test_a_string_over_several_tokens_is_found_where_it_begins() -> None:
    text = "".join(["one", " two", "\n", "\nthree"])
    assert stop_at(text, Stop(("\n\n",))) == 7
    assert stop_at(text, Stop(("four",))) is None
    assert stop_at(text, Stop()) is None


def test_what_is_complete_first_decides() -> None:
    assert stop_at("xabc", Stop(("abc", "b"))) == 2
    assert stop_at("xabc", Stop(("bc", "abc"))) == 1


@given(Texts, Words, st.data())
def test_the_cut_of_the_text_does_not_matter(text: str, words: tuple, data: st.DataObject) -> None:
    """Asking after every piece, and then cutting, gives what asking character by character does."""
    stop = Stop(words)

    def kept(pieces: list[str]) -> str:
        written = ""
        for piece in pieces:
            written += piece
            if (end := stop_at(written, stop)) is not None:
                return written[:end]
        return written

    sizes = data.draw(st.lists(st.integers(1, 5), min_size=30, max_size=30))
    pieces, at = [], 0
    for size in sizes:
        pieces.append(text[at : at + size])
        at += size
    assert "".join(pieces) == text
    assert kept(pieces) == kept(list(text)) == kept([text])
    assert not any(word in kept(pieces) for word in words)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strings": "end"}, "tuple"),
        ({"strings": ("",)}, "not empty"),
        ({"strings": (3,)}, "must be strings"),
        ({"tokens": (-1,)}, "0 or more"),
        ({"tokens": (True,)}, "integers"),
    ],
)
def test_a_senseless_stop_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        Stop(**arguments)


def test_lists_are_taken_and_the_value_is_hashable() -> None:
    assert hash(Stop(["a"], [3])) == hash(Stop(("a",), (3,)))  # type: ignore[arg-type]
