"""The pages a user reads, cut into blocks that can be run."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LANGUAGES = ("python", "console", "bash", "text")
"""`text` holds drawings and formulas; everything else is run."""

_FENCE = re.compile(r"^```(\S*)([^\n]*)\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line of its page where the text begins.

    `words` marks a block that shows what a model wrote: its wording is the model's business, and
    only the lines that state a cost are compared.
    """

    page: Path
    language: str
    words: bool
    text: str
    line: int

    @property
    def where(self) -> str:
        return f"{self.page.name}:{self.line}"

    def code(self) -> str:
        """The text moved down to its own line, so that a traceback names the page's line."""
        return "\n" * (self.line - 1) + self.text


@dataclass(frozen=True)
class Command:
    """One `$ command` of a console block and the lines shown below it."""

    where: str
    line: str
    shown: tuple[str, ...]


def blocks(page: Path, *languages: str) -> list[Block]:
    """The blocks of `page` in order, of these languages (default: all)."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start(3)) + 1
        found.append(Block(page, match[1], match[2].strip() == "words", match[3], line))
    return [block for block in found if not languages or block.language in languages]


def commands(block: Block) -> list[Command]:
    """The commands of a console or bash block; a backslash at its end continues a line."""
    found: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(block.text.splitlines(), block.line):
        if found and found[-1][1].endswith("\\"):
            start, begun, shown = found[-1]
            found[-1] = (start, begun[:-1] + line.strip(), shown)
        elif line.startswith("$ "):
            found.append((number, line[2:].strip(), []))
        elif block.language == "bash" and line.strip() and not line.startswith("#"):
            found.append((number, line.partition(" #")[0].strip(), []))
        elif found and line.strip() and (not block.words or "tokens charged" in line):
            found[-1][2].append(line)
    return [Command(f"{block.page.name}:{at}", line, tuple(out)) for at, line, out in found]


def appears(shown: str, printed: str) -> bool:
    """Whether a line like `shown` was printed: any number for a number, anything for `...`."""
    parts = [
        r"\d[\d,.e-]*".join(re.escape(piece) for piece in _NUMBER.split(part))
        for part in shown.strip().split("...")
    ]
    pattern = re.compile(".*".join(part.replace(r"\ ", r"\s+") for part in parts))
    return any(pattern.search(line) for line in printed.splitlines())
