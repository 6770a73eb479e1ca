"""Beam search over steps, led by a process reward."""

import math
from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from treeseek.declare import Search, strategy
from treeseek.decoding.samplers import Greedy
from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import How, Node, Request
from treeseek.strategies.levels import Passing, levels
from treeseek.strategies.measures import Valued, measure
from treeseek.strategies.prefixes import Prefix, Same, best, last, merged
from treeseek.strategies.restarts import Fresh, Restarts, repeated
from treeseek.strategies.steps import steps, worth

_GREEDY = How(sampler=Greedy())
REDUCTIONS = {
    "last": last,
    "min": lambda at: min(at.values),
    "prod": lambda at: math.prod(at.values),
    "mean": lambda at: math.fsum(at.values) / len(at.values),
}
"""One number of the values of a prefix's steps; the product is for values in [0, 1]."""


def _even(*, beams: int, width: int, **_: object) -> None:
    if beams % width:
        raise InvalidOption(f"prm-beam(beams={beams}, width={width}): let width divide beams.")


@strategy("compute-optimal", tier="step", check=_even)
def prm_beam(
    ctx: Context,
    root: Node,
    *,
    beams: Annotated[int, Range(low=1), "steps drawn at every level"] = 8,
    width: Annotated[int, Range(low=1), "steps drawn from each prefix kept"] = 4,
    reduce: Annotated[
        Literal["last", "min", "prod", "mean"], "what the values of a prefix's steps come to"
    ] = "last",
    lookahead: Annotated[int, Range(low=0), "greedy steps after which a step is judged"] = 0,
    distinct: Annotated[bool, "let prefixes that are one take one place"] = True,
    depth: Annotated[int, Range(low=1), "levels; the last draws to the ends of answers"] = 40,
    value: Valued = "auto",
    restarts: Restarts = None,
    fresh: Fresh = True,
) -> Search:
    """Draw `beams` steps a level and keep the best beams / width of the prefixes that go on.

    Answers do not compete for places; a run ends when it has `beams` of them. Where fewer prefixes
    are left they are drawn from more often. Cost: at most `beams` steps a level, lookahead steps
    for each. It crowds into few subtrees (see dvts), and loses to best-of-n where the reward is
    weak: it drops right prefixes for good. A prefix whose lookahead is lost keeps its own worth.
    Deviations: prefixes that are one take one place; while a budget lasts (`restarts`) it runs
    again, elsewhere. Reference: compute-optimal
    """
    by = yield from measure(ctx, root, value)
    places = beams // width

    def looked(children: list[Prefix]) -> Generator[list[Request], Any, list[Prefix]]:
        tips = [child.node for child in children]
        for _ in range(lookahead):
            open_ = [
                at for at, tip in enumerate(tips) if not tip.is_end and not children[at].closed
            ]
            replies = (yield [steps(ctx, tips[at], how=_GREEDY) for at in open_]) if open_ else []
            for at, reply in zip(open_, replies, strict=True):
                tips[at] = reply.continuations[0].node
        moved = [at for at, child in enumerate(children) if tips[at] is not child.node]
        found = yield from worth(ctx, [tips[at] for at in moved], by)
        for at, new in zip(moved, found, strict=True):
            if not new.lost:
                values = (*children[at].values[:-1], new.value)
                children[at] = replace(children[at], values=values)
        return children

    def once(taken: Mapping[Same, int]) -> Passing:
        ended = 0

        def keep(children: list[Prefix]) -> list[Prefix]:
            nonlocal ended
            ended += sum(child.closed for child in children)
            pool = merged(children) if distinct else children
            chosen = best(
                (child for child in pool if not child.closed), places, of=REDUCTIONS[reduce],
                taken=taken,
            )  # fmt: skip
            if ended >= beams or not chosen:
                return []
            return [chosen[place % len(chosen)] for place in range(places)]

        start = [Prefix(root)] * places
        weigh = looked if lookahead else None
        return levels(ctx, start, by, width=width, keep=keep, weigh=weigh, most=depth)

    yield from repeated(ctx, once, restarts=restarts, fresh=fresh)
