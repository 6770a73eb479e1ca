"""Rows of files: JSON lines, read with their line numbers, and questions made of them.

This file believes that a bad line is that line's failure: it becomes a question that fails with the
line's number when it is asked, and the others go on. A file that is not there at all is an error
at once. Sets of rows under TREESEEK_SHARED are found without a path. It downloads nothing.
"""

import gzip
import json
import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from treeseek.errors import BadRow, InvalidOption, MissingData

SHARED = "TREESEEK_SHARED"
"""Environment variable that names the folder of shared inputs; `../shared` without it."""

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file: its number from 1 on, and its fields or why they could not be read."""

    file: str
    line: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""

    def get(self, name: str) -> Any:
        """The field, or None."""
        return self.fields.get(name)

    def text(self, name: str) -> str:
        """The field as a text that is not blank; raises BadRow where it is none."""
        value = self.fields.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self.bad(f"no text {name!r}")
        return value

    def bad(self, why: str) -> BadRow:
        """The error that names the line."""
        return BadRow(f"{self.file}, line {self.line}: {why}; mend or remove the line")

    def check(self) -> None:
        """Raise BadRow, with file and line, where the row could not be read."""
        if self.fault:
            raise self.bad(self.fault)


@dataclass(frozen=True, slots=True)
class Question:
    """A problem read from a row: the prompt, and what is known of the answer.

    `kind` tells questions of one file apart that are judged differently; `tests` and `hidden` are
    tests that a right program passes. One with a `fault` has no prompt: its row was bad.
    """

    id: str
    prompt: str
    answer: str = ""
    kind: str = ""
    tests: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    fault: str = ""

    def check(self) -> None:
        """Raise BadRow for a question whose row was bad."""
        if self.fault:
            raise BadRow(self.fault)


def located(path: str | None, shared: str) -> Path:
    """The file at `path`, else `shared` under TREESEEK_SHARED/data; raises MissingData."""
    if path is not None:
        file = Path(path)
        if not file.exists():
            raise MissingData(f"{path} does not exist: give the path of an existing file")
        return file
    file = Path(os.environ.get(SHARED, "../shared"), "data", shared)
    if not file.exists():
        raise MissingData(
            f"{shared} is not among the shared data: give path=FILE, or set {SHARED} to the folder "
            f"that holds data/{shared}"
        )
    return file


def rows(file: Path) -> list[Row]:
    """Every line that is not blank, `.gz` unpacked; one that is no JSON object has a fault.

    Raises MissingData for a file that cannot be read at all.
    """
    try:
        packed = file.read_bytes()
        raw = gzip.decompress(packed) if file.suffix == ".gz" else packed
    except (OSError, EOFError) as error:
        raise MissingData(f"{file} cannot be read ({error}): give a file of JSON lines") from error
    return [
        _row(file.name, number, line)
        for number, line in enumerate(raw.split(b"\n"), 1)
        if line.strip()
    ]


def drawn(found: Sequence[P], *, seed: int, count: int) -> list[P]:
    """`count` of the rows or as many as there are: in their own order for seed 0, else shuffled."""
    if count < 0:
        raise InvalidOption(f"count={count}: ask for 0 or more problems")
    ordered = list(found)
    if seed:
        random.Random(f"rows {seed}").shuffle(ordered)
    return ordered[:count]


def questions(
    file: Path, make: Callable[[Row], Question], *, level: object = None
) -> list[Question]:
    """The questions that `make` makes of the rows; one it raises BadRow for has the fault.

    With a `level` only rows whose field of that name is equal to it, and bad ones.
    """
    found = []
    for row in rows(file):
        try:
            row.check()
            if level is None or row.get("level") == level:
                found.append(make(row))
        except BadRow as error:
            found.append(Question(f"{file.name}, line {row.line}", "", fault=str(error)))
    return found


def _row(name: str, number: int, line: bytes) -> Row:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Row(name, number, fault=f"no JSON ({error})")
    if not isinstance(fields, dict):
        return Row(name, number, fault=f"a JSON {type(fields).__name__} is no object")
    return Row(name, number, fields)
