"""Blocks of orders of 30 words as searches ask for them, scored with and without sharing.

A block is walked in one tree; in the same tree with nothing shared (each order behind a first token
of its own, so that no two have a prefix in common); and by a padded batch of transformers. Its
limit is the rows of all its orders over the rows of all its distinct prefixes: nothing that scores
each order exactly can be faster than that. It counts every row alike, so a prompt's tokens are
scored with the words behind it, as `treeseek order --prefix` counts them. Where a prompt is given
and only the words behind it count, nobody multiplies its rows with the head, and the limit is that
of the work.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, permutations
from typing import Any

import torch

import treeseek
from benchmarks.arms import Arm, interleave
from benchmarks.models import Pair
from treeseek.declare import strategy
from treeseek.requests import Derive, Walk
from treeseek.sequences.moves import exchanged, moved, swapped

COUNT, WORDS, TAIL = 256, 30, 5
"""Orders of a block, words of an order, words of a tail whose every order is tried."""
APART = 64
"""Orders that are walked at once where nothing is shared, so that the cache stays small."""
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
