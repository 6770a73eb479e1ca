"""What a search may spend, and the ledger of what it was charged.

Charged tokens are a property of the search alone: one for each distinct node whose row it asks
for, as if it ran by itself with an endless cache. The ledger keeps the names it has charged, so a
nested search charges its parent only for what the parent had not asked for yet.
"""

import math
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from treeseek.errors import InvalidOption

_SUFFIX = {"": 1, "k": 1_000, "m": 1_000_000}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)([km]?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one search; None is no limit.

    `tokens` are charged nodes, `scores` are texts scored or verified, `seconds` wall clock. A run
    limited by seconds is not the same from one machine to the next, and its Result says so.
    """

    tokens: int | None = None
    scores: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name in ("tokens", "scores", "seconds"):
            value = getattr(self, name)
            kinds = (int, float) if name == "seconds" else (int,)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value < math.inf:
                whole = "" if name == "seconds" else "whole "
                raise InvalidOption(f"budget {name}={value!r}: give a {whole}number of at least 0.")

    @classmethod
    def of(cls, value: "Budget | str | int | None") -> "Budget":
        """Read "tokens=2000,seconds=5", "2k" or 2000 (tokens) or None (no limit)."""
        if value is None:
            return cls()
        if isinstance(value, Budget):
            return value
        if isinstance(value, int):
            return cls(tokens=value)
        if not isinstance(value, str):
            raise InvalidOption(f'budget {value!r}: write a number of tokens or "tokens=2k".')
        limits: dict[str, float] = {}
        for part in value.split(","):
            name, equals, amount = part.strip().rpartition("=")
            name = name.strip() if equals else "tokens"
            match = _AMOUNT.fullmatch(amount.strip())
            if name not in ("tokens", "scores", "seconds") or match is None or name in limits:
                raise InvalidOption(
                    f"budget {value!r}: write tokens=N, scores=N or seconds=S with a number of at "
                    "least 0 (2k and 1m are understood), separated by commas."
                )
            limits[name] = float(match[1]) * _SUFFIX[match[2].lower()]
        seconds = limits.pop("seconds", None)
        for name, amount_ in limits.items():
            if amount_ != int(amount_):
                raise InvalidOption(f"budget {value!r}: {name} is a whole number.")
        return cls(**{name: int(amount_) for name, amount_ in limits.items()}, seconds=seconds)


class Ledger:
    """Names charged to one search, within `limit` (None: none)."""

    __slots__ = ("_free", "_told", "charged", "limit", "scores", "scores_limit", "tokens")

    def __init__(
        self, limit: int | None = None, *, scores: int | None = None, free: Collection[int] = ()
    ) -> None:
        """Start with nothing charged; names in `free` (the prompt's own row) never are."""
        self.limit = limit
        self.tokens = 0
        self.charged: dict[int, None] = {}
        self._free = frozenset(free)
        self.scores = 0
        self.scores_limit = scores
        self._told = 0

    def slice(self, limit: int | None) -> "Ledger":
        """A ledger for a nested search: its own tokens, no scores yet."""
        return Ledger(limit, free=self._free)

    def exempt(self, salt: int) -> None:
        """Leave the prompt's own row free under a second model as well, whose names are salted."""
        self._free |= {name ^ salt for name in self._free}

    def waive(self, names: Iterable[int]) -> None:
        """Never charge `names`, such as those of prompts that are given."""
        self._free |= frozenset(names)

    @property
    def left(self) -> int | None:
        """Tokens that may still be charged."""
        return None if self.limit is None else self.limit - self.tokens

    @property
    def spent(self) -> float | None:
        """Fraction of the token limit that is gone, None without a limit."""
        if self.limit is None:
            return None
        return self.tokens / self.limit if self.limit else 1.0

    def is_new(self, name: int) -> bool:
        """Whether asking for `name` would be charged."""
        return name not in self.charged and name not in self._free

    def new(self, names: Collection[int]) -> int:
        """How many distinct `names` would be charged."""
        charged, free = self.charged, self._free
        return len({name for name in names if name not in charged and name not in free})

    def fits(self, names: Collection[int]) -> bool:
        """Whether all `names` can be charged."""
        if self.limit is None:
            return True
        left = self.limit - self.tokens
        return len(names) <= left or self.new(names) <= left

    def fitting(self, names: Sequence[int]) -> Sequence[int]:
        """The longest beginning of `names` that can be charged."""
        left, fresh = self.left, set[int]()
        for count, name in enumerate(names):
            if self.is_new(name):
                fresh.add(name)
            if left is not None and len(fresh) > left:
                return names[:count]
        return names

    def charge(self, names: Collection[int]) -> int:
        """Charge what is new among `names`; how many that was."""
        before = len(self.charged)
        charged, free = self.charged, self._free
        for name in names:
            if name not in free:
                charged[name] = None
        self.tokens = len(charged)
        return self.tokens - before

    def each(self, names: Iterable[int]) -> Iterator[int]:
        """Charge `names` one after another as far as they fit; what each of them cost, 0 or 1."""
        charged, free, limit = self.charged, self._free, self.limit
        for name in names:
            new = name not in charged and name not in free
            if new:
                if limit is not None and self.tokens >= limit:
                    return
                charged[name] = None
                self.tokens += 1
            yield 1 if new else 0

    def score(self, count: int) -> bool:
        """Book `count` scores; False, and nothing booked, past the limit."""
        left = self.scores_left
        if left is not None and count > left:
            return False
        self.scores += count
        return True

    @property
    def scores_left(self) -> int | None:
        """Scores that may still be booked."""
        return None if self.scores_limit is None else self.scores_limit - self.scores

    def allow_scores(self, share: int | None) -> None:
        """Let a nested search book `share` more (None: no limit)."""
        self.scores_limit = None if share is None else self.scores + share

    def take_scores(self, nested: "Ledger") -> None:
        """Book here what `nested` has booked since this was last called."""
        self.scores += nested.scores - nested._told
        nested._told = nested.scores
