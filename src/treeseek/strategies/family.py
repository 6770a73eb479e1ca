"""How a member of the family of Monte Carlo tree searches is put together and brought to its end.

This file believes that a rule and a backup are known by their names and a value by its source, and
that a search which met no end should complete what it believes in most.
"""

from collections.abc import Generator
from typing import Any, Literal

from treeseek.live import Context
from treeseek.requests import Node, Request
from treeseek.strategies.backups import BACKUPS
from treeseek.strategies.descents import Descents
from treeseek.strategies.growth import Growth, Mend
from treeseek.strategies.measures import measure
from treeseek.strategies.plans import Plan
from treeseek.strategies.rules import RULES
from treeseek.strategies.steps import steps, worth
from treeseek.strategies.tallies import favourite


def outcome(ctx: Context) -> Literal["auto", "outcomes"]:
    """What ends alone are judged by: the verifier, else the scorer, else confidence."""
    return "outcomes" if ctx.verifier is not None else "auto"


def grow(
    ctx: Context,
    root: Node,
    plan: Plan,
    *,
    rule: str,
    backup: str,
    value: Any,
    exploration: float | None = None,
    gamma: float = 1.0,
    rate: float = 1.0,
    mend: Mend | None = None,
) -> Generator[list[Request], Any, Descents]:
    """Search by `plan`, the rule and the backup of these names; the tree it grew.

    Where it met no end, the most visited prefix is completed, so that there is a candidate.
    """
    by = yield from measure(ctx, root, value)
    choose, own = RULES[rule]
    bounds = None
    if by.source in ("confidence", "verifier", "outcomes"):
        bounds = (plan.scaled(0.0), plan.scaled(1.0))
    tree = Descents(
        root,
        choose,
        BACKUPS[backup](gamma, rate),
        exploration=own if exploration is None else exploration,
        bounds=bounds,
        opposed=backup == "opposed",
    )
    growth = Growth(ctx, tree, plan, by)
    yield from growth.run(mend)
    if not growth.ends:
        (reply,) = yield [steps(ctx, favourite(tree.root).node, whole=True)]
        yield from worth(ctx, [run.node for run in reply.continuations], by)
    return tree
