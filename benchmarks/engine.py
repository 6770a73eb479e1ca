"""The engine beside transformers, and by itself: `python -m benchmarks.engine [--quick]`.

Every row is a ratio of CPU time, ours against the peer's, from interleaved rounds with equal token
counts; wall-clock ratios stand beside it. Each model is served by each of its routes in turn. The
last line is one JSON object. `--write` puts each model's table into benchmarks/RESULTS.md.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

import treeseek
from benchmarks.arms import Arm, Spread, interleave, ratio
from benchmarks.machine import machine
from benchmarks.models import Pair, pair
from benchmarks.outside import levels
from benchmarks.report import engine_lines, write_section

GOALS = {
    "tree": {
        "greedy": {"A": 0.97, "B": 0.97, "stories260K": 0.97, "embedded": 0.97},
        "beam 8": {"A": 1.1, "B": 1.0},
        "8 samples": {"A": 1.1, "B": 1.0, "stories260K": 1.5, "embedded": 1.5},
        "8 searches at once": {"A": 2.5, "B": 2.5, "stories260K": 2.5, "embedded": 2.5},
    },
    "fused": {"greedy": {"A": 1.35, "B": 1.05}},
    "native": {
        "greedy": {"A": 2.4, "B": 1.9},
        "beam 8": {"A": 2.9, "B": 2.4},
        "8 samples": {"A": 3.0, "B": 2.5, "stories260K": 1.5, "embedded": 1.5},
        "8 searches at once": {"A": 3.5, "B": 3.5, "stories260K": 2.5, "embedded": 2.5},
    },
    "int8": {"greedy": {"A": 4.0, "B": 3.2}, "beam 8": {"A": 4.5, "B": 5.0}},
}
"""Ratios to reach, by route, work and model."""
ROUTES = ("native", "int8", "fused", "tree")


@dataclass
class Row:
    """One line of the table."""

    model: str
    route: str
    what: str
    ratio: str
    cpu: float
    wall: float
    goal: float | None
    tokens: int
    computed: str
    detail: dict[str, Any] = field(default_factory=dict)


def compare(
    made: Pair,
    what: str,
    ours: Callable[[], int],
    theirs: Callable[[], int],
    rounds: int,
    *,
    alone: bool = False,
) -> Row:
    """Time two arms in turn and make a row; the tree is emptied before each of our runs.

    `alone`: the other arm is ours too.
    """
    before = made.lm.backend.spent
    arms = [
        Arm("theirs", theirs, made.lm.clear if alone else lambda: None),
        Arm("ours", ours, made.lm.clear),
    ]
    interleave(arms, rounds=rounds)
    cpu, wall = ratio(arms[0], arms[1]), ratio(arms[0], arms[1], "wall")
    assert before.recomputed == 0, "something was evicted"
    per = Spread.of([1e3 * seconds / arms[1].tokens for seconds in arms[1].cpu])
    goal = GOALS[made.route].get(what, {}).get(made.name)
    return Row(
        made.name, made.route, what, str(cpu), cpu.median, wall.median, goal,
        arms[1].tokens, once(made), {"ms_a_token": str(per), "wall": str(wall)},
    )  # fmt: skip


def once(made: Pair) -> str:
    """Tokens put through the model for each distinct prefix in the tree, in the last run."""
    spent, tree = made.lm.backend.spent, made.lm.tree
    computed = spent.computed - made.counted
    return f"{computed / made.lm.backend.warm():.2f}" if len(tree) else "-"


def greedy(made: Pair, length: int, rounds: int) -> Row:
    """One continuation, batch 1, against `generate`."""

    def ours() -> int:
        made.mark()
        result = treeseek.search(made.prompt, model=made.lm, limit=length)
        assert result.best is not None
        outputs["ours"] = list(result.best.token_ids)
        return result.best.tokens

    def theirs() -> int:
        out = made.generate(length, do_sample=False)
        outputs["theirs"] = out[0].tolist()
        return len(out[0])

    outputs: dict[str, list[int]] = {}
    row = compare(made, "greedy", ours, theirs, rounds)
    row.detail["same text"] = outputs["ours"] == outputs["theirs"]
    return row


def beam(made: Pair, length: int, rounds: int) -> Row:
    """Beam search of width 8, all eight beams compared."""
    search = treeseek.strategies.beam(width=8)

    def ours() -> int:
        made.mark()
        result = treeseek.search(made.prompt, model=made.lm, limit=length, strategy=search, n=8)
        outputs["ours"] = [list(c.token_ids) for c in result.candidates]
        return sum(c.tokens for c in result.candidates)

    def theirs() -> int:
        out = made.generate(length, do_sample=False, num_beams=8, num_return_sequences=8)
        outputs["theirs"] = out.tolist()
        return int(out.numel())

    outputs: dict[str, list[list[int]]] = {}
    row = compare(made, "beam 8", ours, theirs, rounds)
    row.detail["same beams"] = outputs["ours"] == outputs["theirs"]
    return row


def samples(made: Pair, length: int, rounds: int) -> Row:
    """Eight samples of one prompt at temperature 1."""
    search = treeseek.strategies.sample()
    seeds = iter(range(10**6))

    def ours() -> int:
        made.mark()
        result = treeseek.search(
            made.prompt, model=made.lm, limit=length, strategy=search, n=8, seed=next(seeds)
        )
        return sum(c.tokens for c in result.candidates)

    def theirs() -> int:
        out = made.generate(
            length, do_sample=True, num_return_sequences=8, top_k=0, top_p=1.0, temperature=1.0
        )
        return int(out.numel())

    return compare(made, "8 samples", ours, theirs, rounds)


def together(made: Pair, length: int, rounds: int) -> Row:
    """Eight searches on eight prompts: at once against one after another, both ours."""
    prompts = [[*made.prompt[:-1], 5 + i] for i in range(8)]
    prompts = [[7 + i, *prompt[1:]] for i, prompt in enumerate(prompts)]

    def at_once() -> int:
        made.mark()
        results = treeseek.search_all(prompts, model=made.lm, limit=length)
        return sum(r.best.tokens for r in results if r.best)

    def in_turn() -> int:
        made.mark()
        results = [treeseek.search(p, model=made.lm, limit=length) for p in prompts]
        return sum(r.best.tokens for r in results if r.best)

    return compare(made, "8 searches at once", at_once, in_turn, rounds, alone=True)


def widths(made: Pair, rounds: int) -> list[dict[str, Any]]:
    """Milliseconds of CPU time for one expand of N nodes, N = 1 ... 128."""
    table = []
    for nodes in (1, 2, 4, 8, 16, 32, 64, 128):
        per = []
        for _ in range(rounds):
            made.lm.clear()
            run = treeseek.start(
                made.prompt, model=made.lm, strategy=levels(nodes=nodes, rounds=6), limit=64
            )
            run.step()
            run.step()
            begin, calls = time.process_time(), made.lm.backend.spent.forwards
            while run.step():
                pass
            calls = made.lm.backend.spent.forwards - calls
            per.append(1e3 * (time.process_time() - begin) / max(calls, 1))
        spread = Spread.of(per)
        table.append({"nodes": nodes, "ms": round(spread.median, 3), "spread": str(spread)})
    return table


def main() -> None:
    """Measure, print, and end in one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small models, three rounds")
    parser.add_argument("--only", action="append", help="a model: A, B, stories260K, embedded")
    parser.add_argument(
        "--route", action="append", help="native, int8, fused or tree (default all)"
    )
    parser.add_argument("--rounds", type=int, help="counted rounds (default 9, quick 3)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(options.threads)
    rounds = options.rounds or (3 if options.quick else 9)
    names = options.only or (
        ["stories260K", "embedded"] if options.quick else ["stories260K", "embedded", "A", "B"]
    )
    facts = machine(options.threads)
    reports = {}
    for name in names:
        found = measured(name, options.route or ROUTES, rounds, options.threads)
        if found is None:
            print(f"{name}: its files are absent, skipped")
            continue
        reports[name] = {"machine": facts, **found}
        print("\n".join(engine_lines(reports[name])), flush=True)
        if options.write:
            write_section(f"engine: {name}", engine_lines(reports[name]))
    print(json.dumps(reports, default=_plain))


def measured(name: str, routes: Sequence[str], rounds: int, threads: int) -> dict[str, Any] | None:
    """All figures of one model by route; None if its files are absent."""
    rows: list[Row] = []
    sweep: dict[str, Any] = {}
    for route in routes:
        made = pair(name, route=route)
        if made is None:
            return None
        torch.set_num_threads(threads)
        for measure in (greedy, beam, samples, together):
            rows.append(measure(made, 32 if name == "B" else 64, rounds))
        sweep[route] = widths(made, rounds)
    return {"rows": [asdict(row) for row in rows], "expand": sweep}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)


if __name__ == "__main__":
    main()
