"""HumanEval and MBPP: reference programs pass, programs with a mistake do not."""

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.tasks.mutants import mutants
from treeseek.errors import BadRow, InvalidOption, MissingData, NoSandbox
from treeseek.requests import Verdict
from treeseek.sandbox import Sandbox, standing
from treeseek.tasks.humaneval import HumanEval
from treeseek.tasks.mbpp import MBPP
from treeseek.tasks.rows import Question

FAILING: dict[str, str] = {}
"""Reference programs that do not pass their tests, by the id of the problem, and why."""
ROWS = {"humaneval": 83, "mbpp": 478}


@pytest.fixture(scope="module", autouse=True)
def sandbox() -> Sandbox:
    try:
        return standing()
    except NoSandbox as error:
        pytest.skip(str(error))


@pytest.fixture
def tasks(shared: Callable[[str], Path]) -> dict[str, HumanEval | MBPP]:
    return {
        "humaneval": HumanEval(path=str(shared("data/humaneval/data.jsonl"))),
        "mbpp": MBPP(path=str(shared("data/mbpp/data.jsonl"))),
    }


def verdicts(task: HumanEval | MBPP, asked: list[tuple[Question, str]]) -> list[Verdict]:
    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(lambda one: task.verifier(one[0]).verify(one[1]), asked))


def references_pass(task: HumanEval | MBPP, problems: list[Question]) -> None:
    asked = [(problem, problem.answer) for problem in problems]
    for problem, verdict in zip(problems, verdicts(task, asked), strict=True):
        assert verdict.solved is (problem.id not in FAILING), f"{problem.id}: {verdict}"


def share_of_mutants_that_fail(
    task: HumanEval | MBPP, problems: list[Question], each: int
) -> float:
    noise = random.Random(0)
    asked = []
    for problem in problems:
        whole = problem.answer
        if isinstance(task, HumanEval):
            whole = problem.prompt + problem.answer
        asked += [(problem, mutant) for mutant in mutants(whole, noise, each)]
    return sum(not verdict.solved for verdict in verdicts(task, asked)) / len(asked)


@pytest.mark.parametrize("name", ROWS)
def test_some_references_pass_and_mistakes_fail(
    name: str, tasks: dict[str, HumanEval | MBPP]
) -> None:
    problems = tasks[name].problems(3, 6)
    references_pass(tasks[name], problems)
    assert share_of_mutants_that_fail(tasks[name], problems, 1) >= 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_every_reference_passes(name: str, tasks: dict[str, HumanEval | MBPP]) -> None:
    problems = tasks[name].problems(0, 10_000)
    assert len(problems) == ROWS[name]
    references_pass(tasks[name], problems)


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_most_mistakes_fail(name: str, tasks: dict[str, HumanEval | MBPP]) -> None:
    problems = tasks[name].problems(1, 150)
    share = share_of_mutants_that_fail(tasks[name], problems, 2)
    print(f"{name}: {share:.3f} of the mutants fail")
    assert share >= 0.85


@pytest.mark.parametrize("name", ROWS)
def test_what_is_shown_is_public_and_the_rest_is_not(
    name: str, tasks: dict[str, HumanEval | MBPP]
) -> None:
    problems = tasks[name].problems(0, 10_000)
    assert len({problem.id for problem in problems}) == len(problems)
    assert any(problem.tests for problem in problems)
    for problem in problems:
        assert problem.hidden or name == "mbpp", "some rows say the same thing three times"
        assert problem.answer not in problem.prompt
        for test in problem.hidden:
            if name == "mbpp":
                assert test.splitlines()[-1] not in problem.prompt


def test_a_longer_list_begins_with_the_shorter_one(tasks: dict[str, HumanEval | MBPP]) -> None:
    for task in tasks.values():
        for seed in (0, 7):
            assert task.problems(seed, 9)[:4] == task.problems(seed, 4)
        assert task.problems(7, 9) != task.problems(8, 9)


def test_equal_programs_vote_together(tasks: dict[str, HumanEval | MBPP]) -> None:
    (problem,) = tasks["mbpp"].problems(0, 1)
    task = tasks["mbpp"]
    fenced = f"Sure.\n```python\n# mine\n{problem.answer}\n```"
    assert task.answer(problem, problem.answer) == task.answer(problem, fenced) is not None
    assert task.answer(problem, "def (") is None
    assert task.answer(problem, "x = 1") != task.answer(problem, "x = 2")


def test_every_assertion_is_a_test_of_its_own(tmp_path: Path) -> None:
    test = (
        "META = {}\ndef check(candidate):\n    assert candidate(1) == 2\n    base = 5\n"
        "    assert True, 'fine'\n    assert candidate(base) == 6\n"
        "    for x in range(3):\n        assert candidate(x) == x + 1\n"
    )
    row = {
        "task_id": "one",
        "prompt": 'def inc(x):\n    """\n    >>> inc(3)\n    4\n    >>> inc(x)\n    y\n    """\n',
        "entry_point": "inc",
        "canonical_solution": "    return x + 1\n",
        "test": test,
    }
    bad = {**row, "task_id": "two", "test": "def check(candidate): pass"}
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, (row, bad))) + "\nno json\n")
    task = HumanEval(path=str(file))
    first, second, third = task.problems(0, 3)
    assert len(first.hidden) == 3
    assert first.tests == ("assert inc(3) == 4",)
    assert task.verifier(first).verify(first.answer).solved
    slow = "    if x == 5:\n        raise ValueError\n    return x + 1\n"
    assert not task.verifier(first).verify(slow).solved
    for problem in (second, third):
        with pytest.raises(BadRow, match=r"line [23]"):
            task.verifier(problem)


def test_what_cannot_be_asked_for_is_named() -> None:
    with pytest.raises(MissingData, match="does not exist"):
        HumanEval(path="nowhere.jsonl").problems(0, 1)
    with pytest.raises(InvalidOption, match="at least 1"):
        MBPP(public=0)
    with pytest.raises(InvalidOption, match="at least 1"):
        HumanEval(seconds=0)
