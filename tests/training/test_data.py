"""What the model reads: right answers only, never a held-out set of numbers, sound English."""

import random
import re
from collections import Counter
from itertools import islice, pairwise

import pytest

pytest.importorskip("transformers")

from training.data import (
    EARLY_SHARES,
    SHARES,
    TASK_SHARES,
    Document,
    arithmetic_documents,
    countdown_documents,
    english_documents,
    five_documents,
    number_sets,
    pages,
    problems,
    task_problems,
)
from training.lexicon import article, plural
from treeseek.tasks import arithmetic, programs, sudoku
from treeseek.tasks.countdown import Problem, is_held_out, verify
from treeseek.tasks.lists import LISTS
from treeseek.tasks.strings import STRINGS


def problem_of(document: Document) -> Problem:
    target, *numbers = map(int, re.findall(r"\d+", document.prompt))
    return Problem("", tuple(numbers), target)


@pytest.mark.parametrize("size", [3, 4, 5])
def test_countdown_answers_are_right_and_on_the_training_side(size):
    noise = random.Random(3)
    documents = five_documents(noise) if size == 5 else countdown_documents(noise, size)
    for document in islice(documents, 500):
        problem = problem_of(document)
        assert len(problem.numbers) == size
        assert document.prompt == problem.prompt
        assert not is_held_out(problem.numbers)
        assert verify(problem, document.answer).solved


def test_number_sets_are_the_training_side():
    sets = number_sets(3)
    assert len(sets) == len(set(sets)) > 2000
    assert not any(map(is_held_out, sets))


def test_sums_are_true():
    for document in islice(arithmetic_documents(random.Random(4)), 200):
        for line in document.answer.split("\n"):
            a, sign, b, result = re.fullmatch(r"(\d+)([-+*/])(\d+)=(\d+)", line).groups()
            a, b, result = int(a), int(b), int(result)
            if sign == "/":
                assert a == b * result
            else:
                assert {"+": a + b, "-": a - b, "*": a * b}[sign] == result


def test_the_same_seed_gives_the_same_documents():
    for stream in (problems, pages):
        first, second, other = (list(islice(stream(seed), 200)) for seed in (5, 5, 6))
        assert first == second
        assert first != other


@pytest.mark.parametrize("shares", [EARLY_SHARES, TASK_SHARES])
def test_every_task_has_its_share_and_answers_itself(shares):
    made = list(islice(task_problems("5", shares), 1500))
    kinds = Counter(document.kind for document in made)
    assert set(kinds) == set(shares)
    assert all(abs(kinds[kind] / 1500 - share) < 0.04 for kind, share in shares.items())
    assert sum(shares.values()) == pytest.approx(1)
    assert len({document.prompt for document in made}) > 0.9 * len(made)
    assert all(document.prompt.endswith("\n") and document.answer for document in made)
    assert made == list(islice(task_problems("5", shares), 1500))


def test_other_tasks_give_problems_of_the_training_side_and_right_answers():
    made = islice(task_problems("6", TASK_SHARES), 1500)
    for document in made:
        text = document.prompt + document.answer
        if document.kind == "chain":
            problem = arithmetic.Problem("", document.prompt[len("Work out ") : -2])
            assert arithmetic.verify(problem, text).solved
            assert not arithmetic.is_held_out(problem.expression)
        elif document.kind == "sudoku":
            cells = document.prompt.removeprefix("Fill\n").split()
            puzzle = sudoku.Problem("", tuple(map(int, cells)))
            assert sudoku.verify(puzzle, text).solved
            assert not sudoku.is_held_out(next(sudoku.solutions(puzzle.grid)))
        elif document.kind in ("strings", "lists"):
            language = STRINGS if document.kind == "strings" else LISTS
            pairs = document.prompt.strip().partition(":")[2].split(",")
            examples = tuple(tuple(pair.split(">")) for pair in pairs)
            one = programs.Problem("", language.opening, examples, (), ())
            assert one.prompt == document.prompt
            assert programs.verify(language, one, text).solved
            assert not programs.is_held_out(document.prompt)


def test_every_kind_has_its_share():
    for stream in (problems, pages):
        kinds = Counter(document.kind for document in islice(stream(5), 2000))
        for kind, made in kinds.items():
            assert abs(made / 2000 - SHARES[kind]) < 0.04
        assert sum(SHARES[kind] for kind in kinds) == 1


def test_english_agrees_with_itself():
    pages = [page.answer for page in islice(english_documents(random.Random(8)), 3000)]
    text = "\n".join(pages)
    assert not re.search(r"\ba [aeiou]", text, re.IGNORECASE)
    assert not re.search(r"\ban [^aeiou]", text, re.IGNORECASE)
    assert not re.search(r"\bI (is|are|were)\b", text)
    assert not re.search(r"\b(he|she|it) (are|were|have)\b", text, re.IGNORECASE)
    assert not re.search(r"  | \.|[^\x20-\x7e\n]", text)
    for page in pages:
        assert page[0].isupper() or page[0] == '"'
        assert page[-1] in '.?!"'
    assert len(set(pages)) > 0.95 * len(pages)


@pytest.mark.parametrize(
    ("one", "many"),
    [("fox", "foxes"), ("puppy", "puppies"), ("boy", "boys"), ("mouse", "mice"), ("hat", "hats")],
)
def test_plurals(one, many):
    assert plural(one) == many


def test_articles():
    assert [article(w) for w in ("apple", "hat", "old", "umbrella")] == ["an", "a", "an", "an"]


def test_neighbours_tell_nothing_of_one_another():
    stream = [d.prompt for d in islice(countdown_documents(random.Random(9), 4), 2000)]
    sets = [prompt.partition(" from ")[2] for prompt in stream]
    alike = sum(one == two for one, two in pairwise(sets))
    assert alike < 0.02 * len(sets)
