"""Programs and tests a minute in each tier, and the start of a worker.

A program prints a number; a test calls one function. Both are as short as they can be, so this is
what the sandbox itself costs: `python -m benchmarks.sandbox [--quick]`. `--write` puts the table
into RESULTS.md.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

from benchmarks.machine import machine
from benchmarks.report import sandbox_lines, write_section
from treeseek.errors import NoSandbox
from treeseek.sandbox import TIERS, Sandbox, Test


def measured(tier: str, *, programs: int, workers: int) -> dict[str, object]:
    """Rates of one tier, or why it has none."""
    started = time.perf_counter()
    try:
        sandbox = Sandbox(tier, workers=workers, allow_weak=True)
    except NoSandbox as error:
        return {"tier": tier, "fault": str(error)}
    start = time.perf_counter() - started
    with sandbox:
        sandbox.run_all(["print(1)"] * 2 * workers)

        def rate(work: Callable[[], object]) -> int:
            began = time.perf_counter()
            work()
            return round(60 * programs / (time.perf_counter() - began))

        pair = ("def f(x): return x + 1", Test("assert f(1) == 2"))
        return {
            "tier": tier,
            "start": round(start, 3),
            "programs a minute": rate(lambda: sandbox.run_all(["print(1)"] * programs)),
            "tests a minute": rate(lambda: sandbox.check_all([pair] * programs)),
        }


def main() -> None:
    """Measure every tier, print the table, and end in one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="60 programs")
    parser.add_argument("--programs", type=int, help="[300]")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    given = parser.parse_args()
    programs = given.programs or (60 if given.quick else 300)
    report: dict[str, Any] = {
        "benchmark": "sandbox",
        "machine": machine(1),
        "workers": given.workers,
        "tiers": [measured(tier.name, programs=programs, workers=given.workers) for tier in TIERS],
    }
    print("\n".join(sandbox_lines(report)))
    if given.write:
        write_section("sandbox", sandbox_lines(report))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
