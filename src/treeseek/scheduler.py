"""Drives many live searches at once: merges what they ask for into one call, settles in order.

Each round visits every search, collects the rows their open requests need, and computes all of
them together. A list is settled as if its requests had been served one after another, each
continuation of a Sample by itself, so what a search is told and charged does not depend on who
else is there, on drafts, or on what was already in the tree.
"""

import time
from collections.abc import Callable

from treeseek.instant import derive, judge
from treeseek.jobs import ExpandJob, Job, Ready, SampleJob, WalkJob
from treeseek.model import LM
from treeseek.nesting import running, settle, slices
from treeseek.replies import Continuation, Reply, Sampled
from treeseek.requests import Continue, Derive, Race, Sample, Score, Spawn, Verify
from treeseek.seat import Entry, Seat
from treeseek.serving import Waiting, serve

_WIDE = 64
"""Lists without a row to compute that one search may settle in one round."""


class Scheduler:
    """Searches that run together; `step()` is one round.

    `clock` reads seconds; it is read between rounds only, and never by a search.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with no search."""
        self.seats: list[Seat] = []
        self.clock = clock
        self.rounds = 0
        self.failed: Seat | None = None
        self._deadlines: dict[Seat, tuple[float, float | None]] = {}

    def add(self, seat: Seat, *, seconds: float | None = None) -> Seat:
        """Let `seat` take part, for at most `seconds` of wall clock."""
        now = self.clock()
        self.seats.append(seat)
        self._deadlines[seat] = (now, None if seconds is None else now + seconds)
        return seat

    def cut(self, seat: Seat) -> None:
        """End `seat` at its next request, as if its seconds were over."""
        started, _ = self._deadlines[seat]
        self._deadlines[seat] = (started, started)

    def step(self) -> bool:
        """Run one round; False once every search has ended.

        An error of one search (`failed`) closes that search alone: stepping on serves the rest.
        """
        self.rounds += 1
        wanted: dict[LM, dict[int, list[Waiting]]] = {}
        active = False
        for seat in self.seats:
            if seat.live.ended:
                continue
            try:
                self._visit(seat, wanted)
            except Exception:
                seat.live.close()
                self.failed = seat
                raise
            started, _ = self._deadlines[seat]
            seat.cost.seconds = self.clock() - started
            active = active or not seat.live.ended
        for lm, rows in wanted.items():
            if rows:
                serve(lm, rows)
        return active

    def run(self) -> None:
        """Step until every search has ended."""
        while self.step():
            pass

    # One search in one round.

    def _visit(self, seat: Seat, wanted: dict[LM, dict[int, list[Waiting]]]) -> None:
        seat.relocate()
        for _ in range(_WIDE):
            if not seat.entries:
                requests = seat.live.ask()
                if requests is None:
                    return
                seat.open(requests)
            if not self._settle(seat):
                break
            entries, seat.entries = seat.entries, []
            seat.live.tell([entry.reply for entry in entries if entry.reply is not None])
            seat.remember(entries)
        if not seat.live.ended and seat.entries and not seat.paused:
            self._collect(seat, wanted)

    def _settle(self, seat: Seat) -> bool:
        """Settle what is done, in order; True once the whole list is."""
        late = self._late(seat)
        seat.closing = seat.closing or late
        for index, entry in enumerate(seat.entries):
            if entry.reply is not None:
                continue
            if isinstance(entry.request, Spawn | Continue | Race):
                if not entry.children and not slices(seat, late):
                    self._end(seat, index)
                    return False
                if not settle(seat, entry):
                    return False
            elif isinstance(entry.request, Score | Verify):
                if not judge(seat, entry):
                    self._end(seat, index)
                    return False
            elif not self._settle_entry(seat, entry, late):
                if seat.live.ended or seat.paused:
                    return False
                if self._unserved(seat, entry, late):
                    self._end(seat, index)
                return False
            assert entry.reply is not None
            entry.reply.charged = entry.charged
            entry.reply.spent = seat.ledger.spent
            seat.record(index)
        return True

    def _settle_entry(self, seat: Seat, entry: Entry, late: bool) -> bool:
        request = entry.request
        ledger = seat.ledger
        if isinstance(request, Derive):
            return derive(seat, entry)
        while seat.at < len(seat.jobs) and seat.jobs[seat.at][0] is entry:
            job = seat.jobs[seat.at][1]
            if not job.done:
                if isinstance(job, SampleJob) and self._cut(seat, job, late):
                    continue
                return False
            left = ledger.left
            if left is not None and ledger.new(job.names) > left:
                return False
            entry.charged += ledger.charge(job.names)
            seat.at += 1
        if isinstance(request, Sample):
            runs = [_run(job) for job in entry.jobs]
            entry.reply = Sampled(runs)
        else:
            job = entry.jobs[0]
            entry.reply = _reply(job)
        return True

    def _cut(self, seat: Seat, job: SampleJob, late: bool) -> bool:
        """Whether the first unfinished continuation ends here for want of budget."""
        if job.wish or job.behind:
            return False
        ledger = seat.ledger
        left = ledger.left
        short = left is not None and (
            ledger.limit == 0 or ledger.new([*job.names, job.name]) > left
        )
        if not (short or late):
            return False
        if not seat.closing:
            seat.paused = True
            return False
        job.finish("budget")
        return True

    def _unserved(self, seat: Seat, entry: Entry, late: bool) -> bool:
        """Whether `entry`, next in order, does not fit what is left."""
        if isinstance(entry.request, Sample):
            return False
        if late:
            return True
        left = seat.ledger.left
        if left is None:
            return False
        if isinstance(entry.request, Derive):
            return True
        job = entry.jobs[0]
        if seat.ledger.limit == 0:
            return True
        new = seat.ledger.new(job.names)
        if isinstance(job, WalkJob) and job.request.above is not None and not job.done:
            return self._walked(seat, job, left)
        return new > left

    def _walked(self, seat: Seat, job: WalkJob, left: int) -> bool:
        """Whether a walk with a bound used up what is left without being abandoned."""
        most = self._affordable(seat, job, left)
        return most < len(job.addresses) and not job.rows(most)

    def _affordable(self, seat: Seat, job: WalkJob, left: int) -> int:
        most = 0
        fresh: set[int] = set()
        for name in job.names:
            if seat.ledger.is_new(name):
                fresh.add(name)
            if len(fresh) > left:
                break
            most += 1
        return most

    def _end(self, seat: Seat, index: int) -> None:
        """The budget ends at request `index`: tell the search, or pause it inside its slice."""
        if not seat.closing:
            seat.paused = True
            return
        replies = [entry.reply for entry in seat.entries[:index] if entry.reply is not None]
        for child in seat.children:
            child.live.close()
        seat.entries = []
        seat.live.exhaust(replies)

    def _late(self, seat: Seat) -> bool:
        root = seat
        while root.parent is not None:
            root = root.parent
        _, deadline = self._deadlines[root]
        return deadline is not None and self.clock() >= deadline

    def _collect(self, seat: Seat, wanted: dict[LM, dict[int, list[Waiting]]]) -> None:
        """Ask for the rows of every job that may run now."""
        left = seat.ledger.left
        first = True
        for entry in seat.entries:
            if entry.reply is not None:
                continue
            if isinstance(entry.request, Spawn | Continue | Race):
                for child in running(entry):
                    self._visit(child, wanted)
                continue
            for job in entry.jobs:
                if left is not None:
                    worst = job.worst()
                    if worst > left and not first:
                        return
                    most, left = left, left - worst
                else:
                    most = None
                if job.done:
                    continue
                first = False
                self._want(seat, job, most, wanted)

    def _want(
        self, seat: Seat, job: Job, most: int | None, wanted: dict[LM, dict[int, list[Waiting]]]
    ) -> None:
        if not isinstance(job, ExpandJob | SampleJob | WalkJob):
            return
        rows = wanted.setdefault(job.law.lm, {})
        if isinstance(job, SampleJob):
            job.ask()
            rows.setdefault(job.address, []).append(job)
        elif isinstance(job, ExpandJob):
            known = job.law.lm.summaries.get(job.address) if job.plain else None
            if known is not None and len(known.tokens) >= min(job.request.k, job.law.lm.vocabulary):
                seat.note(job.address, 0, seat.need(job.address))
                job.summarised(known)
            else:
                rows.setdefault(job.address, []).append(job)
        else:
            reach = None if most is None else self._affordable(seat, job, most)
            for address in job.rows(reach):
                rows.setdefault(address, []).append(job)


def _run(job: Job) -> Continuation:
    if isinstance(job, SampleJob):
        return job.continuation()
    assert isinstance(job, Ready) and isinstance(job.outcome, Continuation)
    return job.outcome


def _reply(job: Job) -> Reply:
    if isinstance(job, ExpandJob | WalkJob):
        return job.reply()
    assert isinstance(job, Ready) and isinstance(job.outcome, Reply)
    return job.outcome
