"""Scores read off the model's own rows: a value head, or any function of a last hidden state.

Such a score costs the row it reads, so it is asked for, batched and charged like an Expand of the
same node, and an Expand that follows costs nothing more.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from treeseek.errors import Incompatible
from treeseek.replies import Scored
from treeseek.requests import Expand, Reader, Score
from treeseek.scheduler.entry import Entry
from treeseek.scheduler.frontier import Frontier
from treeseek.scheduler.jobs import Job, Ready

if TYPE_CHECKING:
    from treeseek.scheduler.seat import Seat


class Reading(Frontier):
    """The rows of the nodes of one Score, settled together once all are there."""

    __slots__ = ("score",)

    def __init__(self, seat: "Seat", score: Score) -> None:
        """Ask for the rows of its nodes."""
        self.score = score
        super().__init__(seat, [Expand(node, k=1) for node in score.nodes], seat.law)

    @property
    def pending(self) -> list[int]:
        """Names of all its rows: they are charged together or not at all."""
        return self.names

    def settle(self, entry: Entry) -> bool:
        """Answer once every row is there and fits the budget."""
        seat, reader = self.seat, self.score.scorer
        if not self.done or not seat.ledger.fits(self.names):
            return False
        assert isinstance(reader, Reader)
        known, keys = seat.verdicts, _keys(self.score)
        fresh = [place for place, key in enumerate(keys) if key not in known]
        if not seat.ledger.score(len(fresh)):
            return False
        if fresh:
            rows = seat.lm.hidden([self.addresses[place] for place in fresh])
            values = [float(value) for value in reader.read(rows)]
            if len(values) != len(fresh):
                raise Incompatible(
                    f"Scorer {reader.name!r} gave {len(values)} values for {len(fresh)} rows: "
                    "return one number a row, in order."
                )
            known.update(zip([keys[place] for place in fresh], values, strict=True))
        entry.charged += seat.ledger.charge(self.names)
        seat.at += 1
        entry.answer(Scored([known[key] for key in keys]))
        return True


def reading(seat: "Seat", entry: Entry) -> Sequence[Job]:
    """The job of a Score by a Reader, or what stands for its recorded reply."""
    request = entry.request
    assert isinstance(request, Score)
    if entry.outcome is None:
        return [Reading(seat, request)]
    assert isinstance(entry.outcome, Scored)
    seat.verdicts.update(zip(_keys(request), entry.outcome.values, strict=True))
    names = seat.live.names_of([node.handle for node in request.nodes])
    return [Ready(entry.outcome, names)]


def _keys(request: Score) -> list[tuple[type, int, str, str]]:
    by = request.scorer
    return [(Score, node.handle, by.name, by.version) for node in request.nodes]
