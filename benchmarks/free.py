"""Search on a model that costs nothing: what is left is the engine and the strategy."""

import time
from typing import Any

import numpy as np

import treeseek
from benchmarks.arms import Spread
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.model import LM

WIDTH = 4


def free_lm(vocabulary: int = 8) -> LM:
    """The same row everywhere."""
    return LM(ToyBackend(np.zeros(vocabulary), vocabulary), Letters(), name="free")


def rate(simulations: int, *, rounds: int) -> Spread:
    """PUCT simulations a second of CPU time, in one tree."""
    figures = []
    for _ in range(rounds):
        lm = free_lm()
        search = treeseek.strategies.puct(simulations=simulations, width=WIDTH)
        begin = time.process_time()
        treeseek.search("a", model=lm, strategy=search, limit=64)
        figures.append(simulations / (time.process_time() - begin))
    return Spread.of(figures)


def at_once(searches: int, simulations: int) -> dict[str, Any]:
    """Calls that many searches make together, against the rounds of the longest of them."""
    lm = LM(ToyBackend(integer_hash(8), 8), Letters(), name="hash")
    search = treeseek.strategies.puct(simulations=simulations, width=WIDTH)
    prompts = [[i % 8, i // 8 % 8, i // 64 % 8, i // 512] for i in range(searches)]
    longest = 0
    for prompt in prompts[:: max(1, searches // 16)]:
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


def treequest(nodes: int, *, rounds: int) -> dict[str, Any] | None:
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
    return {"StandardMCTS": str(Spread.of(rates)), "nodes": nodes}


def free_rows(*, rounds: int, quick: bool) -> dict[str, Any]:
    """All figures on the free model."""
    sizes = (1_000, 10_000) if quick else (1_000, 10_000, 100_000)
    speeds = {size: rate(size, rounds=max(3, rounds // 2)) for size in sizes}
    return {
        "puct_simulations_a_second": {size: str(speed) for size, speed in speeds.items()},
        "decline": speeds[sizes[0]].median / speeds[sizes[-1]].median,
        "at_once": at_once(1024, 100),
        "treequest": {n: treequest(n, rounds=3) for n in (300, 1000)},
    }
