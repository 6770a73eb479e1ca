"""RethinkMCTS: search over thoughts in which a thought that failed is rewritten in its place."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Annotated, Any, TypeAlias

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Derive, Node, Request, Walk
from treeseek.strategies.family import grow, outcome
from treeseek.strategies.growth import Growth
from treeseek.strategies.plans import TO_THE_END, Flight, Plan, Simulations
from treeseek.strategies.steps import cut, steps, worth
from treeseek.strategies.tallies import Path, Tally


def rewrite(prompt: str, before: str, thought: str, feedback: str) -> str:
    """A prompt that shows what failed and why, and ends where the thought began."""
    return (
        f"An earlier answer went on with:\n{thought}\nThis failed: {feedback}\n"
        f"Go on with something else.\n\n{prompt}{before}"
    )


Place: TypeAlias = tuple[Path, Tally | None, Node]
"""A path, the child of its end that the thought is (None: given up), and the thought's node."""


def place(flight: Flight) -> Place | None:
    """Where the last thought of a rollout stands: the first it drew, or the one given up."""
    if flight.end is None:
        return None if flight.lost is None else (flight.path, None, flight.lost)
    if flight.first is None:
        return flight.path, flight.end, flight.end.node
    return flight.path[: flight.first], (old := flight.path[flight.first]), old.node


class Rewriting:
    """What becomes of rollouts that failed: their last thought anew, by the prompt of `rethink`."""

    def __init__(self, rethink: Callable[[str, str, str, str], str]) -> None:
        """Ask by `rethink`."""
        self.rethink = rethink

    def __call__(
        self, growth: Growth, over: list[Flight]
    ) -> Generator[list[Request], Any, list[Flight]]:
        """Rewrite the thoughts of those `over` that failed; the rollouts that go on from them."""
        ctx, tree, places = growth.ctx, growth.tree, list[Place]()
        requests: list[Request] = []
        for flight in over:
            at, said = place(flight), flight.said
            if at is None or said is None or flight.mended or said.mark >= 1.0:
                continue
            before, whole = ctx.text(at[0][-1].node), ctx.text(at[2])
            text = self.rethink(ctx.prompt, before, whole[len(before) :], said.feedback)
            requests.append(Derive(at[2], text))
            places.append(at)
        if not places:
            return []
        roots = yield requests
        drawn = yield [steps(ctx, reply.root) for reply in roots]
        runs = [reply.continuations[0] for reply in drawn]
        kept = [
            (at, run) for at, run in zip(places, runs, strict=True)
            if run.tokens and not cut(run.node)
            and all(child.text != run.tokens for child in at[0][-1].children)
        ]  # fmt: skip
        if not kept:
            return []
        walked = yield [Walk(at[0][-1].node, tuple(run.tokens)) for at, run in kept]
        whats = yield from worth(ctx, [reply.node for reply in walked], growth.by)
        going = []
        for ((path, old, _), run), reply, what in zip(kept, walked, whats, strict=True):
            if what.lost:
                continue
            tree.renew(path, old)
            new = replace(run, logprobs=reply.logprobs, node=reply.node)
            growth.receive(Flight(path, 0), [(new, what)])
            new_path = [*path, path[-1].children[-1]]
            if not new_path[-1].final:
                tree.depart(new_path)
                going.append(Flight(new_path, TO_THE_END, first=len(path), mended=True))
        return going


@strategy("rethink-mcts")
def rethink_mcts(
    ctx: Context,
    root: Node,
    *,
    simulations: Simulations = None,
    width: Annotated[int, Range(low=1), "children of a node"] = 3,
    exploration: Annotated[float, Range(low=0), "weight of the prior against the value"] = 4.0,
    gamma: Annotated[float, Range(low=0, high=1), "discount of a step"] = 1.0,
    rethink: Annotated[
        Callable[[str, str, str, str], str],
        "prompt to rewrite a thought, of the prompt, the text before it, itself and the feedback",
    ] = rewrite,
    parallel: Annotated[int, Range(low=1), "rollouts in flight"] = 4,
    restarts: Annotated[bool, "where all is explored, every node may have more children"] = True,
) -> Search:
    """Roll a leaf out; where the verifier is not content, rewrite its last thought and go on.

    A thought is a step. The prompt that rewrites it (Derive) shows it and the verifier's feedback;
    the answer takes its place in the tree, what stood below is dropped, and it is rolled out in its
    turn, once a rollout. Selection is var-P-UCB, the backup discounted. Cost: a rollout and, where
    it fails, a prompt, a thought twice (drawn, and put in its place) and a second rollout. It loses
    to mcts where feedback says little; without a verifier nothing is rewritten. Deviations: the
    failure stays in the means; no self-evaluation where all passes. Reference: rethink-mcts
    """
    plan = Plan(
        simulations=simulations,
        width=width,
        ahead=TO_THE_END,
        judged=False,
        merge=False,
        parallel=parallel,
        restarts=restarts,
    )
    yield from grow(
        ctx, root, plan, rule="var-p-ucb", exploration=exploration, backup="discounted",
        gamma=gamma, value=outcome(ctx), mend=None if ctx.verifier is None else Rewriting(rethink),
    )  # fmt: skip
