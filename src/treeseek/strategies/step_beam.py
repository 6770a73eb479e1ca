"""Beam search over steps, led by a value."""

from collections.abc import Mapping
from typing import Annotated

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node
from treeseek.strategies.levels import Passing, levels
from treeseek.strategies.measures import Valued, measure
from treeseek.strategies.prefixes import Prefix, Same, best, merged
from treeseek.strategies.restarts import Fresh, Restarts, repeated


@strategy("alphamath", tier="step")
def step_beam(
    ctx: Context,
    root: Node,
    *,
    beams: Annotated[int, Range(low=1), "prefixes kept at every level"] = 1,
    width: Annotated[int, Range(low=1), "steps drawn from each"] = 3,
    value: Valued = "auto",
    restarts: Restarts = None,
    fresh: Fresh = True,
) -> Search:
    """Keep the `beams` prefixes of most value after every step; one fewer for each that ends.

    Cost: at most beams * width steps a level; an answer that is dropped is a candidate too. It
    loses where the value says little early on: what a run drops it never comes back to. Deviations:
    prefixes that are one, by the verifier's state or else their text, take one place; the root is
    drawn from for all beams, not for one; runs that follow while a budget lasts know of those
    before (fresh=False: not, as in the paper, which uses 1, 3 or 5 beams of 5).
    Reference: alphamath
    """
    by = yield from measure(ctx, root, value)

    def once(taken: Mapping[Same, int]) -> Passing:
        places = beams

        def keep(children: list[Prefix]) -> list[Prefix]:
            nonlocal places
            chosen = best(merged(children), places, taken=taken)
            places -= sum(child.closed for child in chosen)
            return chosen

        return levels(ctx, [Prefix(root)] * beams, by, width=width, keep=keep)

    yield from repeated(ctx, once, restarts=restarts, fresh=fresh)
