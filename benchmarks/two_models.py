"""Two models in one text: accuracy against the large one's share, on held-out Countdown problems.

`python -m benchmarks.two_models [--problems 100] [--numbers 3] [--write]`. The large model is the
embedded one, the small one its sibling of a tenth of the size. Each writes greedily; the rule says
which of them writes the next token. Nothing here is lossless: the ends of each curve are the two
models alone, and what lies between is what a rule makes of them. The share is that of all tokens
of all answers; intervals are Wilson's at 95 %. Milliseconds are CPU time a token.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

import treeseek
from benchmarks.machine import machine
from benchmarks.report import machine_line, write_section
from treeseek.decoding.samplers import Greedy
from treeseek.solving.intervals import wilson
from treeseek.strategies import entropy_adaptive, foreal
from treeseek.tasks.countdown import Countdown, Problem

LARGE, SMALL = "embedded", "embedded-small"
THRESHOLDS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.4)
LEADS = (1, 2, 4, 8)
GATES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Point:
    """What one rule came to: solved problems, and tokens, also those of the large model."""

    name: str
    solved: int
    tokens: int
    large: float
    milliseconds: float


def rules(small: treeseek.How) -> Iterator[tuple[str, treeseek.Strategy | None]]:
    """Every rule with its name, from the small model alone to the large one alone."""
    yield "the small model alone", foreal(small=small, gate=0.0)
    for bits in reversed(THRESHOLDS):
        for hold in (1, 4):
            rule = entropy_adaptive(small=small, threshold=bits, window=2, hold=hold)
            yield f"entropy above {bits} bits, hold {hold}", rule
    for lead in LEADS:
        yield f"leads by {lead}", foreal(small=small, lead=lead)
    for gate in GATES:
        yield f"leads by 4, gate {gate}", foreal(small=small, lead=4, gate=gate)
    yield "the large model alone", None


def measured(
    name: str,
    rule: treeseek.Strategy | None,
    lm: treeseek.LM,
    task: Countdown,
    problems: Sequence[Problem],
) -> Point:
    """What `rule` comes to on `problems`; none: greedy."""
    solved, tokens, large = 0, 0, 0.0
    began = time.process_time()
    for problem in problems:
        found = treeseek.search(
            problem.prompt,
            model=lm,
            strategy=rule or treeseek.strategies.greedy,
            sampler=Greedy(),
            limit=task.limit,
        ).best
        if found is None:
            continue
        solved += task.verifier(problem).verify(found.text).solved
        count = len(found.token_ids) + (found.finish == "end")
        tokens, large = tokens + count, large + count * found.scores.get("large", 1.0)
    spent = 1e3 * (time.process_time() - began)
    return Point(name, solved, tokens, large / max(tokens, 1), spent / max(tokens, 1))


def table(points: Sequence[Point], count: int) -> list[str]:
    """The points as Markdown, in the order measured, with what they keep of the large one's."""
    best = points[-1].solved
    out = [
        "| who writes | large model's share | solved [95 %] | of the large one's | ms a token |",
        "|---|---|---|---|---|",
    ]
    for point in points:
        low, high = wilson(point.solved, count)
        kept = f"{point.solved / best:.0%}" if best else "-"
        out.append(
            f"| {point.name} | {point.large:.0%} | {point.solved / count:.2f} "
            f"[{low:.2f}, {high:.2f}] | {kept} | {point.milliseconds:.2f} |"
        )
    return out


def main() -> None:
    """Measure every rule and print the curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=100)
    parser.add_argument("--numbers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    given = parser.parse_args()
    torch.set_num_threads(1)
    lm, task = treeseek.load(LARGE), Countdown(numbers=given.numbers)
    problems = task.problems(given.seed, given.problems)
    points = []
    small = treeseek.load(SMALL)
    for name, rule in rules(treeseek.How(model=small)):
        for one in (lm, small):
            one.clear()
        points.append(measured(name, rule, lm, task, problems))
        print(points[-1], flush=True)
    title = f"{given.problems} problems of {given.numbers} numbers, greedy:"
    lines = [machine_line(machine(1)), "", title, "", *table(points, given.problems)]
    print("\n".join(lines))
    if given.write:
        write_section("two models in one text", lines)


if __name__ == "__main__":
    main()
