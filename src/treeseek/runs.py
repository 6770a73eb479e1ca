"""Runs of tokens: how far two go together, and the trie of many.

Walks of one list mostly go where another went before. So runs are sorted as bytes, each begins with
what it shares with the one before, and only what is new of it costs an object of its own.
"""

import sys
from array import array
from collections.abc import Sequence

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

    __slots__ = ("chains", "heads", "parents", "paths", "tokens")

    def __init__(self, heads: Sequence[int], runs: Sequence[Sequence[int]]) -> None:
        """Lay `runs` out, each behind its own of `heads`; no run is empty."""
        self.heads = count = max(heads) + 1
        self.tokens: list[int] = [-1] * count
        """Token of each edge."""
        self.parents: list[int] = [-1] * count
        """Node that each edge leaves."""
        self.paths: list[list[int]] = [[]] * len(runs)
        """Edges of each run."""
        self.chains: list[tuple[int, int]] = []
        """Where edges that lie one behind the other begin, and where they stop."""
        keys = [key_of(run) for run in runs]
        tokens, parents, last = self.tokens, self.parents, -1
        for place in sorted(range(len(runs)), key=lambda at: (heads[at], keys[at])):
            run, head, path, shared = runs[place], heads[place], list[int](), 0
            if last >= 0 and heads[last] == head:
                shared = common(keys[last], keys[place])
                path = self.paths[last][:shared]
            if shared < len(run):
                first = len(tokens)
                stop = first + len(run) - shared
                tokens += run[shared:]
                parents.append(path[-1] if path else head)
                parents += range(first, stop - 1)
                path += range(first, stop)
                self.chains.append((first, stop))
            self.paths[place], last = path, place

    def inner(self) -> list[bool]:
        """Whether each node has an edge behind it."""
        found = [False] * len(self.tokens)
        for parent in self.parents[self.heads :]:
            found[parent] = True
        return found
