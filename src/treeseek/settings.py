"""What holds for a whole search: the values a live search is made with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from treeseek.decoding.stops import Step, Stop
from treeseek.requests import How, Reader, Scorer, Verifier


def _no_text(prompt: Sequence[int], tokens: Sequence[int]) -> str:
    return " ".join(map(str, tokens))


def _no_reach(prompt: Sequence[int], limit: int) -> int:
    return limit


@dataclass(frozen=True)
class Settings:
    """What holds for a whole search.

    `ends` are the end tokens, `limit` and `min_tokens` bound the continuation, `how` is the
    default law, `n` how many candidates the caller wants, `text(prompt, tokens)` the
    continuation's text, `step` where one step of an answer ends, `reach(prompt, limit)` how many
    tokens the model lets follow a prompt, `key` the search's place in the run.
    """

    ends: frozenset[int] = frozenset()
    stop: Stop = field(default_factory=Stop)
    step: Step = field(default_factory=Step)
    limit: int = 256
    n: int = 1
    how: How = field(default_factory=How)
    seed: int = 0
    key: tuple[Any, ...] = ()
    text: Callable[[Sequence[int], Sequence[int]], str] = _no_text
    reach: Callable[[Sequence[int], int], int] = _no_reach
    scorer: Scorer | Reader | None = None
    verifier: Verifier | None = None

    def mark(self) -> str:
        """Short hash of what a reply depends on beside its request, the same in every process."""
        parts = (self.seed, self.limit, sorted(self.ends), self.stop, self.how.key())
        return blake2b(repr(parts).encode(), digest_size=8).hexdigest()

    def nested(self, limit: int) -> "Settings":
        """The same for a nested search that may grow by `limit` tokens."""
        return replace(self, limit=limit)
