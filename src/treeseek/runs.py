"""Runs of tokens: how far two go together, and the trie of many.

Walks of one list mostly go where another went before. So runs are sorted as bytes, each begins with
what it shares with the one before, and only what is new of it costs an object of its own.
"""

import sys
from array import array
from collections.abc import Sequence

from treeseek.tree import child_name

STRIDE = 32
"""Tokens that are compared at once, as long as they are the same."""
_BYTES = array("I").itemsize


def key_of(run: Sequence[int]) -> bytes:
    """`run` as bytes: sorted, runs with a common beginning stand together, shorter ones first."""
    numbers = array("I", run)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers.tobytes()


def common(one: bytes, other: bytes) -> int:
    """How many tokens two runs begin with together, given their keys."""
    most = min(len(one), len(other))
    apart = int.from_bytes(one[:most], "big") ^ int.from_bytes(other[:most], "big")
    return (8 * most - apart.bit_length()) // (8 * _BYTES)


class Trie:
    """The edges of `runs`, each behind one of some heads; every edge once, in depth-first order.

    Nodes are numbered: the heads first, from 0, then the ends of edges in their order. An edge is
    named by the node where it ends. Costs O(1) a token of `runs` in slices, and objects for what is
    new only.
    """

    __slots__ = ("heads", "laid", "parents", "paths", "tokens")

    def __init__(self, heads: Sequence[int], runs: Sequence[Sequence[int]]) -> None:
        """Lay `runs` out, each behind its own of `heads`; no run is empty."""
        self.heads = count = max(heads) + 1
        self.tokens: list[int] = [-1] * count
        """Token of each edge."""
        self.parents: list[int] = [-1] * count
        """Node that each edge leaves."""
        self.paths: list[list[int]] = [[]] * len(runs)
        """Edges of each run."""
        self.laid: list[tuple[int, int, int, int]] = []
        """Runs in the order they were laid: which, how many tokens of it the one before has too,
        and where its own edges, each behind the last, begin and stop."""
        keys = [key_of(run) for run in runs]
        order = sorted(range(len(runs)), key=keys.__getitem__)
        if count > 1:
            order.sort(key=heads.__getitem__)
        tokens, parents, last, first = self.tokens, self.parents, -1, count
        for place in order:
            run, path, shared = runs[place], list[int](), 0
            if last >= 0 and heads[last] == heads[place]:
                shared = common(keys[last], keys[place])
                path = self.paths[last][:shared]
            stop = first + len(run) - shared
            if first < stop:
                tokens += run[shared:]
                parents.append(path[-1] if path else heads[place])
                parents += range(first, stop - 1)
                path += range(first, stop)
            self.laid.append((place, shared, first, stop))
            self.paths[place], last, first = path, place, stop

    def chains(self) -> list[tuple[int, int]]:
        """Where nodes with an edge behind them begin and stop, each behind the one before."""
        inner = bytearray(len(self.tokens))
        for _, _, first, stop in self.laid:
            if first < stop:
                inner[self.parents[first]] = 1
        ends = [(first, stop - (not inner[stop - 1])) for _, _, first, stop in self.laid]
        return [(first, stop) for first, stop in ends if first < stop]

    def names(self, chains: list[tuple[int, int]], heads: list[int], salt: int) -> list[int]:
        """Name of each node on `chains` and of the `heads`, all under `salt`."""
        names = heads + [0] * (len(self.tokens) - len(heads))
        for first, stop in chains:
            name = names[self.parents[first]]
            for node in range(first, stop):
                names[node] = name = child_name(name, self.tokens[node])
        return [name ^ salt for name in names] if salt else names
