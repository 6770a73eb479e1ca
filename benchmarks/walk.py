"""Given tokens scored with and without their rows: `python -m benchmarks.walk [--write]`.

A walk of 64 and of 512 tokens behind a cold prompt of 64, by streamed sums and by whole rows of
32,000 logits, turn by turn on one thread; and how much memory the process came to need for the
longest, each in a process of its own.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

import treeseek
from benchmarks.arms import Spread
from benchmarks.machine import machine
from benchmarks.models import Pair, pair
from benchmarks.report import machine_line, write_section
from treeseek.declare import strategy
from treeseek.requests import Walk

LENGTHS = (64, 512)
WAYS = ("streamed", "whole rows")
ROUTES = ("native", "int8")


@strategy()
def walks(ctx: Any, root: Any, *, tokens: tuple[int, ...], heard: list[list[float]]) -> Any:
    """Score `tokens`."""
    (reply,) = yield [Walk(root, tokens)]
    heard.append(reply.logprobs)


def walked(made: Pair, length: int, way: str) -> tuple[float, float, list[float]]:
    """Milliseconds of CPU and of wall time of one walk, and its log-probabilities."""
    backend: Any = made.lm.backend
    walker, heard = backend.walk, []
    tokens = torch.randint(3, made.lm.vocabulary, (length,), generator=torch.manual_seed(3))
    how = walks(tokens=tuple(tokens.tolist()), heard=heard)
    made.lm.clear()
    try:
        backend.walk = walker if way == "streamed" else None
        begin, cpu = time.perf_counter(), time.process_time()
        treeseek.search(made.prompt, model=made.lm, strategy=how, limit=length)
        took = time.process_time() - cpu, time.perf_counter() - begin
    finally:
        backend.walk = walker
    return 1e3 * took[0], 1e3 * took[1], heard[0]


def grown(name: str, way: str) -> float:
    """MB that a first long walk needs at its peak, beyond what the process held before it."""
    made = _pair(name, "native")
    walked(made, 8, way)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _held("VmRSS")
    walked(made, LENGTHS[-1], way)
    return _held("VmHWM") - before


def _held(what: str) -> float:
    (line,) = (
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what)
    )
    return int(line.split()[1]) / 1024


def measured(name: str, route: str, rounds: int) -> dict[str, dict[str, Any]]:
    """CPU and wall time of each length and way, and the median ratio of whole rows to streamed."""
    made, found = _pair(name, route), {}
    for length in LENGTHS:
        times: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
        for turn in range(rounds + 1):
            told = {}
            for way in WAYS:
                *took, told[way] = walked(made, length, way)
                if turn:  # the first warms up
                    times[way].append((took[0], took[1]))
            assert told["streamed"] == told["whole rows"], "other numbers"
        cell: dict[str, Any] = {
            way: [Spread.of([took[i] for took in times[way]]) for i in (0, 1)] for way in WAYS
        }
        cell["ratio"] = Spread.of(
            [
                whole[0] / own[0]
                for own, whole in zip(*(times[way] for way in WAYS[:2]), strict=True)
            ]
        )
        found[str(length)] = cell
    return found


def main() -> None:
    """Measure, print, and end in one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="A,B", help="which, by name")
    parser.add_argument("--quick", action="store_true", help="three rounds, model A")
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    parser.add_argument("--peak", nargs=2, metavar=("MODEL", "WAY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.peak:
        print(grown(*options.peak))
        return
    facts = machine(1)
    lines = [
        machine_line(facts),
        "",
        "ms of one walk behind a cold prompt of 64 tokens: median [quartiles]. Ratio: CPU time by",
        "whole rows over streamed, round by round; the log-probabilities are the same bits. MB:",
        f"what the process needs beside what it held, at the peak of a first walk of {LENGTHS[-1]}",
        "",
        "| model | route | tokens | streamed CPU, wall | whole rows CPU, wall | ratio |",
        "|---|---|---|---|---|---|",
    ]
    report: dict[str, Any] = {"machine": facts}
    names = ["A"] if options.quick else options.models.split(",")
    for name in names:
        for route in ROUTES:
            for length, cell in measured(name, route, 3 if options.quick else 9).items():
                shown = [", ".join(map(str, cell[way])) for way in WAYS]
                cells = [name, route, length, *shown, str(cell["ratio"])]
                lines.append("| " + " | ".join(cells) + " |")
                report[f"{name} {route} {length}"] = cell["ratio"].median
    lines += ["", "| model | streamed MB | whole rows MB |", "|---|---|---|"]
    for name in names:
        peaks = [_peak(name, way) for way in WAYS]
        lines.append(f"| {name} | {peaks[0]:.1f} | {peaks[1]:.1f} |")
        report[f"{name} MB"] = peaks
    print("\n".join(lines))
    if options.write:
        write_section("walks without rows", lines)
    print(json.dumps(report))


def _peak(name: str, way: str) -> float:
    command = [sys.executable, "-m", "benchmarks.walk", "--peak", name, way]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _pair(name: str, route: str) -> Pair:
    made = pair(name, route=route)
    assert made is not None
    return made


if __name__ == "__main__":
    main()
