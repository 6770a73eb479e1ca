"""The decorator that makes a selector of a rule over candidates.

A rule looks at candidates and says which answers there are, best first, with a score and a weight
each. Decorated, it is a factory: called with options it checks them at once and gives a selector, a
value that prints, compares, and can be put to any pool.
"""

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from treeseek.errors import InvalidOption
from treeseek.options import Option, checked, options_of
from treeseek.requests import stable
from treeseek.selectors.pool import Pooled


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer: its `key`, the `index` of the candidate that stands for it, and its standing.

    `score` is the number the rule ranks by; `weight`, in [0, 1], is the share of the rule's total
    where the rule adds up, else the share of candidates that give the answer.
    """

    key: str | None
    index: int
    score: float
    weight: float


Rule: TypeAlias = Callable[..., list[Choice]]


@dataclass(frozen=True, eq=False)
class Selector:
    """A configured selector: `selector(candidates, k=3)` gives at most k answers, best first.

    Costs no model call. The same candidates in the same order give the same answers; between
    answers of equal score the one that was drawn first wins.
    """

    name: str
    options: Mapping[str, Any]
    references: tuple[str, ...]
    rule: Rule = field(repr=False)

    def __call__(self, candidates: Sequence[Pooled], *, k: int = 1) -> tuple[Choice, ...]:
        """The k best answers; raises InvalidOption where the candidates lack what is asked for."""
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise InvalidOption(f"k={k!r}: ask for at least 1 answer.")
        return tuple(self.rule(candidates, **self.options)[:k]) if candidates else ()

    def __repr__(self) -> str:
        shown = ", ".join(f"{key}={stable(value)}" for key, value in self.options.items())
        return f"{self.name}({shown})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Selector):
            return NotImplemented
        return (self.name, self.options) == (other.name, other.options)

    def __hash__(self) -> int:
        return hash(self.name)


class SelectorFactory:
    """Callable that checks options and configures a selector."""

    def __init__(self, rule: Rule, references: tuple[str, ...]) -> None:
        """Read the options from the signature of `rule(candidates, *, ...)`."""
        self.__doc__ = rule.__doc__
        self.__name__ = rule.__name__
        self.__wrapped__ = rule
        self.rule = rule
        self.name = rule.__name__.replace("_", "-")
        self.references = references

    @property
    def options(self) -> dict[str, Option]:
        """Options by name, in the order of the signature."""
        return options_of(self.rule, skip=1)

    def __call__(self, **options: Any) -> Selector:
        """Configure the selector; raises InvalidOption for an unknown or unfit option."""
        values = checked(self.name, self.options, options)
        return Selector(self.name, types.MappingProxyType(values), self.references, self.rule)


def selector(*references: str) -> Callable[[Rule], SelectorFactory]:
    """Make a selector of a rule `f(candidates, *, options)`; `references` are what it follows."""
    return lambda rule: SelectorFactory(rule, references)


def answers(candidates: Sequence[Pooled]) -> dict[str, list[int]]:
    """The candidates that give each answer, answers in the order they were first drawn."""
    found: dict[str, list[int]] = {}
    for index, candidate in enumerate(candidates):
        if candidate.key is not None:
            found.setdefault(candidate.key, []).append(index)
    return found


def ranked(choices: Iterable[Choice]) -> list[Choice]:
    """Best score first; choices of equal score stay in the order they came in."""
    return sorted(choices, key=lambda choice: -choice.score)


def summed(
    candidates: Sequence[Pooled], groups: Mapping[str, Sequence[int]], scores: Sequence[float]
) -> list[Choice]:
    """Answers by the sum of `scores` over their candidates; the best of these stands for each."""
    totals = [sum(scores[index] for index in group) for group in groups.values()]
    whole = sum(totals)
    return ranked(
        Choice(
            key=key,
            index=max(group, key=lambda index: scores[index]),
            score=total,
            weight=total / whole if whole else 1 / len(totals),
        )
        for (key, group), total in zip(groups.items(), totals, strict=True)
    )
