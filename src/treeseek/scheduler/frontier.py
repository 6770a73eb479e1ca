"""Expands for the model's own likeliest tokens: a run of a list in columns, not one by one.

Nearly every row a tree search asks for is asked for this way, so what one of them costs is what
the engine costs. The answers are facts of the shared tree and are read from the summaries kept
there; a call only sees to it that they are there.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from treeseek.replies import Expanded
from treeseek.requests import Expand
from treeseek.scheduler.entry import Entry, record

if TYPE_CHECKING:
    from treeseek.law import Law
    from treeseek.scheduler.seat import Seat
    from treeseek.scheduler.wanted import Room, Wanted


class Frontier:
    """Consecutive requests of one list under one law, answered and charged in their order."""

    __slots__ = (
        "addresses", "at", "done", "found", "handles", "k", "law", "names", "requests", "seat",
    )  # fmt: skip

    def __init__(self, seat: "Seat", requests: Sequence[Expand], law: "Law") -> None:
        """Ask for the rows of the nodes of `requests`."""
        self.seat, self.requests, self.law = seat, requests, law
        self.handles = [request.node.handle for request in requests]
        self.names = seat.live.names_of(self.handles)
        if law.salt:
            self.names = [name ^ law.salt for name in self.names]
        self.k = min(max([request.k for request in requests]), law.lm.vocabulary)
        self.found: list[Expanded | None] = [None] * len(requests)
        self.at = 0
        """How many are settled."""
        self.done = False
        self.locate()

    def locate(self) -> None:
        """Find the nodes in the tree, again if it was cleared."""
        self.addresses = self.seat.addresses(self.handles, self.law.lm)

    @property
    def pending(self) -> list[int]:
        """Name of the next row to be charged."""
        return self.names[self.at : self.at + 1]

    def worst(self) -> int:
        """One row for every request that is not settled."""
        return len(self.names) - self.at

    def want(self, wanted: "Wanted", room: "Room") -> bool:
        """Ask for the rows that may be computed now; False if `room` ends among them."""
        stop = len(self.names)
        if room.left is not None:
            is_new = self.seat.ledger.is_new
            for place in range(self.at, stop):
                if not room.take(1 if is_new(self.names[place]) else 0):
                    stop = place
                    break
                if self.found[place] is None:
                    room.first = False
        open_ = [place for place in range(self.at, stop) if self.found[place] is None]
        if open_:
            missing = self.take(open_)
            if len(missing) < len(open_):
                known = [self.addresses[place] for place in set(open_).difference(missing)]
                self.seat.note(known, [0] * len(known))
            if missing:
                wanted.front(self, missing)
        return stop == len(self.names)

    def take(self, places: Sequence[int]) -> Sequence[int]:
        """Take what the kept summaries answer of the requests at `places`; which they do not."""
        kept, k, found, requests = self.law.lm.summaries, self.k, self.found, self.requests
        rows = kept.find([self.addresses[place] for place in places], k)
        missing: Sequence[int] = ()
        if -1 in rows:
            missing = [place for place, row in zip(places, rows, strict=True) if row < 0]
            if len(missing) == len(rows):
                return missing
            places = [place for place, row in zip(places, rows, strict=True) if row >= 0]
            rows = [row for row in rows if row >= 0]
        for place, tokens, logprobs, lse, entropy in zip(places, *kept.read(rows, k), strict=True):
            asked = requests[place].k
            if asked < k:
                del tokens[asked:], logprobs[asked:]
            while logprobs and logprobs[-1] == -math.inf:
                tokens.pop()
                logprobs.pop()
            found[place] = Expanded(tokens, logprobs, None, lse, 0.0, entropy)
        self.done = None not in found
        return missing

    def settle(self, entry: Entry) -> bool:
        """Answer in order what is known, as far as the budget goes; True once that is all."""
        seat, found, replies = self.seat, self.found, entry.replies
        measured = seat.ledger.limit is not None or seat.top.seconds is not None
        stop = len(found) if self.done else found.index(None, self.at)
        for charged in seat.ledger.each(self.names[self.at : stop]):
            reply = found[self.at]
            assert reply is not None
            reply.charged = charged
            if measured:
                reply.spent = seat.spent
            if seat.journal is not None:
                record(seat, entry.index + self.at, reply)
            replies.append(reply)
            self.at += 1
        if self.at < len(found):
            return False
        seat.at += 1
        entry.settled = True
        return True
