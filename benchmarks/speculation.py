"""Speculation end to end: `python -m benchmarks.speculation [--quick] [--write]`.

B0 is our engine without drafts, B1 transformers' greedy `generate`, B2 its prompt lookup (10). Arms
take turns, ratios are of CPU time, the texts of every arm are compared. Models A and B have random
weights, so what they would say is replayed: the kernels, the rows and the drafts are real, and the
token that is accepted is that of a recorded text, made here to copy from its prompt, or to copy
nothing (the floor). stories260K and the embedded model say what they say, on the prompts of
Spec-Bench cut to their context; the embedded model answers Countdown besides, 16 times each. Each
table is kept in a line of --keep, so that a run may be cut and another go on; --write makes a
section of all that are kept. The last line is one JSON object.
"""

import argparse
import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

import treeseek
from benchmarks.arms import Arm, interleave, ratio
from benchmarks.drafted import Ours, Replay, Theirs
from benchmarks.machine import machine
from benchmarks.models import SHAPES, Pair, pair, shared
from benchmarks.replay import Trace, gain, replay
from benchmarks.report import machine_line, write_section
from treeseek.decoding.plan import Plan
from treeseek.drafters import Suffix, drafting
from treeseek.loading import EMBEDDED
from treeseek.tasks.countdown import Countdown
from treeseek.tree import ROOT

DRAFTERS = ("suffix", "recycle", "suffix+recycle")
SIZES = (2, 4, 8, 16)
"""Fixed numbers of drafted nodes a step, of which the best is what an oracle would choose."""
BATCHES = (1, 4, 16, 32)
LOOKUP = 10
VOCABULARY = 32_000


def copying(
    seed: int, *, prompt: int, length: int, run: float = 6.0
) -> tuple[list[int], list[int]]:
    """A prompt of Zipf-distributed tokens and an answer that quotes it with changes.

    Quotes have geometric lengths of mean `run`; behind one, some tokens are changed and the quote
    goes on, or another begins.
    """
    rng = np.random.default_rng(seed)

    def words(count: int) -> list[int]:
        return (3 + (rng.zipf(1.3, count) * 7919 + rng.integers(0, 3, count)) % 4000).tolist()

    text, answer, at = words(prompt), [], 0
    while len(answer) < length:
        if rng.random() < 0.5 or at >= prompt - 2:
            at = int(rng.integers(0, prompt - 1))
        span = int(rng.geometric(1 / run))
        answer += text[at : at + span]
        changed = int(rng.integers(1, 4))
        answer += words(changed)
        at += span + changed
    return text, answer[:length]


def free(seed: int, *, prompt: int, length: int) -> tuple[list[int], list[int]]:
    """A prompt and an answer in which nothing comes back."""
    rng = np.random.default_rng(seed)
    tokens = (3 + rng.permutation(VOCABULARY - 3)[: prompt + length]).tolist()
    return tokens[:prompt], tokens[prompt:]


def replayed(made: Pair, make: Callable[..., Any], *, rounds: int, length: int, texts: int) -> Any:
    """Recorded texts of one kind: tokens per step, and times against B0, B1, B2 and fixed sizes."""
    pairs = [make(seed, prompt=192, length=length) for seed in range(texts)]
    prompts, answers = [one for one, _ in pairs], [one for _, one in pairs]
    own = {
        "each": lambda at: {"sampler": Replay(tuple(answers[at]))},
        "limit": length,
        "strategy": treeseek.strategies.sample(),
    }
    arms: dict[str, Any] = {"B0": Ours(made, prompts, None, **own)}
    arms |= {name: Ours(made, prompts, drafting(name), **own) for name in DRAFTERS}
    arms |= {
        f"fixed {size}": Ours(made, prompts, drafting("suffix+recycle"), fixed=size, **own)
        for size in SIZES
    }
    arms["B1"] = Theirs(made, prompts, answers, length)
    arms["B2"] = Theirs(made, prompts, answers, length, prompt_lookup_num_tokens=LOOKUP)
    return timed(arms, rounds)


def batched(made: Pair, n: int, *, rounds: int, length: int) -> Any:
    """`n` samples at temperature 1 of one prompt that nothing is copied from."""
    own = {"n": n, "limit": length, "strategy": treeseek.strategies.sample(), "seed": 3}
    prompts = [free(n, prompt=64, length=1)[0]]
    arms = {"B0": Ours(made, prompts, None, **own)}
    arms |= {name: Ours(made, prompts, drafting(name), **own) for name in DRAFTERS}
    return timed(arms, rounds)


def best_of(made: Pair, *, rounds: int, n: int = 16, problems: int = 4) -> tuple[Any, str]:
    """`n` answers at temperature .8 to Countdown problems; and what drafts can gain at most."""
    task = Countdown()
    some = list(task.problems(5, problems))
    encode = encoder(made)
    prompts = [encode(one.prompt) for one in some]
    own = {"n": n, "limit": task.limit, "strategy": treeseek.strategies.sample(), "seed": 3}
    own |= {"warp": treeseek.Warp(temperature=0.8), "step": task.step}
    arms = {"B0": Ours(made, prompts, None, **own)}
    arms |= {name: Ours(made, prompts, drafting(name), **own) for name in DRAFTERS}
    found = timed(arms, rounds)
    texts = arms["B0"].texts
    sure = [_sure(made, prompt, texts[n * at : n * at + n]) for at, prompt in enumerate(prompts)]
    return found, ceiling(made, n, float(np.mean(sure)))


def _sure(made: Pair, prompt: Sequence[int], texts: Sequence[Sequence[int]]) -> float:
    """Mean probability at temperature .8 of the likeliest token along `texts`."""
    lm, found, places = made.lm, list[float](), list[int]()
    lm.clear()
    tip = lm.tree.extend(ROOT, prompt)
    for text in texts:
        at = tip
        for token in text:
            places.append(at)
            at = lm.tree.add(at, token)
    for block in lm.backend.expand(list(dict.fromkeys(places))):
        rows = block.logits / 0.8
        found += (1 / np.exp(rows - rows.max(axis=1, keepdims=True)).sum(axis=1)).tolist()
    return float(np.mean(found))


def ceiling(made: Pair, n: int, sure: float) -> str:
    """What chains of the likeliest tokens would gain over `n` texts, known for nothing."""
    plan, best = Plan(made.lm.backend.costs()), (1.0, 0)
    for size in range(1, 17):
        tokens = sum(sure**at for at in range(size + 1))
        best = max(best, (tokens * plan.cost(n) / plan.cost(n * (1 + size)), size))
    return (
        f"The likeliest token has probability {sure:.2f} on average: who knew it for nothing would "
        f"draft {best[1]} tokens a text and gain {best[0]:.2f} times, calls alone counted."
    )


def said(made: Pair, some: list[list[int]], *, rounds: int, length: int) -> Any:
    """What a model says itself behind `some` prompts."""
    arms: dict[str, Any] = {"B0": Ours(made, some, None, limit=length)}
    arms |= {name: Ours(made, some, drafting(name), limit=length) for name in DRAFTERS}
    arms["B1"] = Theirs(made, some, None, length)
    arms["B2"] = Theirs(made, some, None, length, prompt_lookup_num_tokens=LOOKUP)
    return timed(arms, rounds)


def timed(arms: dict[str, Any], rounds: int) -> dict[str, Any]:
    """Each arm against B0: tokens per step, drafted nodes a step, CPU ratio, whether it says so."""
    clocks = {name: Arm(name, run) for name, run in arms.items()}
    interleave(list(clocks.values()), rounds=rounds)
    found = {}
    for name, run in arms.items():
        ratios = ratio(clocks["B0"], clocks[name])
        found[name] = {
            "rate": round(run.rate, 3),
            "drafted": round(run.size, 2) if isinstance(run, Ours) else None,
            "ratio": str(ratios),
            "median": ratios.median,
            "low": bound(clocks["B0"], clocks[name]),
            "ms": round(1e3 * median(clocks[name].cpu) / clocks[name].tokens, 3),
            "same": run.texts == arms["B0"].texts,
        }
    return found


def bound(peer: Arm, ours: Arm) -> float:
    """Lower 95 % bound of the median ratio, by bootstrap over rounds."""
    ratios = np.array([b / a for a, b in zip(ours.cpu, peer.cpu, strict=True)])
    picks = np.random.default_rng(0).integers(0, len(ratios), (1000, len(ratios)))
    return float(np.quantile(np.median(ratios[picks], axis=1), 0.025))


def encoder(made: Pair) -> Callable[[str], list[int]]:
    """From text to the tokens of a model that has words."""
    known = EMBEDDED if made.name == "embedded" else shared() / "models" / made.name
    return treeseek.load(str(known)).tokenizer.encode


def prompts_of(made: Pair, *, most: int, room: int) -> dict[str, list[list[int]]]:
    """Prompts of Spec-Bench by category, cut to `room` tokens."""
    found: dict[str, list[list[int]]] = {}
    encode, bench = encoder(made), shared() / "data" / "spec_bench" / "data.jsonl"
    if bench.exists():
        for line in bench.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            kind = found.setdefault(row["category"], [])
            if len(kind) < most:
                kind.append(encode(row["turns"][0][: 4 * room])[:room])
    return found


def lines(title: str, report: dict[str, Any]) -> list[str]:
    """One table as Markdown, and what is said of it."""
    head = "| arm | tokens a step | drafted | B0's time / its | low | ms a token | same text |"
    out = ["", f"{title}:", "", head, "|---" * 7 + "|"]
    for name, row in report["arms"].items():
        size = "-" if row["drafted"] is None else row["drafted"]
        cells = [name, row["rate"], size, row["ratio"], f"{row['low']:.3f}", row["ms"], row["same"]]
        out.append("| " + " | ".join(map(str, cells)) + " |")
    return [*out, *(["", report["note"]] if report["note"] else [])]


def apart() -> str:
    """Tokens a step of 16 suffix nodes and of prompt lookup, on many texts and without a model."""
    texts = [Trace(*copying(seed, prompt=192, length=128)) for seed in range(60)]
    rule, ours = replay(texts, None, 0), replay(texts, Suffix(), 16)
    more, low, high = gain(ours, rule)
    return (
        f"On 60 such texts 16 nodes take {ours.rate:.2f} tokens a step and prompt lookup "
        f"{rule.rate:.2f}: {more:.3f} times [{low:.3f}, {high:.3f}] (goal 1.15)."
    )


def verdict(found: dict[str, Any]) -> str:
    """What the arms of a replayed text say of the goals."""
    arms = ("suffix", "suffix+recycle")
    ours = max(arms, key=lambda name: float(found[name]["median"]))
    fixed = max((name for name in found if name.startswith("fixed")), key=_median(found))
    return (
        f"{ours} takes {found[ours]['median']:.2f} of B0's pace (goal 1.35), "
        f"{found[ours]['median'] / found['B2']['median']:.2f} of B2's (goal 2), "
        f"{found[ours]['median'] / found[fixed]['median']:.2f} of the best fixed size's, {fixed} "
        f"(goal .9). {apart()}"
    )


def _median(found: dict[str, Any]) -> Callable[[str], float]:
    return lambda name: float(found[name]["median"])


class Kept:
    """What was measured, one line of a file for each table, so that a run may be cut."""

    def __init__(self, path: Path) -> None:
        """The tables of `path` are known already."""
        self.path, self.reports = path, dict[str, dict[str, Any]]()
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._note(json.loads(line))

    def put(self, model: str, title: str, arms: Any, note: str = "") -> None:
        """One more table, in place of an earlier one of that title."""
        row = {"model": model, "title": title, "arms": arms, "note": note}
        self._note(row)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print("\n".join(lines(f"{model}, {title}", row)), flush=True)

    def _note(self, row: dict[str, Any]) -> None:
        self.reports.setdefault(row["model"], {})[row["title"]] = row


def main() -> None:
    """Measure, print, and end in one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds, short texts")
    parser.add_argument("--model", action="append", help="A, B, stories260K, embedded")
    parser.add_argument("--only", action="append", help="copy, free, batch, said or best")
    parser.add_argument("--rounds", type=int, help="counted rounds (default 30, quick 5)")
    parser.add_argument("--length", type=int, help="tokens a text (default 128, quick 64)")
    parser.add_argument("--texts", type=int, default=2, help="texts of a round")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", default="build/speculation.jsonl", help="where tables are kept")
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(options.threads)
    kept = Kept(Path(options.keep))
    for name in options.model or ["A", "B", "stories260K", "embedded"]:
        made = pair(name)
        if made is None:
            print(f"{name}: its files are absent, skipped")
            continue
        torch.set_num_threads(options.threads)
        measure(made, kept, options)
        if options.write:
            body = [machine_line(machine(options.threads))]
            for title, report in kept.reports[name].items():
                body += lines(title, report)
            write_section(f"speculation: {name}", body)
    print(json.dumps(kept.reports))


def measure(made: Pair, kept: Kept, options: Any) -> None:
    """All tables of one model that are asked for."""
    rounds = options.rounds or (5 if options.quick else 30)
    length = options.length or (64 if options.quick else 128)
    only, name = options.only or ["copy", "free", "batch", "said", "best"], made.name
    if name in SHAPES:
        for kind, make in (("copy", copying), ("free", free)):
            if kind in only:
                how = {"rounds": rounds, "length": length, "texts": options.texts}
                found = replayed(made, make, **how)
                note = verdict(found) if kind == "copy" else ""
                kept.put(name, f"{kind}, replayed", found, note)
        for n in BATCHES if "batch" in only else ():
            found = batched(made, n, rounds=rounds, length=length // 2)
            kept.put(name, f"free, batch {n}", found)
        return
    if "said" in only:
        room = (made.lm.backend.context or 256) - length
        for kind, some in prompts_of(made, most=options.texts, room=room).items():
            kept.put(name, kind, said(made, some, rounds=rounds, length=length))
    if "best" in only and name == "embedded":
        kept.put(name, "best of 16, Countdown", *best_of(made, rounds=rounds))


if __name__ == "__main__":
    main()
