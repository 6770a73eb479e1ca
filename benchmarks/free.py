"""Search on a model that costs nothing: `python -m benchmarks.free [--quick] [--write]`.

What is left is the engine and the strategy. treequest grows a tree beside it.
"""

import argparse
import json
import time
from typing import Any

import numpy as np

import treeseek
from benchmarks.arms import Spread
from benchmarks.machine import machine
from benchmarks.report import free_lines, write_section
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.model import LM

WIDTH = 4
FLIGHT = (4, 16, 64)
"""Leaves in flight: what puct does unasked, and more, where a list costs what a leaf costs."""


def free_lm(vocabulary: int = 8) -> LM:
    """The same row everywhere."""
    return LM(ToyBackend(np.zeros(vocabulary), vocabulary), Letters(), name="free")


def rate(simulations: int, parallel: int) -> float:
    """PUCT simulations a second of CPU time, in one tree."""
    lm = free_lm()
    search = treeseek.strategies.puct(simulations=simulations, width=WIDTH, parallel=parallel)
    begin = time.process_time()
    treeseek.search("a", model=lm, strategy=search, limit=64)
    return simulations / (time.process_time() - begin)


def at_once(searches: int, simulations: int) -> dict[str, Any]:
    """Calls that many searches make together, against the rounds of the longest of them."""
    lm = LM(ToyBackend(integer_hash(8), 8), Letters(), name="hash")
    search = treeseek.strategies.puct(simulations=simulations, width=WIDTH)
    prompts = [[i % 8, i // 8 % 8, i // 64 % 8, i // 512] for i in range(searches)]
    longest = 0
    for prompt in prompts:
        alone = LM(ToyBackend(integer_hash(8), 8), Letters(), name="hash")
        treeseek.search(prompt, model=alone, strategy=search, limit=64)
        longest = max(longest, alone.backend.spent.forwards)
    begin = time.process_time()
    results = treeseek.search_all(prompts, model=lm, strategy=search, limit=64)
    seconds = time.process_time() - begin
    return {
        "searches": searches,
        "calls": lm.backend.spent.forwards,
        "rounds_of_the_longest": longest,
        "simulations_a_second": searches * simulations / seconds,
        "computed_a_prefix": sum(r.cost.tokens_computed for r in results) / lm.backend.warm(),
    }


def treequest(nodes: int, *, rounds: int) -> str | None:
    """Nodes a second of treequest's MCTS, in place; None if it is not installed."""
    try:
        import treequest as peer
    except ImportError:
        return None

    def grow(_: Any) -> tuple[int, float]:
        return 0, 0.5

    rates = []
    for _ in range(rounds):
        search = peer.StandardMCTS(samples_per_action=1)
        state = search.init_tree()
        begin = time.process_time()
        for _ in range(nodes):
            state = search.step(state, {"grow": grow}, inplace=True)
        rates.append(nodes / (time.process_time() - begin))
    return str(Spread.of(rates))


def main() -> None:
    """Measure, print, and end in one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small trees, three rounds")
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    options = parser.parse_args()
    sizes = (1_000, 10_000) if options.quick else (1_000, 10_000, 100_000)
    rounds = 3 if options.quick else 9
    rates: dict[tuple[int, int], list[float]] = {
        (parallel, size): [] for parallel in FLIGHT for size in sizes
    }
    peers: dict[int, Any] = {}
    for _ in range(rounds):
        for (parallel, size), found in rates.items():
            found.append(rate(size, parallel))
    for nodes in (300, 1000):
        peers[nodes] = treequest(nodes, rounds=rounds)
    speeds = {
        parallel: {size: Spread.of(rates[parallel, size]) for size in sizes} for parallel in FLIGHT
    }
    report = {
        "machine": machine(1),
        "simulations_a_second": {
            parallel: {size: str(speed) for size, speed in row.items()}
            for parallel, row in speeds.items()
        },
        "decline": max(row[sizes[0]].median / row[sizes[-1]].median for row in speeds.values()),
        "at_once": at_once(128 if options.quick else 1024, 100),
        "peer": peers if all(peers.values()) else None,
    }
    print("\n".join(free_lines(report)))
    if options.write:
        write_section("free model", free_lines(report))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
