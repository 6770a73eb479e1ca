"""What the model reads: right answers only, never a held-out set of numbers, sound English."""

import random
import re
from collections import Counter
from itertools import islice, pairwise

import pytest

pytest.importorskip("transformers")

from training.data import (
    SHARES,
    Document,
    arithmetic_documents,
    countdown_documents,
    english_documents,
    number_sets,
    pages,
    problems,
)
from training.lexicon import article, plural
from treeseek.tasks.countdown import Problem, is_held_out, verify


def problem_of(document: Document) -> Problem:
    target, *numbers = map(int, re.findall(r"\d+", document.prompt))
    return Problem("", tuple(numbers), target)


@pytest.mark.parametrize("size", [3, 4])
def test_countdown_answers_are_right_and_on_the_training_side(size):
    for document in islice(countdown_documents(random.Random(3), size), 500):
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
