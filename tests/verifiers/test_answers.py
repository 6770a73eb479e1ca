"""Laws of reading an answer: numbers are read however they are written, and nothing raises."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeseek.errors import InvalidOption
from treeseek.requests import Verdict
from treeseek.verifiers.answers import boxed, normal, number, stated
from treeseek.verifiers.exact import Exact
from treeseek.verifiers.function import Function
from treeseek.verifiers.numeric import Numeric

texts = st.one_of(
    st.text(), st.text(alphabet="0123456789.,-+/$e{}\\ #fracboxedTheansweris:\n"), st.characters()
)
whole = st.integers(-(10**9), 10**9)


def written(value: int, way: int) -> str:
    """A whole number in one of the ways people write it."""
    sign, size = "-" if value < 0 else "", abs(value)
    ways = [
        f"#### {value}",
        f"#### {value:,}",
        f"First 3 and 4.\nThe answer is {value:,}.",
        f"\\boxed{{{value}}} as 2+2=5",
        f"so {sign}${size:,}.00",
        f"therefore {value}.",
        f"x = \\frac{{{2 * value}}}{{2}}",
        f"Answer: **{value}**",
        f"{sign}{size}.000",
        f"$\\boxed{{{sign}{format(size, ',').replace(',', '{,}')}}}$",
    ]
    return ways[way % len(ways)]


@given(whole, st.integers(0, 9), st.integers(0, 9))
def test_a_number_is_the_same_however_it_is_written(value, one, other):
    assert number(stated(written(value, one))) == value
    assert Numeric(written(value, one)).verify(written(value, other)).solved


@given(whole, st.integers(0, 9), st.integers(1, 9))
def test_another_number_is_refused(value, way, off):
    verdict = Numeric(value).verify(written(value + off, way))
    assert (verdict.score, verdict.solved, verdict.terminal) == (0.0, False, False)


@given(st.fractions(max_denominator=10**6), st.integers(2, 9))
def test_fractions_are_exact(value, factor):
    text = f"It is {factor * value.numerator}/{factor * value.denominator}"
    assert number(text) == value
    assert Numeric(value).verify(text).solved
    assert not Numeric(value).verify(f"{value + Fraction(1, 10**9)}").solved


def test_tolerance_is_asked_for_never_given() -> None:
    assert not Numeric("1/3").verify("0.333").solved
    assert Numeric("1/3", tolerance=1e-3).verify("0.333").solved
    assert not Numeric("1/3", tolerance=1e-4).verify("0.333").solved
    assert Numeric(3_000_000, tolerance=1e-3).verify("3,000,999").solved
    assert Numeric(0.1).verify("1/10").solved


@pytest.mark.parametrize("text", ["16-3", "16 - 3", "rate:3", "3", "$3", "x=3", "(3)", "3 dollars"])
def test_a_sign_belongs_to_a_number_only_where_nothing_is_subtracted(text: str) -> None:
    assert number(text) == 3


@pytest.mark.parametrize("answer", ["none", "1/0", math.inf, math.nan, ""])
def test_an_answer_without_a_number_is_refused_where_it_is_made(answer: str | float) -> None:
    with pytest.raises(InvalidOption, match="exact verifier"):
        Numeric(answer)
    with pytest.raises(InvalidOption, match="0 or more"):
        Numeric(1, tolerance=-0.1)


@given(texts)
def test_any_text_gets_a_verdict(text):
    for verifier in (Numeric(7), Exact("seven"), Exact(") ]", spaces=False)):
        verdict = verifier.verify(text)
        assert verdict.score == float(verdict.solved)
        assert verdict.terminal is verdict.solved, "more text may state another answer"
        assert verdict.feedback
    assert stated(stated(text)) is not None


def test_ten_thousand_digits_and_braces_are_refused_not_raised() -> None:
    assert number("9" * 10_000) is None
    assert number("1e99") == 10**99
    assert boxed("\\boxed{" * 10_000) is None
    assert not Numeric(1).verify("\\boxed{" * 10_000 + "1" * 10_000).solved


@given(
    st.text(min_size=1), st.sampled_from(["{}", "{}.", "**{}**", " {} ", '"{}"', "\\text{{{}}}"])
)
def test_emphasis_and_case_say_nothing(answer, frame):
    line = " ".join(answer.split())
    if not normal(line) or any(sign in line for sign in "#{}") or "\\" in line:
        return
    assert normal(frame.format(line)) == normal(line)
    assert normal(normal(line)) == normal(line)
    assert Exact(line).verify(f"I think.\n{line.upper().lower()}").solved or line != line.lower()


@pytest.mark.parametrize(
    ("answer", "text", "right"),
    [
        ("(A)", "The answer is (A).", True),
        ("(A)", "So the answer is: A", True),
        ("(A)", "(B)", False),
        ("True", "It follows that\ntrue.", True),
        ("a b", "a  b", True),
        ("a b", "ab", False),
        ("two words", "the two words", False),
    ],
)
def test_the_exact_verifier_reads_as_people_do(answer: str, text: str, right: bool) -> None:
    assert Exact(answer).verify(text).solved is right


def test_spaces_count_unless_they_are_told_not_to() -> None:
    assert Exact("} ]", spaces=False).verify("}]").solved
    assert not Exact("} ]").verify("}]").solved
    assert Exact("} ]").name != Exact("} ]", spaces=False).name


@given(whole)
def test_neither_feedback_nor_name_tells_the_answer(value):
    for verifier in (Numeric(value), Exact(str(value))):
        verdict = verifier.verify("no idea")
        assert str(value) not in verdict.feedback
    assert Numeric(value).name != Numeric(value + 1).name
    assert Exact("a").name != Exact("b").name


@pytest.mark.parametrize(
    ("returned", "verdict"),
    [
        (True, (1.0, True)),
        (False, (0.0, False)),
        (1, (1.0, True)),
        (0.25, (0.25, False)),
        (Fraction(1, 4), (0.25, False)),
        (Verdict(0.5, True), (0.5, True)),
        (1.5, (0.0, False)),
        (math.nan, (0.0, False)),
        (Verdict(-1, True), (0.0, False)),
        ("fine", (0.0, False)),
        (None, (0.0, False)),
    ],
)
def test_a_function_may_return_what_it_likes(returned: object, verdict: tuple) -> None:
    judged = Function(lambda text: returned).verify("text")
    assert (judged.score, judged.solved) == verdict


def test_what_a_function_raises_is_evidence() -> None:
    def faulty(text: str) -> bool:
        return text[99] == "a"

    verdict = Function(faulty, version="2").verify("short")
    assert verdict.feedback == "IndexError: string index out of range"
    assert not verdict.solved and not verdict.terminal
    assert Function(faulty).name.endswith("faulty")

    def stopped(text: str) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Function(stopped).verify("a user's interrupt is not evidence")
