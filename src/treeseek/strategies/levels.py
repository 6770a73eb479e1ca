"""Level by level: every prefix that is kept goes on by a step, and a rule says which are kept.

This file believes that beams over steps, independent subtrees, breadth-first trees of thoughts and
particle filters are one loop with one rule each. Whatever is drawn enters the pool: an answer that
a rule drops stands as a candidate all the same. It does not cover searches that come back to an
earlier level.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from treeseek.live import Context
from treeseek.requests import Node, Request, mean_logprob
from treeseek.strategies.measures import Measure
from treeseek.strategies.steps import identity, steps, worth

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


Keep: TypeAlias = Callable[[list[Prefix]], Sequence[Prefix]]
"""Of the prefixes of a level, those that go on, as often as they do; not the closed ones."""
Weigh: TypeAlias = Callable[[list[Prefix]], Generator[list[Request], Any, list[Prefix]]]
"""The prefixes of a level with what they are worth by a second look."""


class Pass(NamedTuple):
    """One run over the levels: tokens charged, share of the budget spent, what it solved.

    `gone` are the prefixes it went on from.
    """

    charged: int
    spent: float | None
    solved: list[str]
    gone: list[Same]


Passing: TypeAlias = Generator[list[Request], Any, Pass]


def levels(
    ctx: Context,
    live: Sequence[Prefix],
    by: Measure,
    *,
    width: int,
    keep: Keep,
    weigh: Weigh | None = None,
    most: int | None = None,
) -> Passing:
    """Draw `width` steps from each of `live`, let `keep` choose, and again until none is left.

    Level number `most` draws to the answers' ends instead. Prefixes that are lost never reach
    `keep`. Ends early once as many answers as the caller wants (n) are solved.
    """
    charged, spent, level = 0, None, 0
    solved, gone = list[str](), list[Same]()
    while live and len(set(solved)) < ctx.n:
        level += 1
        replies = yield [steps(ctx, at.node, width, whole=level == most) for at in live]
        charged += sum(reply.charged for reply in replies)
        spent = replies[-1].spent
        drawn = [
            (at, run.node)
            for at, reply in zip(live, replies, strict=True)
            for run in reply.continuations
        ]
        found = yield from worth(ctx, [node for _, node in drawn], by)
        children = [
            Prefix(
                node, (*at.values, new.value), new.closed, identity(ctx, node, new.state), at.group
            )
            for (at, node), new in zip(drawn, found, strict=True)
            if not new.lost
        ]
        solved += [
            ctx.text(node) for (_, node), new in zip(drawn, found, strict=True) if new.solved
        ]
        if weigh is not None:
            children = yield from weigh(children)
        live = [child for child in keep(children) if not child.closed]
        gone += [child.same for child in live]
    return Pass(charged, spent, solved, gone)


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
