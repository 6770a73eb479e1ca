"""Blocks of orders scored with and without sharing: `python -m benchmarks.order [--write]`.

256 orders of 30 words, in blocks as searches ask for them, scored by walks of one tree, by the same
walks with nothing shared (each behind a first token of its own, so that no two have a prefix in
common), and by a padded batch of transformers; turn by turn on one thread, in CPU time. The limit
of a block is the rows of all its orders over the rows of all its distinct prefixes: nothing that
scores each order exactly can be faster than that. It counts every row alike, so a prompt's tokens
are scored with the words behind it, as `treeseek order --prefix` counts them. Where a prompt is
given and only the words behind it count, nobody multiplies its rows with the head, and the limit
is that of the work.
"""

import argparse
import json
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, permutations
from typing import Any

import torch

import treeseek
from benchmarks.arms import Arm, interleave, ratio
from benchmarks.machine import machine
from benchmarks.models import Pair, pair
from benchmarks.report import machine_line, write_section
from treeseek.declare import strategy
from treeseek.requests import Derive, Walk
from treeseek.sequences import Annealing, Permutation, Perplexity, optimise
from treeseek.sequences.moves import exchanged, moved, swapped

COUNT, WORDS, TAIL = 256, 30, 5
"""Orders of a block, words of an order, words of a tail whose every order is tried."""
APART = 64
"""Orders that are walked at once where nothing is shared, so that the cache stays small."""
WARM, COLD = 3000, 2000
"""Scores until it is cold, and of what is measured then."""
Order = tuple[int, ...]
Runs = list[list[int]]


def swaps(start: Order, rng: random.Random) -> Iterator[Order]:
    """Two words exchanged, any two."""
    while True:
        yield swapped(start, *sorted(rng.sample(range(len(start)), 2)))


def inserts(start: Order, rng: random.Random) -> Iterator[Order]:
    """One word put at every other place, then another word."""
    for i in rng.sample(range(len(start)), len(start)):
        yield from (moved(start, i, 1, to) for to in range(len(start)) if to != i)


def exchanges(start: Order, rng: random.Random) -> Iterator[Order]:
    """Two neighbouring segments exchanged: two cuts anywhere in the first third, every third."""
    third = len(start) // 3
    cuts = [(a, b) for b in range(1, third + 1) for a in range(b)]
    for a, b in rng.sample(cuts, len(cuts)):
        yield from (exchanged(start, a, b, c) for c in range(b + 1, len(start) + 1))


def tails(start: Order, rng: random.Random) -> Iterator[Order]:
    """Every order of the last words behind each of three heads."""
    for head in [start[:-TAIL], *islice(swaps(start[:-TAIL], rng), 2)]:
        yield from (head + tail for tail in permutations(start[-TAIL:]))


def shuffles(start: Order, rng: random.Random) -> Iterator[Order]:
    """Any orders."""
    while True:
        yield tuple(rng.sample(start, len(start)))


@dataclass(frozen=True)
class Block:
    """Orders that are asked for together behind `prompt` tokens; the share of the limit to reach.

    Where it is `given`, only the words behind the prompt are scored. `plain` means that a share of
    1 is no scoring, but of no sharing at all.
    """

    name: str
    draw: Callable[[Order, random.Random], Iterator[Order]]
    goal: float
    prompt: int = 1
    count: int = COUNT
    given: bool = False
    plain: bool = False


BLOCKS = (
    Block("swap", swaps, 0.9),
    Block("insert", inserts, 0.9),
    Block("3-opt", exchanges, 0.9),
    Block("tail of 5", tails, 0.85, count=360),
    Block("swap behind 256", swaps, 0.92, prompt=256),
    Block("3-opt behind 256", exchanges, 0.92, prompt=256),
    Block("swap, 256 given", swaps, 0.92, prompt=256, given=True),
    Block("3-opt, 256 given", exchanges, 0.92, prompt=256, given=True),
    Block("any order", shuffles, 0.97, plain=True),
)


@dataclass(frozen=True, repr=False)
class Sheet:
    """What to walk, each behind its own of `prompts` where there are any, and what was heard."""

    runs: Runs
    prompts: Runs
    heard: list[float]


@strategy()
def walks(ctx: Any, root: Any, *, sheet: Sheet) -> Any:
    """Score what stands on `sheet`."""
    runs, roots = sheet.runs, [root] * len(sheet.runs)
    if sheet.prompts:
        derived = yield [Derive(root, prompt) for prompt in sheet.prompts]
        roots = [reply.root for reply in derived]
    replies = yield [Walk(at, tuple(run)) for at, run in zip(roots, runs, strict=True)]
    sheet.heard.extend(-reply.total for reply in replies)


class Scored:
    """One block under one model, to be scored in three ways."""

    def __init__(self, made: Pair, words: Sequence[Sequence[int]], block: Block) -> None:
        """Draw the orders of `block` and write them down in tokens."""
        self.made, self.block = made, block
        rng = random.Random(f"{made.name} {block.name}")
        start = tuple(rng.sample(range(len(words)), len(words)))
        orders: dict[Order, None] = {}
        for order in block.draw(start, rng):
            orders[order] = None
            if len(orders) == block.count:
                break
        self.runs = [[token for word in order for token in words[word]] for order in orders]
        self.prompt = [rng.randrange(3, made.lm.vocabulary) for _ in range(block.prompt)]
        if not block.given:  # all behind the first token is scored
            self.prompt, lead = self.prompt[:1], self.prompt[1:]
            self.runs = [lead + run for run in self.runs]
        prefixes = {tuple(run[:end]) for run in self.runs for end in range(1, len(run))}
        self.rows = sum(len(self.prompt) + len(run) - 1 for run in self.runs)
        self.distinct = len(self.prompt) + len(prefixes)
        self.computed = 0
        self.heard: dict[str, list[float]] = {}

    @property
    def limit(self) -> float:
        """Rows of all orders over distinct prefixes."""
        return self.rows / self.distinct

    @property
    def work(self) -> float:
        """The same, where a row counts as the numbers it is multiplied with."""
        config, network = self.made.network.config, self.made.network
        head = config.vocab_size * config.hidden_size
        layers = sum(p.numel() for p in network.parameters() if p.dim() > 1) - head
        if not config.tie_word_embeddings:
            layers -= head
        width = network.model.layers[0].self_attn.head_dim * config.num_attention_heads
        key = 2 * config.num_hidden_layers * width

        def weight(depth: int) -> int:
            return layers + key * depth + head * (depth >= length)

        length = len(self.prompt)
        before = range(1, length)
        prefixes = {tuple(run[:end]) for run in self.runs for end in range(len(run))}
        once = [*before, *(length + len(prefix) for prefix in prefixes)]
        each = [depth for run in self.runs for depth in range(1, length + len(run))]
        return sum(map(weight, each)) / sum(map(weight, once))

    @property
    def bound(self) -> float:
        """What the share is of: the limit, and where rows differ that of the work."""
        return 1.0 if self.block.plain else self.work if self.block.given else self.limit

    def off(self) -> float:
        """Largest difference of a loss from that of transformers."""
        pairs = zip(self.heard["together"], self.heard["padded"], strict=True)
        return max(abs(own - theirs) for own, theirs in pairs)

    def together(self) -> int:
        """Walk all orders in one tree."""
        heard: list[float] = []
        self.made.mark()
        self._search(self.prompt, Sheet(self.runs, [], heard))
        self.computed = self.made.lm.backend.spent.computed - self.made.counted
        self.heard["together"] = heard
        return self.rows

    def apart(self) -> int:
        """Walk each order behind a first token of its own."""
        heard: list[float] = []
        firsts = range(3, 3 + len(self.runs))
        prompts = [[first, *self.prompt[1:]] for first in firsts]
        for at in range(0, len(self.runs), APART):
            some = slice(at, at + APART)
            self._search([1], Sheet(self.runs[some], prompts[some], heard))
        return self.rows

    def padded(self, size: int) -> int:
        """Score padded batches of `size` by transformers."""
        heard: list[float] = []
        for at in range(0, len(self.runs), size):
            some = self.runs[at : at + size]
            longest = max(map(len, some))
            ids = torch.tensor([[*self.prompt, *run, *[0] * (longest - len(run))] for run in some])
            with torch.inference_mode():
                logits = self.made.network(input_ids=ids[:, :-1], use_cache=False).logits
                logits = logits[:, len(self.prompt) - 1 :]
                after = ids[:, len(self.prompt) :]
                lost = torch.nn.functional.cross_entropy(
                    logits.flatten(0, 1), after.flatten(), reduction="none"
                ).view(after.shape)
            for row, run in zip(lost, some, strict=True):
                heard.append(float(row[: len(run)].double().sum()))
        self.heard["padded"] = heard
        return self.rows

    def _search(self, prompt: list[int], sheet: Sheet) -> None:
        self.made.lm.clear()
        longest = max(map(len, self.runs))
        how = walks(sheet=sheet)
        treeseek.search(prompt, model=self.made.lm, strategy=how, limit=longest + 1)


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


def words_of(made: Pair) -> list[list[int]]:
    """Words of one to three tokens: 70, 25 and 5 of a hundred."""
    rng = random.Random(5)
    first = 3 if made.lm.vocabulary > 1000 else 259  # past the bytes
    return [
        [rng.randrange(first, made.lm.vocabulary) for _ in range(many)]
        for many in rng.choices([1, 2, 3], [70, 25, 5], k=WORDS)
    ]


def best_size(made: Pair, words: Sequence[Sequence[int]]) -> int:
    """Orders of a padded batch that transformers scores fastest."""
    scored = Scored(made, words, Block("sizes", shuffles, 0.0, count=64))
    arms = [
        Arm(str(size), lambda size=size: scored.padded(size))  # type: ignore[misc]
        for size in (8, 16, 32, 64)
    ]
    interleave(arms, rounds=2)
    return int(min(arms, key=lambda arm: min(arm.cpu)).name)


def annealing(options: argparse.Namespace, report: dict[str, Any]) -> list[str]:
    """What bounds save where annealing is cold: from a good order on, at a low temperature."""
    lines = [
        f"Annealing of {WORDS} words, {COLD} scores from a good order on, T0 at which one uphill",
        "step of median size in a thousand is taken. Saved: tokens of the orders scored, each in",
        "full, over tokens charged. Wrong: of orders that the bound would drop and that are walked",
        "on to see, those that would have been taken.",
        "",
        "| model | bound | scored | tokens | saved | computed saved | value | wrong |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in options.models.split(","):
        made = pair(name)
        if made is None:
            lines.append(f"| {name} | not there |" + " |" * 6)
            continue
        goal = Goal.of(made, words_of(made))
        start = goal.run(Annealing(), scores=WARM)
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
