"""Laws of arithmetic chains: what is accepted is the value, whatever the order of the steps."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeseek.errors import InvalidOption
from treeseek.options import options_of
from treeseek.tasks.arithmetic import (
    LARGEST,
    Arithmetic,
    Problem,
    Rule,
    generate,
    is_held_out,
    solve,
    steps_from,
    verify,
)

seeds = st.integers(0, 2**32)


@given(seeds, st.integers(1, 8), st.booleans())
def test_every_expression_can_be_worked_out_and_is_on_its_side(seed, operations, held_out):
    for problem in generate(seed, operations=operations, count=3, held_out=held_out):
        answer = solve(problem.expression)
        assert answer is not None
        assert verify(problem, answer).solved
        assert int(answer.rpartition(":")[2]) == eval(problem.expression)
        assert len(answer.split("\n")) == operations
        assert is_held_out(problem.expression) is held_out


@given(seeds, st.randoms(use_true_random=False))
def test_every_order_of_allowed_steps_keeps_the_value(seed, noise):
    (problem,) = generate(seed, operations=5)
    left, lines = problem.expression, []
    while not left.isdecimal():
        allowed = list(steps_from(left))
        if not allowed:
            return
        line, after = noise.choice(allowed)
        assert eval(after) == eval(left)
        lines.append(line)
        left = after
    assert verify(problem, "\n".join(lines)).solved


def test_a_step_that_breaks_precedence_is_not_allowed():
    lines = {line for line, _ in steps_from("9-2+3*4*5")}
    assert lines == {"9-2=7:7+3*4*5", "3*4=12:9-2+12*5"}
    for wrong in ("2+3=5:9-5*4*5", "4*5=20:9-2+3*20"):
        assert verify(Problem("", "9-2+3*4*5"), wrong + "\n").terminal


@given(seeds, st.integers(2, LARGEST), st.integers(2, 16), st.randoms(use_true_random=False))
def test_modulo_and_in_another_base_every_order_keeps_the_value(seed, modulus, base, noise):
    task = Arithmetic(operations=4, modulus=modulus, base=base)
    problem = generate(seed, operations=4, rule=Rule(modulus, base))[0]

    def value(text):
        return eval(re.sub(r"\w+", lambda part: str(int(part[0], base)), text)) % modulus

    left, lines = problem.expression, []
    while not left.isalnum():
        line, after = noise.choice(list(steps_from(left, problem.rule)))
        assert value(after) == value(left)
        lines.append(line)
        left = after
    assert int(left, base) == value(problem.expression)
    assert verify(problem, "\n".join(lines)).solved
    assert task.answer(problem, "\n".join(lines)) == left
    assert task.answer(problem, f"{left}:{'0123456789abcdefg'[base]}") is None


def test_a_rule_is_in_the_prompt_and_plain_problems_are_what_they_were():
    (plain,) = generate(5)
    assert plain.prompt == f"Work out {plain.expression}.\n" and plain.id.endswith(plain.expression)
    (problem,) = generate(5, rule=Rule(modulus=7, base=2))
    assert problem.prompt.endswith(" modulo 111 in base 2.\n") and " " not in problem.id
    assert [Rule(base=16).written(number) for number in (0, 9, 255)] == ["0", "9", "ff"]


@given(st.data(), seeds)
def test_no_change_of_one_character_is_accepted(data, seed):
    (problem,) = generate(seed)
    answer = solve(problem.expression)
    assert answer is not None
    place = data.draw(st.integers(0, len(answer) - 1))
    sign = data.draw(st.sampled_from("0123456789+-*=: \n"))
    changed = answer[:place] + sign + answer[place + 1 :]
    if changed.strip() != answer:
        assert not verify(problem, changed).solved


@given(st.one_of(st.text(), st.text(alphabet="0123456789+-*=: \n")))
def test_any_text_gets_a_verdict(text):
    verdict = verify(Problem("", "8+3*2-5"), text)
    assert 0 <= verdict.score <= 1
    assert verdict.solved is (verdict.score == 1)
    assert verdict.feedback


@given(seeds, st.data())
def test_the_beginning_of_an_answer_is_never_called_ended(seed, data):
    (problem,) = generate(seed)
    answer = solve(problem.expression)
    assert answer is not None
    cut = data.draw(st.integers(0, answer.rindex(":")))
    verdict = verify(problem, answer[:cut])
    assert not verdict.solved
    assert not verdict.terminal


def test_equal_states_and_answers():
    problem = Problem("", "2*3+4*5")
    one = verify(problem, "2*3=6:6+4*5\n4*5=20:6+20\n")
    two = verify(problem, "4*5=20:2*3+20\n2*3=6:6+20\n")
    assert one.state == two.state == "6+20"
    assert verify(problem, "2*3=6:6+4*5\n4*5=20:6+20").state == "", "the line may go on"
    task = Arithmetic()
    assert task.answer(problem, "2*3=6:6+4*5\n4*5=20:6+20\n6+20=26:26\n") == "26"
    assert task.answer(problem, "2*3=6:6+4*5\n") is None


@given(seeds, st.integers(1, 9))
def test_a_longer_list_begins_with_the_shorter_one(seed, count):
    assert generate(seed, count=count + 4)[:count] == generate(seed, count=count)


def test_the_task_and_what_it_refuses():
    task = Arithmetic(operations=3)
    assert task.problems(4, 5) == generate(4, operations=3, count=5)
    assert set(options_of(Arithmetic)) == {"operations", "modulus", "base"}
    assert task.verifier(task.problems(4, 1)[0]).verify("").score == 0
    with pytest.raises(InvalidOption, match="at least 1"):
        Arithmetic(operations=0)
    with pytest.raises(InvalidOption, match="modulus=1"):
        Arithmetic(modulus=1)
    with pytest.raises(InvalidOption, match="ask for fewer"):
        generate(0, operations=1, count=99, rule=Rule(modulus=2))
    with pytest.raises(InvalidOption, match="0 or more"):
        generate(0, count=-1)


def test_another_rule_is_another_problem():
    for line, rules in (
        ("3-5=5:5", [Rule(7)]),
        ("1+1=10:10", [Rule(base=2)]),
        ("5-3=2:2", [Rule(), Rule(7)]),
        ("1+1=0:0", [Rule(2), Rule(2, base=2)]),
    ):
        for rule in (Rule(), Rule(2), Rule(7), *[Rule(base=2), Rule(2, base=2)] * ("1+1" in line)):
            verdict = verify(Problem("", line.partition("=")[0], rule), line)
            assert verdict.solved is (rule in rules), (line, rule)


def test_results_stay_within_the_numbers_that_a_token_holds():
    noise = random.Random(1)
    for problem in generate(noise.randrange(99), operations=6, count=50):
        answer = solve(problem.expression) or ""
        results = [int(line.partition("=")[2].partition(":")[0]) for line in answer.split("\n")]
        assert all(0 <= result <= LARGEST for result in results)
