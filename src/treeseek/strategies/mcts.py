"""Monte Carlo tree search over the steps of an answer, with every part an option.

This file believes that one generator serves the family, and that what tells its members apart is
said in a line each. Those published under a name of their own stand beside it; `puct` is the search
over single tokens.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from treeseek.declare import Search, strategy
from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node
from treeseek.strategies.family import grow, outcome
from treeseek.strategies.plans import TO_THE_END, Plan, Simulations


def _fit(**options: Any) -> None:
    if options["again"] and options["widening"]:
        raise InvalidOption(
            "mcts(again=True): a visit of an end asks for no more children; set widening=0."
        )


@strategy(
    "uct", "puct", "alphazero", "alphamath", "progressive-widening", "blueprint",
    tier="step", check=_fit,
)  # fmt: skip
def mcts(
    ctx: Context,
    root: Node,
    *,
    simulations: Simulations = None,
    width: Annotated[int, Range(low=1), "children drawn from a node at first"] = 4,
    rule: Annotated[
        Literal[
            "uct",
            "uct-fast",
            "uct-prior",
            "puct",
            "alphazero",
            "unled",
            "p-ucb",
            "var-p-ucb",
            "rest",
            "rstar",
        ],
        "which child a descent takes",
    ] = "puct",
    exploration: Annotated[
        float | None, Range(low=0), "its weight against the value; none: the rule's own"
    ] = None,
    backup: Annotated[
        Literal["mean", "best", "discounted", "weighted", "opposed"],
        "what values found below make of a node's; opposed: two players take turns",
    ] = "mean",
    gamma: Annotated[
        float, Range(low=0, high=1), "discount of a step: discounted, weighted"
    ] = 0.96,
    rate: Annotated[
        float, Range(above=0, high=1), "part that a value moves towards its children's: weighted"
    ] = 1.0,
    value: Annotated[
        Literal["auto", "scorer", "verifier", "confidence", "rollouts"] | Callable[[Node], float],
        "what a prefix is worth; auto: the scorer, else rollouts to verify, else confidence",
    ] = "auto",
    ahead: Annotated[int, Range(low=0), "steps that a simulation goes on below its leaf"] = 0,
    mix: Annotated[float, Range(low=0, high=1), "weight of what is met ahead"] = 0.5,
    widening: Annotated[
        float, Range(low=0, below=1), "after n simulations a node has width * n**widening children"
    ] = 0.5,
    parallel: Annotated[int, Range(low=1), "leaves in flight"] = 4,
    merge: Annotated[bool, "prefixes of one state, by the verifier, are one node"] = True,
    again: Annotated[bool, "ends are visited again, as where values are wanted"] = False,
    restarts: Annotated[bool, "where all is explored, every node may have more children"] = True,
    noise: Annotated[float, Range(low=0, high=1), "share of Dirichlet(0.3) in root priors"] = 0.0,
    enough: Annotated[float | None, "an end of this value ends the search"] = None,
) -> Search:
    """Descend by a rule, draw children, judge them, back their values up.

    A simulation counts the value of every child drawn; with ahead=k once, by its first child and
    the best of k steps more; rollouts judge ends alone, and each goes on step by step to an end, in
    the tree. It goes on until nothing is open, n are solved, or the budget ends. Cost: width steps
    a simulation, each token once. It loses to best-of-n where values tell little: its descents
    crowd. Deviations: a leaf in flight counts as a visit of the worst value; ends are never visited
    again; prefixes of one state, by the verifier, are one node, and those it calls lost are
    dropped; P of a step is exp(mean log-probability).
    Reference: uct, puct, alphazero, alphamath, progressive-widening, blueprint
    """
    rollouts = value == "rollouts" or (value == "auto" and ctx.verifier and not ctx.scorer)
    plan = Plan(
        simulations=simulations,
        width=width,
        widening=widening,
        parallel=parallel,
        judged=not rollouts,
        ahead=TO_THE_END if rollouts else ahead,
        mix=mix,
        merge=merge,
        again=again,
        restarts=restarts,
        noise=noise,
        enough=enough,
    )
    yield from grow(
        ctx, root, plan, rule=rule, exploration=exploration, backup=backup, gamma=gamma,
        rate=rate, value=outcome(ctx) if rollouts else value,
    )  # fmt: skip
