"""Laws of sudoku: one solution, states that lose nothing, verdicts that know the rules alone."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeseek.errors import InvalidOption
from treeseek.options import options_of
from treeseek.tasks.sudoku import (
    BOXES,
    Problem,
    Sudoku,
    generate,
    is_held_out,
    is_unique,
    read,
    solutions,
    verify,
    write,
)

seeds = st.integers(0, 2**32)


def right(grid: tuple[int, ...], size: int) -> bool:
    """A second opinion: every unit holds every number."""
    tall, wide = BOXES[size]
    rows = [grid[n * size : (n + 1) * size] for n in range(size)]
    columns = [grid[n::size] for n in range(size)]
    boxes = [
        [grid[(top + r) * size + left + c] for r in range(tall) for c in range(wide)]
        for top in range(0, size, tall)
        for left in range(0, size, wide)
    ]
    return all(sorted(unit) == list(range(1, size + 1)) for unit in (*rows, *columns, *boxes))


def test_the_solver_finds_all_288_grids_of_size_4():
    found = list(solutions((0,) * 16))
    assert len(found) == len(set(found)) == 288
    assert all(right(grid, 4) for grid in found)
    assert 0.1 < sum(map(is_held_out, found)) / 288 < 0.3


def test_the_solver_finds_nothing_where_a_number_stands_twice():
    assert list(solutions((1, 1, *(0,) * 14))) == []
    assert not is_unique((1, 1, *(0,) * 14))
    assert not is_unique((0,) * 16)


@pytest.mark.parametrize(("size", "count"), [(4, 40), (6, 8), (9, 2)])
def test_every_puzzle_has_one_solution_on_its_side_of_the_split(size, count):
    for held_out in (True, False):
        for problem in generate(3, size=size, count=count, held_out=held_out):
            (solution,) = solutions(problem.grid)
            assert right(solution, size)
            assert all(a in (0, b) for a, b in zip(problem.grid, solution, strict=True))
            assert is_held_out(solution) is held_out
            assert verify(problem, write(solution)).solved
            assert problem.size == size


@settings(max_examples=40)
@given(seeds, st.data())
def test_what_is_accepted_is_the_solution(seed, data):
    (problem,) = generate(seed)
    (solution,) = solutions(problem.grid)
    text = write(solution)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.sampled_from("01234 \n5x")) + text[place + 1 :]
    if changed.strip() != text:
        assert not verify(problem, changed).solved
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    assert not verify(problem, cut).terminal


@given(st.one_of(st.text(), st.text(alphabet="01234 \n")))
def test_any_text_gets_a_verdict(text):
    (problem,) = generate(1)
    verdict = verify(problem, text)
    assert 0 <= verdict.score <= 1
    assert verdict.solved is (verdict.score == 1)
    assert verdict.feedback


def test_a_row_that_breaks_a_rule_ends_and_one_that_only_cannot_be_finished_does_not():
    problem = Problem("", (1, 0, 0, 0) + (0,) * 8 + (0, 2, 0, 0))
    assert verify(problem, "1 2 3 4\n").feedback == "row 1: 2 stands twice"
    assert verify(problem, "2 1 3 4\n").feedback == "row 1: 1 was given where 2 stands"
    assert verify(problem, "1 3 2 4\n2 4 3").terminal is False
    assert verify(problem, "1 3 2 4\n3").terminal, "the box has a 3"
    assert not verify(problem, "1 3 2 4\n2 4 3 1\n").terminal, "rules alone are looked at"


def test_equal_states_have_the_same_ways_to_go_on():
    problem = Problem("", (0,) * 16)
    rows = [" ".join(row) for row in itertools.permutations("1234")]
    futures: dict[str, set[frozenset[str]]] = {}
    for one, two in itertools.product(rows, rows):
        begun = f"{one}\n{two}\n"
        verdict = verify(problem, begun)
        if not verdict.terminal:
            ends = [
                f"{three}\n{four}"
                for three, four in itertools.product(rows, rows)
                if verify(problem, f"{begun}{three}\n{four}").solved
            ]
            futures.setdefault(verdict.state, set()).add(frozenset(ends))
    assert all(len(ways) == 1 for ways in futures.values())
    assert len(futures) < 288, "some beginnings are merged"
    assert len({ways for kinds in futures.values() for ways in kinds}) > 1


def test_puzzles_of_a_file_are_read_checked_and_shuffled(tmp_path):
    puzzles = [p.id.removeprefix("sudoku-") for p in generate(2, size=4, count=4)]
    lines = [json.dumps({"puzzle": text.replace("0", ".")}) for text in (*puzzles, "0" * 16)]
    path = tmp_path / "puzzles.jsonl"
    path.write_text("\n".join(lines))
    assert [p.id for p in read(path)] == [f"sudoku-{text}" for text in puzzles]
    task = Sudoku(path=str(path))
    assert {p.id for p in task.problems(1, 4)} == {p.id for p in read(path)}
    assert len({tuple(p.id for p in task.problems(seed, 4)) for seed in range(9)}) > 1
    with pytest.raises(InvalidOption, match="holds 4"):
        task.problems(1, 5)
    path.write_text('{"puzzle": "12"}')
    with pytest.raises(InvalidOption, match="2 cells"):
        read(path)
    path.write_text("no json")
    with pytest.raises(InvalidOption, match="line 1"):
        read(path)
    with pytest.raises(InvalidOption, match="give a file"):
        read(tmp_path / "absent")


def test_the_stored_puzzles_have_one_solution_each(shared):
    path = shared("data/sudoku9/data.jsonl")
    rows = path.read_text().splitlines()[:20]
    assert all(
        is_unique(tuple(map(int, json.loads(row)["puzzle"].replace(".", "0")))) for row in rows
    )


def test_the_task_and_what_it_refuses():
    task = Sudoku()
    problems = task.problems(7, 3)
    assert problems == task.problems(7, 5)[:3]
    assert set(options_of(Sudoku)) == {"size", "holes", "path"}
    (solution,) = solutions(problems[0].grid)
    assert task.answer(problems[0], write(solution)) == write(solution).replace("\n", "/")
    assert task.answer(problems[0], "1 2 3 4\n") is None
    assert task.verifier(problems[0]).verify(problems[0].prompt + write(solution)).solved
    with pytest.raises(InvalidOption, match="size"):
        Sudoku(size=5)
    with pytest.raises(InvalidOption, match="1 to 11"):
        generate(0, holes=14)
    with pytest.raises(InvalidOption, match="ask for fewer"):
        generate(0, holes=1, count=100_000)
    with pytest.raises(InvalidOption, match="0 or more"):
        generate(0, count=-1)
