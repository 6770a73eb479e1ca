"""A strategy that does anything: random lists of every request, from keyed numbers and replies.

What it was told, bit for bit and charge for charge, ends up in the scores of what it finishes, so
two runs whose candidates agree were told the same. `Told` counts from the outside what a strategy
asked for, by tokens, and knows nothing of ledgers, names or trees.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import numpy as np
from hypothesis import strategies as st

from treeseek import (
    LM,
    BudgetSpent,
    Continue,
    Derive,
    Expand,
    Gumbel,
    How,
    Mirostat,
    Race,
    Run,
    Sample,
    Score,
    Spawn,
    Stop,
    Strategy,
    Verdict,
    Verify,
    Walk,
    Warp,
    start,
    strategy,
)
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.replies import encode

V = 5
END = V - 1


def toy(seed: int = 0, *, vocabulary: int = V, flat: bool = False, **options: Any) -> LM:
    """A fresh enumerable model, its last token ending a text; `flat` makes everything tie."""
    row = np.zeros(vocabulary) if flat else integer_hash(vocabulary, seed=seed)
    backend = Counting(row, vocabulary, **options)
    return LM(backend, Letters(), name=f"toy-{seed}-{flat}", ends=[vocabulary - 1])


class Counting(ToyBackend):
    """A toy that remembers the path of every row it was asked for."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.asked: list[tuple[int, ...]] = []

    def expand(self, nodes: Any) -> Iterator[Any]:
        self.asked.extend(tuple(self.tree.path(node)) for node in nodes)
        return super().expand(nodes)


def closure(paths: Any) -> set[tuple[int, ...]]:
    """Every prefix of every path: the nodes that a row of each of them needs."""
    return {tuple(path[:end]) for path in paths for end in range(1, len(path) + 1)}


@dataclass(frozen=True)
class NoTwice:
    """No token twice; with `closed` not even the end token is always allowed, so paths die."""

    vocabulary: int = V
    closed: bool = False

    @property
    def key(self) -> str:
        return f"no-twice-{self.vocabulary}-{self.closed}"

    def start(self) -> frozenset[int]:
        return frozenset()

    def mask(self, state: frozenset[int]) -> np.ndarray:
        allowed = np.array([token not in state for token in range(self.vocabulary)])
        if self.closed:
            allowed[-1] = False
        return allowed

    def accept(self, state: frozenset[int], token: int) -> frozenset[int]:
        return state | {token}


class Vowels:
    """Scores a text by its letters, and counts the texts it was given."""

    name, version = "vowels", "1"

    def __init__(self) -> None:
        self.texts = 0

    def score(self, texts: Any) -> list[float]:
        self.texts += len(texts)
        return [
            sum(text.count(letter) / (1 + i) for i, letter in enumerate("ab")) for text in texts
        ]

    def verify(self, text: str) -> Verdict:
        self.texts += 1
        return Verdict(1 / (1 + len(text)), "ab" in text, feedback=text)


HOWS = (
    None,
    How(sampler=Gumbel()),
    How(warp=Warp(temperature=0.7, top_k=3)),
    How(constraint=NoTwice(closed=True)),
    How(warp=Warp(repetition_penalty=1.5), sampler=Gumbel()),
    How(tilt={0: {1: -2.0}, 1: {0: 1.0}, 2: {3: 0.5}}),
)


BUDGETS = (None, 0, 3, 10, 25, 60)
SEEDS = st.integers(0, 10**6)


@strategy()
def wild(
    ctx: Any, root: Any, *, seed: int = 0, rounds: int = 5, depth: int = 1, hows: Any = None
) -> Any:
    """Yield `rounds` random lists, nested `depth` deep, under any of `hows` (None: HOWS)."""
    pool, children, seen = [root], [], blake2b()

    def hear(replies: Any, rng: Any) -> None:
        for reply in replies:
            seen.update(json.dumps(encode(reply)).encode())
            parts = [*getattr(reply, "continuations", ()), *getattr(reply, "found", ())]
            shown = [part.node for part in parts] + list(getattr(reply, "children", None) or ())
            shown += [n for n in (getattr(reply, "node", None), getattr(reply, "root", None)) if n]
            if getattr(reply, "status", None) == "paused":
                children.append(reply.child)
            for node in shown:
                if node.end in (None, "budget"):
                    pool.append(node)
                if rng.random() < 0.3:
                    told = int.from_bytes(seen.digest()[:6], "little")
                    ctx.finish(node, score=rng.normal(), told=told, total=node.total)

    for step in range(rounds):
        rng = ctx.rng(seed, step)
        nested = depth > 0 and rng.random() < 0.35
        make = _nested if nested else _request
        asked = [make(ctx, rng, pool, children, depth, hows) for _ in range(1 + rng.integers(3))]
        if nested:
            asked = [r for i, r in enumerate(asked) if not _again(r, asked[:i])]
        try:
            replies = yield asked
        except BudgetSpent as spent:
            hear(spent.replies, rng)
            ctx.finish(rng.choice(pool), score=-9.0)
            return
        hear(replies, rng)
    ctx.finish(pool[-1], score=-5.0)


def _again(request: Any, before: list[Any]) -> bool:
    """Whether a list continues one child twice."""
    return isinstance(request, Continue) and any(
        isinstance(r, Continue) and r.child == request.child for r in before
    )


def _request(ctx: Any, rng: Any, pool: Any, children: Any, depth: int, hows: Any) -> Any:
    node, how = rng.choice(pool), rng.choice(hows or HOWS)
    kind = rng.integers(12)
    if kind < 4:
        if how is not None and isinstance(how.sampler, Mirostat):
            how = None
        return Expand(node, k=1 + rng.integers(V + 1), how=how, stream=rng.integers(2))
    if kind < 7:
        until = rng.choice((None, Stop(tokens=(1,)), Stop(strings=("ab",))))
        limit = rng.choice((None, 1, 2, 4))
        n = 1 + rng.integers(3)
        return Sample(node, n=n, until=until, limit=limit, stream=rng.integers(2), how=how)
    if kind < 9:
        tokens = tuple(rng.integers(END) for _ in range(1 + rng.integers(4)))
        return Walk(node, tokens, above=rng.choice((None, 1.0, 3.0)))
    if kind == 9:
        return Score(tuple(rng.choice(pool) for _ in range(1 + rng.integers(3))), ctx.scorer)
    if kind == 10:
        return Verify(node, ctx.verifier)
    prompt = [0, 1, *(rng.integers(END) for _ in range(rng.integers(3)))]
    return Derive(node, tuple(prompt[rng.integers(2) :]))


def _nested(ctx: Any, rng: Any, pool: Any, children: Any, depth: int, hows: Any) -> Any:
    def spawn() -> Spawn:
        inner = wild(seed=rng.integers(99), rounds=1 + rng.integers(3), depth=depth - 1, hows=hows)
        return Spawn(inner, rng.choice(pool), budget=rng.choice((None, 0, 2, 7)))

    kind = rng.integers(4)
    if kind == 0:
        return Race(tuple(spawn() for _ in range(1 + rng.integers(3))))
    if kind == 1 and children:
        return Continue(children.pop(rng.integers(len(children))), rng.choice((None, 0, 3)))
    return spawn()


@dataclass
class Told:
    """A strategy and what it asks for, counted by tokens from what it is told.

    Nested searches are not overheard, so `inner` must not spawn any.
    """

    inner: Any
    prompt: tuple[int, ...]
    asked: set[Any] = field(default_factory=set)
    heard: int = 0
    beyond: int = 0

    @property
    def strategy(self) -> Strategy:
        """What to search with."""
        return replace(self.inner, function=lambda ctx, root, **options: self.run(ctx, root))

    def run(self, ctx: Any, root: Any) -> Any:
        """The inner strategy, overheard."""
        inner, origins, replies = self.inner.run(ctx, root), {root.handle: list(self.prompt)}, None
        live = ctx._live

        def whole(node: Any) -> tuple[int, ...]:
            at = node.handle
            while live.parents[at] >= 0:
                at = live.parents[at]
            return (*origins[at], *ctx.tokens(node))

        def hear(requests: Any, told: Any) -> None:
            for request, reply in zip(requests, told, strict=False):
                if isinstance(request, Expand):
                    self._ask(request, [whole(request.node)])
                elif isinstance(request, Sample):
                    for run in reply.continuations:
                        most = len(run.tokens) + (run.reason == "dead")
                        self._ask(request, _along(whole(request.node), run.tokens, most))
                elif isinstance(request, Walk):
                    most = len(reply.logprobs)
                    self.beyond += len(request.tokens) - most
                    self._ask(request, _along(whole(request.node), request.tokens, most))
                elif isinstance(request, Derive):
                    origins[reply.root.handle] = reply.tokens
                    own = closure([self.prompt])
                    self.asked |= {(None, p) for p in closure([reply.tokens]) if p not in own}

        while True:
            try:
                requests = inner.send(replies) if replies is not None else next(inner)
            except StopIteration:
                return
            try:
                replies = yield requests
                hear(requests, replies)
            except BudgetSpent as spent:
                hear(requests, spent.replies)
                try:
                    inner.throw(spent)
                except (StopIteration, BudgetSpent):
                    return

    def _ask(self, request: Any, paths: Any) -> None:
        model = request.how.model if request.how is not None else None
        self.heard += len(paths)
        self.asked |= {(model and model.name, p) for p in paths if p != tuple(self.prompt)}


def _along(path: tuple[int, ...], tokens: Any, most: int) -> list[tuple[int, ...]]:
    return [(*path, *tokens[:end]) for end in range(most)]


def gone_wild(seed: int, lm: LM, **options: Any) -> Run:
    """A wild search ready to be stepped; everything about it follows from `seed`."""
    judge = options.pop("judge", None) or Vowels()
    strategy = wild(seed=seed, depth=seed % 3, hows=options.pop("hows", None))
    chosen = {"strategy": strategy, "budget": BUDGETS[seed % len(BUDGETS)], "limit": 8} | options
    return start([0, 1], model=lm, seed=seed, scorer=judge, verifier=judge, **chosen)


def same(result: Any) -> Any:
    """What must not depend on anything but (strategy, prompt, seed): candidates and charge."""
    found = [(c.token_ids, c.logprob, c.finish, c.score, c.scores) for c in result.candidates]
    return repr(found), result.cost.tokens, result.budget_spent
