"""Orders scored and searched: `python -m benchmarks.order [--write]`.

Blocks of 256 orders of 30 words (benchmarks/blocks.py), with and without sharing, turn by turn on
one thread in CPU time; and what bounds save where annealing is cold.
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch

import treeseek
from benchmarks.arms import Arm, interleave, ratio
from benchmarks.blocks import BLOCKS, WORDS, Order, Scored, best_size, words_of
from benchmarks.machine import machine
from benchmarks.models import SHAPES, Pair, folder_of, pair, shared
from benchmarks.report import machine_line, write_section
from treeseek.sequences import Annealing, Permutation, Perplexity, optimise

WARM, COLD = 2000, 2000
"""Scores until it is cold, and of what is measured then."""
STORY = 400
"""The story whose first words are put in order where a model knows words."""


def blocks(options: argparse.Namespace, report: dict[str, Any]) -> list[str]:
    """Time every block under every model; lines of Markdown."""
    lines = [
        "Factor = CPU time with nothing shared over ours, round by round: median [quartiles].",
        "Work: the limit where a row weighs what it multiplies: behind a prompt it sees more keys,",
        "and a prompt that is given needs no head. Share: factor over limit (given: over work; any",
        "order: the factor itself). Once: rows computed for each distinct prefix.",
        "Peer: padded batches of transformers over ours. Off: largest difference of a loss from",
        "transformers'.",
        "",
        "| model | block | limit | work | factor | share | goal | once | peer | off, nats |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in options.models.split(","):
        made = pair(name)
        if made is None:
            lines.append(f"| {name} | not there |" + " |" * 8)
            continue
        words = words_of(made)
        size = best_size(made, words)
        for block in BLOCKS:
            scored = Scored(made, words, block)
            peer = Arm("padded", lambda scored=scored, size=size: scored.padded(size))  # type: ignore[misc]
            apart, ours = Arm("apart", scored.apart), Arm("together", scored.together)
            interleave([apart, ours], rounds=options.rounds)
            interleave([peer], rounds=1, warmup=0)
            factor = ratio(apart, ours)
            share = factor.median / scored.bound
            over = statistics.median(peer.cpu) / statistics.median(ours.cpu)
            cells = [
                f"{scored.limit:.2f}", f"{scored.work:.2f}", factor, f"{share:.3f}", block.goal,
                f"{scored.computed / scored.distinct:.2f}", f"{over:.2f}", f"{scored.off():.1e}",
            ]  # fmt: skip
            lines.append(f"| {name} | {block.name} | " + " | ".join(map(str, cells)) + " |")
            print(lines[-1], flush=True)
            report[f"{name} {block.name}"] = {
                "limit": scored.limit, "factor": factor.median, "share": share,
                "once": scored.computed / scored.distinct, "peer": over, "off": scored.off(),
            }  # fmt: skip
    return lines


def story_of(name: str) -> list[list[int]]:
    """The tokens of each of the first words of a story by the tokenizer of model `name`."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder_of(name))
    with (shared() / "data" / "tinystories" / "data.jsonl").open() as stories:
        line = next(islice(stories, STORY, None))

    def tokens(text: str) -> list[int]:
        found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    return [tokens(f"a {w}")[len(tokens("a")) :] for w in json.loads(line)["text"].split()[:WORDS]]


def annealing(options: argparse.Namespace, report: dict[str, Any]) -> list[str]:
    """What bounds save where annealing is cold: from a good order on, at a low temperature."""
    lines = [
        f"Annealing of {WORDS} words (of A: drawn tokens, of others: the first of a story), {COLD}",
        f"scores on from the best of {WARM} by a screened annealing, T0 at which one uphill step",
        "of median size in a thousand is taken. Saved: tokens of the orders scored, each in full,",
        "over tokens charged. Wrong: of orders that the bound would drop and that are walked on to",
        "see, those that would have been taken. Asked: saved 1.7 by the exact bound, 3 by the",
        "calibrated one, of a thousand less than one wrong. What screens save: section screens.",
        "",
        "| model | bound | scored | tokens | saved | computed saved | value | wrong |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in options.models.split(","):
        made = pair(name)
        if made is None:
            lines.append(f"| {name} | not there |" + " |" * 6)
            continue
        goal = Goal.of(made, words_of(made) if name in SHAPES else story_of(name))
        start = goal.run(Annealing(screen="pairs", hot=0.05), scores=WARM)
        for label, bound, audit in (
            ("none", "none", 0.0), ("exact", "exact", 0.0), ("calibrated", "calibrated", 0.02),
            ("calibrated, all seen", "calibrated", 1.0),
        ):  # fmt: skip
            cold = Annealing(hot=0.001, cold=0.1)
            done = goal.run(cold, scores=COLD, start=[start.cand], bound=bound, audit=audit)
            full = done.scored * goal.length
            cells = [
                name, label, done.scored, done.tokens, f"{full / done.tokens:.2f}",
                f"{full / done.computed:.2f}", f"{done.value:.4f}", done.wrong,
            ]  # fmt: skip
            lines.append("| " + " | ".join(map(str, cells)) + " |")
            print(lines[-1], flush=True)
            report[f"{name} {label}"] = {"saved": full / done.tokens, "wrong": done.wrong}
    return lines


@dataclass(frozen=True)
class Done:
    """What a run of annealing came to."""

    cand: Order
    value: float
    scored: int
    tokens: int
    computed: int
    wrong: str


@dataclass(frozen=True)
class Goal:
    """Words as numbers of tokens under a model, to be put in order."""

    made: Pair
    space: Permutation
    objective: Perplexity
    length: int

    @classmethod
    def of(cls, made: Pair, words: Sequence[Sequence[int]]) -> "Goal":
        """Words named by their tokens."""
        texts = ["-".join(map(str, word)) for word in words]

        def encode(text: str) -> list[int]:
            return [int(part) for part in text.replace("-", " ").split()]

        space = Permutation(texts)
        return cls(made, space, Perplexity(encode, begin=(1,)), sum(map(len, words)))

    def run(self, by: Annealing, **options: Any) -> Done:
        """Search by `by`."""
        self.made.lm.clear()
        self.made.mark()
        how = optimise(space=self.space, objective=self.objective, by=by, **options)
        prompt = self.objective.prompt()
        found = treeseek.search(prompt, model=self.made.lm, strategy=how, limit=self.length + 1)
        best = max(found.candidates, key=lambda one: one.score)
        numbers = {word: at for at, word in enumerate(self.space.vocabulary)}
        cand = self._order(best.token_ids, numbers)
        noted = next((c.scores for c in found.candidates if "audited" in c.scores), {})
        wrong = f"{noted['wrong']:.0f} of {noted['audited']:.0f}" if noted else "-"
        scored = int(max(c.scores["scored"] for c in found.candidates))
        computed = self.made.lm.backend.spent.computed - self.made.counted
        return Done(cand, -best.score, scored, found.cost.tokens, computed, wrong)

    def _order(self, tokens: Sequence[int], numbers: dict[str, int]) -> Order:
        """The order of words whose tokens these are."""
        order, at = [], 0
        left = list(self.space.words)
        while at < len(tokens):
            word = next(
                word
                for word in sorted(left, key=len, reverse=True)
                if [int(part) for part in word.split("-")]
                == list(tokens[at : at + word.count("-") + 1])
            )
            left.remove(word)
            order.append(numbers[word])
            at += word.count("-") + 1
        return tuple(order)


def main() -> None:
    """Measure, print, and end in one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="A,stories260K", help="which, by name")
    parser.add_argument("--section", choices=("blocks", "annealing"), help="only this one")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds of each block")
    parser.add_argument("--quick", action="store_true", help="two rounds, stories260K")
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    options = parser.parse_args()
    if options.quick:
        options.models, options.rounds = "stories260K", 2
    torch.set_num_threads(1)
    facts = machine(1)
    report: dict[str, Any] = {"machine": facts}
    for name, measure in (("blocks", blocks), ("annealing", annealing)):
        if options.section in (None, name):
            lines = [machine_line(facts), "", *measure(options, report)]
            print("\n".join(lines))
            if options.write:
                write_section(f"order: {name}", lines)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
