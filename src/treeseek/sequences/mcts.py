"""Monte Carlo tree search over the beginnings of candidates, completed by chance.

This file believes that a beginning is worth what its completions are worth on average, so it is
visited more often the better they were. It knows nothing of neighbours: what a local search mends
at the end of an order it can only reach by beginning it again.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from treeseek.options import Range, validate
from treeseek.sequences.space import Space
from treeseek.sequences.trial import Bench, Cand, Hunt, Rng, Trial


@dataclass(slots=True)
class Beginning:
    """A prefix of candidates: visits, the sum of their values, and what may follow."""

    visits: int = 0
    total: float = 0.0
    closed: bool = False
    after: dict[int, "Beginning"] = field(default_factory=dict)


@dataclass(frozen=True)
class Mcts:
    """UCT over prefixes: descend by mean value, add one prefix, complete it by chance, score.

    Values count from 1, the best so far, to 0, the worst. A list holds `leaves` descents, each
    counted as visited when it is asked. A prefix whose every completion was tried is closed, so a
    small space is searched whole. Cost: one score a descent. Loses against local search wherever
    neighbours resemble each other. Deviation: closed prefixes. Reference: uct
    """

    c: Annotated[float, Range(low=0.0), "weight of exploration"] = 0.4
    leaves: Annotated[int, Range(low=1), "descents asked for together"] = 8

    name: ClassVar[str] = "mcts"
    references: ClassVar[tuple[str, ...]] = ("uct",)

    def __post_init__(self) -> None:
        validate(self)

    def run(self, bench: Bench, space: Space) -> Hunt:
        """The generator; it ends once every candidate was tried."""
        bag = Counter(space.sample(bench.rng("bag")))
        root, step = Beginning(), 0
        low, high = math.inf, -math.inf
        while not root.closed:
            rng = bench.rng("step", step)
            step += 1
            paths, trials = [], []
            for _ in range(self.leaves):
                if root.closed:
                    break
                path, cand = self._descent(root, bag, rng, low, high)
                paths.append(path)
                trials.append(Trial(cand))
            rated = yield trials
            for path, one in zip(paths, rated, strict=True):
                value = one.value if one.value < math.inf else high
                low, high = min(low, value), max(high, value)
                for node in path:
                    node.total += value

    def _descent(
        self, root: Beginning, bag: Counter[int], rng: Rng, low: float, high: float
    ) -> tuple[list[Beginning], Cand]:
        """The prefixes passed and a candidate; all are visited now, what is exhausted closed."""
        node, path, left = root, [root], bag.copy()
        cand: list[int] = []
        while left.total() > 0:
            words = [word for word in left if left[word] > 0]
            new = [word for word in words if word not in node.after]
            if new:
                word = new[rng.integers(len(new))]
                node.after[word] = Beginning()
            else:
                open_ones = [word for word in words if not node.after[word].closed]
                word = self._best(node, open_ones, low, high)
            node = node.after[word]
            path.append(node)
            cand.append(word)
            left[word] -= 1
            if new:
                break
        rest = list(left.elements())
        rng.shuffle(rest)
        for node in path:
            node.visits += 1
        path[-1].closed = len(rest) < 2 or len(+left) == 1
        for depth in range(len(path) - 2, -1, -1):
            at, before = path[depth], Counter(cand[:depth])
            words = [word for word in bag if bag[word] > before[word]]
            at.closed = all(word in at.after and at.after[word].closed for word in words)
        return path, (*cand, *rest)

    def _best(self, node: Beginning, words: list[int], low: float, high: float) -> int:
        log, span = math.log(node.visits + 1), (high - low) or 1.0

        def worth(word: int) -> float:
            one = node.after[word]
            mean = (high - one.total / one.visits) / span
            return mean + self.c * math.sqrt(log / one.visits)

        return max(words, key=worth)
