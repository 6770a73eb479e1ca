"""A strategy of our own, run beside greedy on a toy model whose every probability is exact."""

from typing import Annotated

import treeseek
from treeseek import Expand, Range, strategy


@strategy()
def cautious(
    ctx, root, *, spread: Annotated[float, Range(above=0), "nats that make a token a rival"] = 0.5
):
    """Follow the likeliest token, and every rival within `spread` nats of it as well."""
    open_ = [root]
    while open_:
        replies = yield [Expand(node, k=4) for node in open_]
        open_ = []
        for reply in replies:
            for child in reply.children:
                if child.logprob >= reply.children[0].logprob - spread:
                    ctx.finish(child) if child.is_end else open_.append(child)


lm = treeseek.load("toy:hash?vocabulary=6&seed=4")
options = {"model": lm, "limit": 8, "n": 3, "budget": 200}
alone = treeseek.search("ab", strategy=treeseek.strategies.greedy(), **options)
for spread in (0.2, 0.6):
    found = treeseek.search("ab", strategy=cautious(spread=spread), **options)
    assert found.best.logprob >= alone.best.logprob and found.cost.tokens <= 200
    print(f"{found.strategy}: {found.cost.tokens} tokens charged")
    for candidate in found.candidates[: found.n]:
        print(f"  {candidate.text:8} {candidate.logprob:.3f}  {candidate.finish}")
print(f"greedy: {alone.best.text} {alone.best.logprob:.3f}")
