"""What is written is what is read, and options find who has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeseek import registry
from treeseek.cli.choice import configured
from treeseek.cli.spelling import read, spelled, split
from treeseek.errors import InvalidOption

NAMES = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)


@given(st.lists(st.tuples(NAMES, st.dictionaries(NAMES, st.text(max_size=12), max_size=3))))
def test_what_is_written_is_what_is_read(things: list[tuple[str, dict[str, str]]]) -> None:
    words = ", ".join(spelled(name, options) for name, options in things)
    found = [read(part) for part in split(words)]
    assert found == [
        (n, {k: v.strip() if plain(v) else v for k, v in o.items()}) for n, o in things
    ]


def plain(text: str) -> bool:
    return not spelled("x", {"y": text}).startswith('x(y="')


@pytest.mark.parametrize("name", registry.names("strategies"))
def test_every_strategy_can_be_written(name: str) -> None:
    made = configured(name, [])
    assert configured(spelled(made.name, made.options), []) == made


@given(st.text(alphabet='ab,()="\\ ', max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parts = split(text)
    except InvalidOption:
        return
    for part in parts:
        try:
            read(part)
        except InvalidOption:
            continue


@pytest.mark.parametrize(
    "text", ["beam(", "beam)", 'beam(a="b)', "beam(width)", "beam(width=4)x", "4"]
)
def test_half_words_are_refused(text: str) -> None:
    with pytest.raises(InvalidOption):
        read(split(text)[0])
