"""What a screen saves: `python -m benchmarks.screening [--quick | --write] [--models NAMES]`.

Bags of 30 words from stories, in any order. Annealing without a screen gets a budget of charged
tokens; its last best is the mark, and what it was charged by then its price. Every other arm gets a
fifth of the budget, its schedule included. The factor is the price over what the arm was charged
until it met the mark; an arm that did not has 0. The oracle ranks by the true values for nothing:
what no screen of the same draws can beat. Budgets are tokens, so a busy machine changes nothing but
the seconds, which are of CPU time.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch

import treeseek
from benchmarks.arms import Spread
from benchmarks.machine import machine
from benchmarks.models import folder_of, shared
from benchmarks.report import machine_line, write_section
from treeseek.noise import Rng
from treeseek.ordering.front import ordering
from treeseek.ordering.goal import goal_of
from treeseek.sequences import (
    Annealing,
    Bench,
    Cand,
    Hunt,
    Iterated,
    Permutation,
    Rated,
    Repair,
    Space,
    Strategy,
    Trial,
    text_of,
)
from treeseek.sequences.trial import Guess

WORDS = 30
SHARE = 5
"""The part of the budget that an arm has first, and the factor that is asked."""
ORACLE = 20
"""The part of the budget that the oracle has."""
ORACLES = 2
"""Bags of which it is asked, for it is slow."""
THIRDS = 3
LEGEND = f"""\
Bags of {WORDS} words (in brackets: pairs of bag and seed). Budget without a screen {{tokens:,}}
charged tokens, with one a fifth. Factor: tokens that annealing without a screen was charged until
its last best, over those of the arm until it met that value (asked: 5; 0: not within the fifth).
Value: nats a token at the end of the budget; the oracle's is 1/{ORACLE}, on {ORACLES} bags.
Agreement: Spearman's rho between guesses and what was scored, by thirds. Medians [quartiles]."""


@dataclass
class Heard:
    """A strategy that is listened to: how well its screen agreed, by thirds of its budget."""

    by: Strategy
    agreement: list[list[float]] = field(default_factory=lambda: [[] for _ in range(THIRDS)])

    name: ClassVar[str] = "heard"
    references: ClassVar[tuple[str, ...]] = ()

    def run(self, bench: Bench, space: Space) -> Hunt:
        """The generator of the strategy that is listened to."""
        hunt = self.by.run(bench, space)
        rated: list[Rated] | None = None
        while True:
            asked = next(hunt) if rated is None else hunt.send(rated)
            rated = yield asked
            if "agreement" in bench.noted and rated and rated[-1].spent is not None:
                third = min(THIRDS - 1, int(THIRDS * rated[-1].spent))
                self.agreement[third].append(bench.noted["agreement"])


class Oracle:
    """Annealing whose screen is told the true values, which nobody is charged for."""

    name: ClassVar[str] = "oracle"
    references: ClassVar[tuple[str, ...]] = ()

    def __init__(self, network: Any, lm: treeseek.LM, words: Sequence[str]) -> None:
        """Values of orders of `words` by `network`, which is the model of `lm`."""
        self.network = network
        self.goal = goal_of(lm, Permutation(tuple(words)))
        self._known: dict[Cand, float] = {}

    def run(self, bench: Bench, space: Space) -> Hunt:
        """The generator; guesses never leave it."""
        inner = bench.nested("oracle")
        inner.answers = frozenset({Trial, Guess})
        hunt = Annealing(screen="model").run(inner, space)
        rated: list[Rated] | None = None
        while True:
            asked = next(hunt) if rated is None else hunt.send(rated)
            if any(isinstance(one, Guess) for one in asked):
                self._score(space, [one.cand for one in asked])
                rated = [Rated(one.cand, self._known[one.cand]) for one in asked]
            else:
                rated = yield asked

    def _score(self, space: Space, cands: Sequence[Cand]) -> None:
        """The values of `cands`, one batch a length."""
        goal, by_length = self.goal.objective, dict[int, list[tuple[Cand, list[int]]]]()
        for cand in cands:
            if cand not in self._known:
                tokens = [*goal.begin, *goal.encode(text_of(space, cand)), *goal.end]
                by_length.setdefault(len(tokens), []).append((cand, tokens))
        for some in by_length.values():
            ids = torch.tensor([tokens for _, tokens in some])
            with torch.inference_mode():
                rows = self.network(ids).logits[:, :-1].float().log_softmax(-1)
            lost = -rows.gather(2, ids[:, 1:, None])[:, :, 0].mean(1)
            self._known |= {cand: float(v) for (cand, _), v in zip(some, lost, strict=True)}


ARMS: dict[str, Strategy] = {
    "annealing, pairs": Annealing(screen="pairs"),
    "annealing, regression": Annealing(screen="regression"),
    "annealing, convolution": Annealing(screen="convolution", drawn=16),
    "iterated, pairs": Iterated(),
    "repair": Repair(),
}


def bag(nth: int) -> list[str]:
    """The first words of story `nth`, in any order."""
    with (shared() / "data" / "tinystories" / "data.jsonl").open() as lines:
        text = [json.loads(next(lines)) for _ in range(nth + 1)][-1]["text"]
    words: list[str] = text.split()[:WORDS]
    Rng(nth).shuffle(words)
    return words


@dataclass
class Came:
    """How far a run came: its best, what it was charged until `mark`, its CPU seconds."""

    value: float
    reached: int | None
    seconds: float


def came(
    lm: treeseek.LM, words: list[str], by: Any, tokens: int, seed: int, mark: float | None = None
) -> Came:
    """Run `by` on `tokens`."""
    began = time.process_time()
    run = ordering(words, model=lm, strategy=by, budget=f"tokens={tokens}", seed=seed)
    while run.step():
        pass
    steps = run.trajectory
    goal = steps[-1].value if mark is None else mark
    reached = next((step.charged for step in steps if step.value <= goal + 1e-9), None)
    return Came(steps[-1].value, reached, time.process_time() - began)


def compared(
    name: str, bags: int, seeds: int, tokens: int, seconds: float
) -> tuple[int, dict[str, Any]]:
    """Pairs of bag and seed that were begun within `seconds`, and what every arm came to."""
    from transformers import AutoModelForCausalLM

    folder = folder_of(name)
    lm = treeseek.load(str(folder))
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    names = ["annealing, none", *ARMS, "oracle"]
    found: dict[str, Any] = {
        arm: {"factor": [], "value": [], "seconds": [], "agreement": [[], [], []]} for arm in names
    }
    began, done = time.monotonic(), 0
    for seed in range(seeds):
        for nth in range(bags):
            if done and time.monotonic() - began > seconds:
                return done, found
            words, done = bag(nth), done + 1
            plain = came(lm, words, Annealing(), tokens, seed)
            assert plain.reached is not None
            first = found["annealing, none"]
            for what, figure in (
                ("value", plain.value),
                ("factor", 1.0),
                ("seconds", plain.seconds),
            ):
                first[what].append(figure)
            print(json.dumps([name, nth, seed, "mark", plain.value, plain.reached]), flush=True)
            for arm, by in ARMS.items():
                heard = Heard(by)
                short = came(lm, words, heard, tokens // SHARE, seed, plain.value)
                cell = found[arm]
                cell["factor"].append(plain.reached / short.reached if short.reached else 0.0)
                cell["value"].append(short.value)
                cell["seconds"].append(short.seconds)
                for third, told in zip(cell["agreement"], heard.agreement, strict=True):
                    third += told[-1:]
                line = [name, nth, seed, arm, cell["factor"][-1], short.value, short.seconds]
                print(json.dumps(line), flush=True)
            if seed == 0 and nth < ORACLES:
                by = Oracle(network, lm, words)
                best = came(lm, words, by, tokens // ORACLE, seed, plain.value)
                factor = plain.reached / best.reached if best.reached else 0.0
                found["oracle"]["factor"].append(factor)
                found["oracle"]["value"].append(best.value)
                found["oracle"]["seconds"].append(best.seconds)
                print(json.dumps([name, nth, seed, "oracle", factor, best.value]), flush=True)
    return done, found


def main() -> None:
    """Measure, print, and end in one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="stories260K,embedded", help="which, by name")
    parser.add_argument("--bags", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=60_000, help="budget without a screen")
    parser.add_argument("--seconds", type=float, default=3600.0, help="for a model, about")
    parser.add_argument("--quick", action="store_true", help="two bags, one seed, stories260K")
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.quick:
        options.models, options.bags, options.seeds = "stories260K", 2, 1
    facts = machine(1)
    lines = [
        machine_line(facts),
        "",
        *LEGEND.format(tokens=options.tokens).splitlines(),
        "",
        "| model | strategy, screen | factor | value | agreement | CPU s |",
        "|---|---|---|---|---|---|",
    ]
    report: dict[str, Any] = {"machine": facts}
    for name in options.models.split(","):
        done, found = compared(name, options.bags, options.seeds, options.tokens, options.seconds)
        for arm, cell in found.items():
            agreed = [str(round(Spread.of(t).median, 2)) for t in cell["agreement"] if t]
            shown = [str(Spread.of(cell[what])) for what in ("factor", "value")]
            cells = [
                f"{name} ({done})",
                arm,
                *shown,
                ", ".join(agreed) or "-",
                str(Spread.of(cell["seconds"])),
            ]
            lines.append("| " + " | ".join(cells) + " |")
            report[f"{name} {arm}"] = cell["factor"]
    print("\n".join(lines))
    if options.write:
        write_section("screens", lines)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
