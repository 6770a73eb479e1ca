"""Curves of a comparison: accuracy against charged tokens, with bands, drawn only when asked for.

This file believes that a curve is read at its end and by its band: so every line is named where it
ends, controls stay grey, and the axis of tokens is that of what was charged, not of what was
allowed. It covers one comparison a picture; matplotlib is loaded by `draw` alone.
"""

import math
from pathlib import Path
from typing import Any

from treeseek.errors import InvalidOption, MissingExtra, OutputError
from treeseek.solving.comparison import Comparison, Row

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6a3d9a", "#8c510a")
"""Told apart by eyes that see few colours; the first ones furthest apart."""
GREYS = (("#333333", "-"), ("#777777", "--"), ("#aaaaaa", ":"), ("#555555", "-."))
BANDS = 3
"""Most strategies whose intervals are bands; those of more are bars."""
SUFFIXES = (".svg", ".png", ".pdf")


def check(path: Path) -> None:
    """Raise InvalidOption for a file that is no picture, MissingExtra without matplotlib."""
    if path.suffix not in SUFFIXES:
        raise InvalidOption(f"{path}: name a file that ends in {', '.join(SUFFIXES)}.")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            "Drawing a plot needs matplotlib: pip install 'treeseek[plot]', or leave the plot out."
        ) from error


def draw(found: Comparison, path: Path) -> None:
    """Draw accuracy against mean charged tokens of `found` into `path`, by its suffix.

    The same comparison gives the same bytes. Raises as `check` does, and OutputError for a file
    that cannot be written.
    """
    check(path)
    import matplotlib
    from matplotlib.figure import Figure

    rows = {label: [row for row in found.rows if row.strategy == label] for label in _labels(found)}
    settings: Any = {
        "font.family": "sans-serif",
        "font.size": 9,
        "svg.hashsalt": "treeseek",
        "svg.fonttype": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(7.2, 4.4), layout="constrained")
        axes = figure.subplots()
        ends = []
        bands = sum(not line[0].control for line in rows.values()) <= BANDS
        places = {False: 0, True: 0}
        for label, line in rows.items():
            control = line[0].control
            colour, dash = _style(control, places[control])
            places[control] += 1
            _line(axes, line, colour, dash, bands)
            ends.append((line[-1], label, colour))
        _frame(axes, found)
        _name(axes, ends)
        metadata: dict[str, Any] = {"Date": None} if path.suffix == ".svg" else {}
        if path.suffix == ".pdf":
            metadata = {"CreationDate": None}
        try:
            figure.savefig(path, dpi=160, metadata=metadata)
        except OSError as error:
            raise OutputError(
                f"{path} cannot be written ({error.strerror}): choose another file; the "
                "comparison is done and was printed"
            ) from error


def _labels(found: Comparison) -> list[str]:
    """Strategies in their order, then controls."""
    return list(dict.fromkeys(row.strategy for row in found.rows))


def _style(control: bool, place: int) -> tuple[str, str]:
    if control:
        return GREYS[place % len(GREYS)]
    return COLOURS[place % len(COLOURS)], "-"


def _line(axes: Any, line: list[Row], colour: str, dash: str, bands: bool) -> None:
    x, y = [row.tokens for row in line], [row.accuracy for row in line]
    low, high = [row.low for row in line], [row.high for row in line]
    control = line[0].control
    if bands and not control:
        axes.fill_between(x, low, high, color=colour, alpha=0.13, linewidth=0)
    elif not control:
        axes.vlines(x, low, high, color=colour, alpha=0.45, linewidth=1.2)
    axes.plot(
        x, y, dash, color=colour, linewidth=1.4 if control else 2.2, marker="o",
        markersize=3.5 if control else 5, zorder=2 if control else 3,
    )  # fmt: skip


def _frame(axes: Any, found: Comparison) -> None:
    """Axes, ticks at the budgets, and the words above."""
    budgets = sorted({row.budget for row in found.rows})
    axes.set_xscale("log")
    axes.set_xticks(budgets, [f"{budget:,}" for budget in budgets])
    axes.minorticks_off()
    top = min(1.0, math.ceil(5 * max(row.high for row in found.rows)) / 5)
    axes.set_ylim(0, top)
    axes.set_yticks([tick / 5 for tick in range(round(5 * top) + 1)])
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("charged tokens a problem (mean), ticks at the budgets")
    axes.set_title(
        f"Solved, of {found.problems:,} problems of {found.task}\n", loc="left", fontweight="bold"
    )
    axes.text(
        0, 1.02, f"{found.model}, seed {found.seed}; 95 % intervals; grey lines are the controls",
        transform=axes.transAxes, color="#666666", va="bottom",
    )  # fmt: skip


def _name(axes: Any, ends: list[tuple[Row, str, str]]) -> None:
    """Write each line's name right of the picture, at the height of its end or as near as fits."""
    top = axes.get_ylim()[1]
    gap = 0.052 * top
    heights: list[float] = []
    ordered = sorted(ends, key=lambda end: end[0].accuracy)
    for row, _, _ in ordered:
        heights.append(max(row.accuracy, heights[-1] + gap if heights else 0.0))
    over = (heights[-1] if heights else 0.0) - top
    for place in range(len(heights) - 1, -1, -1):
        ceiling = heights[place + 1] - gap if place + 1 < len(heights) else top
        if over > 0:
            heights[place] = min(heights[place], ceiling)
    for (row, label, colour), height in zip(ordered, heights, strict=True):
        axes.annotate(
            f"{label} {row.accuracy:.2f}", xy=(row.tokens, row.accuracy),
            xytext=(1.02, height), textcoords=axes.get_yaxis_transform(), color=colour,
            va="center", fontweight="normal" if row.control else "bold", annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "alpha": 0.5,
                        "relpos": (0, 0.5)},
        )  # fmt: skip
