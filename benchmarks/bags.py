"""`treeseek order` against annealing of padded batches, equal seconds: `python -m benchmarks.bags`.

Bags of words from TinyStories and from Santa 2024 under stories260K and the embedded model. Both
arms have the same seconds of CPU time on one thread, and what each ends with is scored again by the
same reference, one text a call. Of bags of ten words the optimum is proved by branch and bound, or
the best of all runs stands for it. A line is kept for every run, so that one that was killed goes
on where it stood; `--kept` tells what there is. `--write` puts the table into RESULTS.md.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from statistics import median
from typing import Any

import torch

import treeseek
from benchmarks.machine import machine
from benchmarks.models import folder_of, shared
from benchmarks.padded import PaddedAnnealing, PaddedScorer
from benchmarks.report import machine_line, write_section
from treeseek.ordering.front import ordering
from treeseek.ordering.goal import goal_of
from treeseek.sequences import Permutation, branch_and_bound

KEPT = Path(__file__).parents[1] / "build" / "bags"
SECONDS = {10: 10.0, 20: 25.0, 30: 40.0, 100: 120.0}
"""CPU seconds of each arm, by the words of a bag."""
PROOF = 30.0
"""CPU seconds of branch and bound on bags of ten words."""
SEED = 17
CLOCK = time.process_time
MODELS = ("stories260K", "embedded")
ARMS = ("treeseek", "padded")
SAME = 1e-6
"""Part of a value by which two values of one text may differ."""


@dataclass(frozen=True)
class Bag:
    """Some words, and what they are called."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Ran:
    """What one arm came to on one bag: mean loss a token by the reference, and its bests by time.

    `proved` says that no order is better.
    """

    model: str
    bag: str
    arm: str
    size: int
    value: float
    text: str
    curve: list[tuple[float, float]]
    scored: int
    proved: bool = False

    def reached(self, value: float) -> float:
        """Seconds until a best was no worse than `value`; inf if it never was."""
        slack = SAME * max(1.0, abs(value))
        return next((at for at, best in self.curve if best <= value + slack), math.inf)


def bags(size: int, many: int) -> list[Bag]:
    """The first `size` words of `many` stories, or all of Santa's bags of that size."""
    found = []
    for nth, line in enumerate((shared() / "data/tinystories/data.jsonl").read_text().splitlines()):
        story = json.loads(line)
        words = str(story.get("text", story)).split()
        if len(words) >= size and all(word.isascii() for word in words[:size]):
            found.append(Bag(f"story {nth}, {size}", tuple(words[:size])))
    lines = (shared() / "data/santa2024/data.jsonl").read_text().splitlines()
    santa = [json.loads(line) for line in lines]
    return found[:many] + [
        Bag(f"santa {one['id']}", tuple(one["words"])) for one in santa if len(one["words"]) == size
    ]


@cache
def loaded(model: str) -> tuple[Any, Any]:
    """The model for treeseek, and for transformers."""
    from transformers import AutoModelForCausalLM

    folder = folder_of(model)
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    lm = treeseek.load(model if model == "embedded" else str(folder))
    treeseek.order("warm up the walk", model=lm, budget="scores=20")
    return lm, network


def ours(model: str, bag: Bag, seconds: float, by: Any = None, arm: str = "treeseek") -> Ran:
    """`treeseek order` with its defaults, or `by` another strategy."""
    lm, _ = loaded(model)
    began, curve = CLOCK(), list[tuple[float, float]]()
    search = ordering(
        bag.words, model=lm, strategy=by, budget=f"seconds={seconds}", seed=SEED, clock=CLOCK
    )
    while search.step():
        best = search.best
        if best is not None and (not curve or best.value < curve[-1][1]):
            curve.append((CLOCK() - began, best.value))
    found = search.ordered
    assert found.best is not None
    return Ran(
        model, bag.name, arm, len(bag.words), found.best.value, found.best.text, curve,
        found.scores, found.optimal,
    )  # fmt: skip


def peers(model: str, bag: Bag, seconds: float) -> Ran:
    """Annealing of padded batches, its best scored by our reference."""
    lm, network = loaded(model)
    goal = goal_of(lm, Permutation(bag.words))
    what = goal.objective
    search = PaddedAnnealing(
        bag.words, PaddedScorer(network, what.encode, what.begin, what.end), seconds, CLOCK, SEED
    )
    search.run()
    value, text = search.best
    tokens = (*what.begin, *what.encode(text), *what.end)
    _, again = goal.reference(tokens, len(tokens) - len(goal.prompt))
    assert abs(again - value) < 1e-3, f"{value} by padded batches, {again} by the reference"
    return Ran(model, bag.name, "padded", len(bag.words), again, text, search.curve, search.scored)


class Log:
    """What was run, a JSON line each."""

    def __init__(self, path: Path) -> None:
        """Read what is there."""
        self.path = path
        self.runs: dict[tuple[str, str, str], Ran] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        for line in path.read_text().splitlines() if path.exists() else ():
            row = json.loads(line)
            row["curve"] = [tuple(point) for point in row["curve"]]
            self._note(Ran(**row))

    def _note(self, run: Ran) -> None:
        self.runs[run.model, run.bag, run.arm] = run

    def add(self, run: Ran) -> None:
        """Keep a run."""
        self._note(run)
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(run)) + "\n")


def measure(log: Log, models: list[str], sizes: list[int], many: int) -> Iterator[str]:
    """Run what the log lacks, the first bag of each size before the second, one arm by one."""
    every = [[(model, bag) for bag in bags(size, 0 if size == 20 else many)]
             for model in models for size in sizes]  # fmt: skip
    for some in zip_longest(*every):
        for model, bag in filter(None, some):
            arms = [*ARMS, "proof"] if len(bag.words) == 10 else [*ARMS]
            for arm in arms:
                if (model, bag.name, arm) not in log.runs:
                    log.add(_ran(model, bag, arm))
            yield _line([log.runs[model, bag.name, arm] for arm in arms])


def _ran(model: str, bag: Bag, arm: str) -> Ran:
    if arm == "proof":
        return ours(model, bag, PROOF, branch_and_bound, arm)
    seconds = SECONDS[len(bag.words)]
    return peers(model, bag, seconds) if arm == "padded" else ours(model, bag, seconds)


def _line(runs: list[Ran]) -> str:
    own, peer = runs[:2]
    parts = [f"{run.arm} {math.exp(run.value):.3f} ({run.scored:,})" for run in runs]
    if len(runs) > 2:
        parts.append("proved" if runs[2].proved else "not proved")
    at = own.reached(peer.value) / SECONDS[own.size]
    return f"{own.model}, {own.bag}: {', '.join(parts)}; {at:.2f} of the time"


def table(log: Log, models: list[str], sizes: list[int]) -> tuple[list[str], list[dict[str, Any]]]:
    """The figures by model and kind of bag, as lines and as plain values."""
    lines = [
        "| model | bags | words | s | better / equal / worse | part of the time "
        "| optimum (proved) | perplexity, theirs |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows = []
    for model in models:
        for kind in ("story", "santa"):
            for size in sizes:
                pairs = _pairs(log, model, kind, size)
                if pairs:
                    rows.append(_row(log, model, kind, size, pairs))
                    lines.append("| " + " | ".join(map(str, rows[-1]["cells"])) + " |")
    return lines, rows


def _pairs(log: Log, model: str, kind: str, size: int) -> list[tuple[Ran, Ran]]:
    found = []
    for (name, bag, arm), own in log.runs.items():
        peer = log.runs.get((model, bag, "padded"))
        fits = (name, arm, own.size) == (model, "treeseek", size)
        if fits and bag.startswith(kind) and peer is not None:
            found.append((own, peer))
    return found


def _row(
    log: Log, model: str, kind: str, size: int, pairs: list[tuple[Ran, Ran]]
) -> dict[str, Any]:
    slack = [SAME * max(1.0, abs(peer.value)) for _, peer in pairs]
    better = sum(a.value < b.value - s for (a, b), s in zip(pairs, slack, strict=True))
    worse = sum(a.value > b.value + s for (a, b), s in zip(pairs, slack, strict=True))
    part = median(own.reached(peer.value) / SECONDS[size] for own, peer in pairs)
    best = proved = None
    if size == 10:
        known = [[r for r in log.runs.values() if (r.model, r.bag) == (model, own.bag)]
                 for own, _ in pairs]  # fmt: skip
        least = [min(run.value for run in runs) for runs in known]
        best = sum(own.value <= low + SAME for (own, _), low in zip(pairs, least, strict=True))
        proved = sum(any(run.proved for run in runs) for runs in known)
    ends = [median(math.exp(run.value) for run in arm) for arm in zip(*pairs, strict=True)]
    cells = [
        model, f"{len(pairs)} of {kind}", size, f"{SECONDS[size]:g}",
        f"{better} / {len(pairs) - better - worse} / {worse}", f"{part:.2f}",
        "-" if best is None else f"{best} ({proved})", f"{ends[0]:.2f}, {ends[1]:.2f}",
    ]  # fmt: skip
    return {
        "model": model, "kind": kind, "words": size, "bags": len(pairs), "better": better,
        "worse": worse, "part": part, "optimum": best, "proved": proved, "cells": cells,
    }  # fmt: skip


def main() -> None:
    """Measure, print, and end in one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--sizes", default="10,20,30,100", help="words a bag")
    parser.add_argument("--bags", type=int, default=10, help="stories of each size")
    parser.add_argument("--full", action="store_true", help="20 of each")
    parser.add_argument("--quick", action="store_true", help="2 bags of 10 words, one model")
    parser.add_argument("--log", type=Path, default=KEPT / "runs.jsonl", help="where runs are kept")
    parser.add_argument(
        "--kept", action="store_true", help="run nothing: the table of what is kept"
    )
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    models = MODELS[:1] if options.quick else tuple(options.models.split(","))
    sizes = [10] if options.quick else [int(size) for size in options.sizes.split(",")]
    many = 2 if options.quick else 20 if options.full else options.bags
    log, facts = Log(options.log), machine(1)
    for line in [] if options.kept else measure(log, list(models), sizes, many):
        print(line, flush=True)
    lines, rows = table(log, list(models), sizes)
    lines = [
        machine_line(facts),
        "",
        "Orders of bags of words, each arm the same CPU seconds on one thread. Equal: the same",
        "value. Part of the time: that treeseek needed to reach the other's last value, median.",
        "Optimum: bags whose proved or best known order treeseek ended with (how many are proved).",
        "",
        *lines,
    ]
    print("\n".join(lines))
    if options.write:
        write_section("orders of words", lines)
    print(json.dumps({"machine": facts, "rows": rows}))


if __name__ == "__main__":
    main()
