"""What comes back to a strategy, and the one codec of replies.

A reply names no handle of its own: tokens, numbers and reasons only, so that the journal, `ask` /
`tell` and scripted tests all speak the same language. The live search binds nodes to it when it
arrives.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

from treeseek.errors import StrategyError, TreeseekError
from treeseek.requests import (
    Continue,
    Derive,
    Expand,
    Node,
    Race,
    Request,
    Sample,
    Score,
    Spawn,
    Verdict,
    Verify,
    Walk,
)

Born: TypeAlias = Callable[[Sequence[int], Sequence[float], Sequence[float]], list[Node]]
"""Makes nodes of handles, log-probabilities and scores."""
Reach: TypeAlias = Callable[[Walk, Sequence[float]], Node]
"""Shows the tokens of a walk that have these log-probabilities."""


def _bound() -> Any:
    """A field attached on arrival; it travels in no record."""
    return field(default=None, repr=False, compare=False, metadata={"bound": True})


@dataclass(slots=True)
class Reply:
    """What all replies share: the charge of this request, the fraction of the budget spent."""

    charged: int = field(default=0, kw_only=True)
    spent: float | None = field(default=None, kw_only=True)


@dataclass(slots=True)
class Expanded(Reply):
    """Children in order (value, then token id) and what the row says.

    `logprobs` are the model's own in nats, `scores` the values under the law asked (None: the
    same), `lse` the log-sum-exp of the raw logits, `norm` the log-sum-exp of the scores,
    `entropy` in nats, `mass` the model's probability of what is allowed, `keys` the perturbed
    values where children were drawn without replacement.
    """

    tokens: list[int]
    logprobs: list[float]
    scores: list[float] | None = None
    lse: float = 0.0
    norm: float = 0.0
    entropy: float = 0.0
    mass: float = 1.0
    keys: list[float] | None = None
    _born: Born = _bound()
    _handles: Sequence[int] = _bound()
    _children: list[Node] | None = _bound()

    def bear(self, born: Born, handles: Sequence[int]) -> None:
        """Let the children be the nodes that `born` makes of `handles`."""
        self._born, self._handles, self._children = born, handles, None

    @property
    def children(self) -> list[Node]:
        """The children as nodes, made when they are first looked at."""
        if self._children is None:
            scores = self.scores or self.logprobs
            self._children = self._born(self._handles, self.logprobs, scores)
        return self._children

    def child(self, nth: int) -> Node:
        """The `nth` of `children`, without making the others."""
        if self._children is not None:
            return self._children[nth]
        logprob, score = self.logprobs[nth], (self.scores or self.logprobs)[nth]
        return self._born((self._handles[nth],), (logprob,), (score,))[0]


@dataclass(slots=True)
class Continuation:
    """One sampled run of tokens.

    `logprobs` are the model's own for each token, `proposal` the log-probability under the law
    sampled from, `weight` = model minus proposal, `masses` the allowed mass of each node passed
    (empty without a constraint), `reason` one of end, stop, limit, dead, budget.
    """

    tokens: list[int]
    logprobs: list[float]
    proposal: float
    reason: str
    masses: list[float] = field(default_factory=list)
    node: Node = _bound()

    @property
    def logprob(self) -> float:
        """The model's log-probability of the tokens, summed left to right."""
        return sum(self.logprobs)

    @property
    def weight(self) -> float:
        """Log-weight that makes the draw count as one of the model's own."""
        return self.logprob - self.proposal


@dataclass(slots=True)
class Sampled(Reply):
    """The continuations, in order of their ordinals."""

    continuations: list[Continuation]


@dataclass(slots=True)
class Walked(Reply):
    """Log-probability of each token walked; `abandoned` where the loss passed `above`."""

    logprobs: list[float]
    abandoned: bool = False
    _reach: Reach = _bound()
    _request: Walk = _bound()
    _node: Node | None = _bound()

    def end_at(self, reach: Reach, request: Walk) -> None:
        """Let the walk of `request` end at the node that `reach` finds."""
        self._reach, self._request, self._node = reach, request, None

    @property
    def node(self) -> Node:
        """Where the walk ended, shown when it is first looked at."""
        if self._node is None:
            self._node = self._reach(self._request, self.logprobs)
        return self._node

    @property
    def total(self) -> float:
        """Sum over the tokens walked, left to right."""
        return sum(self.logprobs)


@dataclass(slots=True)
class Scored(Reply):
    """One number a node."""

    values: list[float]


@dataclass(slots=True)
class Verified(Reply):
    """The verdict."""

    verdict: Verdict


@dataclass(slots=True)
class Derived(Reply):
    """The tokens of the derived prompt; `root` is where it ends."""

    tokens: list[int]
    root: Node = _bound()


@dataclass(slots=True)
class Found:
    """A candidate of a nested search, by its tokens from the nested root.

    `prompt` is the derived prompt it continues, None for the nested search's own.
    """

    tokens: list[int]
    logprobs: list[float]
    finish: str
    score: float
    scores: dict[str, float] = field(default_factory=dict)
    prompt: list[int] | None = None
    node: Node = _bound()


@dataclass(slots=True)
class Spawned(Reply):
    """How a nested search stands: `status` "finished" or "paused", its candidates, best first.

    `cost` is what the nested search was charged in all, `charged` what that added to its parent.
    """

    status: str
    found: list[Found]
    cost: int
    child: int = _bound()


@dataclass(slots=True)
class Raced(Reply):
    """`winner` is an index into the race, None when all paused; `found` are its candidates."""

    winner: int | None
    found: list[Found]
    cost: int


class BudgetSpent(TreeseekError):
    """Thrown into a strategy once, when a request no longer fits.

    `replies` are those of the same list that were served before it. The strategy may catch it to
    finish what it holds; a further yield ends it.
    """

    def __init__(self, replies: list[Reply]) -> None:
        """Carry the replies served before the budget ended."""
        super().__init__(
            "the budget is spent; give the search more (budget=) or finish what it holds"
        )
        self.replies = replies


# The codec.

_KINDS: dict[str, type] = {
    kind.__name__.lower(): kind
    for kind in (Expanded, Sampled, Walked, Scored, Verified, Derived, Spawned, Raced)
}
_PARTS: dict[str, type] = {"continuations": Continuation, "found": Found, "verdict": Verdict}


def _plain(value: Any) -> dict[str, Any]:
    return {f.name: getattr(value, f.name) for f in fields(value) if not f.metadata.get("bound")}


def encode(reply: Reply) -> dict[str, Any]:
    """The reply as JSON values; floats survive json bit for bit, but for the payload of a NaN."""
    record = {"kind": type(reply).__name__.lower(), **_plain(reply)}
    for name in _PARTS:
        part = record.get(name)
        if isinstance(part, list):
            record[name] = [_plain(item) for item in part]
        elif part is not None:
            record[name] = _plain(part)
    return record


def decode(record: Mapping[str, Any]) -> Reply:
    """The reply that `encode` made `record` of; raises StrategyError if it is none."""
    values = dict(record) if isinstance(record, Mapping) else {}
    kind = _KINDS.get(values.pop("kind", ""))
    if kind is None:
        raise StrategyError(f"A reply needs a kind, one of {', '.join(_KINDS)}; got {record!r}.")
    try:
        for name, part in _PARTS.items():
            value = values.get(name)
            if isinstance(value, list):
                values[name] = [part(**item) for item in value]
            elif value is not None:
                values[name] = part(**value)
        reply: Reply = kind(**values)
    except TypeError as error:
        raise StrategyError(
            f"A reply of kind {kind.__name__.lower()} does not fit: {error}."
        ) from None
    return reply


_ANSWERS: dict[type, type] = {
    Expand: Expanded,
    Sample: Sampled,
    Walk: Walked,
    Score: Scored,
    Verify: Verified,
    Derive: Derived,
    Spawn: Spawned,
    Continue: Spawned,
    Race: Raced,
}
_REASONS = ("end", "stop", "limit", "dead", "budget")


def fit(request: Request, reply: Reply) -> None:
    """Raise StrategyError unless `reply` can answer `request`: kind, lengths, reasons."""
    kind = _ANSWERS[type(request)]
    if not isinstance(reply, kind):
        raise StrategyError(
            f"{type(reply).__name__} does not answer {type(request).__name__}: "
            f"give a {kind.__name__}."
        )
    wrong = ""
    if isinstance(reply, Expanded) and isinstance(request, Expand):
        count, scores, keys = len(reply.tokens), reply.scores, reply.keys
        if (
            not count == len(reply.logprobs) <= request.k
            or (scores is not None and len(scores) != count)
            or (keys is not None and len(keys) != count)
        ):
            columns = (reply.tokens, reply.logprobs, scores, keys)
            lengths = sorted({len(column) for column in columns if column is not None})
            wrong = f"its columns have {lengths} rows, at most k={request.k} and all equal"
        elif len(set(reply.tokens)) < count:
            wrong = "a token comes twice"
    elif isinstance(reply, Sampled) and isinstance(request, Sample):
        runs = reply.continuations
        if len(runs) != request.n:
            wrong = f"it has {len(runs)} continuations, not n={request.n}"
        elif any(len(run.tokens) != len(run.logprobs) for run in runs):
            wrong = "a continuation needs one log-probability a token"
        elif any(run.reason not in _REASONS for run in runs):
            wrong = f"a reason is one of {', '.join(_REASONS)}"
    elif isinstance(reply, Walked) and isinstance(request, Walk):
        count, most = len(reply.logprobs), len(request.tokens)
        if not (0 < count <= most and (reply.abandoned or count == most)):
            wrong = f"it walked {count} of {most} tokens; fewer only if abandoned"
    elif isinstance(reply, Scored) and isinstance(request, Score):
        if len(reply.values) != len(request.nodes):
            wrong = f"it has {len(reply.values)} values for {len(request.nodes)} nodes"
    elif isinstance(reply, Derived) and not reply.tokens:
        wrong = "the derived prompt holds no token"
    elif isinstance(reply, Raced) and isinstance(request, Race):
        count = len(request.spawns)
        wrong = "" if reply.winner in (None, *range(count)) else f"a winner is below {count}"
    if wrong:
        raise StrategyError(f"{kind.__name__} does not fit {request!r}: {wrong}.")
