"""Bags of words as a user gives them: one in words, or a file of many; and the same file back.

This file believes that a file of bags comes back whole: a row that could not be searched is written
as it was read, and what is wrong with a file is said before anything runs.
"""

import csv
import io
import sys
from dataclasses import dataclass, field
from pathlib import Path

from treeseek.cli.prompt import read_prompt
from treeseek.errors import BadRow, InvalidOption, MissingData

COLUMNS = ("id", "text")
_FILES = (".csv", ".txt", ".tsv")


@dataclass(slots=True)
class Bag:
    """One bag: what it is called, the line it stands on, its words, and their best order so far."""

    id: str
    line: int
    text: str
    best: str = ""

    def __post_init__(self) -> None:
        self.best = self.best or self.text


@dataclass(slots=True)
class Bags:
    """The bags of one input; `many` says that they are told apart by their ids."""

    bags: list[Bag]
    csv: bool = False
    many: bool = False
    notes: list[str] = field(default_factory=list)

    def written(self, bags: list[Bag] | None = None) -> str:
        """The input again, each bag in its best order; `bags` alone, without a head, if given."""
        some = self.bags if bags is None else bags
        if not self.csv:
            return "".join(f"{bag.best}\n" for bag in some)
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        if bags is None:
            writer.writerow(COLUMNS)
        writer.writerows((bag.id, bag.best) for bag in some)
        return out.getvalue()


def bags_of(argument: str | None) -> Bags:
    """The bags that an argument names: `-` or none standard input, a file, or the words themselves.

    A file ending in .csv has a head line and a column `text`; anything else holds a bag a line, and
    empty lines are left out. Raises MissingData, BadRow, InvalidOption.
    """
    if argument is None and sys.stdin.isatty():
        raise InvalidOption('Nothing to order: give words, a file, or "-" for standard input.')
    if argument is None or argument == "-":
        return _lines("standard input", sys.stdin.buffer.read())
    path = _file(argument)
    if path is None:
        text = read_prompt(argument)
        if not text.split():
            raise InvalidOption("There are no words to order: give at least one.")
        return Bags([Bag("1", 1, " ".join(text.split()))])
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MissingData(f"{path} cannot be read ({error.strerror}): check the path.") from None
    return _table(path, data) if path.suffix.lower() == ".csv" else _lines(str(path), data)


def _file(argument: str) -> Path | None:
    """The file that an argument names, None where it is words."""
    path = Path(argument)
    try:
        if path.is_file():
            return path
        folder = path.is_dir()
    except (OSError, ValueError):
        return None
    named = path.suffix.lower() in _FILES and len(argument.split()) == 1
    if named or (folder and "/" in argument):
        raise MissingData(f"There is no file {argument}: check the path, or write the words.")
    return None


def _decoded(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadRow(
            f"{name}, line {line}: byte {error.start + 1} (0x{data[error.start]:02x}) is not "
            "UTF-8: convert it first, for example with iconv -f latin1 -t utf-8."
        ) from None


def _lines(name: str, data: bytes) -> Bags:
    rows = [" ".join(line.split()) for line in _decoded(name, data).split("\n")]
    while rows and not rows[-1]:
        rows.pop()
    bags = [Bag(str(at), at, row) for at, row in enumerate(rows, 1) if row]
    if not bags:
        raise InvalidOption(f"{name} holds no words: write a bag a line.")
    empty = [str(at) for at, row in enumerate(rows, 1) if not row]
    notes = [f"{name}: empty lines are left out: {', '.join(empty)}"] if empty else []
    return Bags(bags, many=len(bags) > 1, notes=notes)


def _table(path: Path, data: bytes) -> Bags:
    reader = csv.DictReader(io.StringIO(_decoded(str(path), data), newline=""))
    try:
        columns, bags = list(reader.fieldnames or ()), list[Bag]()
        if "text" not in columns:
            listed = ", ".join(map(repr, columns)) or "none"
            raise BadRow(
                f"{path} has no column 'text' (its columns are: {listed}): name the column of the "
                "words so."
            )
        for at, row in enumerate(reader, 1):
            text = " ".join((row["text"] or "").split())
            bags.append(Bag(row.get("id") or str(at), reader.line_num, text))
    except csv.Error as error:
        raise BadRow(
            f"{path}, line {reader.line_num}: no CSV ({error}): quote the field."
        ) from None
    if not bags:
        raise InvalidOption(f"{path} holds no rows below its head: write one for each bag.")
    return Bags(bags, csv=True, many=True)
