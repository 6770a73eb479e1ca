"""Laws of both languages of programs by example, seen once for each of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeseek.errors import InvalidOption
from treeseek.options import options_of
from treeseek.tasks.lists import LISTS, Lists
from treeseek.tasks.programs import MOST_LINES, Problem, generate, is_held_out, run, verify, write
from treeseek.tasks.strings import STRINGS, Strings

seeds = st.integers(0, 2**32)
languages = pytest.mark.parametrize("language", [STRINGS, LISTS], ids=lambda one: one.name)


@languages
def test_every_problem_is_solved_by_its_program(language):
    for operations in (1, 2, 3, 4):
        for problem in generate(language, 5, operations=operations, count=60):
            assert len(problem.program) == operations
            assert is_held_out(problem.prompt)
            for given_, wanted in (*problem.examples, *problem.hidden):
                assert run(language, problem.program, given_) == wanted
            verdict = verify(language, problem, write(language, problem, problem.program))
            assert verdict.solved
            assert verdict.score == 1


@languages
def test_training_and_held_out_problems_never_meet(language):
    sides = [generate(language, 1, operations=1, count=300, held_out=h) for h in (True, False)]
    one, two = ({problem.prompt for problem in side} for side in sides)
    assert one.isdisjoint(two)


@languages
@given(seeds, st.data())
def test_the_beginning_of_a_right_answer_is_never_called_ended(language, seed, data):
    (problem,) = generate(language, seed, operations=2)
    answer = write(language, problem, problem.program)
    cut = data.draw(st.integers(0, answer.index("\n") + 1))
    verdict = verify(language, problem, answer[:cut])
    assert verdict.solved or not verdict.terminal


@languages
@given(st.one_of(st.text(), st.text(alphabet="ABCLsortevxdp0123456789:, \n", max_size=40)))
def test_any_text_gets_a_verdict(language, text):
    (problem,) = generate(language, 3, operations=2)
    verdict = verify(language, problem, text)
    assert 0 <= verdict.score <= 1
    assert verdict.feedback


@languages
@given(seeds, st.data())
def test_a_wrong_value_ends_the_answer(language, seed, data):
    (problem,) = generate(language, seed, operations=2)
    answer = write(language, problem, problem.program)
    place = data.draw(st.integers(answer.index(":") + 1, answer.index("\n") - 1))
    sign = "9" if answer[place].isdigit() and answer[place] != "9" else "Z"
    changed = answer[:place] + sign + answer[place + 1 :]
    verdict = verify(language, problem, changed)
    assert verdict.terminal
    assert not verdict.solved


def test_score_and_feedback_know_the_public_examples_alone():
    public = (("1 2 3", "1 2"), ("4 5 6", "4 5"))
    fits = Problem("", "Map", public, (("7 8 9", "7 8"),), ("first2",))
    fails = Problem("", "Map", public, (("7 8 9", "8"),), ("first2",))
    answer = "first2:1 2,4 5"
    one, two = (verify(LISTS, problem, answer) for problem in (fits, fails))
    assert (one.score, one.feedback) == (two.score, two.feedback) == (1.0, one.feedback)
    assert one.solved
    assert not two.solved
    assert not two.terminal, "another line could still mend it"


def test_states_are_equal_where_all_that_follows_is_equal():
    public, hidden = (("3 1 2", "1 2"),), (("9 7 8", "7 8"), ("2 5 4 3", "2 3"))
    problem = Problem("", "Map", public, hidden, ("sort", "first2"))

    def state(*program):
        return verify(LISTS, problem, write(LISTS, problem, program) + "\n").state

    assert state("add2", "add1") == state("add1", "add2") != ""
    assert state("add3") != state("add1", "add2"), "fewer lines are left"
    assert state("first2", "sort") != state("last2", "sort")
    unfinished = write(LISTS, problem, ("sort",))
    assert verify(LISTS, problem, unfinished).state == "", "the line may go on"


def test_a_state_is_one_of_public_values_and_none_where_they_are_all_met():
    problem = Problem("", "Map", (("2 4", "4"),), (("3 5", "5"),), ("last1",))
    even, same = (verify(LISTS, problem, f"{line}\n") for line in ("even:2 4", "sort:2 4"))
    assert even.state == same.state != "", "only a hidden example tells them apart"
    last, gaps = (verify(LISTS, problem, line) for line in ("last1:4\n", "times2:4 8\nfirst1:4\n"))
    assert last.solved and not gaps.solved and last.state == gaps.state == ""


def test_too_many_lines_end_the_answer():
    problem = Problem("", "Turn", (("AB", "BA"),), (("CD", "DC"),), ("reverse",))
    program = ("reverse", "reverse") * 2
    assert len(program) == MOST_LINES
    assert verify(STRINGS, problem, write(STRINGS, problem, program) + "\n").terminal
    more = write(STRINGS, problem, (*program, "reverse"))
    assert "too many" in verify(STRINGS, problem, more).feedback


@pytest.mark.parametrize(
    ("line", "value", "made"),
    [
        ("reverse", "ABC", "CBA"),
        ("sort", "CAB", "ABC"),
        ("double", "AB", "ABAB"),
        ("shift", "ABC", "BCA"),
        ("first2", "ABC", "AB"),
        ("last2", "ABC", "BC"),
        ("drop1", "ABC", "BC"),
        ("drop3", "ABC", None),
        ("addK", "AB", "ABK"),
        ("putK", "AB", "KAB"),
        ("skipA", "ABA", "B"),
        ("skipA", "AA", None),
        ("swapAL", "ABA", "LBL"),
        ("double", "ABCDABCD", None),
        ("unknown", "AB", None),
    ],
)
def test_string_operations(line, value, made):
    assert run(STRINGS, (line,), value) == made


@pytest.mark.parametrize(
    ("line", "value", "made"),
    [
        ("reverse", "1 2 3", "3 2 1"),
        ("sort", "10 9 2", "2 9 10"),
        ("sums", "1 2 3", "1 3 6"),
        ("gaps", "1 5 3", "4 2"),
        ("gaps", "1", None),
        ("odd", "1 2 3", "1 3"),
        ("even", "1 3", None),
        ("add4", "1 2", "5 6"),
        ("less3", "5 2", None),
        ("less2", "5 2", "3 0"),
        ("times5", "99 3", "495 15"),
        ("times5", "100", None),
        ("first1", "4 5", "4"),
        ("last2", "4 5 6", "5 6"),
    ],
)
def test_list_operations(line, value, made):
    assert run(LISTS, (line,), value) == made


@pytest.mark.parametrize("task", [Strings, Lists])
def test_the_tasks_and_what_they_refuse(task):
    made = task(operations=3, examples=3)
    problems = made.problems(2, 4)
    assert problems == made.problems(2, 6)[:4]
    assert all(len(problem.examples) == 3 for problem in problems)
    assert set(options_of(task)) == {"operations", "examples"}
    problem = problems[0]
    answer = write(made.language, problem, problem.program)
    assert made.answer(problem, answer) == "; ".join(problem.program)
    assert made.answer(problem, "no such:thing") is None
    assert made.verifier(problem).verify(problem.prompt + answer).solved
    with pytest.raises(InvalidOption, match="at most 4"):
        task(operations=9)
    with pytest.raises(InvalidOption, match="0 or more"):
        generate(made.language, 0, operations=1, count=-1)
