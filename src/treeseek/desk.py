"""One thread a model that runs searches handed in from anywhere, batched together.

`asearch` calls made at the same time, from one event loop or several, meet here: a search that
arrives while others run joins them at the next round.
"""

import threading
import time
import weakref
from concurrent.futures import Future

from treeseek.model import LM
from treeseek.scheduler import Scheduler
from treeseek.scheduler.seat import Seat


class Desk:
    """Runs what is submitted for `lm`; the thread ends when there is nothing to do."""

    def __init__(self, lm: LM) -> None:
        """Serve `lm`; no thread is started before the first search."""
        self._lock = threading.Lock()
        self._model = weakref.ref(lm)
        self._waiting: list[tuple[Seat, float | None]] = []
        self._futures: dict[Seat, Future[None]] = {}
        self._running = False

    def submit(self, seat: Seat, *, seconds: float | None = None) -> "Future[None]":
        """Run `seat`'s search; the future is done when it has ended, or carries what it raised."""
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()  # so that its caller cannot take it away meanwhile
        with self._lock:
            self._futures[seat] = future
            self._waiting.append((seat, seconds))
            if not self._running:
                self._running = True
                threading.Thread(target=self._work, name="treeseek-desk", daemon=True).start()
        return future

    def withdraw(self, seat: Seat) -> None:
        """Forget `seat`: it is not stepped any more."""
        with self._lock:
            self._futures.pop(seat, None)
            self._waiting = [item for item in self._waiting if item[0] is not seat]

    def _work(self) -> None:
        scheduler = Scheduler()
        while True:
            with self._lock:
                for seat, seconds in self._waiting:
                    scheduler.add(seat, seconds=seconds)
                self._waiting.clear()
                scheduler.seats = [s for s in scheduler.seats if s in self._futures]
                if not scheduler.seats:
                    self._running = False
                    return
            self._round(scheduler)

    def _round(self, scheduler: Scheduler) -> None:
        try:
            scheduler.step()
            failure: BaseException | None = None
        except BaseException as error:
            failure = error
        with self._lock:
            for seat in scheduler.seats:
                wrong = seat.failure or (failure if scheduler.failed is None else None)
                if wrong is None and not seat.live.ended:
                    continue
                future = self._futures.pop(seat, None)
                if future is None:
                    continue
                if wrong is None:
                    future.set_result(None)
                else:
                    future.set_exception(wrong)
        scheduler.failed = None
        time.sleep(0)  # lets whoever waits for the model's lock have it


_desks: "weakref.WeakKeyDictionary[LM, Desk]" = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def desk(lm: LM) -> Desk:
    """The desk of `lm`."""
    with _lock:
        found = _desks.get(lm)
        if found is None:
            found = _desks[lm] = Desk(lm)
        return found
