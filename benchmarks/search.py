"""Tree search over steps on a model that costs nothing: `python -m benchmarks.search [--quick]`.

What is left is the engine and the strategy. treequest grows a tree and its_hub a beam beside it, in
turn, where they are installed. `--write` puts the table into RESULTS.md.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import treeseek
from benchmarks.arms import Spread
from benchmarks.free import free_lm
from benchmarks.machine import machine
from benchmarks.report import search_lines, write_section
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.decoding.stops import Step
from treeseek.model import LM
from treeseek.strategies import mcts, rest_mcts

STEP = Step((), 1)
FLIGHT = (4, 16, 64)
WIDTH = 4


def grown(how: Any) -> Callable[[], float]:
    """Microseconds of CPU time a simulation of `how`, in one tree."""

    def run() -> float:
        lm = free_lm(32)
        begin = time.process_time()
        treeseek.search("a", model=lm, strategy=how, limit=64, step=STEP, n=10**9)
        return 1e6 * (time.process_time() - begin) / how.options["simulations"]

    return run


def peer(nodes: int, *, inplace: bool) -> Callable[[], float] | None:
    """Microseconds of CPU time a node of treequest's MCTS; None if it is not installed."""
    try:
        import treequest
    except ImportError:
        return None

    def grow(_: Any) -> tuple[int, float]:
        return 0, 0.5

    def run() -> float:
        search = treequest.StandardMCTS(samples_per_action=WIDTH)
        state = search.init_tree()
        begin = time.process_time()
        for _ in range(nodes):
            state = search.step(state, {"grow": grow}, inplace=inplace)
        return 1e6 * (time.process_time() - begin) / nodes

    return run


def hub(beams: int, steps: int) -> Callable[[], float] | None:
    """Microseconds of CPU time a step of its_hub's beam search; None if it is not installed."""
    try:
        from its_hub.core.algorithms.beam_search import BeamSearch
        from its_hub.core.lms.step_generation import StepGeneration
    except ImportError:
        return None

    class Free:
        async def agenerate(self, messages: list[Any], **_: Any) -> list[dict[str, str]]:
            return [{"role": "assistant", "content": "a"}] * len(messages)

        async def ascore(self, prompt: str, texts: list[str]) -> list[float]:
            return [0.5] * len(texts)

    def run() -> float:
        search = BeamSearch(StepGeneration(steps, step_token="\n"), Free(), beam_width=WIDTH)
        begin = time.process_time()
        search.infer(Free(), "a", budget=beams)
        return 1e6 * (time.process_time() - begin) / beams / (steps + 1)

    return run


def at_once(searches: int, simulations: int) -> dict[str, Any]:
    """Calls that many searches make together, against the rounds of the longest of them."""

    class Counting(ToyBackend):
        calls = 0

        def expand(self, nodes: Any) -> Any:
            self.calls += 1
            return super().expand(nodes)

    def model() -> Any:
        return LM(Counting(integer_hash(8), 8), Letters(), name="hash")

    how = mcts(simulations=simulations, width=WIDTH)
    prompts = [[i % 8, i // 8 % 8, i // 64 % 8, i // 512] for i in range(searches)]
    rounds = []
    for prompt in prompts:
        alone = model()
        treeseek.search(prompt, model=alone, strategy=how, limit=16, step=STEP)
        rounds.append(alone.backend.calls)
    lm = model()
    begin = time.process_time()
    treeseek.search_all(prompts, model=lm, strategy=how, limit=16, step=STEP)
    seconds = time.process_time() - begin
    return {
        "searches": searches,
        "calls": lm.backend.calls,
        "rounds_of_the_longest": max(rounds),
        "us_a_simulation": 1e6 * seconds / searches / simulations,
    }


def main() -> None:
    """Measure, print, and end in one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small trees, three rounds")
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    options = parser.parse_args()
    size = 1000 if options.quick else 5000
    plain = {"simulations": size, "restarts": False}
    arms: dict[str, Callable[[], float] | None] = {}
    for flight in FLIGHT:
        for width in (1, WIDTH):
            how = mcts(width=width, widening=0.5 if width == 1 else 0.0, parallel=flight, **plain)
            arms[f"mcts, width {width}, {flight} in flight"] = grown(how)
    arms["rest-mcts, 64 in flight"] = grown(rest_mcts(parallel=64, **plain))
    for nodes in (300, 1000):
        arms[f"treequest in place, {nodes} nodes"] = peer(nodes, inplace=True)
    arms["its_hub beam search, 16 beams of 32 steps"] = hub(16, 31)
    arms["treequest, 300 nodes"] = peer(300, inplace=False)
    found: dict[str, list[float]] = {name: [] for name, run in arms.items() if run is not None}
    for _ in range(3 if options.quick else 7):
        for name, figures in found.items():
            run = arms[name]
            assert run is not None
            figures.append(run())
    report = {
        "machine": machine(1),
        "us_a_simulation": {name: str(Spread.of(figures)) for name, figures in found.items()},
        "at_once": at_once(64 if options.quick else 1024, 30),
        "absent": [name for name, run in arms.items() if run is None],
    }
    print("\n".join(search_lines(report)))
    if options.write:
        write_section("tree search over steps", search_lines(report))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
