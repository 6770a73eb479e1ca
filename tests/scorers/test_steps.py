"""Steps of a text and what is made of their scores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeseek.decoding.stops import Step
from treeseek.errors import InvalidOption
from treeseek.scorers.steps import REDUCTIONS, pieces, reduced


@given(st.text("ab\n."), st.sampled_from([("\n",), (".", "\n"), ("\n\n",), ("b.", ".")]))
def test_pieces_are_the_text_cut_after_each_end(text: str, ends: tuple[str, ...]) -> None:
    found = pieces(text, Step(ends))
    assert "".join(found).replace("\n", "") == text.replace("\n", "")
    for piece in found[:-1]:
        assert piece.endswith(ends)
    for piece in found:
        assert piece.strip()
        inner = piece[:-1]
        assert not any(end in inner for end in ends)


def test_a_text_without_an_end_is_one_step() -> None:
    assert pieces("1+1=2", Step()) == ["1+1=2"]
    assert pieces("a\n\n\nb\n", Step()) == ["a\n", "b\n"]
    assert pieces("", Step()) == []
    with pytest.raises(InvalidOption, match="strings"):
        pieces("a", Step(strings=(), tokens=4))


@pytest.mark.parametrize(
    "reduction, wanted", [("last", 0.8), ("min", 0.5), ("prod", 0.36), ("mean", 2.2 / 3)]
)
def test_reductions(reduction: str, wanted: float) -> None:
    assert reduced([0.9, 0.5, 0.8], reduction) == pytest.approx(wanted)  # type: ignore[arg-type]
    assert reduced([], reduction) == 0.0  # type: ignore[arg-type]
    assert set(REDUCTIONS) == {"last", "min", "prod", "mean"}


def test_an_unknown_reduction_is_refused() -> None:
    with pytest.raises(InvalidOption, match="last, min, prod, mean"):
        reduced([0.5], "max")  # type: ignore[arg-type]
