"""One live search: a generator, the nodes it was shown, the candidates it finished.

It turns the generator's requests and the handle-free replies into each other and does nothing
else: no model, no clock, no batch. The scheduler drives it, a test or a user's own code may drive
it by `ask` and `tell`, and feeding it recorded replies rebuilds it.
"""

import math
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from treeseek.errors import StrategyError
from treeseek.noise import Purpose, Rng, stream_key
from treeseek.replies import (
    BudgetSpent,
    Derived,
    Expanded,
    Found,
    Raced,
    Reply,
    Sampled,
    Spawned,
    Walked,
    decode,
    fit,
)
from treeseek.requests import (
    Continue,
    Derive,
    Expand,
    Node,
    Race,
    Request,
    Runnable,
    Sample,
    Score,
    Spawn,
    Verify,
    Walk,
)
from treeseek.settings import Settings
from treeseek.shown import Shown

_CUT = ("budget", "dead")
_REQUESTS = frozenset((Expand, Sample, Walk, Score, Verify, Derive, Spawn, Continue, Race))


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
    `step` where a step of an answer ends and `until` its strings as a Stop, `scorer` and
    `verifier` what the caller gave (None: nothing).
    """

    def __init__(self, live: "Live") -> None:
        """Look at `live`."""
        self._live = live
        settings = live.settings
        self.n = settings.n
        self.limit = settings.limit
        self.step = settings.step
        self.until = settings.step.stop
        self.scorer = settings.scorer
        self.verifier = settings.verifier
        self.ends = settings.ends

    @property
    def prompt(self) -> str:
        """Text of the search's prompt."""
        return self._live.settings.text((), self._live.roots[0])

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


class Live(Shown):
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
        super().__init__(prompt, settings)
        self.strategy = strategy
        self.path = path
        self.barrier = -1
        self.ended = False
        self.spent = False
        self.candidates: list[Finished] = []
        self._children: list[Node] = []
        self._births, self._reaching = self.born, self._reached  # one for all replies
        self._walked: list[Walked] = []
        """Walks whose ends were perhaps not looked at."""
        self._pending: list[Request] | None = None
        self._generator = strategy.run(Context(self), self.root)
        if not isinstance(self._generator, Generator):
            raise StrategyError(
                f"Strategy {strategy.name!r} is no generator: yield lists of requests in it."
            )

    # Driving.

    def ask(self) -> list[Request] | None:
        """The requests to answer now, None once the search has ended."""
        if self.barrier < 0 and not self.ended:
            self._advance(None)
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
            fit(request, reply)
        self.answer(bound)

    def answer(self, replies: list[Reply]) -> None:
        """Answer the pending list by replies that are known to fit it."""
        for request, reply in zip(self._pending or (), replies, strict=True):
            self.bind(request, reply)
        self._advance(replies)

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
        finally:
            self.ended = True

    def close(self) -> None:
        """End the search where it stands."""
        self._generator.close()
        self._pending, self.ended = None, True

    def _advance(self, replies: list[Reply] | None) -> None:
        self.barrier += 1
        try:
            pending = self._generator.send(replies)
        except BaseException as error:
            self._pending, self.ended = None, True
            if isinstance(error, StopIteration):
                return
            raise
        if not isinstance(pending, list) or not _REQUESTS.issuperset(map(type, pending)):
            self.close()
            raise StrategyError(
                f"Strategy {self.strategy.name!r} yielded {pending!r}: yield a list of requests."
            )
        self._pending = pending

    # Binding replies.

    def bind(self, request: Request, reply: Reply) -> None:
        """Attach nodes to `reply`, which fits `request`."""
        if isinstance(request, Expand) and isinstance(reply, Expanded):
            handles = self.children(request.node.handle, reply.tokens, reply.logprobs)
            reply.bear(self._births, handles)
        elif isinstance(request, Sample) and isinstance(reply, Sampled):
            start = request.node.handle
            for run in reply.continuations:
                cut = run.reason if run.reason in _CUT else None
                self.spent = self.spent or cut == "budget"
                run.node = self.node(self.along(start, run.tokens, run.logprobs), cut)
        elif isinstance(request, Walk) and isinstance(reply, Walked):
            reply.end_at(self._reaching, request)
            self._walked.append(reply)
        elif isinstance(request, Derive) and isinstance(reply, Derived):
            reply.root = self.derive(reply.tokens)
        elif isinstance(request, Spawn | Continue) and isinstance(reply, Spawned):
            if isinstance(request, Spawn):
                reply.child = len(self._children)
                self._children.append(request.node)
            else:
                reply.child = request.child
            self._adopt(self._children[reply.child], reply.found)
        elif isinstance(request, Race) and isinstance(reply, Raced) and reply.winner is not None:
            self._adopt(request.spawns[reply.winner].node, reply.found)

    def _reached(self, request: Walk, logprobs: Sequence[float]) -> Node:
        return self.node(self.along(request.node.handle, request.tokens, logprobs))

    def look(self) -> list[Node]:
        """Show the ends of walks that the strategy perhaps never looked at."""
        walked, self._walked = self._walked, []
        return [reply.node for reply in walked]

    def _adopt(self, start: Node, found: Iterable[Found]) -> None:
        for candidate in found:
            root = self.derive(candidate.prompt) if candidate.prompt else start
            handle = self.along(root.handle, candidate.tokens, candidate.logprobs)
            candidate.node = self.node(
                handle, candidate.finish if candidate.finish in _CUT else None
            )

    # Candidates.

    def finish(self, node: Node, score: float | None, scores: dict[str, float]) -> None:
        """Stand `node` as a candidate; raises StrategyError for a score that ranks nothing."""
        if score is not None and math.isnan(score):
            raise StrategyError(f"Strategy {self.strategy.name!r} finished a node with score NaN.")
        finish = node.end or ("budget" if self.spent else "open")
        score = None if score is None else float(score)
        noted = {name: float(value) for name, value in scores.items()}
        self.candidates.append(Finished(node, score, noted, finish))

    def leaves(self, most: int) -> list[Node]:
        """Open leaves that are no candidates, best mean log-probability first, at most `most`."""
        self.look()
        return self.open_leaves(most, {candidate.node.handle for candidate in self.candidates})
