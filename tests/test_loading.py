"""Names to models: what a name cannot follow is refused, never ignored."""

from typing import Any

import pytest

from treeseek import load
from treeseek.errors import InvalidOption, UnknownName

TOY = "toy:hash?vocabulary=6&seed=3"


@pytest.mark.parametrize(
    "option", [{"dtype": "float32"}, {"device": "cpu"}, {"threads": 1}, {"tokenizer": object()}]
)
def test_a_toy_refuses_what_needs_torch(option: dict[str, Any]) -> None:
    (name,) = option
    with pytest.raises(InvalidOption, match=f"^{name}="):
        load(TOY, **option)


@pytest.mark.parametrize("name", ["threads", "slots", "nodes"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "9"])
def test_a_count_is_a_whole_number(name: str, value: Any) -> None:
    with pytest.raises(InvalidOption, match=f"{name}={value!r}: give a whole number of at least 1"):
        load(TOY, **{name: value})


def test_a_toy_has_the_room_it_was_given() -> None:
    lm = load(TOY, slots=20, nodes=30)
    assert (lm.backend.slots, lm.tree.limit, lm.vocabulary) == (20, 30, 6)


@pytest.mark.parametrize("model", [3, None, ["embedded"], object()])
def test_what_is_neither_name_nor_model(model: Any) -> None:
    with pytest.raises(InvalidOption, match="give a model's name, or a transformers causal LM"):
        load(model)


@pytest.mark.parametrize("name", ["toy:", "toy:table", "toy:hash2?vocabulary=3"])
def test_an_unknown_toy(name: str) -> None:
    with pytest.raises(UnknownName, match="write toy:hash"):
        load(name)
