"""Prefixes of a level: which of them are one, and which are best.

This file believes that a place in a beam is wasted on a prefix that another one there already is.
It does not say what a prefix is worth.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from treeseek.requests import Node, mean_logprob

Same: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefix of a level.

    `values` are what it was worth after each of its steps, `closed` says that it is a candidate
    already, `same` is shared by prefixes that are one, `group` is the subtree it stands in.
    """

    node: Node
    values: tuple[float, ...] = ()
    closed: bool = False
    same: Same = ("text", "")
    group: int = 0


def last(prefix: Prefix) -> float:
    """What a prefix is worth after its last step; 0 at the root."""
    return prefix.values[-1] if prefix.values else 0.0


def best(
    prefixes: Iterable[Prefix],
    places: int | None = None,
    *,
    of: Callable[[Prefix], float] = last,
    taken: Mapping[Same, int] | None = None,
) -> list[Prefix]:
    """The `places` highest by `of`, best first; of equals the one the model finds likelier.

    Those that earlier runs went on from (`taken`) come after those that they did not.
    """
    seen = taken or {}
    key = lambda at: (seen.get(at.same, 0), -of(at), -mean_logprob(at.node))  # noqa: E731
    return sorted(prefixes, key=key)[:places]


def merged(prefixes: Iterable[Prefix]) -> list[Prefix]:
    """Of prefixes that are one, in the same subtree, the best, in the order they were met."""
    found: dict[tuple[int, Same], Prefix] = {}
    for at in prefixes:
        key = (at.group, at.same)
        found[key] = best((found.get(key, at), at), 1)[0]
    return list(found.values())
