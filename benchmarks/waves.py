"""Levels at once or waves, by the layers of transformers: `python -m benchmarks.waves [--write]`.

Blocks of orders (benchmarks/blocks.py) without attention of our own: all levels of the new
sub-trie in one call, attention over the slots of each row's path (the route "tree"), against
heavy-path waves (at each branching the child with most orders is followed; what branches off is the
next wave) in rectangular batches with a cache of their own, and against padded batches. And how
much of the time of a block by the kernels is not theirs: tree, names, charges, replies.
"""

import argparse
import json
import time
from collections.abc import Iterator
from typing import Any

import torch
from transformers import DynamicCache

from benchmarks.arms import Arm, Spread, interleave, ratio
from benchmarks.blocks import BLOCKS, Scored, words_of
from benchmarks.machine import machine
from benchmarks.models import Pair, pair
from benchmarks.report import machine_line, write_section

BATCH = 32
"""Paths of a rectangular batch."""
NAMES = ("swap", "insert", "3-opt", "tail of 5")
State = tuple[list[tuple[torch.Tensor, torch.Tensor]], int]
"""Keys and values by layer [batch, heads, tokens, width] and the row of a path in them."""


class Heavy:
    """Heavy paths of a trie of runs behind one first token, by wave."""

    def __init__(self, first: int, runs: list[list[int]]) -> None:
        """Enter `runs` and cut them into paths."""
        self.tokens, self.parents, self.depths = [first], [-1], [0]
        self.children: list[dict[int, int]] = [{}]
        passed = [0]
        self.ends: list[list[int]] = []
        """Nodes of each run."""
        for run in runs:
            at, path = 0, []
            for token in run:
                if token not in self.children[at]:
                    self.children[at][token] = len(self.tokens)
                    self.tokens.append(token)
                    self.parents.append(at)
                    self.depths.append(self.depths[at] + 1)
                    self.children.append({})
                    passed.append(0)
                at = self.children[at][token]
                passed[at] += 1
                path.append(at)
            self.ends.append(path)
        self.waves: list[list[list[int]]] = []
        heads = [0]
        while heads:
            wave, later = [], []
            for head in heads:
                path, at = [head], head
                while self.children[at]:
                    below = sorted(self.children[at].values(), key=lambda node: -passed[node])
                    later += below[1:]
                    at = below[0]
                    path.append(at)
                wave.append(path)
            self.waves.append(wave)
            heads = [head for head in later if self.children[head]]

    def batches(self) -> Iterator[list[list[int]]]:
        """Paths that are fed together, those of a wave by where they start."""
        for wave in self.waves:
            wave.sort(key=lambda path: self.depths[path[0]])
            yield from (wave[at : at + BATCH] for at in range(0, len(wave), BATCH))


class Waves:
    """One block by waves on top of transformers: a path is fed once, behind its prefix's keys."""

    def __init__(self, scored: Scored) -> None:
        """Score the orders of `scored`."""
        self.scored, self.network = scored, scored.made.network
        self.fed = 0

    def run(self) -> int:
        """Score all orders; their rows."""
        heavy = Heavy(self.scored.prompt[0], self.scored.runs)
        losses = [0.0] * len(heavy.tokens)
        owner: dict[int, State] = {}
        """Where the keys of each node and of all before it are."""
        self.fed = 0
        for batch in heavy.batches():
            self._feed(heavy, batch, owner, losses)
        self.scored.heard["waves"] = [sum(losses[at] for at in path) for path in heavy.ends]
        return self.scored.rows

    def _feed(
        self, heavy: Heavy, batch: list[list[int]], owner: dict[int, State], losses: list[float]
    ) -> None:
        """Feed `batch` from the depth of its first start on; earlier rows are fed again."""
        begin = min(heavy.depths[path[0]] for path in batch)
        rows = []
        for path in batch:
            row = path[:-1]  # nobody asks behind a leaf
            while heavy.depths[row[0]] > begin:
                row = [heavy.parents[row[0]], *row]
            rows.append(row)
        longest = max(map(len, rows))
        ids = torch.tensor(
            [[heavy.tokens[n] for n in row] + [0] * (longest - len(row)) for row in rows]
        )
        cache = DynamicCache()
        if begin:
            above = [owner[heavy.parents[row[0]]] for row in rows]
            for layer in range(self.network.config.num_hidden_layers):
                cache.update(
                    *(
                        torch.stack([held[layer][part][at, :, :begin] for held, at in above])
                        for part in (0, 1)
                    ),
                    layer,
                )
        with torch.inference_mode():
            logits = self.network(input_ids=ids, past_key_values=cache, use_cache=True).logits
            lse = torch.logsumexp(logits, -1)
        self.fed += ids.numel()
        held = [(layer.keys, layer.values) for layer in cache.layers]
        where: list[tuple[int, int, int]] = []
        for at, row in enumerate(rows):
            for place, node in enumerate(row):
                if node not in owner:
                    owner[node] = (held, at)
                    where += [(at, place, child) for child in heavy.children[node].values()]
        picked = [(at, place, heavy.tokens[child]) for at, place, child in where]
        lines, places, tokens = torch.tensor(picked).T
        found = (lse[lines, places] - logits[lines, places, tokens]).double().tolist()
        for (_, _, child), loss in zip(where, found, strict=True):
            losses[child] = loss


def waves(made: Pair, rounds: int, report: dict[str, Any]) -> list[str]:
    """Levels against waves against padded batches; lines of Markdown."""
    lines = [
        "Levels, waves: CPU time of padded batches over theirs, round by round. Fed: tokens over",
        "distinct prefixes. Off: largest difference of a loss from the padded batch's.",
        "",
        "| block | limit | levels | fed | waves | fed | waves / levels | off, nats |",
        "|---|---|---|---|---|---|---|---|",
    ]
    words = words_of(made)
    for block in (one for one in BLOCKS if one.name in NAMES):
        scored = Scored(made, words, block)
        by = Waves(scored)
        arms = [
            Arm("levels", scored.together),
            Arm("waves", by.run),
            Arm("padded", lambda scored=scored: scored.padded(16)),  # type: ignore[misc]
        ]
        interleave(arms, rounds=rounds)
        levels, waved, padded = arms
        truth = scored.heard["padded"]
        off = max(
            abs(own - one)
            for name in ("together", "waves")
            for own, one in zip(scored.heard[name], truth, strict=True)
        )
        cells = [
            block.name, f"{scored.limit:.2f}", ratio(padded, levels),
            f"{scored.computed / scored.distinct:.2f}", ratio(padded, waved),
            f"{by.fed / scored.distinct:.2f}", ratio(waved, levels), f"{off:.1e}",
        ]  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
        print(lines[-1], flush=True)
        report[block.name] = ratio(waved, levels).median
    return lines


def outside(made: Pair, rounds: int, report: dict[str, Any]) -> list[str]:
    """How much of a block by the kernels is not spent in the backend; lines of Markdown."""
    lines = ["", "| kernels, block | CPU time outside the backend |", "|---|---|"]
    backend: Any = made.lm.backend
    walker, inside = backend.walk, [0.0]

    def timed(*asked: Any) -> Iterator[Any]:
        some = walker(*asked)
        while True:
            begin = time.process_time()
            found = next(some, None)
            inside[0] += time.process_time() - begin
            if found is None:
                return
            yield found

    backend.walk = timed
    for block in (one for one in BLOCKS if one.name in NAMES):
        scored, shares = Scored(made, words_of(made), block), []
        for turn in range(rounds + 1):
            inside[0], begin = 0.0, time.process_time()
            scored.together()
            if turn:
                shares.append(100.0 * (1.0 - inside[0] / (time.process_time() - begin)))
        share = Spread.of(shares)
        lines.append(f"| {made.name}, {block.name} | {share} % |")
        print(lines[-1], flush=True)
        report[f"outside, {block.name}"] = share.median
    backend.walk = walker
    return lines


def main() -> None:
    """Measure, print, and end in one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="A", help="which, by name")
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds of each block")
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    facts = machine(1)
    report: dict[str, Any] = {"machine": facts}
    plain, compiled = pair(options.model, route="tree"), pair(options.model)
    assert plain is not None and compiled is not None, "no such model here"
    lines = [
        machine_line(facts), "",
        *waves(plain, options.rounds, report), *outside(compiled, options.rounds, report),
    ]  # fmt: skip
    if options.write:
        write_section("order: levels or waves", lines)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
