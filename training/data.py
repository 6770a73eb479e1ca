"""What the model is trained on: answers to the problems of the tasks, small arithmetic and simple
English, all made here.

This room believes that the training problems are better enumerated than drawn: any set of numbers
that is not held out, any of its targets, any of its ways, in an order that follows from the seed.
The other tasks make their own problems, on their training side. It does not cover wrong answers:
the model learns from right ones only, and search makes up for what it does not know.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations_with_replacement
from types import MappingProxyType
from typing import NamedTuple

from training.english import Writer
from training.stories import story
from treeseek.tasks import arithmetic, countdown, programs, sudoku
from treeseek.tasks.lists import LISTS
from treeseek.tasks.strings import STRINGS

TARGETS = range(countdown.LOWEST_TARGET, countdown.HIGHEST_TARGET + 1)
LARGEST_RESULT = 499  # and so the largest number that the tokenizer keeps whole


class Document(NamedTuple):
    """A text to learn: the prompt is read, the answer is learned up to its end token.

    `choices` tells where the answer could have gone on otherwise and still have been right: the
    position of a character, and all the tokens that would be right there.
    """

    kind: str
    prompt: str
    answer: str
    choices: Mapping[int, tuple[str, ...]] = MappingProxyType({})


def number_sets(size: int) -> list[tuple[int, ...]]:
    """Every set of numbers for training, ascending: four in five of all that there are."""
    span = range(countdown.SMALLEST, countdown.LARGEST + 1)
    drawn = combinations_with_replacement(span, size)
    return [numbers for numbers in drawn if not countdown.is_held_out(numbers)]


def countdown_documents(noise: random.Random, size: int) -> Iterator[Document]:
    """Endless Countdown problems on training numbers, each with one of its ways, all as likely.

    A model that cannot know the one way then learns the step that most ways begin with. A few
    targets are taken of every set, since all are found at once, and shuffled with those of other
    sets, so that neighbours tell nothing of one another.
    """
    sets = number_sets(size)
    while True:
        pool = []
        for numbers in noise.choices(sets, k=200):
            targets = [n for n in _ways(numbers) if n in TARGETS]
            for target in noise.sample(targets, min(5, len(targets))):
                prompt = countdown.Problem("", numbers, target).prompt
                answer, choices = any_way(noise, numbers, target)
                pool.append(Document(f"countdown-{size}", prompt, answer, choices))
        noise.shuffle(pool)
        yield from pool


def five_documents(noise: random.Random) -> Iterator[Document]:
    """Endless Countdown problems with five numbers, each with one of its ways."""
    for problem, answer, choices in fives(noise):
        yield Document("countdown-5", problem.prompt, answer, choices)


def fives(
    noise: random.Random,
) -> Iterator[tuple[countdown.Problem, str, dict[int, tuple[str, ...]]]]:
    """Endless Countdown problems with five numbers: any first step, then any way from there.

    Enumerating all that five numbers reach takes a second; what four of them reach, one being the
    result of a step, takes a thousandth of it. First steps are thus as likely as they are possible,
    not as they are useful.
    """
    span = range(countdown.SMALLEST, countdown.LARGEST + 1)
    while True:
        pool = []
        for _ in range(200):
            numbers = tuple(sorted(noise.choices(span, k=5)))
            step, left = noise.choice(list(_steps(numbers)))
            if countdown.is_held_out(numbers) or countdown.is_held_out(left):
                continue
            targets = [n for n in _ways(left) if n in TARGETS]
            for target in noise.sample(targets, min(5, len(targets))):
                first = countdown.write_step(step, left) + "\n"
                way, choices = any_way(noise, left, target)
                choices = {len(first) + place: others for place, others in choices.items()}
                pool.append((countdown.Problem("", numbers, target), first + way, choices))
        noise.shuffle(pool)
        yield from pool


def any_way(
    noise: random.Random, numbers: tuple[int, ...], target: int
) -> tuple[str, dict[int, tuple[str, ...]]]:
    """One of the ways to the target, drawn uniformly, and its choices; there has to be one.

    A choice is what the numbers and the operation of a step could have been, given what stands
    before them, with the target still in reach.
    """
    left, answer, choices = numbers, "", dict[int, tuple[str, ...]]()
    while len(left) > 1:
        steps = list(_steps(left))
        weights = [_ways(after).get(target, 0) for _, after in steps]
        leading = {step[:3] for (step, _), weight in zip(steps, weights, strict=True) if weight}
        ((step, left),) = noise.choices(steps, weights)
        place = len(answer)
        for part in range(3):
            alike = {other[part] for other in leading if other[:part] == step[:part]}
            choices[place] = tuple(sorted(map(str, alike)))
            place += len(str(step[part]))
        answer += countdown.write_step(step, left) + "\n"
    return answer.removesuffix("\n"), choices


def _steps(left: tuple[int, ...]) -> Iterator[tuple[countdown.Step, tuple[int, ...]]]:
    return (pair for pair in countdown.steps_from(left) if pair[0][3] <= LARGEST_RESULT)


@lru_cache(maxsize=2_048)
def _ways(left: tuple[int, ...]) -> dict[int, int]:
    """For each number that can be the last one: how many ways lead there."""
    if len(left) == 1:
        return {left[0]: 1}
    ways: dict[int, int] = {}
    for _, after in _steps(left):
        for target, number in _ways(after).items():
            ways[target] = ways.get(target, 0) + number
    return ways


def arithmetic_documents(noise: random.Random) -> Iterator[Document]:
    """Endless pages of small sums in the notation of the steps: `12*7=84` a line."""
    while True:
        lines = []
        while len(lines) < 10:
            operation = noise.choice("+-*/")
            a, b = noise.randint(1, 150), noise.randint(1, 60)
            if operation == "*":
                a, b = noise.randint(1, 50), noise.randint(1, 25)
            if operation == "-":
                a, b = max(a, b), min(a, b)
            if operation == "/":
                result = noise.randint(1, 25)
                a = result * b
            if (a * b > 450 and operation == "*") or a > 450:
                continue
            result = {"+": a + b, "-": a - b, "*": a * b, "/": a // b}[operation]
            lines.append(f"{a}{operation}{b}={result}")
        yield Document("arithmetic", "", "\n".join(lines))


def english_documents(noise: random.Random) -> Iterator[Document]:
    """Endless simple English: single sentences, paragraphs about somebody, and stories."""
    writer = Writer(noise)
    while True:
        draw = noise.random()
        if draw < 0.45:
            yield Document("english", "", writer.sentence())
        elif draw < 0.7:
            yield Document("english", "", writer.paragraph())
        else:
            yield Document("english", "", story(noise))


def chain_documents(noise: random.Random) -> Iterator[Document]:
    """Endless expressions of two to five operations, worked out from the left."""
    while True:
        seed, operations = noise.getrandbits(40), noise.randint(2, 5)
        for problem in arithmetic.generate(seed, operations=operations, count=4, held_out=False):
            answer = arithmetic.solve(problem.expression)
            if answer is not None:
                yield Document("chain", problem.prompt, answer)


def program_documents(noise: random.Random, language: programs.Language) -> Iterator[Document]:
    """Endless programs by two examples, each with the program that the problem was made of."""
    while True:
        seed, operations = noise.getrandbits(40), noise.choice((1, 2, 2, 2, 3))
        (problem,) = programs.generate(language, seed, operations=operations, held_out=False)
        answer = programs.write(language, problem, problem.program)
        yield Document(language.name, problem.prompt, answer)


def sudoku_documents(noise: random.Random) -> Iterator[Document]:
    """Endless puzzles of size 4 with four to ten holes, filled."""
    while True:
        seed, holes = noise.getrandbits(40), noise.choice((4, 6, 8, 9, 9, 9, 10))
        (problem,) = sudoku.generate(seed, holes=holes, held_out=False)
        answer = sudoku.write(next(sudoku.solutions(problem.grid)))
        yield Document("sudoku", problem.prompt, answer)


SHARES = {"countdown-3": 0.25, "countdown-4": 0.75, "arithmetic": 0.08, "english": 0.92}
"""First courses: how many of the problems are of each size, of the pages of each kind."""

EARLY_SHARES = {
    "countdown-3": 0.12,
    "countdown-4": 0.42,
    "chain": 0.10,
    "strings": 0.14,
    "lists": 0.14,
    "sudoku": 0.08,
}
"""Last course, at first: how many of the problems are of each task."""

TASK_SHARES = {
    "countdown-3": 0.09,
    "countdown-4": 0.42,
    "countdown-5": 0.09,
    "chain": 0.09,
    "strings": 0.12,
    "lists": 0.12,
    "sudoku": 0.07,
}
"""Last course, from when five numbers come in."""


def problems(seed: int | str) -> Iterator[Document]:
    """The endless Countdown problems of the first courses; they follow from the seed alone."""
    sources = {
        "countdown-3": countdown_documents(random.Random(f"three {seed}"), 3),
        "countdown-4": countdown_documents(random.Random(f"four {seed}"), 4),
    }
    return _mixture(random.Random(f"problems {seed}"), sources, SHARES)


def pages(seed: int | str) -> Iterator[Document]:
    """The endless pages of English and sums for training; they follow from the seed alone."""
    sources = {
        "arithmetic": arithmetic_documents(random.Random(f"sums {seed}")),
        "english": english_documents(random.Random(f"english {seed}")),
    }
    return _mixture(random.Random(f"pages {seed}"), sources, SHARES)


def task_problems(seed: str, shares: dict[str, float]) -> Iterator[Document]:
    """The endless problems of all tasks for the last course; they follow from the seed alone."""
    sources = {
        "countdown-3": countdown_documents(random.Random(f"three {seed}"), 3),
        "countdown-4": countdown_documents(random.Random(f"four {seed}"), 4),
        "countdown-5": five_documents(random.Random(f"five {seed}")),
        "chain": chain_documents(random.Random(f"chain {seed}")),
        "strings": program_documents(random.Random(f"strings {seed}"), STRINGS),
        "lists": program_documents(random.Random(f"lists {seed}"), LISTS),
        "sudoku": sudoku_documents(random.Random(f"sudoku {seed}")),
    }
    chosen = {kind: sources[kind] for kind in shares}
    return _mixture(random.Random(f"tasks {seed}"), chosen, shares)


def _mixture(
    choice: random.Random, sources: dict[str, Iterator[Document]], shares: dict[str, float]
) -> Iterator[Document]:
    kinds = list(sources)
    while True:
        (kind,) = choice.choices(kinds, [shares[kind] for kind in kinds])
        yield next(sources[kind])
