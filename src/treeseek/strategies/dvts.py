"""Diverse verifier tree search: independent subtrees, each of them greedy."""

from collections.abc import Mapping
from typing import Annotated

from treeseek.declare import Search, strategy
from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node
from treeseek.strategies.levels import Passing, levels
from treeseek.strategies.measures import Valued, measure
from treeseek.strategies.prefixes import Prefix, Same, best, merged
from treeseek.strategies.restarts import Fresh, Restarts, repeated


def _even(*, beams: int, width: int, **_: object) -> None:
    if beams % width:
        raise InvalidOption(f"dvts(beams={beams}, width={width}): let width divide beams.")


@strategy("dvts", tier="step", check=_even)
def dvts(
    ctx: Context,
    root: Node,
    *,
    beams: Annotated[int, Range(low=1), "steps drawn at every level, over all subtrees"] = 8,
    width: Annotated[int, Range(low=1), "steps drawn in each subtree"] = 4,
    value: Valued = "auto",
    depth: Annotated[int, Range(low=1), "levels; the last draws to the ends of answers"] = 40,
    restarts: Restarts = None,
    fresh: Fresh = True,
) -> Search:
    """Grow beams / width subtrees from the root, each along its best step, never mixing them.

    Cost: at most `beams` steps a level. All continuations of the last steps are candidates. Equal
    to step-beam with one beam, run beams / width times at once; it loses to one beam search where
    one subtree is clearly better than the rest, and wins where the value misleads all beams into
    the same corner. Deviations: prefixes that are one, within a subtree, take one place; while a
    budget lasts (`restarts`) it runs again, elsewhere. Reference: dvts
    """
    by = yield from measure(ctx, root, value)
    groups = range(beams // width)

    def once(taken: Mapping[Same, int]) -> Passing:
        def keep(children: list[Prefix]) -> list[Prefix]:
            pool = merged(children)
            of = [[at for at in pool if at.group == group] for group in groups]
            return [at for part in of for at in best(part, 1, taken=taken)]

        start = [Prefix(root, group=group) for group in groups]
        return levels(ctx, start, by, width=width, keep=keep, most=depth)

    yield from repeated(ctx, once, restarts=restarts, fresh=fresh)
