"""Drive a strategy without any model: answer its requests from a table written down here."""

import math

import treeseek
from treeseek.strategies import beam

# Probabilities of the next token: 0 and 1 are words, 2 ends a text. 0 looks better at first.
AFTER = {(): [0.6, 0.4, 0.0], (0,): [0.3, 0.3, 0.4], (1,): [0.05, 0.05, 0.9]}

live = treeseek.drive(beam(width=2), prompt=[7], ends=frozenset([2]), limit=3)
while (requests := live.ask()) is not None:
    records = []
    for request in requests:
        path = tuple(live.path_tokens(request.node.handle))
        row = AFTER.get(path, [0.0, 0.0, 1.0])
        tokens = sorted((t for t in range(3) if row[t] > 0), key=lambda t: (-row[t], t))
        logprobs = [math.log(row[t]) for t in tokens]
        print(f"asked for {path}: answered { ({t: row[t] for t in tokens}) }")
        records.append({"kind": "expanded", "tokens": tokens, "logprobs": logprobs})
    live.tell(records)

for found in live.candidates:
    tokens = live.path_tokens(found.node.handle)
    print(f"found {tokens}: probability {math.exp(found.node.total):.2f}, {found.finish}")
