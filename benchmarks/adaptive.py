"""What one decision of adaptive branching costs: `python -m benchmarks.adaptive [--quick]`.

Scores are drawn, so nothing but the decision and its bookkeeping is measured, in CPU time; the
AB-MCTS-A of treequest, in place, beside ours where it is installed. `--write` puts the table into
RESULTS.md.
"""

import argparse
import json
import random
import time
from collections.abc import Callable
from typing import Any

from benchmarks.machine import machine
from benchmarks.report import adaptive_lines, write_section
from treeseek.noise import Rng
from treeseek.strategies.answer_tree import AnswerTree, adaptive, mixed
from treeseek.strategies.posteriors import NormalPrior

LAST = 50
"""Decisions at the end of a run that are timed."""


def ours(choose: Callable[[AnswerTree, Rng], int], answers: int) -> float:
    """Milliseconds a decision and its answer's entry, in a tree of `answers`."""
    tree, chance = AnswerTree(bounded=True), random.Random(0)
    begin = 0.0
    for nth in range(answers):
        if nth == answers - LAST:
            begin = time.process_time()
        at = choose(tree, Rng(nth))
        near = tree.scores[at] if at else 0.4
        tree.land(tree.add(at), min(1.0, max(0.0, near + chance.gauss(0, 0.15))))
    return (time.process_time() - begin) / LAST * 1e3


def theirs(answers: int) -> float | None:
    """The same of treequest's AB-MCTS-A; None where it is not installed."""
    try:
        import treequest  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    chance = random.Random(0)

    def generate(above: Any) -> tuple[float, float]:
        score = min(1.0, max(0.0, (0.4 if above is None else above) + chance.gauss(0, 0.15)))
        return score, score

    algorithm = treequest.ABMCTSA()
    state, begin = algorithm.init_tree(), 0.0
    for nth in range(answers):
        if nth == answers - LAST:
            begin = time.process_time()
        state = algorithm.step(state, {"generate": generate}, inplace=True)
    return (time.process_time() - begin) / LAST * 1e3


def main() -> None:
    """Print the table and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller trees")
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    given = parser.parse_args()
    sizes = (100, 300) if given.quick else (100, 300, 1000)
    arms = {
        "ab-mcts-a": lambda size: ours(lambda tree, rng: adaptive(tree, NormalPrior(), rng), size),
        "ab-mcts-m": lambda size: ours(mixed, size),
        "treequest AB-MCTS-A": theirs,
    }
    rows = [
        {"arm": name, "ms": {str(size): run(size) for size in sizes}} for name, run in arms.items()
    ]
    report = {"benchmark": "adaptive", "machine": machine(1), "rows": rows}
    print("\n".join(adaptive_lines(report)))
    if given.write:
        write_section("adaptive branching", adaptive_lines(report))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
