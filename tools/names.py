"""Fail on names that say nothing: a module called after its place, a class called after its kind.

Contracts are Protocols and are named like any noun. Unfinished work is not left in the code, and no
path of one machine is. What a name means is for a reader to judge.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("src", "tests", "tools", "benchmarks", "training", "examples")
MODULES = re.compile(r"^(utils?|helpers?|managers?|common|misc|base)$")
CLASSES = re.compile(r"^Abstract|(Base|Manager|Helper|Utils?)$")
LEFT_OVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|/(home|root|work)/\w")


def faults(path: str, text: str) -> Iterator[str]:
    """One line for each name or left-over in a file."""
    for part in Path(path).with_suffix("").parts:
        if MODULES.search(part):
            yield f"{path}: '{part}' says nothing: name it after what it holds"
    for node in ast.walk(ast.parse(text, path)):
        if isinstance(node, ast.ClassDef) and CLASSES.search(node.name.lstrip("_")):
            yield f"{path}:{node.lineno}: class {node.name}: name it after what it is"
    for number, line in enumerate(text.splitlines(), 1):
        if left := LEFT_OVER.search(line):
            yield f"{path}:{number}: '{left[0]}' does not belong in the code"


def main() -> int:
    """Print the faults of every file but this one; the exit status is 1 when there are any."""
    here = Path(__file__).resolve()
    repository = here.parents[1]
    found = [
        fault
        for folder in FOLDERS
        for file in sorted((repository / folder).rglob("*.py"))
        if file != here and file.name != "test_names.py"
        for fault in faults(
            file.relative_to(repository).as_posix(), file.read_text(encoding="utf-8")
        )
    ]
    print(*found, sep="\n", end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
