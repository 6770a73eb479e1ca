"""One request of the list a search waits for, and what the journal knows of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from treeseek.errors import ReplayMismatch
from treeseek.journal import Journal, digest
from treeseek.replies import Reply, decode, encode, fit
from treeseek.requests import Continue, Race, Request, Spawn, stable
from treeseek.scheduler.jobs import Job

if TYPE_CHECKING:
    from treeseek.scheduler.seat import Seat

NESTED = frozenset((Spawn, Continue, Race))


class Entry:
    """One request of the open list, or a run of them that is one frontier, until it is settled.

    `index` is the place of the first in the list.
    """

    __slots__ = (
        "charged", "children", "ends", "index", "jobs", "outcome", "read", "replies", "request",
        "settled", "spent",
    )  # fmt: skip

    def __init__(self, request: Request, index: int) -> None:
        """Nothing is known yet."""
        self.request, self.index = request, index
        self.jobs: Sequence[Job] = ()
        self.children: list[Seat] = []
        self.outcome: Reply | None = None
        self.replies: list[Reply] = []
        self.settled = False
        self.charged = 0
        self.spent: float | None = None
        self.read: float | None = None
        self.ends = False

    def answer(self, reply: Reply) -> None:
        """Settle it by its one reply."""
        self.replies, self.settled = [reply], True


def recalled(seat: "Seat", index: int, request: Request, journal: Journal) -> Entry | None:
    """The entry that the record of request `index` makes of it, None without a record."""
    record = journal.get(seat.place, seat.live.barrier, index)
    if record is None:
        return None
    now = digest(request, seat.live.name)
    if (record["digest"], record["setting"]) != (now, seat.setting):
        raise ReplayMismatch(
            f"Search {seat.place}, barrier {seat.live.barrier}, request {index}: the record "
            f"answers {record['request']} (seed {record['seed']}), the strategy now asks "
            f"{stable(request)} (seed {seat.seed}). Resume with the strategy, options "
            "and seed of the recorded run."
        )
    entry = Entry(request, index)
    entry.read = record.get("seconds")
    if "reply" not in record:
        entry.ends = True
        return entry
    entry.spent = record["reply"]["spent"]
    if type(request) not in NESTED:
        entry.outcome = decode(record["reply"])
        fit(request, entry.outcome)
    return entry


def record(seat: "Seat", index: int, reply: Reply | None) -> None:
    """Put the settled reply to request `index` into the journal; None: the budget ended there."""
    journal, place, barrier = seat.journal, seat.place, seat.live.barrier
    if journal is None or seat.top.interrupted or journal.get(place, barrier, index) is not None:
        return
    request = seat.requests[index]
    kept: dict[str, Any] = {} if reply is None else {"reply": encode(reply)}
    if seat.top.seconds is not None:
        kept["seconds"] = seat.elapsed
    kept["digest"] = digest(request, seat.live.name)
    kept |= {"setting": seat.setting, "request": stable(request), "seed": seat.seed}
    journal.put(place, barrier, index, kept)
