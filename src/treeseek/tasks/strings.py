"""String programs by example: `Turn:CAB>BACL,DDE>EDDL` asks for `reverse`, then `addL`.

This room believes that capital letters alone, each one token, let a tiny model see what an
operation does to a string. Twelve operations with their operands, strings of at most twelve
letters. It does not cover case, splitting at marks or conditions.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from treeseek.tasks.programs import Language, Operation, ProgramTask

LETTERS = "ABCDEFGHIJKL"
LONGEST = 12


def _kept(made: str) -> str | None:
    return made if 0 < len(made) <= LONGEST else None


def _first(count: int) -> Operation:
    return lambda value: _kept(value[:count])


def _last(count: int) -> Operation:
    return lambda value: _kept(value[-count:])


def _drop(count: int) -> Operation:
    return lambda value: _kept(value[count:])


def _add(letter: str) -> Operation:
    return lambda value: _kept(value + letter)


def _put(letter: str) -> Operation:
    return lambda value: _kept(letter + value)


def _skip(letter: str) -> Operation:
    return lambda value: _kept(value.replace(letter, ""))


def _swap(old: str, new: str) -> Operation:
    return lambda value: _kept(value.replace(old, new))


STRINGS = Language(
    name="strings",
    opening="Turn",
    families={
        "reverse": {"reverse": lambda value: _kept(value[::-1])},
        "sort": {"sort": lambda value: _kept("".join(sorted(value)))},
        "double": {"double": lambda value: _kept(value + value)},
        "shift": {"shift": lambda value: _kept(value[1:] + value[:1])},
        "first": {f"first{count}": _first(count) for count in range(1, 5)},
        "last": {f"last{count}": _last(count) for count in range(1, 5)},
        "drop": {f"drop{count}": _drop(count) for count in range(1, 4)},
        "add": {f"add{letter}": _add(letter) for letter in LETTERS},
        "put": {f"put{letter}": _put(letter) for letter in LETTERS},
        "skip": {f"skip{letter}": _skip(letter) for letter in LETTERS},
        "swap": {
            f"swap{old}{new}": _swap(old, new) for old in LETTERS for new in LETTERS if old != new
        },
    },
    draw=lambda noise: _drawn(noise),
)
"""The operations: a value is its letters."""


def _drawn(noise: random.Random) -> str:
    return "".join(noise.choices(LETTERS, k=noise.randint(3, 5)))


@dataclass(frozen=True, slots=True)
class Strings(ProgramTask):
    """The task: programs of `operations` operations that turn strings into strings."""

    language: ClassVar[Language] = STRINGS
