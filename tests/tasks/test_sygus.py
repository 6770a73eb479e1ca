"""String programs by example: the DSL means what SMT-LIB says, and prefixes are judged soundly."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeseek.errors import BadRow, InvalidOption, MissingData
from treeseek.tasks.slia import Begun, Grammar, Open, Unreadable, evaluate, read, written
from treeseek.tasks.sygus import ByExample, SyGuS, load

FILE = '''; a comment
(set-logic SLIA)
(synth-fun f ((x String) (n Int)) String
    ((Start String (ntString))
     (ntString String (x "a" "ab" "say ""no""" (str.++ ntString ntString)
                       (str.at ntString ntInt) (ite ntBool ntString ntString)))
     (ntInt Int (n 1 10 (+ ntInt ntInt) (str.len ntString)))
     (ntBool Bool (true (= ntInt ntInt)))))
(declare-var x String)
(constraint (= (f "xyz" 0) "x"))
(constraint (= (f "xyz" 0) "x"))
(constraint (= (f "hello" 1) "e"))
(constraint (= (f "hello" 4) "o"))
(check-synth)
'''
PROBLEM = load(FILE, name="small", shown=2)


def term(text: str) -> Any:
    (tree,) = read(f"{text} ")
    return tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('(str.++ "a" "b" "")', "ab"),
        ('(str.replace "banana" "an" "x")', "bxana"),
        ('(str.replace "abc" "" "x")', "xabc"),
        ('(str.replace "abc" "z" "x")', "abc"),
        ('(str.at "abc" 2)', "c"),
        ('(str.at "abc" 3)', ""),
        ('(str.at "abc" -1)', ""),
        ('(str.substr "abcdef" 2 3)', "cde"),
        ('(str.substr "abcdef" 4 9)', "ef"),
        ('(str.substr "abcdef" 6 1)', ""),
        ('(str.substr "abcdef" 1 0)', ""),
        ('(str.substr "abcdef" -1 2)', ""),
        ('(str.indexof "abcab" "ab" 1)', 3),
        ('(str.indexof "abc" "" 3)', 3),
        ('(str.indexof "abc" "" 4)', -1),
        ('(str.indexof "abc" "a" -1)', -1),
        ('(str.to.int "007")', 7),
        ('(str.to.int "-7")', -1),
        ('(str.to.int "")', -1),
        ("(int.to.str 12)", "12"),
        ("(int.to.str (- 1 2))", ""),
        ("(int.to.str (- 3))", ""),
        ('(str.prefixof "ab" "abc")', True),
        ('(str.suffixof "bc" "abc")', True),
        ('(str.contains "abc" "bd")', False),
        ('(ite (= 1 (str.len "a")) "yes" "no")', "yes"),
        ('(str.len "a""b")', 3),
        ("(and true (not (< 2 1)) (or false (>= 2 2)))", True),
    ],
)
def test_functions_mean_what_the_standard_says(text: str, value: object) -> None:
    assert evaluate(term(text), {}) == value
    assert type(evaluate(term(text), {})) is type(value)


@pytest.mark.parametrize("text", ["(str.len 1 2)", "x", "(foo)", '(+ "a" 1)', "(str.at)", "()"])
def test_what_has_no_value_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        evaluate(term(text), {})


@given(st.one_of(st.text(), st.booleans(), st.integers(-(10**17), 10**17)))
def test_a_literal_is_read_as_it_was_written(value):
    assert evaluate(term(written(value)), {}) == value


@given(st.text(alphabet='()"ab;\n 1'))
def test_any_text_is_read_or_refused(text):
    try:
        trees = read(text)
    except Unreadable:
        return
    assert all(isinstance(tree, str | tuple | Begun | Open) for tree in trees)


def test_what_is_open_is_told() -> None:
    assert read("(a (b") == [Open(("a", Open((Begun("b"),))))]
    assert read("(a b) ") == [("a", "b")]
    assert read('x "y') == ["x", Begun('"y')]
    with pytest.raises(Unreadable, match="deeper"):
        read("(" * 1000)


def some_term(noise: random.Random, sort: str = "ntString", depth: int = 3) -> str:
    """A term of the grammar, drawn."""
    rules = PROBLEM.grammar.rules[sort]
    flat = [rule for rule in rules if isinstance(rule, str)]
    rule = noise.choice(flat if depth == 0 else rules)
    if isinstance(rule, str):
        return rule if rule not in PROBLEM.grammar.rules else some_term(noise, rule, depth)
    head, *parts = rule
    return f"({head} {' '.join(some_term(noise, part, depth - 1) for part in parts)})"


@given(st.randoms(use_true_random=False), st.booleans())
def test_a_beginning_that_can_be_completed_is_never_called_ended(noise, defined):
    text = some_term(noise)
    if defined:
        text = f"(define-fun f ((x String) (n Int)) String {text})"
    verifier = ByExample(PROBLEM)
    for end in range(len(text)):
        verdict = verifier.verify(text[:end])
        assert verdict.solved or not verdict.terminal, text[:end]
    assert verifier.verify(f"{text} ").terminal
    assert SyGuS().answer(PROBLEM, text)


@given(st.randoms(use_true_random=False), st.data())
def test_a_change_is_refused_or_again_a_term_that_is_right(noise, data):
    """Whatever is accepted is evaluated again, by another reading of its text."""
    text = "(str.at x n)"
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.sampled_from('()"xn1 a+')) + text[place + 1 :]
    verdict = ByExample(PROBLEM).verify(changed)
    assert 0.0 <= verdict.score <= 1.0
    words = changed.split()
    assert verdict.solved is (len(words) == 3 and "".join(words) == "(str.atxn)")


def test_the_grammar_is_kept_to() -> None:
    verifier = ByExample(PROBLEM)
    outside = ["(str.substr x n 1)", '"b"', "(str.at x 2)", "n", "(str.at x n n)", "x x", ")", "(f"]
    for text in outside:
        verdict = verifier.verify(f"{text} ")
        assert verdict.terminal and not verdict.solved, text
    assert Grammar({"a": ("a", "b")}, "a").fits("b")
    assert not Grammar({"a": ("a", "b")}, "a").fits("c")


def test_shown_examples_score_and_hidden_ones_decide() -> None:
    verifier = ByExample(PROBLEM)
    assert len(PROBLEM.examples) == 3, "equal examples count once"
    right = verifier.verify("(str.at x n)")
    assert (right.score, right.solved, right.terminal) == (1.0, True, True)
    heart = verifier.verify("(str.at x (ite true n 1))")
    assert heart.terminal, "ite of numbers is not in the grammar"
    by_heart = verifier.verify('(ite (= n (str.len x)) "a" (str.at x n)) ')
    assert by_heart.solved
    half = load(FILE, name="small", shown=1)
    knows = ByExample(half).verify('(str.at x (str.len "")) ')
    assert knows.terminal and not knows.solved
    one = load(FILE.replace('"a" "ab"', '"x" "ab"'), name="small", shown=1)
    knows = ByExample(one).verify('"x" ')
    assert (knows.score, knows.solved) == (1.0, False)
    assert "hidden" in knows.feedback and "hello" not in knows.feedback
    assert "hello" not in one.prompt and "xyz" in one.prompt
    assert read(f"{one.text} ")[0] in read(FILE.replace('"a" "ab"', '"x" "ab"'))


def test_equal_behaviour_is_an_equal_answer() -> None:
    task = SyGuS()
    one, same = "(str.at x n)", '(ite true (str.at x n) "a")'
    assert task.answer(PROBLEM, one) == task.answer(PROBLEM, same)
    assert task.answer(PROBLEM, one) != task.answer(PROBLEM, "x")
    assert task.answer(PROBLEM, "(str.at") is None
    assert task.answer(PROBLEM, ")") is None


def test_a_short_symbol_may_become_a_longer_one() -> None:
    file = FILE.replace('x "a"', "x xx").replace("(f ", "(f ")
    problem = load(file, name="small", shown=2)
    assert not ByExample(problem).verify("x").terminal
    assert ByExample(problem).verify("x ").terminal


@given(st.text(alphabet='()"abxn1 .str+'))
def test_any_text_gets_a_verdict(text):
    verdict = ByExample(PROBLEM).verify(text)
    assert 0.0 <= verdict.score <= 1.0
    assert verdict.feedback


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("synth-fun", "define"),
        lambda text: text.replace('"x"))', '"x")'),
        lambda text: text.replace("(constraint (= (f", "(constraint (< (f"),
        lambda text: text.partition("(constraint")[0],
        lambda text: text.replace("(Start String (ntString))", "(Start)"),
        lambda text: "",
    ],
)
def test_a_bad_file_is_a_fault_of_its_own(tmp_path: Path, damage: Callable[[str], str]) -> None:
    (tmp_path / "bad.sl").write_text(damage(FILE))
    (tmp_path / "good.sl").write_text(FILE)
    task = SyGuS(path=str(tmp_path))
    bad, good = task.problems(0, 9)
    assert bad.prompt == ""
    with pytest.raises(BadRow, match=r"bad\.sl"):
        task.verifier(bad)
    assert task.verifier(good).verify("(str.at x n)").solved


def test_a_missing_folder_and_bad_options_are_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="existing file"):
        SyGuS(path=str(tmp_path / "none")).problems(0, 1)
    with pytest.raises(InvalidOption, match="at least 1"):
        SyGuS(examples=0)


def test_every_shared_file_is_read(shared: Callable[[str], Path]) -> None:
    folder = shared("data/sygus_slia")
    task = SyGuS(path=str(folder))
    problems = task.problems(0, 10_000)
    stated = (folder / "README.md").read_text().partition("Rows here: ")[2].split()[0]
    assert len(problems) == int(stated) == len(list(folder.rglob("*.sl")))
    assert len({problem.id for problem in problems}) == len(problems)
    for problem in problems:
        verifier = task.verifier(problem)
        assert problem.examples
        assert not verifier.verify("").terminal
        assert verifier.verify("(no such function ").terminal
        for head in problem.arguments:
            assert verifier.verify(f"{head} ").feedback
    known = {
        "sygus-phone-1": "(str.substr name 4 3)",
        "sygus-firstname": '(str.substr name 0 (str.indexof name " " 0))',
        "sygus-17212077": "(str.++ (str.substr _arg_0 0 (+ 1 1)) (str.substr _arg_0 (str.indexof"
        ' _arg_0 "/" (+ 1 (+ 1 1))) (str.len _arg_0)))',
        "sygus-compare-two-strings": "(= (str.len _arg_0) (str.len _arg_1))",
    }
    for problem in problems:
        if problem.id in known:
            verdict = task.verifier(problem).verify(known[problem.id])
            assert verdict.solved is (problem.id != "sygus-compare-two-strings"), problem.id
            assert verdict.terminal
