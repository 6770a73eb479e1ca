"""What the searches of one round want of one model: rows, who asked first, and who waits."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from treeseek.scheduler.draws import Draw
from treeseek.scheduler.frontier import Frontier
from treeseek.scheduler.jobs import ExpandJob
from treeseek.scheduler.walks import Walks

if TYPE_CHECKING:
    from treeseek.scheduler.seat import Seat

Waiting: TypeAlias = ExpandJob | Draw


class Wanted:
    """Rows by address; `owners` asked first and are counted the tokens, the others reuse them."""

    __slots__ = ("drafted", "fronts", "jobs", "owners", "seats", "walks")

    def __init__(self) -> None:
        """Nothing is wanted."""
        self.seats: dict[Seat, None] = {}
        self.owners: dict[int, Seat] = {}
        self.jobs: dict[int, list[Waiting]] = {}
        self.fronts: list[tuple[Frontier, Sequence[int]]] = []
        """Frontiers, with the places of the rows they miss."""
        self.walks: list[tuple[Walks, Sequence[int]]] = []
        """Walks, with the edges that they ask for."""
        self.drafted: dict[int, Draw] = {}
        """Rows that are guessed to be needed next, by whom first."""

    def add(self, address: int, job: Waiting) -> None:
        """Let `job` wait for the row at `address`."""
        self.seats[job.seat] = None
        waiting = self.jobs.get(address)
        if waiting is None:
            self.owners.setdefault(address, job.seat)
            self.jobs[address] = [job]
        else:
            waiting.append(job)

    def draft(self, address: int, draw: Draw) -> None:
        """Want the row at `address` too, for `draw` may come to stand there."""
        self.drafted.setdefault(address, draw)
        self.owners.setdefault(address, draw.seat)

    def front(self, frontier: Frontier, places: Sequence[int]) -> None:
        """Let `frontier` wait for its rows at `places`."""
        self.fronts.append((frontier, places))
        owners, addresses, seat = self.owners, frontier.addresses, frontier.seat
        self.seats[seat] = None
        for place in places:
            owners.setdefault(addresses[place], seat)

    def walk(self, walks: Walks, edges: Sequence[int]) -> None:
        """Let `walks` wait for what its rows say of `edges`."""
        self.walks.append((walks, edges))
        self.seats[walks.seat] = None
        for address in walks.asked(edges)[0]:
            self.owners.setdefault(address, walks.seat)

    def tops(self) -> list["Seat"]:
        """The searches, not those nested in them, that wait for anything."""
        return list(dict.fromkeys(seat.top for seat in self.seats))


class Room:
    """What one search may still ask for in this round, were every row to be charged."""

    __slots__ = ("first", "left")

    def __init__(self, left: int | None) -> None:
        """Start with `left` tokens (None: no limit)."""
        self.left = left
        self.first = True
        """Whether nothing was asked for yet: what comes first may run whatever it may cost."""

    def take(self, worst: int) -> bool:
        """Set `worst` tokens aside; False, and the round ends here, where there are too few."""
        if self.left is not None:
            if worst > self.left and not self.first:
                return False
            self.left -= worst
        return True
