"""Tree of thoughts: breadth-first over levels, or depth-first with pruning."""

import math
import re
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from treeseek.declare import Search, strategy
from treeseek.decoding.stops import Stop
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Derive, Node, Request, Sample
from treeseek.strategies.levels import Pass, Passing, grown, levels
from treeseek.strategies.measures import Valued, measure
from treeseek.strategies.prefixes import Prefix, Same, best, last, merged
from treeseek.strategies.restarts import Fresh, Restarts, repeated

ASKS = 3
"""How often a prefix is asked for the different steps that are still missing."""


def ballot(prompt: str, texts: Sequence[str]) -> str:
    """A prompt that asks which of `texts` is the best way on; the answer begins with its number."""
    choices = "".join(f"Choice {place}:\n{text}\n" for place, text in enumerate(texts, 1))
    return f"{prompt}\n{choices}The best choice is number "


@strategy("tree-of-thoughts", tier="step")
def tot(
    ctx: Context,
    root: Node,
    *,
    search: Annotated[Literal["bfs", "dfs"], "level by level, or deep first"] = "bfs",
    generate: Annotated[
        Literal["sample", "propose"], "width draws, or draws until width steps differ"
    ] = "propose",
    width: Annotated[int, Range(low=1), "thoughts for each prefix"] = 3,
    evaluate: Annotated[
        Literal["value", "vote"], "each by what it is worth, or by votes of the model among all"
    ] = "value",
    select: Annotated[
        Literal["greedy", "sample"], "the best, or drawn in proportion to what they are worth"
    ] = "greedy",
    beams: Annotated[int, Range(low=1), "prefixes kept: of a level (bfs), of a family (dfs)"] = 5,
    prune: Annotated[float, "worth that a prefix must be above to be gone on from"] = -math.inf,
    votes: Annotated[int, Range(low=1), "votes drawn, where the model votes"] = 5,
    ask: Annotated[Callable[[str, Sequence[str]], str], "the ballot, of prompt and texts"] = ballot,
    value: Valued = "auto",
    restarts: Restarts = None,
    fresh: Fresh = True,
) -> Search:
    """Grow thoughts (steps) of every prefix kept, judge them, and go on from the best.

    bfs keeps `beams` of a level, whichever they come from; dfs goes on from the best child first
    and comes back, and ends when all was seen. Cost: at most beams * width steps a level, and for
    votes a derived prompt a level. Thoughts that are one take one place. It loses to plain draws
    where the value is no better than chance. Deviations: in the paper prompts propose and value
    thoughts; here different steps are drawn, and the caller's scorer or verifier values them.
    Reference: tree-of-thoughts
    """
    by = yield from measure(ctx, root, value)
    asks, turn = ASKS if generate == "propose" else 1, 0

    def chosen(children: Sequence[Prefix], taken: Mapping[Same, int]) -> list[Prefix]:
        nonlocal turn
        turn += 1
        pool = [at for at in merged(children) if not at.closed and last(at) > prune]
        if select == "greedy":
            return best(pool, beams, taken=taken)
        rng, least = ctx.rng("select", turn), min([0.0, *map(last, pool)])
        weights = [last(at) - least for at in pool]
        keys = [math.log(1 - rng.random()) / weight if weight else -math.inf for weight in weights]
        order = sorted(range(len(pool)), key=lambda at: -keys[at])
        return [pool[at] for at in order[:beams]]

    def voted(children: list[Prefix]) -> Generator[list[Request], Any, list[Prefix]]:
        children = merged(children)
        if len(children) < 2:
            return children
        texts = [ctx.text(child.node) for child in children]
        (derived,) = yield [Derive(root, ask(ctx.prompt, texts))]
        (reply,) = yield [Sample(derived.root, n=votes, until=Stop(("\n",)), limit=8)]
        named = [re.search(r"\d+", ctx.text(run.node)) for run in reply.continuations]
        count = Counter(int(number[0]) for number in named if number)
        shares = [count[place] / votes for place in range(1, len(children) + 1)]
        return [
            replace(child, values=(*child.values[:-1], share))
            for child, share in zip(children, shares, strict=True)
        ]

    weigh = voted if evaluate == "vote" else None

    def deep(taken: Mapping[Same, int]) -> Passing:
        run, stack = Pass(), [Prefix(root)]
        while stack and len(set(run.solved)) < ctx.n:
            children = yield from grown(ctx, [stack.pop()], by, run, width=width, asks=asks)
            if weigh is not None:
                children = yield from weigh(children)
            going = chosen(children, taken)
            stack += reversed(going)
            run.gone += [child.same for child in going]
        return run

    def wide(taken: Mapping[Same, int]) -> Passing:
        return levels(
            ctx, [Prefix(root)], by, width=width, asks=asks, weigh=weigh,
            keep=lambda children: chosen(children, taken),
        )  # fmt: skip

    yield from repeated(ctx, wide if search == "bfs" else deep, restarts=restarts, fresh=fresh)
