"""Continue a text three ways with the embedded model, and see what each was charged."""

import treeseek
from treeseek.strategies import beam, greedy, sample

lm = treeseek.load("embedded")
prompt = "Once upon a time"

# The three searches grow one tree: what one has computed, the next one does not compute again.
for strategy, warp in (
    (greedy(), None),
    (beam(width=4), None),
    (sample(), treeseek.Warp(temperature=0.8, top_p=0.95)),
):
    result = treeseek.search(prompt, model=lm, strategy=strategy, warp=warp, limit=24, seed=1)
    best, cost = result.best, result.cost
    print(f"{result.strategy}\n  {prompt}{best.text}")
    print(
        f"  log-probability {best.logprob:.2f}, {cost.tokens} tokens charged, "
        f"{cost.tokens_computed} computed, {cost.tokens_reused} reused"
    )
