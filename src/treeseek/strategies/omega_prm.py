"""Labels for the steps of answers, by rollouts and binary search for the first wrong step."""

import math
from collections.abc import Generator, Hashable, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import Annotated, Any, TypeAlias

from treeseek.declare import Search, strategy
from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node, Request, Sample
from treeseek.strategies.answers import judged
from treeseek.strategies.boundaries import boundaries

Wrong: TypeAlias = tuple[Node, Node]
"""A prefix that may be right, and a rollout from it that is wrong."""


@strategy("omega-prm", tier="step")
def omega_prm(
    ctx: Context,
    root: Node,
    *,
    k: Annotated[int, Range(low=1), "rollouts of a prefix"] = 8,
    searches: Annotated[int | None, Range(low=1), "binary searches; none: no bound"] = 100,
    alpha: Annotated[float, Range(above=0, high=1), "discount of an easy prefix"] = 0.5,
    beta: Annotated[float, Range(above=0, high=1), "discount of a long rollout"] = 0.9,
    length: Annotated[int, Range(low=1), "tokens of a long rollout"] = 500,
    exploration: Annotated[float, Range(low=0), "weight of prefixes seldom searched"] = 0.125,
) -> Search:
    """Find first wrong steps, each by binary search over one wrong rollout; label what it looks at.

    A prefix is worth MC, the share of its k rollouts that the verifier finds right. Next comes the
    (prefix, wrong rollout) with the most alpha^(1 - MC) * beta^(tokens / length) + exploration *
    sqrt(searches so far) / (1 + those of this prefix). Candidates: each rollout by its merit; each
    prefix looked at, with `mc` and its `n` rollouts; each first wrong step, with `error`, its
    number. Cost: k rollouts of the root and k * ceil(log2(steps)) an error. It loses where the root
    is always or never right, and takes a hard step for a wrong one where k is small. Deviation:
    rollouts are as long as their tokens, not words. Reference: omega-prm
    """
    if ctx.verifier is None:
        raise InvalidOption("omega-prm asks which rollouts are right: give the search a verifier=.")
    labels: dict[tuple[int, ...], float] = {}
    pool = Pool(alpha, beta, length, exploration)

    def evaluate(prefix: Node) -> Generator[list[Request], Any, float | None]:
        """MC of `prefix`, None past the budget; wrong rollouts enter the pool. Once a prefix."""
        key = tuple(ctx.tokens(prefix))
        if key not in labels:
            right, wrong, cut = yield from rollouts(ctx, prefix, k)
            if number := right + len(wrong):
                ctx.finish(prefix, score=right / number, mc=right / number, n=number)
            if cut:
                return None
            labels[key] = mc = right / number if number else 0.0
            if 0 < mc < 1:
                pool.add(key, mc, [(prefix, end) for end in wrong])
        return labels[key]

    done = 0
    if (yield from evaluate(root)) is None:
        return
    while (searches is None or done < searches) and (found := pool.next()):
        prefix, wrong = found
        steps = boundaries(ctx, wrong, after=prefix)
        low, high = 0, len(steps)  # a rollout goes right from step `low`, none from step `high`
        while high - low > 1:
            middle = (low + high) // 2
            mc = yield from evaluate(steps[middle - 1])
            if mc is None:
                return
            low, high = (middle, high) if mc > 0 else (low, middle)
        before = len(boundaries(ctx, prefix)) if prefix.depth else 0
        ctx.finish(steps[high - 1], score=0.0, mc=0.0, error=before + high)
        done += 1


def rollouts(
    ctx: Context, node: Node, k: int
) -> Generator[list[Request], Any, tuple[int, list[Node], bool]]:
    """Complete `node` k times and judge: how many are right, the wrong ends, and if any was cut.

    Every end is a candidate by its merit. Right is solved, or a full score. An end counts as its
    own rollout, once.
    """
    ends = [node]
    if not node.is_end:
        (reply,) = yield [Sample(node, n=k)]
        ends = [run.node for run in reply.continuations]
    found = yield from judged(ctx, ends)
    right = [one and (one.solved or one.value >= 1.0) for one in found]
    wrong = [end for end, good in zip(ends, right, strict=True) if good is False]
    return right.count(True), wrong, any(end.end == "budget" for end in ends)


class Pool:
    """Wrong rollouts with the prefix they start from, best first.

    All prefixes searched equally often share their exploration term, so each such class is a heap
    by the rest, and only the heads are compared: exact, in O(log entries + classes).
    """

    def __init__(self, alpha: float, beta: float, length: int, exploration: float) -> None:
        """Start empty."""
        self.alpha, self.beta, self.length, self.exploration = alpha, beta, length, exploration
        self.searched = 0
        self._visits: dict[Hashable, int] = {}
        self._heaps: list[list[tuple[float, int, Hashable, Wrong]]] = [[]]
        self._arrival = count()

    def add(self, key: Hashable, mc: float, wrong: Sequence[Wrong]) -> None:
        """Put the wrong rollouts of one prefix in, once a prefix: `key` tells it from others."""
        self._visits[key] = 0
        for prefix, end in wrong:
            long = (end.depth - prefix.depth) / self.length
            worth = self.alpha ** (1 - mc) * self.beta**long
            heappush(self._heaps[0], (-worth, next(self._arrival), key, (prefix, end)))

    def next(self) -> Wrong | None:
        """Take the best out and count a search of its prefix; None when there is none."""
        best, reach = None, self.exploration * math.sqrt(self.searched)
        for visits, heap in enumerate(self._heaps):
            while heap and self._visits[heap[0][2]] > visits:
                entry = heappop(heap)
                heappush(self._heaps[self._visits[entry[2]]], entry)
            if heap and (best is None or -heap[0][0] + reach / (1 + visits) > best[0]):
                best = (-heap[0][0] + reach / (1 + visits), heap)
        if best is None:
            return None
        *_, key, found = heappop(best[1])
        self.searched += 1
        self._visits[key] += 1
        if self._visits[key] == len(self._heaps):
            self._heaps.append([])
        return found
