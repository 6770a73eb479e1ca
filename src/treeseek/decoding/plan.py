"""How many drafts are worth computing, over all texts that grow at once.

This file believes that a draft is a bet whose price is measured: c(N), what a call of N rows costs
on this machine, and whose odds are counted: how often tokens that a drafter gave such a chance came
true. A bet is taken where the tokens expected for the time of the call go up by it, and where none
has been for a while, the drafter is not even asked. It covers neither what is drafted nor which
drafts are true; whatever it decides, the text is the same.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_BINS = 16
_PRIOR = 4.0
"""Trials that a drafter's own word counts for."""
_MEMORY = 512.0
"""Trials of a bin after which half of them are forgotten."""
_TOP = 1024
_MARGIN = 1.03
"""Least gain for which anything is drafted."""
_GUESS = 0.06
"""What a further row costs of a call, where only one size of calls was timed."""
_PATIENCE = 32
"""Most calls for which a drafter that cannot win is left alone."""


class Guessed(Protocol):
    """A tree of drafted tokens; a parent of -1 is the tip, and parents stand before children."""

    @property
    def tokens(self) -> Sequence[int]:
        """The tokens."""
        ...

    @property
    def parents(self) -> Sequence[int]:
        """The node each follows."""
        ...

    @property
    def chances(self) -> Sequence[float]:
        """How probably each is right once its parent is, by the word of its drafter."""
        ...


class Plan:
    """Sizes the drafts of one drafter by the price of a call and by its own record.

    `milliseconds` are those of a call by its rows (none: every call costs the same), between which
    it is read linearly; `budget` is the most nodes drafted for one text in one call. A call costs
    some microseconds to plan and nothing while the plan `rests`.
    """

    def __init__(
        self, milliseconds: Mapping[int, float] | None = None, *, budget: int = 16
    ) -> None:
        """Trust the drafter's chances until they were tried."""
        self.budget = budget
        self._cost, self._slope = _table(tuple(sorted((milliseconds or {}).items())))
        self.aside = 0.0
        """Milliseconds that asking the drafter adds to a call."""
        self.between = 0.0
        """Milliseconds from one call to the next."""
        self._right, self._tried = [0.0] * _BINS, [0.0] * _BINS
        self._resting, self._patience = 0, 1
        self.hopeful = False
        """Whether drafting paid at the last look; if not, asking for a few texts will do."""

    def cost(self, rows: int) -> float:
        """Milliseconds of a call of `rows` rows."""
        beyond = max(0, rows - _TOP)
        return float(self._cost[rows - beyond]) + beyond * self._slope

    def rests(self) -> bool:
        """Whether the drafter need not be asked for this call; counts the calls."""
        if self._resting:
            self._resting -= 1
            return True
        return False

    def most(self, rows: int, texts: int) -> int:
        """Nodes to ask the drafter for, for each of `texts` in a call of `rows` rows.

        As many as would pay if every one of them came true.
        """
        room = min(self.budget * texts, _TOP - rows)
        if room < 1:
            return 0
        counts = np.arange(rows, rows + room + 1)
        best = int((counts / (self._cost[counts] + self.between)).argmax())
        return min(self.budget, -(-best // texts))

    def chance(self, said: float) -> float:
        """The chance of a token whose drafter `said` so, by its record."""
        place = min(int(said * _BINS), _BINS - 1)
        return (self._right[place] + _PRIOR * said) / (self._tried[place] + _PRIOR)

    def choose(self, rows: int, trees: Sequence[Guessed]) -> list[list[int]]:
        """Nodes of each tree to be computed in a call that has `rows` rows without them.

        The nodes most probably reached, over all trees, as many as make the tokens expected for the
        time of the call the most. None at all sends the drafter to rest, longer every time.
        """
        reach, owners = list[float](), list[tuple[int, int]]()
        for number, tree in enumerate(trees):
            own: list[float] = []
            for parent, said in zip(tree.parents, tree.chances, strict=True):
                chance = self.chance(said)
                own.append(chance if parent < 0 else own[parent] * chance)
            reach += own
            owners += [(number, node) for node in range(len(own))]
        chosen: list[list[int]] = [[] for _ in trees]
        room = min(len(reach), _TOP - rows)
        if room > 0:
            order = sorted(range(len(reach)), key=lambda i: -reach[i])[:room]
            expected = rows + np.cumsum([reach[i] for i in order])
            price = self._cost[rows + 1 : rows + 1 + room] + self.between + self.aside
            rates = expected / price
            best = int(rates.argmax())
            if rates[best] * (self._cost[rows] + self.between) > _MARGIN * rows:
                for i in order[: best + 1]:
                    number, node = owners[i]
                    chosen[number].append(node)
                self._patience, self.hopeful = 0, True
                return chosen
        self._patience = min(2 * self._patience + 1, _PATIENCE)
        self._resting, self.hopeful = self._patience, False
        return chosen

    def learn(self, tree: Guessed, tokens: Sequence[int]) -> None:
        """Note which tokens of `tree` came true: `tokens` are those that followed its tip."""
        below: dict[int, list[int]] = {}
        for node, parent in enumerate(tree.parents):
            below.setdefault(parent, []).append(node)
        at = -1
        for token in tokens:
            true = None
            for node in below.get(at, ()):
                place = min(int(tree.chances[node] * _BINS), _BINS - 1)
                self._tried[place] += 1.0
                if tree.tokens[node] == token:
                    self._right[place] += 1.0
                    true = node
                if self._tried[place] > _MEMORY:
                    self._tried[place] /= 2
                    self._right[place] /= 2
            if true is None:
                break
            at = true


@lru_cache(maxsize=16)
def _table(known: tuple[tuple[int, float], ...]) -> tuple[NDArray[np.float64], float]:
    """Milliseconds of a call by its rows, to _TOP of them, and of each row beyond."""
    rows, times = [n for n, _ in known] or [1], [t for _, t in known] or [1.0]
    grid = np.arange(_TOP + 1)
    cost, slope = np.interp(grid, rows, np.maximum.accumulate(times)), 0.0
    if len(known) == 1:
        cost = cost * (1 + _GUESS * (grid - rows[0]).clip(0))
    if len(rows) > 1:
        slope = max(0.0, float(times[-1] - times[-2]) / (rows[-1] - rows[-2]))
        cost += np.maximum(grid - rows[-1], 0) * slope
    return cost, slope
