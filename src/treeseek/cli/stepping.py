"""Stepping searches to their end, or to the user's patience.

The first interrupt is taken between two rounds: what is open is settled as if the time were over,
so the result holds everything that was found. The second leaves at once.
"""

import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Self

from treeseek.cli.screen import Silence, Standing
from treeseek.front import Run


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


def step_all(
    runs: Sequence[Run],
    screen: Silence,
    standing: Callable[[], Standing],
    *,
    failed: Callable[[Run, Exception], None] | None = None,
) -> bool:
    """Step `runs`, which share a scheduler, until all have ended; False if interrupted.

    `failed` is told of a search that an error ended, and the rest go on; without it the error is
    raised. An error that belongs to no single search ends all of them.
    """
    with Patience() as patience:
        cut = False
        while not all(run.ended for run in runs):
            if patience.over and not cut:
                cut = True
                screen.note("interrupted, settling what is open (once more to leave at once)")
                for run in runs:
                    run.cut()
            try:
                runs[0].step()
                screen.show(standing)
            except KeyboardInterrupt:
                return False
            except Exception as error:
                if failed is None:
                    raise
                _settle_failure(runs, error, failed)
        return not cut


def _settle_failure(
    runs: Sequence[Run], error: Exception, failed: Callable[[Run, Exception], None]
) -> None:
    scheduler = runs[0].scheduler
    culprit, scheduler.failed = scheduler.failed, None
    for run in runs:
        if run.seat is culprit or (culprit is None and not run.ended):
            run.seat.live.close()
            failed(run, error)
