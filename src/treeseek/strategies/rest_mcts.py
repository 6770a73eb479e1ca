"""ReST-MCTS*: tree search led by a process reward, with short greedy looks ahead."""

from typing import Annotated

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node
from treeseek.strategies.family import grow
from treeseek.strategies.plans import Plan, Simulations


@strategy("rest-mcts", tier="step")
def rest_mcts(
    ctx: Context,
    root: Node,
    *,
    simulations: Simulations = None,
    width: Annotated[int, Range(low=1), "children of a node"] = 3,
    exploration: Annotated[float, Range(low=0), "weight of what was visited little"] = 0.7,
    ahead: Annotated[int, Range(low=1), "steps looked ahead from the best new child"] = 3,
    mix: Annotated[float, Range(low=0, high=1), "weight of the best value met ahead"] = 0.5,
    enough: Annotated[
        float | None, Range(low=0), "an end of this value ends the search; none: no end does"
    ] = 0.9,
    parallel: Annotated[int, Range(low=1), "leaves in flight"] = 4,
    restarts: Annotated[bool, "where all is explored, every node may have more children"] = True,
) -> Search:
    """Descend by V + exploration * sqrt(2 ln N / n), draw, look ahead, back up means by visits.

    A value is the scorer's, else the verifier's, else confidence. A new child's is mixed with the
    best of `ahead` greedy steps below it; above, V is the mean of the children's by their visits.
    Cost: (1 + ahead) * width steps a simulation. It loses to plain mcts where a look ahead costs
    more than the value knows. Deviations: the steps ahead stay in the tree; only an end may end the
    search; no critique asks the model whether to stop; values are as they come, not the paper's
    quality, v + (1 - v) / (m + 1) * (1 - 2r) with m steps missing and r for a wrong one, which a
    scorer may be trained to say. Reference: rest-mcts
    """
    plan = Plan(
        simulations=simulations,
        width=width,
        ahead=ahead,
        ahead_width=width,
        mix=mix,
        enough=enough,
        parallel=parallel,
        restarts=restarts,
    )
    yield from grow(
        ctx, root, plan, rule="rest", exploration=exploration, backup="weighted", value="auto"
    )
