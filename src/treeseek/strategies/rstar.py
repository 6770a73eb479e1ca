"""rStar-Math's search: whole rollouts in the tree, and nothing counts but how they end."""

from typing import Annotated

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node
from treeseek.strategies.family import grow, outcome
from treeseek.strategies.plans import TO_THE_END, Plan, Simulations


@strategy("rstar-math", tier="step")
def rstar(
    ctx: Context,
    root: Node,
    *,
    simulations: Simulations = None,
    width: Annotated[int, Range(low=1), "children of a node"] = 8,
    exploration: Annotated[float, Range(low=0), "weight of what was visited little"] = 2.0,
    parallel: Annotated[int, Range(low=1), "rollouts in flight"] = 4,
    restarts: Annotated[bool, "where all is explored, every node may have more children"] = True,
) -> Search:
    """Roll out by UCT to an end, drawing all children on the way; back +1 to -1 up from ends.

    A child nobody visited scores 0, so a rollout leaves the way it knows only where that turned out
    badly; of equals the one drawn earlier is taken. Ends are noted when they are drawn and never
    selected; a node without an open child is done. Cost: width steps for every new node of a
    rollout. An end is worth 2 * score - 1, the score the verifier's, else the scorer's, else
    confidence: what the paper has for known answers. Deviations: no code is run for a step, and no
    preference model starts values off. It loses where few rollouts fit. Reference: rstar-math
    """
    plan = Plan(
        simulations=simulations,
        width=width,
        ahead=TO_THE_END,
        ahead_width=width,
        judged=False,
        signed=True,
        parallel=parallel,
        restarts=restarts,
    )
    yield from grow(
        ctx, root, plan, rule="rstar", exploration=exploration, backup="mean", value=outcome(ctx)
    )
