"""What the model is trained on: Countdown answers, small arithmetic and simple English, all made
here.

This room believes that the training problems are better enumerated than drawn: for every set of
numbers that is not held out, every target with its shortest way, in an order that follows from the
seed. It does not cover five numbers, nor wrong answers: the model learns from right ones only, and
search makes up for what it does not know.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations_with_replacement
from typing import NamedTuple

from training.english import Writer
from training.stories import story
from treeseek.tasks import countdown


class Document(NamedTuple):
    """A text to learn: the prompt is read, the answer is learned up to its end token."""

    kind: str
    prompt: str
    answer: str


def number_sets(size: int) -> list[tuple[int, ...]]:
    """Every set of numbers for training, ascending: four in five of all that there are."""
    span = range(countdown.SMALLEST, countdown.LARGEST + 1)
    drawn = combinations_with_replacement(span, size)
    return [numbers for numbers in drawn if not countdown.is_held_out(numbers)]


def countdown_documents(noise: random.Random, size: int) -> Iterator[Document]:
    """Endless Countdown problems on training numbers, each with its shortest way.

    A few targets are taken of every set, since the solver finds all of them at once, and shuffled
    with those of other sets, so that neighbours in a row tell nothing of one another.
    """
    sets = number_sets(size)
    while True:
        pool = []
        for numbers in noise.choices(sets, k=200):
            targets = countdown.targets_of(numbers)
            for target in noise.sample(targets, min(5, len(targets))):
                answer = countdown.solve(numbers, target)
                assert answer is not None
                prompt = countdown.Problem("", numbers, target).prompt
                pool.append(Document(f"countdown-{size}", prompt, answer))
        noise.shuffle(pool)
        yield from pool


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


SHARES = {"countdown-3": 0.20, "countdown-4": 0.52, "arithmetic": 0.04, "english": 0.24}
"""How many of the documents are of each kind; by tokens English is a quarter."""


def documents(seed: int) -> Iterator[Document]:
    """The endless mixture for training; it follows from the seed alone."""
    kinds = list(SHARES)
    sources = {
        "countdown-3": countdown_documents(random.Random(f"three {seed}"), 3),
        "countdown-4": countdown_documents(random.Random(f"four {seed}"), 4),
        "arithmetic": arithmetic_documents(random.Random(f"sums {seed}")),
        "english": english_documents(random.Random(f"english {seed}")),
    }
    choice = random.Random(f"mixture {seed}")
    while True:
        (kind,) = choice.choices(kinds, list(SHARES.values()))
        yield next(sources[kind])
