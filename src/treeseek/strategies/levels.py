"""Level by level: every prefix that is kept goes on by a step, and a rule says which are kept.

This file believes that beams over steps, independent subtrees, breadth-first trees of thoughts and
particle filters are one loop with one rule each. Whatever is drawn enters the pool: an answer that
a rule drops stands as a candidate all the same. It does not cover searches that come back to an
earlier level.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from treeseek.live import Context
from treeseek.requests import Node, Request
from treeseek.strategies.measures import Measure
from treeseek.strategies.prefixes import Prefix, Same
from treeseek.strategies.steps import identity, steps, worth

Keep: TypeAlias = Callable[[list[Prefix]], Sequence[Prefix]]
"""Of the prefixes of a level, those that go on, as often as they do; not the closed ones."""
Weigh: TypeAlias = Callable[[list[Prefix]], Generator[list[Request], Any, list[Prefix]]]
"""The prefixes of a level with what they are worth by a second look."""


@dataclass(slots=True)
class Pass:
    """One run over the levels: tokens charged, share of the budget spent, texts solved.

    `gone` are the prefixes it went on from.
    """

    charged: int = 0
    spent: float | None = None
    solved: list[str] = field(default_factory=list)
    gone: list[Same] = field(default_factory=list)


Passing: TypeAlias = Generator[list[Request], Any, Pass]


def grown(
    ctx: Context,
    live: Sequence[Prefix],
    by: Measure,
    run: Pass,
    *,
    width: int,
    whole: bool = False,
    asks: int = 1,
) -> Generator[list[Request], Any, list[Prefix]]:
    """Draw `width` steps (`whole`: answers) from each of `live`; those that are not lost.

    What is missing to `width` different ones is asked for again, `asks` times in all. What it cost
    and solved is noted in `run`.
    """
    wanted = [width] * len(live)
    drawn: list[list[Node]] = [[] for _ in live]
    for _ in range(asks):
        places = [at for at, missing in enumerate(wanted) if missing]
        if not places:
            break
        replies = yield [steps(ctx, live[at].node, wanted[at], whole=whole) for at in places]
        run.spent = replies[-1].spent
        for at, reply in zip(places, replies, strict=True):
            run.charged += reply.charged
            drawn[at] += [new.node for new in reply.continuations]
            wanted[at] = max(0, width - len({ctx.text(node) for node in drawn[at]}))
        if (run.spent or 0.0) >= 1.0:
            break
    pairs = [(at, node) for at, nodes in zip(live, drawn, strict=True) for node in nodes]
    found = yield from worth(ctx, [node for _, node in pairs], by)
    run.solved += [
        ctx.text(node) for (_, node), new in zip(pairs, found, strict=True) if new.solved
    ]
    return [
        Prefix(node, (*at.values, new.value), new.closed, identity(ctx, node, new.state), at.group)
        for (at, node), new in zip(pairs, found, strict=True)
        if not new.lost
    ]


def levels(
    ctx: Context,
    live: Sequence[Prefix],
    by: Measure,
    *,
    width: int,
    keep: Keep,
    weigh: Weigh | None = None,
    most: int | None = None,
    asks: int = 1,
) -> Passing:
    """Let each of `live` grow by `width` steps and `keep` choose, until none is left.

    Level number `most` draws to the answers' ends instead. Ends early once as many answers as the
    caller wants (n) are solved.
    """
    run, level = Pass(), 0
    while live and len(set(run.solved)) < ctx.n:
        level += 1
        whole = level == most
        children = yield from grown(ctx, live, by, run, width=width, whole=whole, asks=asks)
        if weigh is not None:
            children = yield from weigh(children)
        live = [child for child in keep(children) if not child.closed]
        run.gone += [child.same for child in live]
    return run
