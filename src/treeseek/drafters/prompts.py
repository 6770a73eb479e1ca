"""Rows for drafters that learn from them: as many as calls pay for, those of prompts too.

This file believes that a row of a prompt is nearly paid for once its text goes on: keys and values
are there, only the head is missing. So it is read when calls have earned the time for it, the end
of the prompt first. It covers neither rows that were asked for nor what a drafter makes of them.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treeseek.drafters.protocol import CONTEXT
from treeseek.model import LM
from treeseek.tree import ROOT

SHARE = 0.01
"""Share of the time of calls in which prompts may be read."""
_MOST = 256
"""Tokens of one prompt that are read at most."""
_CHUNK = 32
"""Rows of a prompt that are read at once at most, and a quarter of it at least."""
_UP, _DOWN = 0.05, 0.4


def smoothed(before: float, now: float) -> float:
    """An average that forgets and leans to the small: what interrupts a clock makes it late only.

    Its first value is `now`.
    """
    if not before:
        return now
    return before + (_DOWN if now < before else _UP) * (min(now, 4 * before) - before)


def last(lm: LM, address: int) -> list[int]:
    """The last tokens up to `address`, as many as a row is told with."""
    tree, found = lm.tree, list[int]()
    while address != ROOT and len(found) < CONTEXT:
        found.append(tree.token(address))
        address = tree.parent(address)
    return found[::-1]


class Allowance:
    """Milliseconds saved of calls for looking at rows, and what one row takes."""

    def __init__(self, a_row: float) -> None:
        """Nothing is saved; a first row is thought to take `a_row` milliseconds."""
        self.saved, self._a_row = 0.0, a_row

    @property
    def rows(self) -> int:
        """How many rows may be looked at, none while there is debt."""
        return max(0, int(self.saved / self._a_row))

    @contextmanager
    def spent(self, count: int) -> Iterator[None]:
        """Look at `count` rows meanwhile."""
        began = time.perf_counter()
        yield
        took = 1e3 * (time.perf_counter() - began)
        self.saved -= took
        self._a_row = smoothed(self._a_row, took / count)


class Prompts:
    """Rows of prompts that no drafter was shown yet, and the time saved for them."""

    def __init__(self) -> None:
        """Nothing is to be read."""
        self.allowance = Allowance(1.0)
        self._unread: list[tuple[int, list[int], Callable[[int], bool]]] = []

    def begin(self, lm: LM, address: int, tokens: int, note: Callable[[int], bool]) -> None:
        """The last `tokens` of a prompt that ends at `address` are new, its last row is asked for.

        `note` takes how many tokens were computed for a row, and says whether its text goes on.
        """
        found = list[int]()
        for _ in range(min(tokens - 1, _MOST)):
            address = lm.tree.parent(address)
            if address == ROOT:
                break
            found.append(address)
        if found:
            self._unread.append((lm.tree.generation, found[::-1], note))

    def read(
        self, lm: LM, show: Callable[[LM, NDArray[np.floating[Any]], list[int]], None]
    ) -> None:
        """Show some of the rows with their addresses, if enough time was saved for it."""
        while self._unread:
            generation, left, note = self._unread[-1]
            if left and generation == lm.tree.generation and note(0):
                break
            self._unread.pop()
        else:
            return
        count = min(len(left), _CHUNK, self.allowance.rows)
        if count < min(len(left), _CHUNK // 4):
            return
        some = left[-count:]
        del left[-count:]
        with self.allowance.spent(count):
            for block in lm.backend.expand(some):
                note(sum(block.computed))
                show(lm, block.logits, [some[place] for place in block.index])
