"""Drafters alone, on texts a model has written: `python -m benchmarks.replay [--quick] [--write]`.

The stored greedy answers of Mistral-7B-Instruct to CNN/DM, HAGRID and MT-Bench prompts are walked
step by step: a drafter drafts, the longest path that the stored text takes is accepted with one
token more. No model runs. The traces are data/*.json of the public repository
apoorvumang/prompt-lookup-decoding, put into build/traces (or --traces, or TREESEEK_TRACES); they
are tokenised by the mistral_v1_32k tokenizer under TREESEEK_SHARED. Without them it says so.

Tokens per step are all tokens over all steps. The last column takes the ratio to the prompt lookup
rule on the same texts, with a bootstrap interval over texts. The cost is CPU time of one thread at
8,192 tokens of context: drafting 16 nodes, and taking in what a step accepts.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from unittest import mock

import numpy as np

from benchmarks.machine import machine
from benchmarks.report import machine_line, write_section
from treeseek.drafters import Drafting, DraftTree, Merge, Recycle, Rows, Site, Suffix, Tip, suffix

SETS = {"CNN/DM": "cnn_dm_outputs", "HAGRID": "hagrid_outputs", "MT-Bench": "mt_bench_output"}
VOCABULARY = 32_000
GOAL, GAIN, COST = 3.0, 1.10, 100.0
CONTEXT, NODES = 8192, 16
SITE = Site(VOCABULARY, frozenset(), lambda name: None)


@dataclass(frozen=True)
class Trace:
    """A prompt and the answer a model gave to it, in tokens."""

    prompt: list[int]
    answer: list[int]


@dataclass(frozen=True)
class Replayed:
    """Tokens, steps and drafted nodes of each trace."""

    tokens: list[int]
    steps: list[int]
    drafted: list[int]

    @property
    def rate(self) -> float:
        """Tokens per step."""
        return sum(self.tokens) / sum(self.steps)


def traces(folder: Path, encode: Callable[[str], list[int]], name: str) -> Iterator[Trace]:
    """The greedy answers of one set; a second turn has the first in its prompt."""
    for row in json.loads((folder / f"{SETS[name]}.json").read_text(encoding="utf-8")):
        greedy = [one for one in row["response_mistral7b"] if one["gen_func"] == "greedy"]
        greedy.sort(key=lambda one: one.get("turn", 0))
        prompts = row["prompt"]
        if isinstance(prompts, str):
            prompts = [prompts]
        else:
            prompts = [f"[INST] {prompt} [/INST]" for prompt in prompts]
        told = [1]
        for prompt, one in zip(prompts, greedy, strict=True):
            told += encode(prompt)
            answer = encode(one["response_text"].removeprefix(" "))
            yield Trace(list(told), answer)
            told += answer


def lookup(context: Sequence[int], longest: int = 2, count: int = 10) -> list[int]:
    """The prompt lookup rule: what followed the first place that ends like the text does."""
    tokens = np.array(context)
    for length in range(longest, 0, -1):
        windows = np.lib.stride_tricks.sliding_window_view(tokens[:-1], length)
        places = np.flatnonzero((windows == tokens[-length:]).all(axis=1))
        if len(places):
            start = int(places[0]) + length
            return tokens[start : start + count].tolist()
    return []


def accepted(tree: DraftTree, rest: Sequence[int]) -> int:
    """How many tokens of `rest` the longest path of `tree` that agrees has."""
    children, at, count = tree.children(), -1, 0
    while count < len(rest) and (below := children.get((at, rest[count]))) is not None:
        at, count = below, count + 1
    return count


def replay(found: Sequence[Trace], drafting: Drafting | None, budget: int) -> Replayed:
    """Walk the traces with a drafter, or by the prompt lookup rule."""
    done = Replayed([], [], [])
    drafter = None if drafting is None else drafting.start(SITE)
    for number, trace in enumerate(found):
        if drafting is not None and drafting.scope == "search":
            drafter = drafting.start(SITE)
        if drafter is not None:
            drafter.begin(number, trace.prompt, search=number)
        at = steps = drafted = 0
        while at < len(trace.answer):
            rest = trace.answer[at:]
            if drafter is None:
                chain = lookup(trace.prompt + trace.answer[:at])
                tree = DraftTree(chain, range(-1, len(chain) - 1), [1.0] * len(chain))
            else:
                (tree,) = drafter.propose([Tip(number)], [min(budget, len(rest))])
            new = rest[: accepted(tree, rest) + 1]
            at, steps, drafted = at + len(new), steps + 1, drafted + len(tree)
            if drafter is not None:
                drafter.extend(number, new)
        if drafter is not None:
            drafter.end(number)
        done.tokens.append(len(trace.answer))
        done.steps.append(steps)
        done.drafted.append(drafted)
    return done


def gain(ours: Replayed, rule: Replayed, rounds: int = 1000) -> tuple[float, float, float]:
    """Ratio of tokens per step, and its 95 % interval by resampling texts."""
    rng = np.random.default_rng(7)
    steps = np.array([ours.steps, rule.steps])
    draws = rng.integers(steps.shape[1], size=(rounds, steps.shape[1]))
    sums = steps[:, draws].sum(axis=2)
    low, high = np.quantile(sums[1] / sums[0], [0.025, 0.975])
    return sum(rule.steps) / sum(ours.steps), float(low), float(high)


def cost(found: Sequence[Trace], drafting: Drafting, texts: int) -> dict[str, float]:
    """Microseconds of CPU time a step and a told token, and bytes a token, at CONTEXT tokens."""
    clock, steps, told, held = time.process_time_ns, [], [], []
    for number in range(texts):
        prompt: list[int] = []
        while len(prompt) < CONTEXT:
            number += 1
            prompt = found[number % len(found)].prompt + prompt
        answer = found[number % len(found)].answer
        prompt = prompt[-CONTEXT:]
        drafter = drafting.start(SITE)
        begin = clock()
        drafter.begin(0, prompt)
        told.append((clock() - begin) / 1e3 / CONTEXT)
        at = 0
        while at < len(answer):
            begin = clock()
            (tree,) = drafter.propose([Tip(0)], [NODES])
            middle = clock()
            new = answer[at : at + accepted(tree, answer[at:]) + 1]
            again = clock()
            drafter.extend(0, new)
            if drafter.sees:
                drafter.observe(_rows((prompt + answer[:at])[-3:], new, drafter.sees))
            steps.append((clock() - again + middle - begin) / 1e3)
            at += len(new)
        held.append(drafter.memory() / (CONTEXT + len(answer)))
    steps.sort()
    return {
        "step_us": median(steps),
        "quiet_us": steps[len(steps) // 10],
        "begin_us": median(told),
        "bytes": median(held),
    }


def pace() -> float:
    """Microseconds of CPU time that 1,000 additions take: how fast the machine is just now."""
    begin, total = time.process_time_ns(), 0
    for number in range(1_000_000):
        total += number
    return (time.process_time_ns() - begin) / 1e6


def _rows(context: list[int], new: list[int], width: int) -> Rows:
    """Rows as if the text had been sure of each token: enough to time the taking in of them."""
    whole = context + new
    ends = range(len(context), len(whole))
    tokens = [[whole[end], *range(width - 1)] for end in ends]
    sure = [-0.1 - place for place in range(width)]
    return Rows([whole[end - 3 : end] for end in ends], tokens, [sure] * len(tokens))


ARMS: dict[str, tuple[Drafting, int]] = {
    "suffix, 8 nodes": (Suffix(), 8),
    "suffix, 16 nodes": (Suffix(), 16),
    "suffix, 32 nodes": (Suffix(), 32),
    "suffix, 16 nodes, no resuming": (Suffix(resume=0), 16),
    "suffix of the run, 16 nodes": (Suffix(scope="run"), 16),
    "suffix of the run, 32 nodes": (Suffix(scope="run"), 32),
}


def measured(folder: Path, encode: Callable[[str], list[int]], count: int | None) -> list[str]:
    """The tables, as lines of Markdown."""
    out = [
        "| texts | drafter | tokens/step | drafted/step | over prompt lookup [95 %] |",
        "|---|---|---|---|---|",
    ]
    known = {name: list(traces(folder, encode, name))[:count] for name in SETS}
    for name, found in known.items():
        rule = replay(found, None, 0)
        share = sum(rule.drafted) / sum(rule.steps)
        out.append(
            f"| {name} ({len(found)}) | lookup, n=2 k=10 | {rule.rate:.2f} | {share:.1f} | |"
        )
        print(out[-1], flush=True)
        for arm, (drafting, budget) in ARMS.items():
            ours = replay(found, drafting, budget)
            ratio, low, high = gain(ours, rule)
            share = sum(ours.drafted) / sum(ours.steps)
            out.append(
                f"| {name} | {arm} | {ours.rate:.2f} | {share:.1f} "
                f"| {ratio:.3f} [{low:.3f}, {high:.3f}] |"
            )
            print(out[-1], flush=True)
    texts = 5 if count else 20
    both = Merge((Suffix(), Recycle()))
    for word, drafting, native in (
        ("suffix", Suffix(), True),
        ("suffix without kernels", Suffix(), False),
        ("recycle", Recycle(), True),
        ("suffix+recycle", both, True),
    ):
        with nullcontext() if native else mock.patch.object(suffix, "available", lambda: False):
            spent = cost(known["CNN/DM"], drafting, texts)
        line = (
            f"{word}: {spent['step_us']:.0f} us of CPU a step of {NODES} nodes at {CONTEXT} tokens "
            f"(goal {COST:.0f}; a tenth of them in {spent['quiet_us']:.0f}), "
            f"{spent['begin_us']:.2f} us a token told, {spent['bytes']:.0f} bytes a token; "
            f"1,000 additions took {pace():.0f} us meanwhile."
        )
        print(line, flush=True)
        out += ["", line]
    return [*out, "", f"Goals: {GOAL} tokens a step at 16 nodes, {GAIN} times prompt lookup."]


def main() -> None:
    """Replay what there is."""
    parser = argparse.ArgumentParser(description=__doc__)
    shared = os.environ.get("TREESEEK_SHARED", "../shared")
    parser.add_argument("--traces", default=os.environ.get("TREESEEK_TRACES", "build/traces"))
    parser.add_argument("--tokenizer", default=f"{shared}/models/tokenizers/mistral_v1_32k")
    parser.add_argument("--quick", action="store_true", help="20 texts of each set")
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    given = parser.parse_args()
    folder = Path(given.traces)
    files = [folder / f"{stem}.json" for stem in SETS.values()]
    if missing := [str(path) for path in (*files, Path(given.tokenizer)) if not path.exists()]:
        print(f"skipped, not here: {', '.join(missing)}; see the head of benchmarks/replay.py")
        return
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(given.tokenizer)

    def encode(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    lines = measured(folder, encode, 20 if given.quick else None)
    if given.write:
        write_section("Drafters on recorded texts", [machine_line(machine(1)), "", *lines])


if __name__ == "__main__":
    main()
