"""Programs and tests a minute in each tier, and the start of a worker.

A program prints a number; a test calls one function. Both are as short as they can be, so this is
what the sandbox itself costs.

    python -m benchmarks.sandbox [--programs N] [--workers N]
"""

import argparse
import json
import time
from collections.abc import Callable

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
    """Print one line for each tier, then all of them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--programs", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    rows = [measured(tier.name, **vars(given)) for tier in TIERS]
    print(f"{'tier':12} {'start, s':>9} {'programs/min':>13} {'tests/min':>10}")
    for row in rows:
        if "fault" in row:
            print(f"{row['tier']:12} {row['fault']}")
            continue
        tier, start, programs, tests = row.values()
        print(f"{tier:12} {start:>9} {programs:>13} {tests:>10}")
    print(json.dumps({"workers": given.workers, "rows": rows}))


if __name__ == "__main__":
    main()
