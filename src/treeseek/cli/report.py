"""What `compare` prints: one block of accuracies, one block of differences for each control.

Rows are strategies, columns budgets. A difference is called a win or a loss where its interval says
so, and a loss is printed as loudly as a win.
"""

import csv as tables
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from treeseek.cli.output import checked, save
from treeseek.solving.comparison import Comparison, Pair
from treeseek.solving.contest import BEST

COLUMN = 31
UNUSED = 0.9
"""A strategy that was charged less than this share of its budget is said to have left some."""
HEAD = (
    "strategy", "budget", "tokens", "problems", "solved", "failed", "accuracy", "low", "high",
    "control", "less_best_of_n", "less_low", "less_high",
)  # fmt: skip
"""Columns of the CSV."""
_COLOURS = {"wins": "green", "loses": "red"}


def table(found: Comparison, *, styled: bool) -> str:
    """The whole report, ended by a newline."""
    head = f"{found.task} on {found.model}, seed {found.seed}: {found.problems:,} problems"
    if not found.done:
        head += f" of {found.asked:,}, interrupted"
    if not found.problems:
        return f"{head}; none was ended by all searches\n"
    budgets = sorted({row.budget for row in found.rows})
    labels = list(dict.fromkeys(row.strategy for row in found.rows))
    wide = max(map(len, labels)) + 2
    lines = [head, "", *_header("solved [95 %]", budgets, wide)]
    for label in labels:
        cells = (found.row(label, budget) for budget in budgets)
        texts = (f"{_plain(one.accuracy)} [{_plain(one.low)}, {_plain(one.high)}]" for one in cells)
        lines.append(_line(label, texts, wide))
    for control in dict.fromkeys(pair.control for pair in found.pairs):
        lines += ["", *_header(f"less {control} [95 %, paired]", budgets, wide)]
        for label in dict.fromkeys(pair.strategy for pair in found.pairs):
            pairs = _pairs(found, label, control)
            lines.append(_line(label, (_cell(pair, styled) for pair in pairs), wide))
    return "\n".join([*lines, "", *_notes(found), ""])


def rows(found: Comparison) -> str:
    """The rows as CSV, with each strategy's difference to best-of-n where it has one."""
    out = io.StringIO()
    writer = tables.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    against = {(one.strategy, one.budget): one for one in found.pairs if one.control == BEST}
    for row in found.rows:
        pair = against.get((row.strategy, row.budget))
        difference = [pair.difference, pair.low, pair.high] if pair else [None] * 3
        numbers = [row.accuracy, row.low, row.high]
        writer.writerow(
            [row.strategy, row.budget, f"{row.tokens:.2f}", row.problems, row.solved, row.failed]
            + [f"{number:.6f}" for number in numbers]
            + [int(row.control), *("" if one is None else f"{one:.6f}" for one in difference)]
        )
    return out.getvalue()


def table_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--csv` and `--plot`, refused at once where their folder is not there."""
    for name, words in (
        ("--plot", "Draw accuracy against tokens into this .svg or .png file."),
        ("--csv", "Write the rows into this file."),
    ):
        function = click.option(
            name, type=click.Path(path_type=Path, dir_okay=False), callback=checked, help=words
        )(function)
    return function


def drawable(plot: Path | None) -> None:
    """Raise InvalidOption or MissingExtra where `plot` is a file that could not be drawn."""
    if plot is not None:
        from treeseek.plot import check

        check(plot)


def write(found: Comparison, *, csv: Path | None, plot: Path | None) -> None:
    """The files of a comparison that were asked for; raises OutputError."""
    if csv is not None:
        save(csv, rows(found))
    if plot is not None:
        from treeseek.plot import draw

        draw(found, plot)


def leader(found: Comparison) -> str:
    """The strategy that is ahead at the largest budget so far; "" before there is one."""
    if not found.problems:
        return ""
    most = max(row.budget for row in found.rows)
    ahead = max((row for row in found.rows if row.budget == most), key=lambda row: row.accuracy)
    return f"{ahead.strategy} {_plain(ahead.accuracy)} at {most:,} after {found.problems} problems"


def _header(title: str, budgets: Sequence[int], wide: int) -> list[str]:
    tokens = "".join(f"{f'{budget:,} tokens':<{COLUMN}}" for budget in budgets)
    return [title, (" " * (wide + 2) + tokens).rstrip()]


def _line(label: str, cells: Iterable[str], wide: int) -> str:
    padded = (cell + " " * (COLUMN - len(click.unstyle(cell))) for cell in cells)
    return f"  {label:<{wide}}{''.join(padded)}".rstrip()


def _pairs(found: Comparison, label: str, control: str) -> list[Pair]:
    same = [one for one in found.pairs if (one.strategy, one.control) == (label, control)]
    return sorted(same, key=lambda pair: pair.budget)


def _cell(pair: Pair, styled: bool) -> str:
    word = pair.word.upper() if pair.word == "loses" else pair.word
    if styled and pair.word in _COLOURS:
        word = click.style(word, fg=_COLOURS[pair.word], bold=True)
    return f"{_signed(pair.difference)} [{_signed(pair.low)}, {_signed(pair.high)}] {word}"


def _notes(found: Comparison) -> list[str]:
    """Who beats or loses to best-of-n, who left tokens unspent, what failed, what it all cost."""
    notes = []
    for label in dict.fromkeys(pair.strategy for pair in found.pairs):
        pairs = _pairs(found, label, BEST)
        for word, said in (("wins", "beats best-of-n"), ("loses", "LOSES to best-of-n")):
            at = [f"{pair.budget:,}" for pair in pairs if pair.word == word]
            if at:
                notes.append(f"{label} {said} at {', '.join(at)} tokens.")
        if all(pair.word not in _COLOURS for pair in pairs):
            notes.append(f"{label} is not told apart from best-of-n by {found.problems} problems.")
        spent = [
            f"{row.tokens:,.0f} of {row.budget:,}"
            for row in found.rows
            if row.strategy == label and row.tokens < UNUSED * row.budget
        ]
        if spent:
            notes.append(f"{label} did not use its budget: it was charged {', '.join(spent)}.")
    if found.failures:
        first = found.failures[0]
        notes.append(
            f"{len(found.failures):,} searches failed and count as not solved; the first: "
            f"{first.strategy} on {first.problem}: {first.reason}"
        )
    cost = found.cost
    notes.append(
        f"{cost.tokens:,} tokens charged, {cost.tokens_computed:,} computed in {cost.forwards:,} "
        f"calls, {cost.seconds:.1f} s. Each interval is 95 % by itself, not all of them together."
    )
    return notes


def _plain(value: float) -> str:
    return "1.00" if value > 0.9995 else f"{value:.3f}"[1:]


def _signed(value: float) -> str:
    text = f"{value:+.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.9995 else f"{value:+.2f}"
