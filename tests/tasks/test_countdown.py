"""Laws of the Countdown task: what it makes can be solved, and what it accepts is right."""

import itertools
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeseek.errors import InvalidOption
from treeseek.options import options_of
from treeseek.requests import Verdict
from treeseek.tasks.countdown import (
    HIGHEST_TARGET,
    LARGEST,
    LOWEST_TARGET,
    SMALLEST,
    Countdown,
    CountdownVerifier,
    Problem,
    generate,
    is_held_out,
    solve,
    steps_from,
    targets_of,
    verify,
    write_step,
)

number = st.integers(0, 30)
numbers = st.lists(number, min_size=2, max_size=4)
seeds = st.integers(0, 2**32)


def walk(problem: Problem, noise: random.Random, limit: int | None = None) -> str:
    """An answer of allowed steps, chosen blindly; all of them unless `limit` says fewer."""
    left, lines = problem.numbers, []
    while len(left) > 1 and (limit is None or len(lines) < limit):
        step, left = noise.choice(list(steps_from(left)))
        lines.append(write_step(step, left))
    return "\n".join(lines)


def independent(problem: Problem, text: str) -> bool:
    """A second opinion, written another way: replay the lines with fractions on a plain list."""
    left = [Fraction(n) for n in problem.numbers]
    for line in text.split("\n"):
        term, _, rest = line.partition("=")
        sign = next(c for c in term if c in "+-*/")
        a, b = (Fraction(part) for part in term.split(sign))
        left.remove(a)
        left.remove(b)
        result = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else Fraction(-1)}[sign]
        if result < 0 or result.denominator != 1 or str(result) != rest.partition(":")[0]:
            return False
        left.append(result)
        if sorted(left) != sorted(Fraction(n) for n in rest.partition(":")[2].split()):
            return False
    return left == [problem.target]


def reachable_by_brute_force(left: tuple[Fraction, ...]) -> set[int]:
    """Every last number, over all orders of the numbers and of the operations."""
    if len(left) == 1:
        return {int(left[0])}
    found: set[int] = set()
    for i, j in itertools.permutations(range(len(left)), 2):
        rest = [left[k] for k in range(len(left)) if k not in (i, j)]
        a, b = left[i], left[j]
        for result in (a + b, a - b, a * b, a / b if b else None):
            if result is not None and result >= 0 and result.denominator == 1:
                found |= reachable_by_brute_force((*rest, result))
    return found


@given(seeds, st.integers(2, 4), st.booleans())
def test_every_problem_is_solvable_and_on_its_side_of_the_split(seed, size, held_out):
    for problem in generate(seed, numbers=size, count=3, held_out=held_out):
        assert len(problem.numbers) == size
        assert all(SMALLEST <= n <= LARGEST for n in problem.numbers)
        assert LOWEST_TARGET <= problem.target <= HIGHEST_TARGET
        assert is_held_out(problem.numbers) is held_out
        answer = solve(problem.numbers, problem.target)
        assert answer is not None
        assert verify(problem, answer) == Verdict(
            1.0, True, True, f"reached {problem.target} in {size - 1} steps"
        )
        assert independent(problem, answer)


@given(seeds, st.integers(1, 12))
def test_a_longer_list_begins_with_the_shorter_one(seed, count):
    longer = generate(seed, numbers=3, count=count + 5)
    assert generate(seed, numbers=3, count=count) == longer[:count]
    assert len({problem.id for problem in longer}) == len(longer)


def test_different_seeds_give_different_problems():
    lists = [tuple(p.id for p in generate(seed, count=5)) for seed in range(20)]
    assert len(set(lists)) == 20


@given(st.lists(number, min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_the_split_knows_numbers_not_their_order(drawn, noise):
    shuffled = list(drawn)
    noise.shuffle(shuffled)
    assert is_held_out(drawn) is is_held_out(shuffled)


def test_one_set_of_numbers_in_five_is_held_out():
    span = range(SMALLEST, LARGEST + 1)
    for size in (3, 4):
        sides = [is_held_out(s) for s in itertools.combinations_with_replacement(span, size)]
        assert 0.17 < sum(sides) / len(sides) < 0.23


@given(st.lists(st.integers(0, 12), min_size=2, max_size=3))
def test_the_solver_finds_exactly_what_brute_force_finds(drawn):
    reachable = reachable_by_brute_force(tuple(map(Fraction, drawn)))
    for target in range(160):
        answer = solve(drawn, target)
        assert (answer is not None) is (target in reachable)
        if answer is not None:
            assert independent(Problem("", tuple(sorted(drawn)), target), answer)
    in_range = {t for t in reachable if LOWEST_TARGET <= t <= HIGHEST_TARGET}
    assert targets_of(drawn) == sorted(in_range)


@given(numbers, st.integers(0, 150), st.randoms(use_true_random=False))
def test_verdicts_agree_with_a_second_opinion(drawn, target, noise):
    problem = Problem("", tuple(sorted(drawn)), target)
    text = walk(problem, noise)
    verdict = verify(problem, text)
    assert verdict.solved is independent(problem, text)
    assert verdict.terminal
    assert verdict.solved is (verdict.score == 1.0)


@given(st.data(), seeds, st.integers(3, 4))
def test_no_change_of_one_character_is_accepted_wrongly(data, seed, size):
    (problem,) = generate(seed, numbers=size)
    answer = solve(problem.numbers, problem.target)
    assert answer is not None
    place = data.draw(st.integers(0, len(answer) - 1))
    sign = data.draw(st.sampled_from("0123456789+-*/=: \n"))
    changed = answer[:place] + sign + answer[place + 1 :]
    verdict = verify(problem, changed)
    if verdict.solved:
        assert independent(problem, changed.strip())


@given(
    st.one_of(
        st.text(),
        st.text(alphabet="0123456789+-*/=: \n"),
        st.from_regex(r"\A([0-9]+[-+*/][0-9]+=[0-9]+:[0-9 ]+\n)+\Z"),
    )
)
def test_any_text_gets_a_verdict(text):
    verifier = CountdownVerifier(Problem("", (1, 2, 3), 6))
    verdict = verifier.verify(text)
    assert 0.0 <= verdict.score <= 1.0
    assert verdict.solved is (verdict.score == 1.0)
    assert verdict.feedback


def test_a_number_of_ten_thousand_digits_is_refused_not_raised():
    verdict = verify(Problem("", (1, 2), 3), f"1+{'2' * 10_000}=3:3")
    assert not verdict.solved


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("5+7=12:3 12", "7 not among"),
        ("5+5=10:3 10", "5 not among"),
        ("4+5=8:3 8", "4+5 is not 8"),
        ("4-5=1:1 3", "4-5 is not 1"),
        ("5/4=1:1 3", "5/4 is not 1"),
        ("4+5=9:9", "left over are 3 9"),
        ("4+5=9:3 3 9", "left over are 3 9"),
        ("4 + 5 = 9 : 3 9", "not of the form"),
        ("04+5=9:3 9", "not of the form"),
        ("4+5=9:3 9\n9-3=6:6\n6+0=6:6", "text after the last step"),
    ],
)
def test_the_feedback_says_what_is_wrong(text, fault):
    verdict = verify(Problem("", (3, 4, 5), 6), text + "\n")
    assert fault in verdict.feedback
    assert not verdict.solved
    assert verdict.terminal


@given(seeds, st.integers(3, 4), st.data())
def test_the_beginning_of_a_solution_is_never_called_ended(seed, size, data):
    (problem,) = generate(seed, numbers=size)
    answer = solve(problem.numbers, problem.target)
    assert answer is not None
    cut = data.draw(st.integers(0, answer.rindex(":") + 1))
    verdict = verify(problem, answer[:cut])
    assert not verdict.solved
    assert not verdict.terminal


@given(st.lists(number, min_size=2, max_size=3), st.randoms(use_true_random=False))
def test_a_line_that_is_cut_is_ended_exactly_where_no_step_begins_so(drawn, noise):
    """Against every right line there is, in every order; and with a sign of it changed."""
    problem = Problem("begun", tuple(sorted(drawn)), 99)
    lines = set()
    for (a, operation, b, result), left in steps_from(drawn):
        for x, y in {(a, b), (b, a)} if operation in "+*" else {(a, b)}:
            for order in itertools.permutations(left):
                lines.add(write_step((x, operation, y, result), order))
    for line in noise.sample(sorted(lines), min(8, len(lines))):
        for text in (line, line[:-1] + noise.choice("0123456789 :"), line.replace("=", "=1")):
            for end in range(len(text) + 1):
                begun = text[:end].rstrip(" ")  # what no answer's end is judged by
                may = any(full.startswith(begun) for full in lines)
                verdict = verify(problem, text[:end])
                assert (not verdict.terminal or begun in lines) == may, begun


@given(seeds, st.randoms(use_true_random=False))
def test_more_right_steps_never_score_less(seed, noise):
    (problem,) = generate(seed, numbers=4)
    whole = walk(problem, noise).split("\n")
    scores = [verify(problem, "\n".join(whole[:done])).score for done in range(len(whole) + 1)]
    assert scores == sorted(scores)


def test_a_closer_end_scores_more():
    problem = Problem("", (2, 3, 20), 100)
    far = verify(problem, "2+3=5:5 20\n20+5=25:25").score
    near = verify(problem, "2+3=5:5 20\n5*20=100:100").score
    middle = verify(problem, "2*3=6:6 20\n6*20=120:120").score
    assert far < middle < near == 1.0


@given(seeds)
def test_prompt_before_the_answer_changes_nothing(seed):
    (problem,) = generate(seed)
    answer = solve(problem.numbers, problem.target)
    assert answer is not None
    assert verify(problem, problem.prompt + answer) == verify(problem, answer)


@given(seeds)
def test_verifiers_of_different_problems_have_different_names(seed):
    problems = generate(seed, numbers=3, count=10)
    assert len({CountdownVerifier(problem).name for problem in problems}) == 10


@pytest.mark.parametrize("size", [-1, 0, 1, 6])
def test_sizes_that_cannot_be_asked_for_are_named(size):
    with pytest.raises(InvalidOption, match="2 to 5 numbers"):
        generate(0, numbers=size)


def test_more_problems_than_there_are_is_an_error():
    with pytest.raises(InvalidOption, match="ask for fewer"):
        generate(0, numbers=2, count=10_000)
    with pytest.raises(InvalidOption, match="0 or more"):
        generate(0, count=-1)
    assert generate(0, count=0) == []


def test_the_task_gives_held_out_problems_and_refuses_other_options() -> None:
    task = Countdown(numbers=3)
    problems = task.problems(5, 4)
    assert problems == generate(5, numbers=3, count=4)
    assert problems[:2] == task.problems(5, 2)
    assert all(is_held_out(problem.numbers) for problem in problems)
    assert set(options_of(Countdown)) == {"numbers"}
    with pytest.raises(InvalidOption, match="at least 2"):
        Countdown(numbers=1)


def test_equal_answers_and_equal_states_are_told_from_others() -> None:
    task = Countdown(numbers=4)
    problem = Problem("one", (1, 2, 3, 4), 10)
    first, second = "1+2=3:3 3 4\n3+3=6:4 6\n6+4=10:10", "1+2=3:3 4 3\n3+3=6:6 4\n6+4=10:10"
    assert task.answer(problem, first) == task.answer(problem, second)
    assert task.answer(problem, first) != task.answer(problem, first.replace("+", "*"))
    assert task.answer(problem, "1+2=3:3 3 4") is None
    verifier = task.verifier(problem)
    one, two = verifier.verify("1+2=3:3 3 4\n"), verifier.verify("4-1=3:2 3 3\n")
    assert one.state == verifier.verify("1+2=3:4 3 3\n").state != two.state
    assert verifier.verify("1+2=3:3 3 4").state == "", "the line may go on"
    assert verifier.verify("1+2=4:3 4 4\n").state == "", "a wrong step has no state"
