"""Where everything of a picture stands: a word tree, read from left to right.

A branch is as wide as its text, so a path from the left to a tip reads as the continuation. At a
fork one branch goes straight on and the others hang below it, in the first rows where nothing is in
their way, so rivals stand in a column under the token they lost to. A label that is too long keeps
its two ends.
"""

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from treeseek.viewer.grown import Branch, Grown, Step

CHARACTER = 7.25
"""Width of a character of the monospaced label, in pixels; a wide one takes two."""
ROW = 28.0
FORK = 36.0
"""Width of the lines between a branch and those after it."""
BEND = 18.0
"""How far after a branch the lines turn down to those that hang below it."""
HEAD, TAIL = 26, 14
"""Characters kept of the two ends of a label that is longer than both and a little more."""
PROMPT = 30
GAP = 4.0
Hull: TypeAlias = list[tuple[float, float]]
"""Row by row, the leftmost and rightmost pixel that a branch and all after it take."""
Group: TypeAlias = tuple[str, tuple[Step, ...]]
VISIBLE = {"\n": "↵", "\t": "⇥", " ": "\u00a0"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a label: its characters, where it begins, and the steps it stands for."""

    text: str
    left: float
    width: float
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A branch with its place: its label is centred on `middle` and spans left to right."""

    branch: Branch
    left: float
    right: float
    middle: float
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """All branches with their places, in the order of the tree, and how large the whole is."""

    placed: tuple[Placed, ...]
    width: float
    height: float


def arrange(tree: Grown, *, captions: Sequence[float] = ()) -> Layout:
    """Place the branches of `tree`; `captions` are the widths of what stands after each tip.

    The branch of the best path, else the likeliest, goes straight on; the others hang below it, as
    high as their own branches find room. Cost: branches times rows.
    """
    branches = tree.branches
    below: list[list[int]] = [[] for _ in branches]
    spans: list[tuple[float, float]] = []
    pieces: list[tuple[Piece, ...]] = []
    for index, branch in enumerate(branches):
        left = 0.0 if branch.parent < 0 else spans[branch.parent][1] + FORK
        label = tuple(_pieces(branch, left))
        right = label[-1].left + label[-1].width if label else left
        pieces.append(label)
        spans.append((left, right))
        if branch.parent >= 0:
            below[branch.parent].append(index)
    ends = [right + (captions[i] if captions else 0.0) for i, (_, right) in enumerate(spans)]
    hulls: list[Hull] = [[] for _ in branches]
    offsets = [0] * len(branches)
    for index in reversed(range(len(branches))):
        _hang(index, below, branches, spans, ends, hulls, offsets)
    rows = [0] * len(branches)
    used = 0
    for index, branch in enumerate(branches):
        rows[index] = used if branch.parent < 0 else rows[branch.parent] + offsets[index]
        used += len(hulls[index]) if branch.parent < 0 else 0
    placed = tuple(
        Placed(branch, *span, (row + 0.5) * ROW, label)
        for branch, span, row, label in zip(branches, spans, rows, pieces, strict=True)
    )
    return Layout(placed, max(ends, default=0.0), used * ROW)


def _hang(
    index: int,
    below: Sequence[Sequence[int]],
    branches: Sequence[Branch],
    spans: Sequence[tuple[float, float]],
    ends: Sequence[float],
    hulls: list[Hull],
    offsets: list[int],
) -> None:
    """Put the branches after `index` into the rows under it: its hull, and their offsets."""
    left, right = spans[index]
    straight = next((i for i in below[index] if branches[i].on_best), None)
    order = sorted(below[index], key=lambda i: i != straight)
    hull: Hull = list(hulls[order[0]]) if order else [(left, left)]
    for child in order[1:]:
        offsets[child] = offset = _room(hull, hulls[child])
        for row in range(1, offset + len(hulls[child])):
            low, high = hulls[child][row - offset] if row >= offset else (math.inf, -math.inf)
            if row == len(hull):
                hull.append((math.inf, -math.inf))
            hull[row] = min(hull[row][0], low, right + BEND), max(hull[row][1], high)
    hull[0] = left, max(hull[0][1], ends[index])
    hulls[index] = hull


def _room(hull: Hull, guest: Hull) -> int:
    """First row, after the topmost, from which `guest` stands to the left of all that is there."""
    offset = 1
    while any(
        row + offset < len(hull) and guest[row][1] + GAP > hull[row + offset][0]
        for row in range(len(guest))
    ):
        offset += 1
    return offset


def columns(text: str) -> int:
    """Columns that `text` takes in a monospaced font."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def visible(text: str) -> str:
    """`text` with a sign for every character that has no shape or that XML forbids."""
    return "".join(VISIBLE.get(c) or (c if c.isprintable() else _sign(c)) for c in text)


def _sign(character: str) -> str:
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"


def _pieces(branch: Branch, left: float) -> Iterable[Piece]:
    if branch.parent < 0:
        text = visible(branch.steps[0].text)
        text = text if len(text) <= PROMPT else "…" + text[1 - PROMPT :]
        yield Piece(text, left, columns(text) * CHARACTER, ())
        return
    groups: list[Group] = [(visible(step.text), (step,)) for step in branch.steps]
    if not "".join(text for text, _ in groups).strip():
        groups = [(text.replace("\u00a0", "␣"), steps) for text, steps in groups]
    for text, steps in _elided(groups):
        width = columns(text) * CHARACTER
        yield Piece(text, left, width, steps)
        left += width


def _elided(groups: list[Group]) -> list[Group]:
    """The groups with those in the middle made one if all are too long for a label."""
    widths = [columns(text) for text, _ in groups]
    if sum(widths) <= HEAD + TAIL + 8:
        return groups
    first, last = 0, len(groups)
    room = HEAD
    while room >= widths[first]:
        room -= widths[first]
        first += 1
    room = TAIL
    while last > first + 1 and room >= widths[last - 1]:
        last -= 1
        room -= widths[last]
    middle = tuple(step for _, steps in groups[first:last] for step in steps)
    return [*groups[:first], ("\u00a0⋯\u00a0", middle), *groups[last:]]
