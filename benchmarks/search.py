"""Tree search over steps on a model that costs nothing: `python -m benchmarks.search [--quick]`.

What is left is the engine and the strategy. A simulation is one selection, one request, one value
and one backup: `puct` asks for a row and grows four children of it, as treequest does for a node;
`mcts` draws a step of one token for each child, by keyed noise, and judges it, so its figures are
those of a step that was drawn, judged and kept. The same requests without a search, and the
arithmetic of drawing alone, stand beside it, so that a reader can take them off. treequest grows a
tree and its_hub a beam in the same run, where they are installed. `--write` puts the table into
RESULTS.md.
"""

import argparse
import gc
import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

import treeseek
from benchmarks.arms import Spread
from benchmarks.free import free_lm
from benchmarks.machine import machine
from benchmarks.report import search_lines, write_section
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.decoding.samplers import Gumbel
from treeseek.decoding.stops import Step
from treeseek.decoding.summary import log_sum_exp
from treeseek.model import LM
from treeseek.strategies import mcts, puct, rest_mcts
from treeseek.strategies.steps import steps

STEP = Step((), 1)
FLIGHT = (4, 16, 64)
WIDTH = 4
VOCABULARY = 32


@treeseek.strategy()
def queue(ctx: Any, root: Any, *, simulations: int = 1, width: int = 1, parallel: int = 1) -> Any:
    """Draw steps of what came first: the requests of a tree search without the search."""
    waiting = deque([root] * parallel)
    while simulations > 0:
        nodes = [waiting.popleft() for _ in range(min(parallel, simulations))]
        for reply in (yield [steps(ctx, node, width) for node in nodes]):
            ends = (run.node for run in reply.continuations)
            waiting.extend(root if node.is_end else node for node in ends)
        simulations -= len(nodes)


def took(how: Any) -> float:
    """CPU time of one search by `how`."""
    lm = free_lm(VOCABULARY)
    begin = time.process_time()
    treeseek.search("a", model=lm, strategy=how, limit=64, step=STEP, n=10**9)
    return time.process_time() - begin


def grown(search: Any, simulations: int, *, drawn: int = 1, **options: Any) -> Callable[[], float]:
    """Microseconds of CPU time a step of one tree, where a simulation has `drawn` of them.

    A search that met no end completes what it likes best, and so does one of a single simulation:
    it is taken off.
    """
    many, one = (search(simulations=size, **options) for size in (simulations, 1))

    def run() -> float:
        return 1e6 * (took(many) - took(one)) / (simulations - 1) / drawn

    return run


def drawn(rows: int) -> Callable[[], float]:
    """Microseconds of CPU time a token that is drawn, `rows` of them at once: arithmetic alone."""
    scores, states = np.zeros((rows, VOCABULARY)), [None] * rows
    keys = np.arange(rows, dtype=np.uint64)

    def run() -> float:
        begin = time.process_time()
        for _ in range(200):
            Gumbel().draw(scores, keys, states, log_sum_exp(scores))
        return 1e6 * (time.process_time() - begin) / 200 / rows

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
    arms: dict[str, Callable[[], float] | None] = {}
    for flight in FLIGHT:
        for width in (1, WIDTH):
            arms[f"mcts, width {width}, {flight} in flight"] = grown(
                mcts, size, drawn=width, width=width, widening=0.5 if width == 1 else 0.0,
                parallel=flight, restarts=False,
            )  # fmt: skip
        arms[f"puct over tokens, {flight} in flight, a simulation"] = grown(
            puct, size, width=WIDTH, parallel=flight
        )
        arms[f"no search, {flight} requests a list"] = grown(queue, size, parallel=flight)
        arms[f"arithmetic alone, {flight} tokens a call"] = drawn(flight)
    arms["rest-mcts, 64 in flight, a simulation"] = grown(
        rest_mcts, size, parallel=64, restarts=False
    )
    for nodes in (300, 1000):
        arms[f"treequest in place, {nodes} nodes"] = peer(nodes, inplace=True)
    arms["its_hub beam search, 16 beams of 32 steps"] = hub(16, 31)
    arms["treequest, 300 nodes"] = peer(300, inplace=False)
    found: dict[str, list[float]] = {name: [] for name, run in arms.items() if run is not None}
    for _ in range(3 if options.quick else 7):
        for name, figures in found.items():
            run = arms[name]
            assert run is not None
            gc.collect()  # what the arm before left is not this one's to clear
            gc.freeze()
            figures.append(run())
    report = {
        "machine": machine(1),
        "us_a_step": {name: str(Spread.of(figures)) for name, figures in found.items()},
        "at_once": at_once(64 if options.quick else 1024, 30),
        "absent": [name for name, run in arms.items() if run is None],
    }
    print("\n".join(search_lines(report)))
    if options.write:
        write_section("tree search over steps", search_lines(report))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
