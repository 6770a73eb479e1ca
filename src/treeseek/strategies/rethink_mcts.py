"""RethinkMCTS: search over thoughts in which a thought that failed is rewritten in its place."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Annotated, Any

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Derive, Node, Request, Verify, Walk
from treeseek.strategies.family import grow, outcome
from treeseek.strategies.growth import Growth
from treeseek.strategies.plans import TO_THE_END, Flight, Plan
from treeseek.strategies.steps import cut, steps, worth


def rewrite(prompt: str, before: str, thought: str, feedback: str) -> str:
    """A prompt that shows what failed and why, and ends where the thought began."""
    return (
        f"An earlier answer went on with:\n{thought}\nThis failed: {feedback}\n"
        f"Go on with something else.\n\n{prompt}{before}"
    )


class Rewriting:
    """What becomes of rollouts that failed: their last thought, by the prompt of `rethink`."""

    def __init__(self, rethink: Callable[[str, str, str, str], str]) -> None:
        """Ask by `rethink`."""
        self.rethink = rethink

    def __call__(
        self, growth: Growth, over: list[Flight]
    ) -> Generator[list[Request], Any, list[Flight]]:
        """Rewrite the thoughts of those `over` that failed; the flights that go on from them."""
        ctx, tree = growth.ctx, growth.tree
        ends = [(flight, flight.end) for flight in over if flight.end and not flight.mended]
        if ctx.verifier is None or not ends:
            return []
        verdicts = yield [Verify(end.node, ctx.verifier) for _, end in ends]
        paths, prompts = [], []
        for (flight, end), reply in zip(ends, verdicts, strict=True):
            if reply.verdict.score < 1.0:
                path = flight.path[: flight.first + 1] if flight.first else [*flight.path, end]
                before, thought = ctx.text(path[-2].node), ctx.text(path[-1].node)
                feedback = reply.verdict.feedback
                prompts.append(self.rethink(ctx.prompt, before, thought[len(before) :], feedback))
                paths.append(path)
        if not paths:
            return []
        roots = yield [
            Derive(path[0].node, text) for path, text in zip(paths, prompts, strict=True)
        ]
        drawn = yield [steps(ctx, reply.root) for reply in roots]
        runs = [reply.continuations[0] for reply in drawn]
        kept = [
            (path, run) for path, run in zip(paths, runs, strict=True)
            if run.tokens and not cut(run.node)
            and all(child.text != run.tokens for child in path[-2].children)
        ]  # fmt: skip
        if not kept:
            return []
        walked = yield [Walk(path[-2].node, tuple(run.tokens)) for path, run in kept]
        whats = yield from worth(ctx, [reply.node for reply in walked], growth.by)
        going = []
        for (path, run), reply, what in zip(kept, walked, whats, strict=True):
            if what.lost:
                continue
            *above, old = path
            tree.drop(above, old)
            new = replace(run, logprobs=reply.logprobs, node=reply.node)
            growth.receive(Flight(above, 0), [(new, what)])
            path = [*above, above[-1].children[-1]]
            if not path[-1].final:
                tree.depart(path)
                going.append(Flight(path, TO_THE_END, first=len(above), mended=True))
        return going


@strategy("rethink-mcts")
def rethink_mcts(
    ctx: Context,
    root: Node,
    *,
    simulations: Annotated[int, Range(low=1), "rollouts"] = 16,
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
