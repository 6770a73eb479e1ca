"""Laws of judging programs by tests: what is found in a text, what counts, what is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeseek.errors import InvalidOption, NoSandbox
from treeseek.sandbox import Limits, Sandbox, Test
from treeseek.verifiers.tests import TestsVerifier, key_of, program_of

RIGHT = "def f(x):\n    return x + 1\n"
HALF = "def f(x):\n    return 2 if x == 1 else 0\n"
PUBLIC = ("assert f(1) == 2", "assert f(2) == 3")
HIDDEN = ("assert f(10**20) == 10**20 + 1",)


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    try:
        return Sandbox(workers=2)
    except NoSandbox as error:
        pytest.skip(str(error))


def judge(sandbox: Sandbox, **given: object) -> TestsVerifier:
    return TestsVerifier(PUBLIC, **{"hidden": HIDDEN, "sandbox": sandbox, **given})  # type: ignore[arg-type]


def test_the_score_is_the_share_of_public_tests(sandbox: Sandbox) -> None:
    right, half, none = judge(sandbox).verify_all([RIGHT, HALF, "def f(x): return 0"])
    assert (right.score, right.solved, right.terminal) == (1.0, True, True)
    assert (half.score, half.solved, half.terminal) == (0.5, False, False)
    assert (none.score, none.solved) == (0.0, False)
    assert "0 against 3" in half.feedback
    assert "assert f(2) == 3" in half.feedback


def test_hidden_tests_decide_and_are_not_told(sandbox: Sandbox) -> None:
    learnt = "def f(x):\n    return {1: 2, 2: 3}[x]\n"
    verdict = judge(sandbox).verify(learnt)
    assert (verdict.score, verdict.solved) == (1.0, False)
    assert "a hidden test failed" in verdict.feedback
    assert "10" not in verdict.feedback and "KeyError" not in verdict.feedback
    alone = TestsVerifier([], hidden=HIDDEN, sandbox=sandbox)
    assert [alone.verify(one).score for one in (RIGHT, learnt)] == [1.0, 0.0]


def test_examples_that_may_be_wrong_do_not_decide(sandbox: Sandbox) -> None:
    wrong = ("assert f(1) == 7",)
    for binding in (True, False):
        verifier = TestsVerifier(wrong, hidden=HIDDEN, binding=binding, sandbox=sandbox)
        verdict = verifier.verify(RIGHT)
        assert (verdict.score, verdict.solved) == (0.0, not binding)
    assert not TestsVerifier(wrong, binding=False, sandbox=sandbox).verify(RIGHT).solved


def test_many_are_judged_as_one_by_one(sandbox: Sandbox) -> None:
    texts = [RIGHT, HALF, RIGHT, "", f"Here:\n```python\n{RIGHT}```\nDone.", "no program"]
    verifier = judge(sandbox)
    assert verifier.verify_all(texts) == [verifier.verify(text) for text in texts]
    assert verifier.verify(texts[4]).solved


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "```", "```python\n", "def f(", "é" * 5000])
def test_any_text_gets_a_verdict(text: str, sandbox: Sandbox) -> None:
    verdict = judge(sandbox).verify(text)
    assert (verdict.score, verdict.solved, verdict.terminal) == (0.0, False, False)
    assert verdict.feedback


def test_names_tell_verifiers_apart(sandbox: Sandbox) -> None:
    made = [
        judge(sandbox),
        judge(sandbox, hidden=()),
        judge(sandbox, limits=Limits(wall=1)),
        judge(sandbox, binding=False),
        TestsVerifier(PUBLIC[:1], hidden=HIDDEN, sandbox=sandbox),
        TestsVerifier([Test(one, own=("sum",)) for one in PUBLIC], sandbox=sandbox),
    ]
    assert len({verifier.name for verifier in made}) == len(made)
    assert judge(sandbox).name == made[0].name
    with pytest.raises(InvalidOption, match="at least one"):
        TestsVerifier([], sandbox=sandbox)


def test_built_in_names_are_the_programs_own_where_a_test_says_so(sandbox: Sandbox) -> None:
    program = "def sum(a, b):\n    return 42\n"
    assert sandbox.check(program, Test("assert sum(1, 2) == 42", own=("sum",))).passed
    assert sandbox.check(program, Test("assert sum([1, 2]) == 3")).passed


fenced = st.from_regex(r"\A[a-z =\n]{0,40}\Z")


@given(fenced, fenced, st.sampled_from(["", "python", "py", "python3 title=x"]))
def test_the_last_block_of_code_is_the_program(before: str, code: str, kind: str) -> None:
    body = f"{code}\n"
    assert program_of(f"{before}\n```\nold\n```\n{before}\n```{kind}\n{body}```\nbye") == body
    assert program_of(f"{before}\n~~~{kind}\n{body}~~~\n") == body
    assert program_of(f"{before}\n```{kind}\n{body}") == body
    assert program_of(before) == before


HEAD = 'import math\n\n\ndef area(r):\n    """Of a circle."""\n'


@pytest.mark.parametrize(
    "text",
    [
        "    return math.pi * r * r\n",
        "    return math.pi * r * r\n\n\nprint(area(1))\n",
        "    x = r\n\n    return math.pi * x * x\n\ndef other():\n    pass\n",
        "    # squared\n# outside\n    return math.pi * r ** 2",
        "def area(r):\n    return math.pi * r * r\n",
        "Sure:\n```python\ndef area(r):\n    return math.pi * r * r\n```\nThat is it.",
        "```\nfrom math import pi\narea = lambda r: pi * r * r\n```",
        "```python\n    return math.pi * r * r\n```",
    ],
)
def test_the_rest_of_a_program_is_put_together_with_its_head(text: str) -> None:
    program = program_of(text, prompt=HEAD, entry="area")
    names: dict[str, object] = {}
    exec(program, names)
    assert round(names["area"](2), 3) == 12.566  # type: ignore[operator]
    assert "other" not in names


def test_layout_and_comments_do_not_make_another_program() -> None:
    assert key_of(RIGHT) == key_of("def f(x):  # one more\n  return (x+1)\n") != key_of(HALF)
    assert key_of("def f(") is None
    assert key_of("\0") is None
