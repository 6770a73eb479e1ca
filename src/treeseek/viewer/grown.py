"""A grown tree as a plain value: what a picture shows, chosen and merged, without the model.

A search is shown far more nodes than a page can hold, most of them rivals that it never grew. So
the tips worth a row are chosen first (the answers, then where it grew, then the likeliest rivals),
runs of tokens without a fork between two drawn nodes become one branch, and whatever is left out
is counted where it would have hung.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from treeseek.errors import InvalidOption
from treeseek.front import Run
from treeseek.live import Finished, Live
from treeseek.model import LM
from treeseek.result import Candidate

RIVALS = 4
"""How many rivals of a token are named; the rest are counted."""
CUT = ("budget", "dead")
END = "∎"
CANDIDATES = 200
"""How many candidates are listed; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Step:
    """One token of a branch: its text, its log-probability (nats), and who else stood there.

    `rivals` are the likeliest siblings that are not drawn, `others` how many there are in all,
    `lost` how many nodes hang on them.
    """

    text: str
    logprob: float
    rivals: tuple[tuple[str, float], ...] = ()
    others: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Branch:
    """A run of tokens drawn as one label; `parent` is an index, -1 for a root.

    `total` is the log-probability from the root to its end, `depth` the tokens up to there,
    `below` the nodes the search was shown under it, `rank` the place of the candidate that ends
    here. A root's steps are the end of its prompt. `rest` are rivals after its last token of which
    none is drawn.
    """

    parent: int
    steps: tuple[Step, ...]
    total: float
    depth: int
    below: int
    on_best: bool
    rank: int | None = None
    rest: Step | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """A candidate as a picture lists it; `solved` is a verifier's word where one was asked."""

    text: str
    logprob: float
    tokens: int
    finish: str
    score: float
    solved: bool | None = None


@dataclass(frozen=True, slots=True)
class Grown:
    """A tree as it was grown: branches (a parent before its children), candidates, and facts."""

    title: str
    strategy: str
    model: str
    budget: str
    seed: int
    cost: dict[str, float]
    nodes: int
    grown: int
    drawn: int
    branches: tuple[Branch, ...]
    candidates: tuple[Leaf, ...]
    found: int
    outcome: str = ""

    @classmethod
    def of(
        cls,
        run: Run,
        *,
        title: str = "",
        outcome: str = "",
        rows: int = 48,
        solved: Mapping[str, bool] | None = None,
        best: Candidate | None = None,
    ) -> "Grown":
        """The tree of `run`, at most `rows` tips of it.

        `solved` maps texts of candidates to a verifier's word, `best` is the candidate to show as
        the answer (None: the first). Cost: linear in the nodes the
        search was shown; text is made for what is drawn only. Raises InvalidOption for rows < 1.
        """
        if rows < 1:
            raise InvalidOption(f"rows={rows}: give room for at least one tip.")
        live, result = run.seat.live, run.result
        ranks = _ranked(live, len(result.candidates))
        chosen = _handle(best, result.candidates, ranks)
        tips = sorted(ranks, key=lambda handle: handle != chosen)[: max(1, rows // 2)]
        shape = _Shape(live)
        kept = shape.keep(tips, rows)
        branches = _branches(live, run.seat.lm, shape, kept, ranks, chosen)
        candidates = tuple(
            Leaf(c.text, c.logprob, c.tokens, c.finish, c.score, (solved or {}).get(c.text))
            for c in result.candidates[:CANDIDATES]
        )
        return cls(
            title=title,
            strategy=result.strategy,
            model=result.model,
            budget=_budget(run),
            seed=result.seed,
            cost=asdict(result.cost),
            nodes=len(live.parents) - len(live.roots),
            grown=sum(1 for below in shape.children if below),
            drawn=len(kept) - sum(1 for handle in live.roots if handle in kept),
            branches=branches,
            candidates=candidates,
            found=len(result.candidates),
            outcome=outcome,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, for whoever draws it elsewhere."""
        return asdict(self)


class _Shape:
    """Children and sizes of every node a search was shown."""

    def __init__(self, live: Live) -> None:
        self.live = live
        live.look()
        count = len(live.parents)
        self.children: list[list[int]] = [[] for _ in range(count)]
        self.size = [1] * count
        for handle in range(count - 1, -1, -1):
            above = live.parents[handle]
            if above >= 0:
                self.children[above].append(handle)
                self.size[above] += self.size[handle]

    def keep(self, ranked: Sequence[int], rows: int) -> set[int]:
        """Nodes to draw: the paths to at most `rows` tips, the most telling ones."""
        parents = self.live.parents
        kept, inner = set(self.live.roots), set[int]()
        tips = len(kept)
        for handle in [*ranked, *self._grown_tips(rows), *self._rivals(rows)]:
            path, at = [], handle
            while at not in kept:
                path.append(at)
                at = parents[at]
            if path and tips + (at in inner) <= rows:
                tips += at in inner
                kept.update(path)
                inner.update(parents[node] for node in path)
        return kept

    def _grown_tips(self, most: int) -> list[int]:
        """Nodes that were grown and none of whose children was, the most confident first."""
        children, live = self.children, self.live
        tips = (
            handle
            for handle, below in enumerate(children)
            if below and live.parents[handle] >= 0 and not any(children[child] for child in below)
        )
        return heapq.nsmallest(
            most, tips, key=lambda tip: (-live.totals[tip] / live.depths[tip], tip)
        )

    def _rivals(self, most: int) -> list[int]:
        """Nodes that were shown and never grown, the likeliest first."""
        live = self.live
        leaves = (h for h, below in enumerate(self.children) if not below and live.parents[h] >= 0)
        return heapq.nsmallest(2 * most, leaves, key=lambda leaf: (-live.totals[leaf], leaf))


def _ranked(live: Live, found: int) -> dict[int, int]:
    """Handles of the `found` candidates of the result, in its order, with their ranks."""
    finished = list(live.candidates)
    if live.spent:
        open_ = live.leaves(max(0, found - sum(_stands(live, one) for one in finished)))
        finished += [Finished(node, node.total / node.depth, {}, "budget") for node in open_]
    ranked = sorted(
        (one for one in finished if _stands(live, one)),
        key=lambda f: (f.finish in CUT, -(f.node.total if f.score is None else f.score)),
    )
    ranks: dict[int, int] = {}
    for rank, candidate in enumerate(ranked):
        ranks.setdefault(candidate.node.handle, rank)
    return ranks


def _handle(
    best: Candidate | None, candidates: Sequence[Candidate], ranks: Mapping[int, int]
) -> int:
    """The node where `best` ends, of the first candidate if it is None; -1 where there is none."""
    wanted = (best or candidates[0]).token_ids if candidates else ()
    rank = next((i for i, c in enumerate(candidates) if c.token_ids == wanted), -1)
    return next((handle for handle, known in ranks.items() if known == rank), -1)


def _stands(live: Live, finished: Finished) -> bool:
    """Whether the result keeps it: what was cut before its first token is no candidate."""
    node, settings = finished.node, live.settings
    last = node.token in settings.ends or node.token in settings.stop.tokens
    empty = node.depth == 0 or (node.depth == 1 and node.end in ("end", "stop") and last)
    return not empty or finished.finish not in CUT


def _branches(
    live: Live, lm: LM, shape: _Shape, kept: set[int], ranks: Mapping[int, int], best: int
) -> tuple[Branch, ...]:
    on_best = set()
    while best >= 0:
        on_best.add(best)
        best = live.parents[best]
    drawn = {h: [c for c in shape.children[h] if c in kept] for h in kept}
    for handle, below in drawn.items():
        below.sort(key=lambda child: (-live.logprobs[child], child))
        drawn[handle] = below
    made: list[Branch] = []
    waiting = [(root, -1) for root in sorted(live.roots, reverse=True)]
    while waiting:
        handle, parent = waiting.pop()
        run = [handle]
        while live.parents[handle] >= 0 and len(drawn[run[-1]]) == 1 and run[-1] not in ranks:
            run.append(drawn[run[-1]][0])
        end = run[-1]
        if live.parents[handle] < 0:
            steps: tuple[Step, ...] = (Step(lm.tokenizer.decode(live.roots[handle]), 0.0),)
        else:
            steps = tuple(_steps(live, lm, shape, drawn, run))
        made.append(
            Branch(
                parent=parent,
                steps=steps,
                total=live.totals[end],
                depth=live.depths[end],
                below=shape.size[end] - 1,
                on_best=end in on_best,
                rank=ranks.get(end),
                rest=_rest(live, lm, shape, end) if not drawn[end] else None,
            )
        )
        waiting += [(child, len(made) - 1) for child in reversed(drawn[end])]
    return tuple(made)


def _steps(
    live: Live, lm: LM, shape: _Shape, drawn: Mapping[int, Sequence[int]], run: Sequence[int]
) -> Iterator[Step]:
    start = live.parents[run[0]]
    before = [*live.origin(start)[-8:], *live.path_tokens(start)][-8:]
    held: list[int] = []  # tokens of a character that is not whole yet
    for handle in run:
        text, logprob = _text(live, lm, before, held, handle), live.logprobs[handle]
        if text.endswith("\ufffd") and handle != run[-1]:
            held.append(live.token[handle])
            text = ""
        else:
            before, held = [*before, *held, live.token[handle]][-8:], []
        above = live.parents[handle]
        if drawn[above][0] != handle:  # who is left out is said at the first that is drawn
            yield Step(text, logprob)
            continue
        left_out = [child for child in shape.children[above] if child not in drawn[above]]
        yield _counted(live, lm, shape, text, logprob, left_out)


def _rest(live: Live, lm: LM, shape: _Shape, end: int) -> Step | None:
    left_out = shape.children[end]
    return _counted(live, lm, shape, "", 0.0, left_out) if left_out else None


def _counted(
    live: Live, lm: LM, shape: _Shape, text: str, logprob: float, left_out: Sequence[int]
) -> Step:
    named = heapq.nsmallest(RIVALS, left_out, key=lambda child: (-live.logprobs[child], child))
    rivals = []
    for child in named:
        above = live.parents[child]
        before = [*live.origin(above)[-8:], *live.path_tokens(above)][-8:]
        rivals.append((_text(live, lm, before, (), child), live.logprobs[child]))
    lost = sum(shape.size[child] for child in left_out)
    return Step(text, logprob, tuple(rivals), len(left_out), lost)


def _text(live: Live, lm: LM, before: Sequence[int], held: Sequence[int], handle: int) -> str:
    """What the token of `handle` adds to the text, with the tokens `held` before it."""
    token = live.token[handle]
    return END if token in live.settings.ends else lm.text(before, [*held, token])


def _budget(run: Run) -> str:
    limits = {"tokens": run.budget.tokens, "scores": run.budget.scores}
    said = [f"{value:,} {name}" for name, value in limits.items() if value is not None]
    if run.budget.seconds is not None:
        said.append(f"{run.budget.seconds:g} seconds")
    return ", ".join(said) or "no limit"
