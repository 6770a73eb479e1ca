"""Read every import of the package and fail on an arrow that points the wrong way.

The house is built so that the small things know nothing of the large ones: the tree knows no model,
a strategy knows neither, and nothing knows the command line. Imports inside functions and under
TYPE_CHECKING count as well: a lazy arrow is still an arrow. Names fetched by string are not seen.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "treeseek"
PURE = frozenset({"strategies", "scorers", "selectors", "sequences", "allocators"})
EDGES = frozenset({"cli", "serve"})
# What the pure rooms see of the engine: what they may ask for, and the values a request carries.
SEEN = frozenset(
    {"errors", "requests", "replies", "declare", "live.Context", "options", "paying"}
) | frozenset({"decoding.gumbel", "decoding.samplers", "decoding.stops", "decoding.warp"})

# What a room may import of the package, by room or by a dotted name in it; a room that is not
# listed may import all but the edges.
MAY = {
    "errors": frozenset[str](),
    "tree": frozenset({"errors"}),
    "native": frozenset({"errors"}),
    "noise": frozenset({"errors"}),
    "requests": frozenset({"errors", "noise", "decoding", "constraints"}),
    "budget": frozenset({"errors", "requests"}),
    "law": frozenset({"constraints", "decoding", "errors", "model", "requests"}),
    "journal": frozenset({"requests"}),
    "decoding": frozenset({"errors", "native", "noise", "requests", "tree"}),
    "backends": frozenset({"errors", "native", "noise", "requests", "decoding", "tree"}),
    "constraints": frozenset({"errors", "requests"}),
    "drafters": frozenset(
        {"constraints", "decoding", "errors", "model", "native", "noise", "options", "tree"}
    ),
    "sandbox": frozenset({"errors", "options"}),
    "verifiers": frozenset({"errors", "requests", "sandbox"}),
    "environments": frozenset({"errors", "options", "requests"}),
    "options": frozenset({"errors"}),
    "tasks": frozenset({"decoding.stops", "errors", "options", "requests", "sandbox", "verifiers"}),
    **{room: PURE | SEEN for room in PURE},
    "scorers": PURE | SEEN | {"asking"},
    "strategies": PURE | SEEN | {"native.visits", "native.vocabulary"},
    "sequences": PURE | SEEN | {"noise"},  # a study runs without a scheduler, by keyed numbers
}
# The engine drives whatever it is given: it names no strategy and no task.
ENGINE = ("budget", "desk", "live", "model", "result", "scheduler", "shown")
MAY_NOT = {room: PURE | {"front", "search", "tasks"} for room in ENGINE}
# Outside packages and the rooms that may load them.
ONLY = {
    "torch": frozenset({"backends"}),
    "transformers": frozenset({"backends"}),
    "tokenizers": frozenset({"backends"}),
    "safetensors": frozenset({"backends"}),
    "click": frozenset({"cli"}),
    "math_verify": frozenset({"verifiers"}),
    "matplotlib": frozenset({"plot"}),
    "sandlock": frozenset({"sandbox"}),
    "rich": frozenset({"cli"}),
}
# A search algorithm has no clock, no random state of its own and no world to act on.
CLOSED = PURE - {"scorers"}
WORLD = frozenset(
    {"asyncio", "concurrent", "datetime", "io", "multiprocessing", "os", "pathlib", "random"}
    | {"secrets", "socket", "subprocess", "tempfile", "threading", "time", "uuid"}
)
OUTSIDE = frozenset({"tests", "tools", "benchmarks", "training", "examples"})


@dataclass(frozen=True)
class Arrow:
    """One import: where it stands, the room it stands in and the dotted name it asks for."""

    file: str
    line: int
    room: str
    name: str


def arrows(package: Path) -> Iterator[Arrow]:
    """Every import under a package folder, relative ones made absolute."""
    for file in sorted(package.rglob("*.py")):
        inner = file.relative_to(package)
        parts = [package.name, *inner.with_suffix("").parts]
        home = parts[:-1]
        room = inner.parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                start = home[: len(home) - node.level + 1] if node.level else []
                stem = ".".join([*start, *([node.module] if node.module else [])])
                names = [f"{stem}.{alias.name}" for alias in node.names]
            else:
                continue
            for name in names:
                yield Arrow(inner.as_posix(), node.lineno, room, name)


def fault(arrow: Arrow, rooms: frozenset[str]) -> str | None:
    """What is wrong with an arrow, or None; `rooms` are the rooms of the package."""
    top, *rest = arrow.name.split(".")
    if top in OUTSIDE:
        return f"the package does not import {top}/"
    if top in ONLY and arrow.room not in ONLY[top]:
        return f"only {', '.join(sorted(ONLY[top]))} may load {top}"
    if top in WORLD and arrow.room in CLOSED:
        return f"{arrow.room} does no I/O: ask the scheduler by a request, or ctx.rng for chance"
    if top != PACKAGE:
        return None
    if not rest or rest[0] not in rooms:
        if arrow.room in EDGES or arrow.room in {"__init__", "__main__"}:
            return None
        return "import from the room that defines the name, not through the front door"
    room = rest[0]
    if room == arrow.room or arrow.room in {"__init__", "__main__"}:
        return None
    if room in EDGES:
        return f"nothing imports {room}"
    if room == "registry" and arrow.room not in EDGES:
        return "the registry serves the edges (cli, serve) only"
    reached = {".".join(rest[:depth]) for depth in range(1, len(rest) + 1)}
    if room in MAY_NOT.get(arrow.room, ()) or not reached & MAY.get(arrow.room, rooms):
        return f"{arrow.room} may not import {room}"
    return None


def faults(package: Path) -> list[str]:
    """One line for each arrow that points the wrong way."""
    rooms = frozenset(
        entry.name.removesuffix(".py")
        for entry in package.iterdir()
        if entry.suffix == ".py" or entry.is_dir()
    ) - {"__init__", "__main__", "__pycache__"}
    return [
        f"{arrow.file}:{arrow.line}: imports {arrow.name}: {said}"
        for arrow in arrows(package)
        if (said := fault(arrow, rooms))
    ]


def main() -> int:
    """Print the faults; the exit status is 1 when there are any."""
    found = faults(Path(__file__).resolve().parents[1] / "src" / PACKAGE)
    print(*found, sep="\n", end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
