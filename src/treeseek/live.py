"""One live search: a generator, the nodes it was shown, the candidates it finished.

It turns the generator's requests and the handle-free replies into each other and does nothing
else: no model, no clock, no batch. The scheduler drives it, a test or a user's own code may drive
it by `ask` and `tell`, and feeding it recorded replies rebuilds it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, NoReturn

from treeseek.decoding.stops import Stop, stop_at
from treeseek.errors import InvalidOption, StrategyError
from treeseek.noise import Purpose, Rng, stream_key
from treeseek.replies import (
    BudgetSpent,
    Continuation,
    Derived,
    Expanded,
    Found,
    Raced,
    Reply,
    Sampled,
    Spawned,
    Walked,
    decode,
)
from treeseek.requests import (
    Continue,
    Derive,
    Expand,
    How,
    Node,
    Race,
    Request,
    Runnable,
    Sample,
    Score,
    Scorer,
    Spawn,
    Verifier,
    Verify,
    Walk,
)
from treeseek.tree import child_name, path_name

_REQUESTS = (Expand, Sample, Walk, Score, Verify, Derive, Spawn, Continue, Race)


def _no_text(prompt: Sequence[int], tokens: Sequence[int]) -> str:
    return " ".join(map(str, tokens))


@dataclass(frozen=True)
class Settings:
    """What holds for a whole search.

    `ends` are the end tokens, `limit` and `min_tokens` bound the continuation, `how` is the
    default law, `n` how many candidates the caller wants, `text(prompt, tokens)` the
    continuation's text, `key` the search's place in the run.
    """

    ends: frozenset[int] = frozenset()
    stop: Stop = field(default_factory=Stop)
    limit: int = 256
    n: int = 1
    how: How = field(default_factory=How)
    seed: int = 0
    key: tuple[Any, ...] = ()
    text: Callable[[Sequence[int], Sequence[int]], str] = _no_text
    scorer: Scorer | None = None
    verifier: Verifier | None = None

    def mark(self) -> str:
        """Short hash of what a reply depends on beside its request, the same in every process."""
        parts = (self.seed, self.limit, sorted(self.ends), self.stop, self.how.key())
        return blake2b(repr(parts).encode(), digest_size=8).hexdigest()

    def nested(self, limit: int) -> "Settings":
        """The same for a nested search that may grow by `limit` tokens."""
        return replace(self, limit=limit)


@dataclass(slots=True)
class Finished:
    """A candidate as the strategy finished it."""

    node: Node
    score: float | None
    scores: dict[str, float]
    finish: str


class Context:
    """What a strategy may know and do beside yielding: facts that never change, and finish.

    `n` is how many candidates the caller wants, `limit` the longest continuation in tokens,
    `scorer` and `verifier` what the caller gave (None: nothing).
    """

    def __init__(self, live: "Live") -> None:
        """Look at `live`."""
        self._live = live
        settings = live.settings
        self.n = settings.n
        self.limit = settings.limit
        self.scorer = settings.scorer
        self.verifier = settings.verifier
        self.ends = settings.ends

    def finish(self, node: Node, *, score: float | None = None, **scores: float) -> None:
        """Stand `node` as a candidate; `score` ranks it (default: its log-probability)."""
        self._live.finish(node, score, scores)

    def rng(self, *key: int | str) -> Rng:
        """Keyed random numbers: the same key gives the same numbers, so let it carry a step."""
        live = self._live
        path = (*live.settings.key, *live.path, "rng", *key)
        return Rng(stream_key(live.settings.seed, Purpose.RNG, path, live.name(live.root), 0, 0))

    def tokens(self, node: Node) -> list[int]:
        """Tokens from the search's root (or the derived root) to `node`."""
        return self._live.path_tokens(node.handle)

    def text(self, node: Node) -> str:
        """Text from the search's root (or the derived root) to `node`."""
        return self._live.text(node.handle)

    def parent(self, node: Node) -> Node:
        """The node before `node`; the root is its own parent."""
        return self._live.parent(node)


class Live:
    """A strategy at work on one prompt.

    `ask()` gives the pending list of requests (None once the search has ended), `tell(replies)`
    resumes it. `candidates` holds what was finished so far, in order.
    """

    def __init__(
        self,
        strategy: Runnable,
        prompt: Sequence[int],
        *,
        settings: Settings,
        path: tuple[Any, ...] = (),
    ) -> None:
        """Make the generator; nothing runs before the first `ask`."""
        self.strategy = strategy
        self.settings = settings
        self.path = path
        self.barrier = -1
        self.ended = False
        self.spent = False
        self.candidates: list[Finished] = []
        self.roots: dict[int, list[int]] = {0: list(prompt)}
        self.parents = [-1]
        self.token = [prompt[-1] if len(prompt) else -1]
        self.totals = [0.0]
        self.depths = [0]
        self.logprobs = [0.0]
        self._children: list[Node] = []
        self._index: dict[int, int] = {}
        self._names: dict[int, int] = {0: path_name(prompt)}
        self._strings = bool(settings.stop.strings)
        self.root = Node(0, self.token[0], 0.0, 0.0, 0.0, 0, None)
        self._pending: list[Request] | None = None
        self._generator = strategy.run(Context(self), self.root)

    # Driving.

    def ask(self) -> list[Request] | None:
        """The requests to answer now, None once the search has ended."""
        if self.barrier < 0 and not self.ended:
            self._advance(lambda: next(self._generator))
        return self._pending

    def tell(self, replies: Iterable[Reply | Mapping[str, Any]]) -> None:
        """Answer the pending list, in order; plain records are decoded first.

        Raises StrategyError if they do not fit what was asked.
        """
        requests = self._pending
        if requests is None:
            raise StrategyError("tell() without a pending ask(): the search waits for nothing.")
        bound = [reply if isinstance(reply, Reply) else decode(reply) for reply in replies]
        if len(bound) != len(requests):
            raise StrategyError(f"{len(requests)} requests are pending, {len(bound)} replies came.")
        for request, reply in zip(requests, bound, strict=True):
            self.bind(request, reply)
        self._advance(lambda: self._generator.send(bound))

    def exhaust(self, replies: Sequence[Reply]) -> None:
        """Say that the budget is spent; `replies` answer the first requests of the pending list."""
        for request, reply in zip(self._pending or (), replies, strict=False):
            self.bind(request, reply)
        self._pending = None
        self.spent = True
        try:
            self._generator.throw(BudgetSpent(list(replies)))
            self._generator.close()
        except (StopIteration, BudgetSpent):
            pass
        self.ended = True

    def close(self) -> None:
        """End the search where it stands."""
        self._generator.close()
        self._pending, self.ended = None, True

    def _advance(self, resume: Callable[[], Any]) -> None:
        self.barrier += 1
        try:
            pending = resume()
        except StopIteration:
            self._pending, self.ended = None, True
            return
        if not isinstance(pending, list) or not all(isinstance(r, _REQUESTS) for r in pending):
            self.close()
            raise StrategyError(
                f"Strategy {self.strategy.name!r} yielded {pending!r}: yield a list of requests."
            )
        self._pending = pending

    # Nodes.

    def child(self, parent: int, token: int, logprob: float) -> int:
        """Handle of the node one `token` after `parent`, shown now or before."""
        key = parent << 32 | token
        handle = self._index.get(key)
        if handle is None:
            handle = self._index[key] = len(self.parents)
            self.parents.append(parent)
            self.token.append(token)
            self.logprobs.append(logprob)
            self.totals.append(self.totals[parent] + logprob)
            self.depths.append(self.depths[parent] + 1)
        return handle

    def shown(self, parent: int, token: int) -> int | None:
        """Handle of the node one `token` after `parent` if the search was shown it before."""
        return self._index.get(parent << 32 | token)

    def name(self, node: Node) -> int:
        """The node's 128-bit name."""
        return self.name_of(node.handle)

    def name_of(self, handle: int) -> int:
        """The 128-bit name behind `handle`."""
        names = self._names
        name = names.get(handle)
        if name is None:
            name = names[handle] = child_name(self.name_of_parent(handle), self.token[handle])
        return name

    def name_of_parent(self, handle: int) -> int:
        """The name of the node before `handle`, found without recursion."""
        chain, at = [], self.parents[handle]
        while at not in self._names:
            chain.append(at)
            at = self.parents[at]
        for below in reversed(chain):
            self._names[below] = child_name(self._names[at], self.token[below])
            at = below
        return self._names[at]

    def path_tokens(self, handle: int) -> list[int]:
        """Tokens from the search's root (or the derived root) to `handle`."""
        tokens = []
        while self.parents[handle] >= 0:
            tokens.append(self.token[handle])
            handle = self.parents[handle]
        return tokens[::-1]

    def path_logprobs(self, handle: int) -> list[float]:
        """Log-probability of each of `path_tokens(handle)`, the model's own."""
        logprobs = []
        while self.parents[handle] >= 0:
            logprobs.append(self.logprobs[handle])
            handle = self.parents[handle]
        return logprobs[::-1]

    def origin(self, handle: int) -> list[int]:
        """Tokens of the prompt that `handle` continues: the search's own or a derived one."""
        while self.parents[handle] >= 0:
            handle = self.parents[handle]
        return self.roots[handle]

    def text(self, handle: int) -> str:
        """Text from the search's root (or the derived root) to `handle`, without an end token."""
        tokens = self.path_tokens(handle)
        if tokens and tokens[-1] in self.settings.ends:
            tokens.pop()
        return self.settings.text(self.origin(handle), tokens)

    def parent(self, node: Node) -> Node:
        """The node before `node`."""
        above = self.parents[node.handle]
        return self.node(above) if above >= 0 else node

    def node(self, handle: int, end: str | None = None) -> Node:
        """A fresh Node for `handle`."""
        logprob = self.logprobs[handle]
        total, depth = self.totals[handle], self.depths[handle]
        end = end or self.end_of(handle)
        return Node(handle, self.token[handle], logprob, logprob, total, depth, end)

    def end_of(self, handle: int) -> str | None:
        """Why the search cannot go on from `handle`, or None."""
        if self.parents[handle] < 0:
            return None
        token, settings = self.token[handle], self.settings
        if token in settings.ends:
            return "end"
        if token in settings.stop.tokens:
            return "stop"
        if self._strings and stop_at(self.text(handle), settings.stop) is not None:
            return "stop"
        return "limit" if self.depths[handle] >= settings.limit else None

    # Binding replies.

    def bind(self, request: Request, reply: Reply) -> None:
        """Attach nodes to `reply`; raises StrategyError if it answers another kind of request."""
        if isinstance(request, Expand) and isinstance(reply, Expanded):
            self._bind_children(request.node.handle, reply)
        elif isinstance(request, Sample) and isinstance(reply, Sampled):
            for continuation in reply.continuations:
                self._bind_run(request.node.handle, continuation)
        elif isinstance(request, Walk) and isinstance(reply, Walked):
            handle = self._run(request.node.handle, request.tokens, reply.logprobs)
            reply.node = self.node(handle)
        elif isinstance(request, Derive) and isinstance(reply, Derived):
            reply.root = self._derive(reply.tokens)
        elif isinstance(request, Spawn | Continue) and isinstance(reply, Spawned):
            if isinstance(request, Spawn):
                reply.child = len(self._children)
                self._children.append(request.node)
            else:
                reply.child = request.child
            self._adopt(self._children[reply.child], reply.found)
        elif isinstance(request, Race) and isinstance(reply, Raced):
            if reply.winner is not None:
                self._adopt(request.spawns[reply.winner].node, reply.found)
        elif not _answers(request, reply):
            _misfit(request, reply)

    def _bind_children(self, parent: int, reply: Expanded) -> None:
        settings, depth = self.settings, self.depths[parent] + 1
        simple = not self._strings and not settings.stop.tokens and depth < settings.limit
        ends, total = settings.ends, self.totals[parent]
        totals = [total + logprob for logprob in reply.logprobs]
        handles = self._handles(parent, depth, reply.tokens, reply.logprobs, totals)
        reply.children = [
            Node(handle, token, logprob, score, total, depth,
                 ("end" if token in ends else None) if simple else self.end_of(handle))
            for handle, token, logprob, score, total in zip(
                handles, reply.tokens, reply.logprobs, reply.scores or reply.logprobs, totals,
                strict=True,
            )
        ]  # fmt: skip

    def _handles(
        self,
        parent: int,
        depth: int,
        tokens: list[int],
        logprobs: list[float],
        totals: list[float],
    ) -> Sequence[int]:
        """Handles of the children of `parent`, all at once where none was shown before."""
        index, key = self._index, parent << 32
        if not all(key | token not in index for token in tokens):
            return [self.child(parent, *pair) for pair in zip(tokens, logprobs, strict=True)]
        low, count = len(self.parents), len(tokens)
        handles = range(low, low + count)
        index.update(zip([key | token for token in tokens], handles, strict=True))
        self.parents += [parent] * count
        self.token += tokens
        self.logprobs += logprobs
        self.totals += totals
        self.depths += [depth] * count
        return handles

    def _bind_run(self, parent: int, run: Continuation) -> None:
        handle = self._run(parent, run.tokens, run.logprobs)
        cut = run.reason if run.reason in ("budget", "dead") else None
        run.node = self.node(handle, cut)

    def _run(self, handle: int, tokens: Iterable[int], logprobs: Iterable[float]) -> int:
        for token, logprob in zip(tokens, logprobs, strict=False):
            handle = self.child(handle, token, logprob)
        return handle

    def _derive(self, tokens: list[int]) -> Node:
        if not tokens:
            raise InvalidOption("Derive: the prompt holds no token.")
        handle = len(self.parents)
        self.roots[handle] = list(tokens)
        self._names[handle] = path_name(tokens)
        self.parents.append(-1)
        self.token.append(tokens[-1])
        self.logprobs.append(0.0)
        self.totals.append(0.0)
        self.depths.append(0)
        return self.node(handle)

    def _adopt(self, start: Node, found: Iterable[Found]) -> None:
        for candidate in found:
            root = self._derive(candidate.prompt) if candidate.prompt else start
            handle = self._run(root.handle, candidate.tokens, candidate.logprobs)
            candidate.node = self.node(handle, candidate.finish)

    # Candidates.

    def finish(self, node: Node, score: float | None, scores: dict[str, float]) -> None:
        """Stand `node` as a candidate."""
        finish = node.end or ("budget" if self.spent else "open")
        self.candidates.append(Finished(node, score, scores, finish))

    def leaves(self, most: int) -> list[Node]:
        """Open leaves, best mean log-probability first, at most `most` of them."""
        inner = set(self.parents)
        taken = {candidate.node.handle for candidate in self.candidates}
        nodes = [
            self.node(handle)
            for handle in range(1, len(self.parents))
            if handle not in inner and handle not in taken and self.parents[handle] >= 0
        ]
        nodes.sort(key=lambda node: (-node.total / node.depth, node.handle))
        return nodes[:most]


def _answers(request: Request, reply: Reply) -> bool:
    kinds = {"Score": "Scored", "Verify": "Verified"}
    return kinds.get(type(request).__name__) == type(reply).__name__


def _misfit(request: Request, reply: Reply) -> NoReturn:
    raise StrategyError(f"{type(reply).__name__} does not answer {type(request).__name__}.")
