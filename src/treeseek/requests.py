"""What a strategy may yield: a list of requests is one barrier, answered in the same order.

Nothing here computes, and nothing here looks at a tree or a model. The answers are in
treeseek.replies.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from treeseek.decoding.samplers import Sampler
from treeseek.decoding.stops import Stop
from treeseek.decoding.warp import Warp
from treeseek.errors import InvalidOption

if TYPE_CHECKING:
    from treeseek.constraints.protocol import Constraint


def stable(value: object) -> str:
    """`repr(value)` without addresses of objects: the same text in every process."""
    return re.sub(" at 0x[0-9a-fA-F]+", "", repr(value))


class Node:
    """A node a search was shown: a handle, and what the reply said of it.

    `handle` is local to the search, `token` the last token, `logprob` the model's own
    log-probability of it, `score` its value under the law that was asked, `total` the model's
    log-probability from the search's root, `depth` the tokens since that root, `end` why the
    search cannot go on from here ("end", "stop", "limit", "dead"; "budget" where a sample was
    cut) or None.
    """

    __slots__ = ("depth", "end", "handle", "logprob", "score", "token", "total")

    def __init__(
        self,
        handle: int,
        token: int,
        logprob: float,
        score: float,
        total: float,
        depth: int,
        end: str | None,
    ) -> None:
        """Bind `handle` to what the reply said."""
        self.handle = handle
        self.token = token
        self.logprob = logprob
        self.score = score
        self.total = total
        self.depth = depth
        self.end = end

    @property
    def is_end(self) -> bool:
        """Whether the search cannot continue from here."""
        return self.end is not None

    def __repr__(self) -> str:
        return f"Node({self.handle}, token={self.token}, total={self.total:.4f}, end={self.end})"


def mean_logprob(node: Node) -> float:
    """Model log-probability per token since the search's root, in nats; 0 at the root."""
    return node.total / node.depth if node.depth else 0.0


def total_logprob(node: Node) -> float:
    """Model log-probability since the search's root, in nats."""
    return node.total


@dataclass(frozen=True, slots=True)
class How:
    """The law a request is served under; every field left None is the search's own.

    `model` is another loaded model, `warp` the logits processors, `constraint` what is allowed,
    `sampler` how one token is chosen (for Expand: None means the likeliest, a noisy sampler
    means k draws without replacement), `tilt` a frozen map from a node's handle to log-weights
    of some next tokens: bounds on future validity that a learning strategy holds.
    """

    model: Any = None
    warp: Warp | None = None
    constraint: "Constraint | None" = None
    sampler: Sampler | None = None
    tilt: Mapping[int, Mapping[int, float]] | None = None

    def over(self, own: "How") -> "How":
        """This law where it says something, `own` where it is silent."""
        warp = self.warp
        if warp is None:
            warp = own.warp
        elif own.warp is not None and own.warp.min_tokens and not warp.min_tokens:
            warp = replace(warp, min_tokens=own.warp.min_tokens, ends=own.warp.ends)
        return How(
            self.model if self.model is not None else own.model,
            warp,
            self.constraint if self.constraint is not None else own.constraint,
            self.sampler if self.sampler is not None else own.sampler,
            self.tilt if self.tilt is not None else own.tilt,
        )

    def key(self) -> str:
        """Text that tells this law from every other one, the same in every process."""
        model = getattr(self.model, "name", None)
        constraint = None if self.constraint is None else self.constraint.key
        tilt = self.tilt and sorted((at, *sorted(to.items())) for at, to in self.tilt.items())
        return stable((model, self.warp, constraint, self.sampler, tilt))


@dataclass(frozen=True, slots=True)
class Expand:
    """The `k` likeliest allowed next tokens of `node`, or k keyed draws without replacement.

    Cost: one charged node. Reply: Expanded.
    """

    node: Node
    k: int = 8
    how: How | None = None
    stream: int = 0

    def __post_init__(self) -> None:
        if type(self.k) is not int or self.k < 1:
            _positive(self, "k", self.k)


@dataclass(frozen=True, slots=True)
class Sample:
    """`n` continuations of `node`, each until `until`, the search's own end, or `limit` tokens.

    Asking again gives new ones. Cost: one charged node a token, shared prefixes once.
    Reply: Sampled.
    """

    node: Node
    n: int = 1
    until: Stop | None = None
    limit: int | None = None
    stream: int = 0
    how: How | None = None

    def __post_init__(self) -> None:
        if type(self.n) is not int or self.n < 1:
            _positive(self, "n", self.n)
        if self.limit is not None and (type(self.limit) is not int or self.limit < 1):
            _positive(self, "limit", self.limit)


@dataclass(frozen=True, slots=True)
class Walk:
    """Score the given `tokens` after `node`.

    With `above`, abandoned at the first token where the loss (minus log-probability, in nats)
    passes it, the same whatever was computed together. Cost: one charged node a token walked.
    Reply: Walked.
    """

    node: Node
    tokens: tuple[int, ...]
    above: float | None = None
    how: How | None = None

    def __post_init__(self) -> None:
        if not self.tokens:
            raise InvalidOption("Walk(tokens=()): give at least one token to walk.")
        object.__setattr__(self, "tokens", tuple(self.tokens))
        if self.above is not None and math.isnan(self.above):
            raise InvalidOption("Walk(above=nan): give a loss in nats, or None.")


class Scorer(Protocol):
    """Text to number. `name` and `version` key the cache of pure scores."""

    name: str
    version: str

    def score(self, texts: Sequence[str]) -> list[float]:
        """One number a text, in order."""
        ...


@runtime_checkable
class Reader(Protocol):
    """A scorer of the model's own rows, such as a value head; a node scored costs its row."""

    name: str
    version: str

    def read(self, rows: Any) -> Sequence[float]:
        """One number for each last hidden state of `rows` [n, width] float32, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verifier says: `score` in [0, 1], `solved`, `terminal`, and evidence in words.

    `terminal` and not solved: nothing that follows can mend it. `state` names all that matters for
    what follows, "" where unknown: texts with the same state are worth the same.
    """

    score: float
    solved: bool
    terminal: bool = True
    feedback: str = ""
    state: str = ""


class Verifier(Protocol):
    """Text to verdict. `name` and `version` key the cache."""

    name: str
    version: str

    def verify(self, text: str) -> Verdict:
        """Judge the continuation `text`; never raises on text of any kind."""
        ...


@dataclass(frozen=True, slots=True)
class Score:
    """A number for the continuation up to each of `nodes`. Reply: Scored.

    Cost: none in tokens; by a Reader one charged node a row that was not asked for before.
    """

    nodes: tuple[Node, ...]
    scorer: Scorer | Reader


@dataclass(frozen=True, slots=True)
class Verify:
    """A verdict on the continuation up to `node`. Reply: Verified."""

    node: Node
    verifier: Verifier


@dataclass(frozen=True, slots=True)
class Derive:
    """A new root for another `prompt` (text or token ids): refine, critique, rethink.

    Cost: one charged node a token of the prompt that this search was not charged before.
    Reply: Derived.
    """

    node: Node
    prompt: str | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Spawn:
    """A nested search from `node` in a slice `budget` of charged tokens (None: an equal share).

    Reply: Spawned. A list with nested searches holds nothing else but Score and Verify.
    """

    strategy: "Runnable"
    node: Node
    budget: int | None = None

    def __post_init__(self) -> None:
        if not hasattr(self.strategy, "run"):
            raise InvalidOption(
                f"Spawn({self.strategy!r}): give a configured strategy, such as beam(width=4)."
            )
        _not_negative(self, self.budget)


@dataclass(frozen=True, slots=True)
class Continue:
    """More for the paused nested search `child` (Spawned.child); 0 makes it finish what it holds.

    Reply: Spawned.
    """

    child: int
    budget: int | None = None

    def __post_init__(self) -> None:
        _not_negative(self, self.budget)


@dataclass(frozen=True, slots=True)
class Race:
    """Nested searches of which the one that finishes with the least charge wins.

    Ties go to the earlier one; the least charged is served first; the rest are closed once none
    can win. Reply: Raced.
    """

    spawns: tuple[Spawn, ...]

    def __post_init__(self) -> None:
        if not self.spawns:
            raise InvalidOption("Race(()): give at least one Spawn.")


Request: TypeAlias = Expand | Sample | Walk | Score | Verify | Derive | Spawn | Continue | Race


class Runnable(Protocol):
    """A configured strategy: a name and a generator to run."""

    @property
    def name(self) -> str:
        """Its kebab-case name."""
        ...

    def run(self, ctx: Any, root: Node) -> Any:
        """The generator; see treeseek.strategies."""
        ...


def _not_negative(request: object, budget: int | None) -> None:
    if budget is not None and budget < 0:
        kind = type(request).__name__
        raise InvalidOption(f"{kind}(budget={budget}): give a number of tokens, None or 0.")


def _positive(request: object, name: str, value: int) -> None:
    if not isinstance(value, int) or value < 1:
        kind = type(request).__name__
        raise InvalidOption(f"{kind}({name}={value}): give a whole number of at least 1.")
