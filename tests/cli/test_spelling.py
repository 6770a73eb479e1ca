"""What is written is what is read, and options find who has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeseek import registry
from treeseek.cli.choice import allocator_of, configured
from treeseek.cli.spelling import read, spelled, split
from treeseek.errors import InvalidOption, UnknownName

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


@pytest.mark.parametrize("name", sorted({*registry.names("allocators")} - {"tuning"}))
def test_every_allocator_can_be_written(name: str) -> None:
    made = allocator_of(name)
    options = {key: value for key, value in made.options.items() if key != "problems"}
    assert allocator_of(spelled(name, options)) == made


def test_strategies_within_an_option_are_read() -> None:
    made = allocator_of('tuning(plans="puct(width=2), beam", cap=9)')
    assert [one.name for one in made.options["plans"]] == ["puct", "beam"]
    assert made.options["plans"][0].options["width"] == 2
    for words, said in (
        ("even(each=bream)", "did you mean"),
        ("even(each=beam(height=2))", "no option 'height'"),
        ("even(problems=3)", "no option 'problems'"),
        ("tuning", "needs plans"),
    ):
        with pytest.raises((InvalidOption, UnknownName), match=said):
            allocator_of(words)


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
