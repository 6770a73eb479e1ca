"""Prompts for drafters that learn from rows: as many of their rows as time allows.

This file believes that a row of a prompt is nearly paid for once its text goes on: keys and values
are there, only the head is missing. So it is read when calls have earned the time for it, the end
of the prompt first. It covers neither rows that were asked for nor what a drafter makes of them.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from treeseek.model import LM
from treeseek.tree import ROOT

if TYPE_CHECKING:
    from treeseek.backends.protocol import Block
    from treeseek.scheduler.draws import Draw

SHARE = 0.01
"""Share of the time of calls in which prompts may be read."""
_MOST = 256
"""Tokens of one prompt that are read at most."""
_CHUNK = 32
"""Rows of a prompt that are read at once at most, and a quarter of it at least."""
_A_ROW = 0.1
_SMOOTH = 0.3


class Prompts:
    """Rows of prompts that no drafter was shown yet, and the milliseconds saved for them."""

    def __init__(self) -> None:
        """Nothing is to be read."""
        self.saved, self._a_row = 0.0, _A_ROW
        self._unread: list[tuple[Draw, int, list[int]]] = []

    def begin(self, draw: "Draw", tokens: int) -> None:
        """The last `tokens` of what `draw` continues are new, and its own row will be asked for."""
        tree, at, found = draw.law.lm.tree, draw.address, list[int]()
        for _ in draw.run.tokens:
            at = tree.parent(at)
        for _ in range(min(tokens - 1, _MOST)):
            at = tree.parent(at)
            if at == ROOT:
                break
            found.append(at)
        if found:
            self._unread.append((draw, tree.generation, found[::-1]))

    def read(self, lm: LM, show: Callable[["Block", list[int]], None]) -> None:
        """Show some of the rows, if enough time was saved for it, and pay."""
        while self._unread:
            draw, generation, left = self._unread[-1]
            over = draw.done or draw.seat.live.ended or draw.law.lm is not lm
            if left and not over and generation == lm.tree.generation:
                break
            self._unread.pop()
        else:
            return
        count = min(len(left), _CHUNK, int(self.saved / self._a_row))
        if count < min(len(left), _CHUNK // 4):
            return
        began = time.perf_counter()
        some = left[-count:]
        del left[-count:]
        for block in lm.backend.expand(some):
            draw.seat.cost.tokens_computed += sum(block.computed)
            show(block, [some[place] for place in block.index])
        took = 1e3 * (time.perf_counter() - began)
        self.saved = max(0.0, self.saved - took)
        self._a_row += _SMOOTH * (took / count - self._a_row)
