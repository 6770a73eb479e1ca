"""A stored pool: every candidate that was paid for on one problem, and what is known of each.

This file believes that candidates are dear and rules to choose among them are cheap, so a pool is
kept whole and every rule is tried on it afterwards. Which answers are right stands beside the
candidates, not in them: a selector is handed the candidates alone. It covers neither files nor the
question how an answer is read from a text.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from treeseek.decoding.stops import Step
from treeseek.errors import InvalidOption
from treeseek.scorers.steps import pieces


@dataclass(frozen=True, slots=True)
class Pooled:
    """One candidate: its text, and all that a selector may ask of it.

    `key` is the answer the text gives, equal for equal answers, None where it gives none. `logprob`
    is the model's total over `tokens` tokens, in nats (None: not known). `scores` are numbers by
    name, `tests` whether each test of the pool passes, `steps` the steps of the text. Raises
    InvalidOption for a number that is not finite.
    """

    text: str
    key: str | None = None
    logprob: float | None = None
    tokens: int = 1
    scores: Mapping[str, float] = field(default_factory=dict)
    tests: tuple[bool, ...] = ()
    steps: int = 0

    def __post_init__(self) -> None:
        numbers = {"logprob": self.logprob or 0.0, **self.scores}
        for name, value in numbers.items():
            if not math.isfinite(value):
                raise InvalidOption(f"Pooled({name}={value}): a pool holds finite numbers only.")

    @property
    def mean_logprob(self) -> float | None:
        """Log-probability a token, in nats."""
        return None if self.logprob is None else self.logprob / max(1, self.tokens)

    def score(self, name: str) -> float:
        """The score called `name`; raises InvalidOption, with the names there are."""
        if name not in self.scores:
            known = ", ".join(sorted(self.scores)) or "none"
            raise InvalidOption(f"A candidate has no score {name!r}: its scores are {known}.")
        return self.scores[name]


@dataclass(frozen=True, slots=True)
class Pool:
    """The candidates of one problem, in the order they were drawn; `right` are the right answers.

    `right` is for whoever counts; selectors take `candidates`.
    """

    id: str
    candidates: tuple[Pooled, ...]
    right: frozenset[str] = frozenset()

    def to_line(self) -> str:
        """One line of JSON, floats bit for bit."""
        record = {
            "id": self.id,
            "right": sorted(self.right),
            "candidates": [asdict(candidate) for candidate in self.candidates],
        }
        return json.dumps(record, ensure_ascii=False)

    @classmethod
    def from_line(cls, line: str) -> "Pool":
        """The pool of a line that `to_line` made; raises InvalidOption, saying what is wrong."""
        try:
            record: dict[str, Any] = json.loads(line)
            candidates = tuple(
                Pooled(**{**values, "tests": tuple(map(bool, values.get("tests", ())))})
                for values in record["candidates"]
            )
            return cls(str(record["id"]), candidates, frozenset(record["right"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidOption(
                f"No pool in the line {line[:60]!r} ({error!r}): give a line of Pool.to_line."
            ) from error

    @classmethod
    def read(cls, lines: Iterable[str]) -> Iterator["Pool"]:
        """The pools of an open file or any other lines; empty lines are passed over."""
        return (cls.from_line(line) for line in lines if line.strip())


class Drawn(Protocol):
    """What `pooled` takes of a candidate of a Result."""

    @property
    def text(self) -> str:
        """Its text."""
        ...

    @property
    def logprob(self) -> float:
        """Its total log-probability."""
        ...

    @property
    def tokens(self) -> int:
        """Its length in tokens."""
        ...

    @property
    def score(self) -> float:
        """What ranked it."""
        ...

    @property
    def scores(self) -> dict[str, float]:
        """What else the strategy noted."""
        ...


def pooled(
    candidate: Drawn, key: str | None, *, step: Step | None = None, tests: Sequence[bool] = ()
) -> Pooled:
    """A candidate of a Result as a pool keeps it; `key` is the answer its text gives.

    The score that ranked it is kept under the name "score"; its steps are those that end by the
    strings of `step` (default: lines).
    """
    return Pooled(
        text=candidate.text,
        key=key,
        logprob=candidate.logprob,
        tokens=candidate.tokens,
        scores={**candidate.scores, "score": candidate.score},
        tests=tuple(map(bool, tests)),
        steps=len(pieces(candidate.text, step or Step())),
    )
