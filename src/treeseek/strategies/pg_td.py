"""PG-TD: tree search over tokens, each leaf worth the tests that its greedy completion passes."""

from math import exp
from typing import Annotated, Literal

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Expand, Node, Request, Verify
from treeseek.strategies.backups import best
from treeseek.strategies.descents import Descents
from treeseek.strategies.measures import SOLVED, measure
from treeseek.strategies.plans import MOST, Simulations, renewed
from treeseek.strategies.puct import appraised, completed, completions, stand
from treeseek.strategies.rules import RULES
from treeseek.strategies.tallies import Path, Tally


@strategy("pg-td", prunes="tokens")
def pg_td(
    ctx: Context,
    root: Node,
    *,
    simulations: Simulations = None,
    width: Annotated[int, Range(low=1), "likeliest tokens that are children"] = 3,
    rule: Annotated[
        Literal["p-ucb", "var-p-ucb"], "which child; var: exploration grows with visits"
    ] = "var-p-ucb",
    exploration: Annotated[float, Range(low=0), "weight of the prior against the value"] = 4.0,
    parallel: Annotated[int, Range(low=1), "leaves in flight"] = 4,
) -> Search:
    """Look ahead token by token: complete each leaf greedily, back up the best score below.

    The score is the verifier's (a share of tests passed), else the scorer's, else confidence. A
    completion runs through nodes that a later leaf starts from, so that leaf's completion costs
    nothing again, and neither does its verdict. Cost: a node a simulation, and the tokens where
    its completion leaves those known. Every completion is a candidate; it ends once n are solved.
    The maximum trusts one lucky score, so it loses where verdicts are noisy. Deviations: an end is
    never selected again, completions are greedy, not beams, and a token after which the verifier
    calls all lost is no child, where it foresees that: a verdict a child. Reference: pg-td
    """
    by = yield from measure(ctx, root)
    value = "verifier" if ctx.verifier else "scorer" if ctx.scorer else "confidence"
    bounds = None if value == "scorer" else (0.0, 1.0)
    tree = Descents(root, RULES[rule][0], best, exploration=exploration, bounds=bounds)
    met, solved, left = set[tuple[int, ...]](), 0, simulations or MOST
    while left and solved < ctx.n and not tree.root.closed:
        flights: list[Path] = []
        while left and len(flights) < parallel:
            path = tree.descend([tree.root], lambda tally: 0)
            if path[-1].busy:
                break
            tree.depart(path)
            flights.append(path)
            left -= 1
        leaves = [path[-1].node for path in flights]
        requests: list[Request] = [Expand(node, k=width) for node in leaves if not node.is_end]
        rows = len(requests)
        for node in leaves:
            requests += completions(node, 1) if not node.is_end else ()
        replies = (yield requests) if requests else []
        left = renewed(left, simulations, replies)
        runs, children = iter(replies[rows:]), iter(replies[:rows])
        targets = [completed(node, runs, 1) for node in leaves]
        values, marks = yield from appraised(ctx, value, [part[0] for part in targets])
        new = stand(ctx, targets, marks, met)
        solved += sum(mark >= SOLVED for mark in new) if value == "verifier" else 0
        born = [child for row in replies[:rows] for child in row.children if not child.is_end]
        asked: list[Request] = []
        if by.foresees and ctx.verifier is not None:
            asked += [Verify(child, ctx.verifier) for child in born]
        said = (yield asked) if asked else []
        lost = {
            child.handle
            for child, reply in zip(born, said, strict=False)
            if reply.verdict.terminal and not reply.verdict.solved
        }
        for path, node, worth in zip(flights, leaves, values, strict=True):
            path[-1].busy = False
            tree.release(path)
            tree.land(path, worth)
            if not node.is_end:
                row = next(children)
                for child in row.children:
                    if child.handle not in lost:
                        tree.adopt(path[-1], Tally(child, prior=exp(child.score - row.norm)))
            if not path[-1].open:
                tree.close(path[-1], lambda parent: True)
