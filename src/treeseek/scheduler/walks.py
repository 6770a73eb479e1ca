"""Walks: a run of a list, whose rows are asked for, found and charged together.

A list of walks asks for far more rows than there are: most lead along what another walk asks as
well. So they are laid out as one trie, and what is asked of a row, its name and its place in the
tree exist once. They are settled in order, as if they had been walked one after another.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from treeseek.law import Law
from treeseek.replies import Walked
from treeseek.requests import Walk
from treeseek.runs import Trie
from treeseek.scheduler.entry import Entry, record

if TYPE_CHECKING:
    from treeseek.scheduler.seat import Seat
    from treeseek.scheduler.wanted import Room, Wanted


class Walks:
    """Consecutive Walks of one list under one law, answered and charged in their order."""

    __slots__ = (
        "_chains", "_fresh", "_heard", "_names", "_places", "_waiting", "abandoned", "at", "done",
        "found", "law", "losses", "over", "requests", "seat", "trie",
    )  # fmt: skip

    def __init__(self, seat: "Seat", requests: Sequence[Walk], law: Law) -> None:
        """Enter all tokens into the tree, so that one call can score them."""
        self.seat, self.requests, self.law = seat, requests, law
        law.lm.check(list(set(chain.from_iterable(request.tokens for request in requests))))
        self.at = 0
        """How many are settled."""
        self.done = False
        heads: dict[int, int] = {}
        names = seat.live.names_of(request.node.handle for request in requests)
        starts = [heads.setdefault(name, len(heads)) for name in names]
        self.trie = Trie(starts, [request.tokens for request in requests])
        self._chains = self.trie.chains()
        self._names = self.trie.names(self._chains, [*heads], law.salt)
        self._fresh = bytearray(b"\1" * len(self._names))
        """Whether these walks were not charged for a node yet."""
        self._heard = [0.0] * len(self.trie.tokens)
        """Log-probability of each edge, once it is known."""
        self._waiting: list[tuple[int, int]] = []
        """Walks that wait for rows, and where of each they end."""
        self.found: list[list[float]] = [[] for _ in requests]
        """Log-probabilities of the first tokens of each."""
        self.losses = [0.0] * len(requests)
        self.abandoned = [False] * len(requests)
        self.over = [False] * len(requests)
        """Whether each is walked as far as it goes."""
        self.locate()

    def locate(self) -> None:
        """Enter the tokens into the tree, again if it was cleared."""
        lm, trie = self.law.lm, self.trie
        handles = [request.node.handle for request in self.requests]
        self._places = [-1] * len(trie.tokens)
        """Address of each node that has a row."""
        for start, path in zip(self.seat.addresses(handles, lm), trie.paths, strict=True):
            self._places[trie.parents[path[0]]] = start
        places, tokens, enter = self._places, trie.tokens, lm.tree.enter
        for first, stop in self._chains:
            places[first:stop] = enter(places[trie.parents[first]], tokens[first:stop])

    def _count(self, place: int) -> int:
        """How many rows walk `place` needs."""
        found = self.found[place]
        return len(found) if self.abandoned[place] else len(self.requests[place].tokens)

    def _due(self, place: int) -> list[int]:
        """Nodes of the rows that walk `place` needs and these walks were not charged for.

        What leads to a charged row was charged, so they are the last ones of its path.
        """
        path, stop = self.trie.paths[place], self._count(place) - 1
        head = self.trie.parents[path[0]]
        if self._fresh[head]:
            return [head, *path[:stop]]
        return path[bisect_left(path, 1, hi=stop, key=self._fresh.__getitem__) : stop]

    def _fitting(self, place: int) -> int:
        """How many rows of walk `place` fit what is left."""
        path, names = self.trie.paths[place], self._names
        rows = [self.trie.parents[path[0]], *path[: self._count(place) - 1]]
        return len(self.seat.ledger.fitting([names[node] for node in rows]))

    def _fits(self, due: Sequence[int]) -> bool:
        names, ledger = self._names, self.seat.ledger
        return ledger.limit is None or ledger.fits([names[node] for node in due])

    def want(self, wanted: "Wanted", room: "Room") -> bool:
        """Ask for the rows that may be computed now; False if `room` ends among them."""
        limited, fits, trie = room.left is not None, True, self.trie
        self._waiting = waiting = []
        for place in range(self.at, len(self.requests)):
            stop = len(trie.paths[place])
            if limited:
                if not room.take(self._count(place)):
                    fits = False
                    break
                stop = min(stop, self._fitting(place))
            if not self.over[place]:
                room.first = False
                if stop > len(self.found[place]):
                    waiting.append((place, stop))
        if waiting:
            edges: Sequence[int] = range(trie.heads, len(trie.tokens))
            if len(waiting) < len(self.requests) or limited:
                found, paths = self.found, trie.paths
                some = {edge for at, stop in waiting for edge in paths[at][len(found[at]) : stop]}
                edges = sorted(some)
            wanted.walk(self, edges)
        return fits

    def asked(self, edges: Sequence[int]) -> tuple[list[int], list[int]]:
        """The address of the row that each of `edges` leaves, and its token."""
        parents, tokens, places = self.trie.parents, self.trie.tokens, self._places
        return [places[parents[edge]] for edge in edges], [tokens[edge] for edge in edges]

    def hear(self, edges: Sequence[int], logprobs: list[float]) -> None:
        """Take what came of `edges`, and go on with who waited for them."""
        heard, paths, found = self._heard, self.trie.paths, self.found
        if isinstance(edges, range):
            heard[edges.start : edges.stop] = logprobs
            last: list[float] = []
            for place, shared, first, stop in self.trie.laid:
                last = last[:shared] + heard[first:stop]
                self._take(place, last)
            return
        for edge, logprob in zip(edges, logprobs, strict=True):
            heard[edge] = logprob
        for place, stop in self._waiting:
            self._take(place, [heard[edge] for edge in paths[place][len(found[place]) : stop]])

    def _take(self, place: int, logprobs: list[float]) -> None:
        """Note what comes next of walk `place`; abandon it where its loss passes the bound."""
        found, request, loss = self.found[place], self.requests[place], self.losses[place]
        if request.above is not None:
            for count, logprob in enumerate(logprobs, 1):
                loss -= logprob
                if loss > request.above:
                    logprobs = logprobs[:count]
                    self.abandoned[place] = True
                    break
            self.losses[place] = loss
        self.found[place] = found = found + logprobs if found else logprobs
        self.over[place] = self.abandoned[place] or len(found) == len(request.tokens)

    def settle(self, entry: Entry) -> bool:
        """Answer in order what is known, as far as the budget goes; True once that is all."""
        seat, ledger, replies, names = self.seat, self.seat.ledger, entry.replies, self._names
        measured = ledger.limit is not None or seat.top.seconds is not None
        while self.at < len(self.requests):
            if not self.over[self.at] or not self._fits(due := self._due(self.at)):
                return False
            for node in due:
                self._fresh[node] = 0
            reply = Walked(self.found[self.at], self.abandoned[self.at])
            reply.charged = ledger.charge([names[node] for node in due])
            if measured:
                reply.spent = seat.spent
            if seat.journal is not None:
                record(seat, entry.index + self.at, reply)
            replies.append(reply)
            self.at += 1
        seat.at += 1
        entry.settled = self.done = True
        return True

    def short(self) -> bool:
        """Whether the next to be settled cannot have what it needs."""
        place = self.at
        if self.over[place] or self.requests[place].above is None:
            return not self._fits(self._due(place))
        most = self._fitting(place)
        return most < self._count(place) and len(self.found[place]) >= most
