"""Starting anew: what is left of a budget after a run is spent on further runs.

This file believes that a search compared at equal cost must spend what it is given, and that a run
which ignores where earlier ones went wastes what they learnt. It covers no allocation between
different searches.
"""

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from typing import Annotated, Any, TypeAlias

from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Request
from treeseek.strategies.levels import Passing
from treeseek.strategies.prefixes import Same

IDLE = 16
"""Runs in a row that were charged nothing, after which starting anew finds nothing more."""

Restarts: TypeAlias = Annotated[
    int | None, Range(low=0), "runs after the first; none: until the budget is spent, if any"
]
Fresh: TypeAlias = Annotated[bool, "prefixes that earlier runs went on from come last"]


def repeated(
    ctx: Context,
    once: Callable[[Mapping[Same, int]], Passing],
    *,
    restarts: int | None,
    fresh: bool = False,
) -> Generator[list[Request], Any, None]:
    """Run `once`, and `restarts` times more; None: until the budget is spent, where there is one.

    Draws are keyed by how often they were asked, so every run sees others. `once` is given how
    often earlier runs went on from a prefix; nothing unless `fresh`. Ends early once n answers are
    solved, or when IDLE runs in a row were charged nothing.
    """
    runs, idle, solved, taken = 0, 0, set[str](), Counter[Same]()
    while True:
        run = yield from once(taken)
        runs += 1
        idle = 0 if run.charged else idle + 1
        solved.update(run.solved)
        if fresh:
            taken.update(set(run.gone))
        over = run.spent is None if restarts is None else runs > restarts
        if over or idle >= IDLE or len(solved) >= ctx.n or (run.spent or 0.0) >= 1.0:
            return
