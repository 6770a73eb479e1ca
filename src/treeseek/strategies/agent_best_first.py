"""Best-first search of an agent over the states its actions lead to."""

from collections import Counter
from collections.abc import Mapping
from heapq import heappop, heappush
from itertools import count
from typing import Annotated

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node
from treeseek.strategies.acting import Turns, View, action, actions
from treeseek.strategies.levels import Pass, Passing
from treeseek.strategies.measures import Valued, measure
from treeseek.strategies.prefixes import Same
from treeseek.strategies.restarts import Restarts, repeated
from treeseek.strategies.steps import identity, worth

FEWEST_DRAWS = 20


@strategy("search-agents")
def agent_best_first(
    ctx: Context,
    root: Node,
    *,
    width: Annotated[int, Range(low=1), "actions tried in a state: those drawn most often"] = 5,
    depth: Annotated[int, Range(low=1), "actions in a row at most"] = 5,
    values: Annotated[int | None, Range(low=1), "states valued in a run; none: no bound"] = None,
    enough: Annotated[float, "value at which a run ends"] = 1.0,
    view: View = None,
    value: Valued = "auto",
    restarts: Restarts = None,
) -> Search:
    """Value the most promising state, draw actions there, and queue where each of them leads.

    An action waits with the value of the state it is taken in and its own is asked when its turn
    comes. Of max(2 * width, 20) draws the `width` commonest different ones are tried. A state met
    before is not gone on from again. Cost: a value a state, and the draws, equal ones charged once.
    It loses where actions cannot be taken back, or values say little before the end. Deviations:
    the paper values 20 states to depth 5 and commits to the best; here what a state's verdict
    closes, and every state at full depth, is a candidate. Reference: search-agents
    """
    by = yield from measure(ctx, root, value)
    draws = max(2 * width, FEWEST_DRAWS)

    def once(taken: Mapping[Same, int]) -> Passing:
        run, arrival, left = Pass(), count(), values
        heap: list[tuple[float, int, Node, Node, Turns]] = [(0.0, next(arrival), root, root, ())]
        met: set[Same] = set()
        while heap and left != 0 and len(set(run.solved)) < ctx.n:
            _, _, before, node, turns = heappop(heap)
            (found,) = yield from worth(ctx, [node], by)
            left = None if left is None else left - 1
            same = identity(ctx, node, found.state)
            if found.solved:
                run.solved.append(ctx.text(node))
            if found.value >= enough and found.closed:
                break
            if found.closed or found.lost or same in met:
                continue
            met.add(same)
            if node.depth:
                turns = (*turns, (action(ctx, before, node), found.feedback))
            if len(turns) >= depth:
                ctx.finish(node, score=found.mark)
                continue
            prompt = None if view is None else view(ctx.prompt, turns)
            drawn = yield from actions(ctx, node, run, n=draws, prompt=prompt)
            texts = [ctx.text(child) for child in drawn]
            for text, _ in Counter(texts).most_common(width):
                child = drawn[texts.index(text)]
                heappush(heap, (-found.value, next(arrival), node, child, turns))
        return run

    yield from repeated(ctx, once, restarts=restarts)
