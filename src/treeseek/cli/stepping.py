"""Stepping a search or a whole table of them to its end, or to the user's patience.

The first interrupt is taken between two rounds: what is open is settled as if the time were over,
so the result holds everything that was found. The second leaves at once.
"""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Protocol, Self

from treeseek.cli.screen import Silence, Standing


class Steppable(Protocol):
    """What can be stepped and, between two steps, cut."""

    def step(self) -> bool:
        """Run one round; False once all has ended."""
        ...

    def cut(self) -> None:
        """End what is open at its next request."""
        ...


class Patience:
    """Meanwhile the first SIGINT sets `over`, and the next one raises KeyboardInterrupt."""

    over = False

    def __enter__(self) -> Self:
        self._before: Any = None
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._heard)
        return self

    def __exit__(self, *raised: object) -> None:
        """Give the signal back."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self.over:
            raise KeyboardInterrupt
        self.over = True


def step_all(work: Steppable, screen: Silence, standing: Callable[[], Standing]) -> bool:
    """Step `work` until it has ended; False if interrupted. Errors are raised."""
    with Patience() as patience:
        cut = False
        try:
            while work.step():
                screen.show(standing)
                if patience.over and not cut:
                    cut = True
                    screen.note("interrupted, settling what is open (once more to leave at once)")
                    work.cut()
        except KeyboardInterrupt:
            return False
        return not cut
