"""Monte Carlo tree search over tokens, led by the model's own probabilities."""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Annotated, Any, Literal

from treeseek.declare import Search, strategy
from treeseek.decoding.samplers import Greedy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Expand, How, Node, Request, Sample, Score, Verify
from treeseek.strategies.measures import SOLVED, confidence, merit, source
from treeseek.strategies.plans import MOST, Simulations, renewed
from treeseek.strategies.visits import selection

_GREEDY = How(sampler=Greedy())


@strategy("puct", "alphazero", "pg-td")
def puct(
    ctx: Context,
    root: Node,
    *,
    simulations: Simulations = None,
    width: Annotated[int, Range(low=1), "children of a node"] = 4,
    exploration: Annotated[float, Range(low=0), "weight of the prior against the value"] = 1.25,
    parallel: Annotated[int, Range(low=1), "leaves in flight"] = 4,
    value: Annotated[
        Literal["auto", "confidence", "scorer", "verifier"] | Callable[[Node], float],
        "what a prefix is worth; auto: the verifier, else the scorer, else confidence",
    ] = "auto",
    rollouts: Annotated[
        int | None, Range(low=0), "completions of a leaf, the first greedy; none: 1 to verify"
    ] = None,
) -> Search:
    """Descend by Q + exploration * P * sqrt(N of the parent) / (1 + N), expand, value, back up.

    P is the law's probability among the children kept; Q the mean value below, scaled to [0, 1]
    between the least and most seen. Confidence is exp(mean log-probability). Cost: one charged node
    a simulation, and the tokens of its rollouts. Every end met is a candidate, and so is the most
    visited path, completed greedily; with a verifier it stops once n are solved. It loses to
    best-first where values seldom disappoint: it pays for coming back. Deviations: a leaf in flight
    counts as a visit of the worst value, a child unvisited has the least seen; no noise at the
    root; means, not PG-TD's maxima, are backed up. Reference: puct, alphazero, pg-td
    """
    value = source(ctx, value, ("verifier", "scorer"))
    if rollouts is None:
        rollouts = 1 if value == "verifier" else 0
    tree = selection(exploration, bounded=value in ("confidence", "verifier"))
    families, nth, met = list[Any]([None]), [0], set[tuple[int, ...]]()

    def node_of(number: int) -> Node:
        return families[number].child(nth[number]) if number else root

    solved, left = 0, simulations or MOST
    while solved < ctx.n and left > 0:
        leaves, descents = tree.collect(min(parallel, left), left)
        left -= descents
        fresh = [node_of(leaf) for leaf in leaves]
        open_ = [node for node in fresh if node.end is None]
        requests: list[Request] = [Expand(node, k=width) for node in open_]
        for node in open_ if rollouts else ():
            requests += completions(node, rollouts)
        replies = (yield requests) if requests else []
        left = renewed(left, simulations, replies)
        rows, runs = iter(replies), iter(replies[len(open_) :])
        targets = [completed(node, runs, rollouts) for node in fresh] if rollouts else [fresh]
        values, marks = yield from appraised(
            ctx, value, [node for part in targets for node in part]
        )
        new = stand(ctx, targets, marks, met)
        solved += sum(mark >= SOLVED for mark in new) if value == "verifier" else 0
        if rollouts:
            every = iter(values)
            values = [sum(next(every) for _ in part) / len(part) for part in targets]
        grown = [next(rows) if node.end is None else None for node in fresh]
        below = [row.scores or row.logprobs if row is not None else [] for row in grown]
        tree.land(leaves, values, below)
        for row, priors in zip(grown, below, strict=True):
            families += [row] * len(priors)
            nth += range(len(priors))
    if solved < ctx.n:
        (reply,) = yield [Sample(node_of(tree.favourite()), how=_GREEDY)]
        targets = [[run.node for run in reply.continuations]]
        _, marks = yield from appraised(ctx, value, targets[0])
        stand(ctx, targets, marks, met)


def completions(node: Node, rollouts: int) -> list[Request]:
    """Requests for `rollouts` completions: one greedy, the others drawn."""
    greedy: list[Request] = [Sample(node, how=_GREEDY)]
    return [*greedy, Sample(node, n=rollouts - 1)] if rollouts > 1 else greedy


def completed(node: Node, runs: Iterator[Any], rollouts: int) -> list[Node]:
    """Where the completions of `node` end, the next of `runs`; an end completes itself."""
    if node.end is not None:
        return [node]
    replies = [next(runs) for _ in range(min(rollouts, 2))]
    return [run.node for reply in replies for run in reply.continuations]


def appraised(
    ctx: Context, value: str | Callable[[Node], float], nodes: Sequence[Node]
) -> Generator[list[Request], Any, tuple[list[float], list[float]]]:
    """What `nodes` are worth to the tree, and as candidates."""
    if value == "verifier" and ctx.verifier is not None and nodes:
        replies = yield [Verify(node, ctx.verifier) for node in nodes]
        verdicts = [reply.verdict for reply in replies]
        return [verdict.score for verdict in verdicts], [merit(verdict) for verdict in verdicts]
    if value == "scorer" and ctx.scorer is not None and nodes:
        (reply,) = yield [Score(tuple(nodes), ctx.scorer)]
        return reply.values, reply.values
    worth = confidence if isinstance(value, str) else value
    values = [worth(node) for node in nodes]
    return values, values


def stand(
    ctx: Context, targets: Sequence[list[Node]], marks: Sequence[float], met: set[tuple[int, ...]]
) -> list[float]:
    """Finish the ends not met before; their marks."""
    new = []
    for node, mark in zip((node for part in targets for node in part), marks, strict=True):
        if node.end is None or node.end in ("budget", "dead"):
            continue
        tokens = tuple(ctx.tokens(node))
        if tokens not in met:
            met.add(tokens)
            ctx.finish(node, score=mark)
            new.append(mark)
    return new
