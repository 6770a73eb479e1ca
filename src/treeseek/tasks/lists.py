"""List programs by example: `Map:3 1 2>2 4 6,5 4>8 10` asks for `sort`, then `times2`.

This room believes that small whole numbers in short lists are enough to make programs of a few
operations that can be told from one another by two examples most of the time, not always: so some
programs meet the public examples and fail the hidden ones. Numbers are 0-499, lists have at most
eight. It does not cover nested lists, conditions or recursion.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import ClassVar

from treeseek.tasks.programs import Language, Operation, ProgramTask

LARGEST, LONGEST = 499, 8


def _on_numbers(change: Callable[[list[int]], Sequence[int]]) -> Operation:
    """An operation on the text of a list from one on its numbers."""

    def operation(value: str) -> str | None:
        made = change([int(number) for number in value.split(" ")])
        kept = 0 < len(made) <= LONGEST and all(0 <= number <= LARGEST for number in made)
        return " ".join(map(str, made)) if kept else None

    return operation


def _add(term: int) -> Operation:
    return _on_numbers(lambda numbers: [number + term for number in numbers])


def _less(term: int) -> Operation:
    return _on_numbers(lambda numbers: [number - term for number in numbers])


def _times(factor: int) -> Operation:
    return _on_numbers(lambda numbers: [number * factor for number in numbers])


def _first(count: int) -> Operation:
    return _on_numbers(lambda numbers: numbers[:count])


def _last(count: int) -> Operation:
    return _on_numbers(lambda numbers: numbers[-count:])


LISTS = Language(
    name="lists",
    opening="Map",
    families={
        "reverse": {"reverse": _on_numbers(lambda numbers: numbers[::-1])},
        "sort": {"sort": _on_numbers(sorted)},
        "sums": {"sums": _on_numbers(lambda numbers: list(accumulate(numbers)))},
        "gaps": {"gaps": _on_numbers(lambda numbers: [abs(b - a) for a, b in pairwise(numbers)])},
        "odd": {"odd": _on_numbers(lambda numbers: [n for n in numbers if n % 2])},
        "even": {"even": _on_numbers(lambda numbers: [n for n in numbers if n % 2 == 0])},
        "add": {f"add{term}": _add(term) for term in range(1, 10)},
        "less": {f"less{term}": _less(term) for term in range(1, 4)},
        "times": {f"times{factor}": _times(factor) for factor in range(2, 6)},
        "first": {f"first{count}": _first(count) for count in range(1, 4)},
        "last": {f"last{count}": _last(count) for count in range(1, 4)},
    },
    draw=lambda noise: _drawn(noise),
)
"""The operations: a value is its numbers with spaces between them."""


def _drawn(noise: random.Random) -> str:
    return " ".join(str(noise.randint(1, 20)) for _ in range(noise.randint(3, 4)))


@dataclass(frozen=True, slots=True)
class Lists(ProgramTask):
    """The task: programs of `operations` operations that map lists of numbers to lists."""

    language: ClassVar[Language] = LISTS
