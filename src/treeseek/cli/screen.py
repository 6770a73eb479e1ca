"""What a user sees while a search runs: a live board, a few plain lines, or nothing.

All of it goes to standard error. A standing is a plain value; who makes one decides what is worth
showing, the screen decides how often and how. A board is drawn on a terminal only, in no colour
where NO_COLOR is set; elsewhere a line is written after one second, then after ever longer pauses.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand: what runs, the fraction of the budget that is gone, facts, the best."""

    title: str
    spent: float | None = None
    facts: tuple[str, ...] = ()
    best: str = ""


class Silence:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        """Nothing was shown, nothing is left to clear."""

    def show(self, standing: Callable[[], Standing]) -> None:
        """Show a standing if it is time; it is only made when it is shown."""

    def note(self, line: str) -> None:
        """One line that stays."""


class Lines(Silence):
    """Plain lines, the pause between them doubling from `first` seconds."""

    def __init__(self, *, first: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        """Write to standard error."""
        self._clock = clock
        self._pause = first
        self._next: float | None = None

    def show(self, standing: Callable[[], Standing]) -> None:
        """Write a line if the pause is over."""
        now = self._clock()
        if self._next is None:
            self._next = now + self._pause
        if now < self._next:
            return
        self._pause *= 2
        self._next = now + self._pause
        at = standing()
        share = "" if at.spent is None else f"{at.spent:.0%} of the budget"
        best = f"best {shown(at.best)}" if at.best else ""
        self.note(", ".join(part for part in (at.title, share, *at.facts, best) if part))

    def note(self, line: str) -> None:
        """Write a line."""
        print(f"treeseek: {line}", file=sys.stderr, flush=True)


class Board(Silence):
    """A few lines that are drawn over and over while the search runs, and then cleared."""

    def __init__(self, console: Console) -> None:
        """Draw on `console`."""
        self._console = console
        self._standing = Standing("loading")
        self._spinner = Spinner("dots", style="cyan")
        self._next = 0.0
        self._live = Live(
            console=console, get_renderable=self._draw, refresh_per_second=10, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *raised: object) -> None:
        """Clear the board."""
        self._live.stop()

    def show(self, standing: Callable[[], Standing]) -> None:
        """Keep a standing for the next drawing, at most ten a second."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + 0.1
            self._standing = standing()

    def note(self, line: str) -> None:
        """Write a line above the board."""
        self._console.print(Text(f"treeseek: {line}"), soft_wrap=True)

    def _draw(self) -> Group:
        at = self._standing
        head = Table.grid(padding=(0, 1))
        title = Text(at.title, style="bold", overflow="ellipsis", no_wrap=True)
        head.add_row(self._spinner, title)
        facts = Table.grid(padding=(0, 2))
        cells: list[ProgressBar | Text] = [Text(fact, no_wrap=True) for fact in at.facts]
        if at.spent is not None:
            cells.insert(0, ProgressBar(total=1.0, completed=min(at.spent, 1.0), width=12))
        facts.add_row("", *cells)
        rows: list[Table] = [head, *([facts] if cells else [])]
        if at.best:
            best = Table.grid(padding=(0, 1))
            words = Text(shown(at.best), style="green", overflow="ellipsis", no_wrap=True)
            best.add_row("  best", words)
            rows.append(best)
        return Group(*rows)


def screen(quiet: bool) -> Silence:
    """The screen that fits: silence if `quiet`, a board on a terminal, lines elsewhere."""
    if quiet:
        return Silence()
    console = Console(stderr=True, highlight=False)
    return Board(console) if console.is_terminal and not console.is_dumb_terminal else Lines()


def spending(charged: int, most: int | None, computed: int, seconds: float) -> tuple[str, ...]:
    """Facts on tokens: charged, which is counted when a request is settled, and computed so far."""
    rate = (f"{computed / seconds:,.0f}/s",) if seconds > 0 else ()
    bound = f" of {most:,}" if most else ""
    return f"{charged:,} tokens{bound}", f"{computed:,} computed", *rate


def shown(text: str, most: int = 72) -> str:
    """`text` on one line of at most `most` characters, what is not printable made visible."""
    flat = "".join(
        "↵" if c == "\n" else c if c.isprintable() else f"\\x{ord(c):02x}" for c in text[: most + 1]
    )
    return flat if len(flat) <= most else flat[: most - 1] + "…"
