"""Small multiples of lines over a logarithmic axis, as one SVG without script, font or library.

Names stand at the ends of their lines, moved apart where they would touch; a colour belongs to a
name in every panel. The picture follows the reader's light or dark theme.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 430, 300
LEFT, RIGHT, TOP, BOTTOM = 44, 118, 46, 40
LETTER = 13.0
INKS = (
    ("#0d7c6b", "#4fd1b5"), ("#c2571a", "#f0946a"), ("#3b64c4", "#8fb0ff"),
    ("#8a5a00", "#e3b54a"), ("#a3306f", "#f08cc0"), ("#5d6470", "#aab2bf"),
    ("#4b7d1e", "#a5d46a"), ("#6f4bb8", "#bfa2ff"), ("#b3362f", "#ff8d84"),
    ("#14738f", "#6cc7e6"), ("#7a6a5a", "#c9b8a6"), ("#0b4f8a", "#9ad1ff"),
    ("#7d1f5a", "#ffb3dd"),
)  # fmt: skip


@dataclass(frozen=True)
class Panel:
    """One chart: a heading, the sizes along the axis, and a line of values in [0, 1] by name."""

    heading: str
    sizes: Sequence[int]
    lines: Mapping[str, Sequence[float]]


def svg(panels: Sequence[Panel], *, title: str) -> str:
    """The panels, two a row."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    rows = math.ceil(len(panels) / 2)
    light = "".join(f"--c{i}:{ink[0]};" for i, ink in enumerate(INKS))
    dark = "".join(f"--c{i}:{ink[1]};" for i, ink in enumerate(INKS))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="curves" width="{2 * WIDTH}" '
        f'height="{rows * HEIGHT}" viewBox="0 0 {2 * WIDTH} {rows * HEIGHT}" role="img">',
        f"<title>{title}</title>",
        "<style>",
        f".curves{{--paper:#fdfcf9;--ink:#20242b;--soft:#6d7480;--grid:#e3e5e8;{light}}}",
        "@media (prefers-color-scheme:dark){",
        f".curves{{--paper:#14171c;--ink:#e4e7ec;--soft:#939ba8;--grid:#2b313a;{dark}}}}}",
        '.curves text{font:11px system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;'
        "fill:var(--soft)}",
        ".curves .head{font-size:13px;font-weight:600;fill:var(--ink)}",
        ".curves path{fill:none;stroke-width:2;stroke-linejoin:round}",
        ".curves .grid{stroke:var(--grid);stroke-width:1}",
        "</style>",
        f'<rect width="{2 * WIDTH}" height="{rows * HEIGHT}" rx="10" fill="var(--paper)"/>',
    ]
    for at, panel in enumerate(panels):
        place = f"translate({at % 2 * WIDTH} {at // 2 * HEIGHT})"
        parts += [f'<g transform="{place}">', *_panel(panel, names), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, names: Sequence[str]) -> list[str]:
    most = max(max(values) for values in panel.lines.values())
    top = next(edge for edge in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0) if edge >= most)
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    far = math.log(panel.sizes[-1] / panel.sizes[0])

    def x(size: int) -> float:
        return LEFT + wide * math.log(size / panel.sizes[0]) / far

    def y(value: float) -> float:
        return TOP + high * (1 - value / top)

    parts = [f'<text class="head" x="{LEFT}" y="24">{panel.heading}</text>']
    for quarter in range(5):
        value = top * quarter / 4
        parts += [
            f'<path class="grid" d="M{LEFT} {y(value):.1f}H{LEFT + wide}"/>',
            f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.3g}</text>',
        ]
    for size in panel.sizes:
        parts.append(
            f'<text x="{x(size):.1f}" y="{TOP + high + 18}" text-anchor="middle">{size}</text>'
        )
    parts.append(
        f'<text x="{LEFT + wide / 2}" y="{TOP + high + 34}" text-anchor="middle">candidates</text>'
    )
    ends = sorted(panel.lines, key=lambda name: y(panel.lines[name][-1]))
    places = _apart([y(panel.lines[name][-1]) for name in ends], last=float(TOP + high + 8))
    for name, place in zip(ends, places, strict=True):
        colour = f"var(--c{names.index(name) % len(INKS)})"
        points = [
            f"{x(size):.1f} {y(value):.1f}"
            for size, value in zip(panel.sizes, panel.lines[name], strict=True)
        ]
        parts += [
            f'<path stroke="{colour}" d="M{"L".join(points)}"/>',
            f'<text x="{LEFT + wide + 8}" y="{place + 4:.1f}" style="fill:{colour}">{name}</text>',
        ]
    return parts


def _apart(places: Sequence[float], *, last: float) -> list[float]:
    """Ascending places moved at least a line apart, none below `last`."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + LETTER) if moved else place)
    for at in reversed(range(len(moved))):
        moved[at] = min(moved[at], last)
        last = moved[at] - LETTER
    return moved
