"""Rows of files: a bad line is its own failure, true answers are right by their own verifiers."""

import gzip
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeseek import registry
from treeseek.errors import BadRow, InvalidOption, MissingData, TreeseekError
from treeseek.tasks.bbh import BBH, SETS
from treeseek.tasks.game24 import Game24, solve
from treeseek.tasks.gsm8k import GSM8K
from treeseek.tasks.jsonl import Jsonl
from treeseek.tasks.math500 import MATH500
from treeseek.tasks.puzzle import StepVerifier
from treeseek.tasks.rows import drawn, rows
from treeseek.tasks.x1 import X1, Satisfied, clauses

Find = Callable[[str], Path]
ALL = 10**6


def stated_rows(folder: Path) -> int:
    """How many rows the folder's own page says it has."""
    return int((folder / "README.md").read_text().partition("Rows here: ")[2].split()[0])


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., str]:
    def write(*given: Any, name: str = "mine.jsonl") -> str:
        text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in given)
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def test_a_line_says_what_to_ask_and_how_to_judge(lines: Callable[..., str]) -> None:
    pytest.importorskip("math_verify")
    path = lines(
        {"id": "one", "prompt": "6*7=", "answer": 42},
        {"prompt": "capital?", "answer": "Paris"},
        "",
        {"id": 7, "prompt": "half?", "answer": "\\frac{1}{2}"},
        {"prompt": "cost?", "answer": "$1,234.50"},
    )
    task = Jsonl(path=path)
    problems = task.problems(0, 9)
    assert [p.kind for p in problems] == ["numeric", "exact", "symbolic", "numeric"]
    assert [p.id for p in problems] == ["one", "mine.jsonl-2", "7", "mine.jsonl-5"]
    right = ["It is 42.", "paris", "So $x = 0.5$", "1234.5 dollars"]
    for problem, text in zip(problems, right, strict=True):
        assert task.verifier(problem).verify(text).solved
        assert not task.verifier(problem).verify("It is 41, perhaps").solved
        assert task.answer(problem, text)
    assert task.answer(problems[0], "42.0") == task.answer(problems[0], "#### 42")
    exact = Jsonl(path=path, judge="exact").problems(0, 1)[0]
    assert exact.kind == "exact"


def test_a_bad_line_is_a_failure_with_its_number_and_the_others_go_on(
    lines: Callable[..., str],
) -> None:
    path = lines(
        {"prompt": "a", "answer": "b"},
        "{not json",
        [1, 2],
        {"prompt": "no answer"},
        {"answer": "no prompt"},
        {"prompt": " ", "answer": "blank"},
        {"prompt": "a", "answer": True},
        {"prompt": "a", "tests": []},
        {"prompt": "a", "tests": ["assert f()", 3]},
        {"prompt": "a", "answer": ""},
        "[" * 100_000,
        {"prompt": "c", "answer": "d"},
    )
    task = Jsonl(path=path)
    problems = task.problems(0, 99)
    assert len(problems) == 12
    for number, problem in enumerate(problems, 1):
        if number in (1, 12):
            assert task.verifier(problem).verify("b" if number == 1 else "d").solved
            continue
        assert problem.prompt == ""
        with pytest.raises(BadRow, match=rf"mine\.jsonl, line {number}: .*mend"):
            task.verifier(problem)
    number = Jsonl(path=lines({"prompt": "a", "answer": "b"}), judge="numeric").problems(0, 1)[0]
    assert "numeric" in number.fault


def test_bytes_that_are_no_text_are_a_bad_line(tmp_path: Path) -> None:
    file = tmp_path / "odd.jsonl"
    file.write_bytes(b'{"prompt": "\xff"}\n{"prompt": "a", "answer": "\xc3\xa9"}\n')
    bad, good = Jsonl(path=str(file)).problems(0, 9)
    assert "line 1" in bad.fault
    assert good.answer == "é"
    assert rows(file)[1].line == 2


def test_tests_are_run_in_the_sandbox(lines: Callable[..., str]) -> None:
    pytest.importorskip("treeseek.verifiers.tests", reason="no judge of programs")
    path = lines(
        {"prompt": "Write f.", "tests": ["assert f(2) == 4", "assert f(0) == 0"]},
        {"prompt": "Write f.", "tests": "assert f(2) == 4", "hidden": ["assert f(3) == 9"]},
    )
    task = Jsonl(path=path)
    both, kept = task.problems(0, 2)
    right, wrong = "def f(x):\n    return x * x\n", "def f(x):\n    return x + 2\n"
    try:
        judges = [task.verifier(both), task.verifier(kept)]
    except TreeseekError as error:
        pytest.skip(f"nothing here holds a program: {error}")
    assert [judge.verify(right).solved for judge in judges] == [True, True]
    verdicts = [judge.verify(wrong) for judge in judges]
    assert [(verdict.score, verdict.solved) for verdict in verdicts] == [(0.5, False), (1.0, False)]
    assert task.answer(both, right) == task.answer(both, right.replace("    ", "  "))
    assert task.answer(both, right) != task.answer(both, wrong)


def test_gsm8k_reads_worked_examples_from_beside_the_rows(lines: Callable[..., str]) -> None:
    path = lines({"question": "1+1?", "answer": "Add.\n#### 2"}, {"question": "x", "answer": "y"})
    lines({"question": "2+2?", "answer": "#### 4"}, name="fewshot_from_train.jsonl")
    plain, bad = GSM8K(path=path).problems(0, 9)
    assert plain.prompt == "Question: 1+1?\nAnswer:"
    assert "####" in bad.fault
    (shot, _) = GSM8K(path=path, shots=5).problems(0, 9)
    assert shot.prompt == f"Question: 2+2?\nAnswer: #### 4\n\n{plain.prompt}"
    assert GSM8K().answer(plain, "so 1,000.50") == str(Fraction(2001, 2))
    assert GSM8K().answer(plain, "nothing") is None


@given(st.integers(0, 2**32), st.integers(0, 30), st.integers(0, 30))
def test_rows_follow_from_the_seed(seed, count, more):
    given_rows = list(range(20))
    longer = drawn(given_rows, seed=seed, count=count + more)
    assert drawn(given_rows, seed=seed, count=count) == longer[:count]
    assert sorted(drawn(given_rows, seed=seed, count=99)) == given_rows
    assert drawn(given_rows, seed=0, count=count) == given_rows[:count]


def test_seeds_differ_and_negative_counts_are_refused() -> None:
    assert drawn(list(range(20)), seed=1, count=20) != drawn(list(range(20)), seed=2, count=20)
    with pytest.raises(InvalidOption, match="0 or more"):
        drawn([], seed=0, count=-1)


READERS = {
    "gsm8k": GSM8K(),
    "math500": MATH500(),
    "bbh": BBH(),
    "x1": X1(),
    "game24": Game24(puzzles="human"),
    "sygus": registry.find("tasks", "sygus")(),
}


@pytest.mark.parametrize("name", READERS)
def test_missing_data_are_named_with_the_remedy(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREESEEK_SHARED", str(tmp_path))
    with pytest.raises(MissingData, match="TREESEEK_SHARED"):
        READERS[name].problems(0, 1)
    with pytest.raises(MissingData, match="existing file"):
        type(READERS[name])(
            path="none.jsonl", **({"puzzles": "human"} if name == "game24" else {})
        ).problems(0, 1)


def test_jsonl_needs_a_file_and_a_broken_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="path=FILE"):
        Jsonl()
    (tmp_path / "a.jsonl.gz").write_bytes(b"not packed")
    with pytest.raises(MissingData, match="JSON lines"):
        Jsonl(path=str(tmp_path / "a.jsonl.gz")).problems(0, 1)
    with pytest.raises(MissingData, match="cannot be read"):
        Jsonl(path=str(tmp_path)).problems(0, 1)
    packed = tmp_path / "b.jsonl.gz"
    packed.write_bytes(gzip.compress(b'{"prompt": "a", "answer": "b"}\n'))
    assert Jsonl(path=str(packed)).problems(0, 1)[0].answer == "b"


def test_every_task_and_verifier_has_its_name() -> None:
    for name in registry.names("tasks"):
        made = registry.find("tasks", name)
        assert (made(path="x") if name == "jsonl" else made()).name == name
    for name in registry.names("verifiers"):
        assert callable(registry.find("verifiers", name))


FORMULA = "(x_1 OR NOT x_2) AND (NOT x_1 OR x_3) AND (x_2 OR x_10)"


@given(st.tuples(*[st.booleans()] * 4), st.sampled_from(["{} = {}", "{}: {}", "- **{} is {}**"]))
def test_an_assignment_is_judged_by_the_formula(values, frame):
    a, b, c, d = values
    names = ["x_1", "x_2", "x_3", "x_10"]
    text = "\n".join(frame.format(n, v) for n, v in zip(names, values, strict=True))
    met = [a or not b, not a or c, b or d]
    verdict = Satisfied(FORMULA).verify(f"x_1 = False\nno:\n{text}")
    assert verdict.score == sum(met) / 3
    assert verdict.solved is all(met)
    assert len(clauses(FORMULA)) == 3


@given(st.text())
def test_any_text_gets_a_verdict_of_a_formula(text):
    verdict = Satisfied(FORMULA).verify(text)
    assert 0 <= verdict.score < 1 and not verdict.terminal


def test_gsm8k_answers_are_right_by_their_own_verifier(shared: Find) -> None:
    folder = shared("data/gsm8k")
    task = GSM8K(path=str(folder / "test.jsonl"))
    problems = task.problems(0, ALL)
    assert len(problems) == stated_rows(folder)
    worked = [row.text("answer") for row in rows(folder / "test.jsonl")]
    for problem, text, other in zip(problems, worked, worked[1:] + worked[:1], strict=True):
        verifier = task.verifier(problem)
        assert verifier.verify(text).solved, problem.id
        same = task.answer(problem, other) == task.answer(problem, text)
        assert verifier.verify(other).solved is same, problem.id


def test_math500_answers_are_right_by_their_own_verifier(shared: Find) -> None:
    pytest.importorskip("math_verify")
    folder = shared("data/math500")
    task = MATH500(path=str(folder / "data.jsonl"), seconds=120)
    problems = task.problems(0, ALL)
    assert len(problems) == stated_rows(folder)
    worked = [row.text("solution") for row in rows(folder / "data.jsonl")]
    for problem, text in zip(problems, worked, strict=True):
        assert task.verifier(problem).verify(text).solved, problem.id
    for problem in problems[::12]:
        assert not task.verifier(problem).verify("I do not know.").solved, problem.id
        spaced = problem.answer.replace(r"\frac", r"\dfrac").replace("+", " + ")
        assert task.verifier(problem).verify(f"The answer is $ {spaced} $.").solved, problem.id
    assert 0 < len(MATH500(path=task.path, level=3).problems(0, ALL)) < len(problems)


def test_bbh_answers_are_right_by_their_own_verifier(shared: Find) -> None:
    folder = shared("data/bbh")
    total = 0
    for name in SETS:
        task = BBH(path=str(folder / f"{name}.jsonl"))
        problems = task.problems(0, ALL)
        total += len(problems)
        for problem in problems:
            verifier = task.verifier(problem)
            for text in (problem.answer, f"Let us think.\nSo the answer is {problem.answer}."):
                assert verifier.verify(text).solved, (problem.id, problem.answer)
            assert not verifier.verify(f"{problem.answer} x").solved, problem.id
            assert task.answer(problem, problem.answer)
    assert total == stated_rows(folder)


@pytest.mark.parametrize("subset", ["PrOntoQA", "SAT", "einstein", "knapsack"])
def test_x1_answers_are_right_by_their_own_verifier(shared: Find, subset: Any) -> None:
    file = shared("data/x1_reasoning") / f"{subset}.jsonl.gz"
    task = X1(subset=subset, path=str(file))
    problems = task.problems(0, ALL)
    assert len(problems) == len(gzip.decompress(file.read_bytes()).splitlines())
    assert not any(problem.fault for problem in problems)
    levels = sorted({row.get("level") for row in rows(file)})
    by_level = [len(X1(subset=subset, path=str(file), level=n).problems(0, ALL)) for n in levels]
    assert sum(by_level) == len(problems)
    for problem in problems[:: 1 if subset != "SAT" else 8]:
        verifier = task.verifier(problem)
        if subset == "SAT":
            assert verifier.verify(_satisfying(problem.answer)).solved, problem.id
            assert verifier.verify("").score == 0
        else:
            assert verifier.verify(f"hence\n{problem.answer}").solved, problem.id
            other = {"True": "False", "False": "True"}.get(problem.answer, "77")
            assert not verifier.verify(other).solved, problem.id


def _satisfying(formula: str) -> str:
    """An assignment, by unit propagation and branching."""

    def search(held: dict[str, bool]) -> dict[str, bool] | None:
        for clause in clauses(formula):
            if any(held.get(name) is sign for name, sign in clause):
                continue
            free = [(name, sign) for name, sign in clause if name not in held]
            for name, sign in free:
                found = search({**held, name: sign})
                if found is not None:
                    return found
            return None
        return held

    found = search({})
    assert found is not None
    return "\n".join(f"{name} = {value}" for name, value in found.items())


def test_people_s_puzzles_are_solvable_and_in_order(shared: Find) -> None:
    folder = shared("data/game24")
    task = Game24(puzzles="human", path=str(folder / "data.jsonl"))
    ranked = task.ranked()
    assert len(ranked) == stated_rows(folder)
    assert [rank for rank, _ in ranked] == sorted({rank for rank, _ in ranked})
    for _, puzzle in ranked[::9]:
        answer = solve(puzzle)
        assert answer is not None and StepVerifier(puzzle).verify(answer).solved
    hard = Game24(puzzles="human", path=task.path, first=901, last=1000)
    assert [p for rank, p in ranked if 901 <= rank <= 1000] == hard.problems(0, ALL)
    assert hard.problems(0, 3) == hard.problems(0, ALL)[:3]


def test_ranks_are_read_from_a_table_too(tmp_path: Path) -> None:
    file = tmp_path / "24.csv"
    file.write_text("Rank,Puzzles,Solved\n2,3 3 8 8,50%\n1,1 1 4 6,99%\n")
    task = Game24(puzzles="human", path=str(file))
    assert [p.id for p in task.problems(0, 9)] == ["game24-1-1-4-6", "game24-3-3-8-8"]
    answer = solve(task.problems(0, 9)[1])
    assert answer is not None and "(8/3)" in answer, "it takes a fraction"
    file.write_text("Rank,Puzzles\n1,1 1 4 6\n2,1 x\n")
    with pytest.raises(BadRow, match="line 3"):
        task.problems(0, 9)
