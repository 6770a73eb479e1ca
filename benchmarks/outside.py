"""What a call costs outside the model: `python -m benchmarks.outside [--write]`.

64 nodes behind a prompt of 1,024 tokens on model A, each expanded for its 8 likeliest tokens, then
their first children. Wall time of a call is taken apart: the model (forward and head); the plan
(what else the backend does: cold rows, slots, paths); the pass over the vocabulary; the search
(tree, scheduler, ledger, replies, and the strategy itself).
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

import treeseek
from benchmarks.arms import Spread
from benchmarks.machine import machine
from benchmarks.models import Pair, pair
from benchmarks.report import machine_line, write_section
from treeseek.declare import strategy
from treeseek.requests import Expand
from treeseek.scheduler import serving

NODES, CONTEXT = 64, 1024
GOAL = 0.3 + 0.005 * NODES


@strategy()
def levels(ctx: Any, root: Any, *, nodes: int = 64, rounds: int = 8) -> Any:
    """Grow `nodes` continuations of the root token by token."""
    (first,) = yield [Expand(root, k=nodes)]
    front = first.children
    for _ in range(rounds):
        replies = yield [Expand(node, k=8) for node in front]
        front = [reply.child(0) for reply in replies]


def outside(made: Pair, rounds: int, *, empty: bool = False) -> dict[str, Spread]:
    """Milliseconds a call by part; `empty`: the model is left out and gives the same row always."""
    clock = time.perf_counter
    inside = dict.fromkeys(("model", "backend", "vocabulary"), 0.0)

    def timed(part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            begin = clock()
            try:
                return call(*args, **options)
            finally:
                inside[part] += clock() - begin

        return run

    backend: Any = made.lm.backend
    route, head, at_once, summarise, expand = (
        backend.route.rows, backend.head, backend._at_once, serving.summarise, backend.expand
    )  # fmt: skip

    def blocks(nodes: Sequence[int]) -> Iterator[Any]:
        found = iter(expand(nodes))
        step = timed("backend", lambda: next(found, None))
        while (block := step()) is not None:
            yield block

    model = (route, head, at_once)
    if empty:
        hidden = torch.zeros(1, made.network.config.hidden_size)
        logits = torch.arange(float(made.lm.vocabulary)).flip(0)[None].sin()
        model = (
            lambda layout: hidden.expand(layout.count, -1),
            lambda rows: logits.expand(len(rows), -1),
            lambda layout, asked: logits.expand(asked, -1),
        )
    parts: dict[str, list[float]] = {name: [] for name in ("model", "plan", "vocabulary", "search")}
    try:
        backend.route.rows, backend.head, whole = (timed("model", part) for part in model)
        backend._at_once = None if at_once is None else whole
        backend.expand, serving.summarise = blocks, timed("vocabulary", summarise)
        for _ in range(rounds):
            made.lm.clear()
            run = treeseek.start(
                (made.prompt * CONTEXT)[:CONTEXT], model=made.lm, strategy=levels(), limit=64
            )
            run.step()
            run.step()
            while True:
                inside.update(model=0.0, backend=0.0, vocabulary=0.0)
                begin = clock()
                going = run.step()
                took = clock() - begin
                if not going:
                    break
                parts["model"].append(inside["model"])
                parts["plan"].append(inside["backend"] - inside["model"])
                parts["vocabulary"].append(inside["vocabulary"])
                parts["search"].append(took - inside["backend"] - inside["vocabulary"])
    finally:
        backend.route.rows, backend.head, backend._at_once = route, head, at_once
        backend.expand, serving.summarise = expand, summarise
    return {name: Spread.of([1e3 * value for value in values]) for name, values in parts.items()}


def main() -> None:
    """Measure, print, and end in one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three rounds")
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    options = parser.parse_args()
    facts = machine(1)
    lines = [
        machine_line(facts),
        "",
        f"ms a call of {NODES} nodes at context {CONTEXT}, model A: median [quartiles]. Goal for",
        f"all but the model and the pass over the vocabulary: {GOAL:.2f} ms. With the model left",
        "out, nothing empties the processor's caches between two calls.",
        "",
        "| route | plan | search | vocabulary | model |",
        "|---|---|---|---|---|",
    ]
    report: dict[str, Any] = {"machine": facts}
    for name in ("native", "native, model left out", "fused", "tree"):
        route = name.partition(",")[0]
        made = pair("A", route=route)
        assert made is not None
        torch.set_num_threads(1)
        found = outside(made, 3 if options.quick else 9, empty=name != route)
        report[name] = {part: spread.median for part, spread in found.items()}
        shown = [str(found[part]) for part in ("plan", "search", "vocabulary", "model")]
        lines.append(f"| {name} | " + " | ".join(shown) + " |")
    print("\n".join(lines))
    if options.write:
        write_section("outside the model", lines)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
