"""The value head: how likely an answer that begins like this is to be right.

This room believes that a model's own tries are the only honest judges of its beginnings: problems
of the training side are sampled to the end, a verifier says which ends are right, and every
beginning of a try, cut where a step ends, is worth the share of right ends among the tries that
begin so. No solver is asked and the model itself is not changed: the head reads the last hidden
state at the last token of the beginning. It does not cover what another model would make of it.
"""

from __future__ import annotations

import json
import math
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from training.data import fives
from training.evaluate import LONGEST_ANSWER
from training.recipe import ValueRecipe
from treeseek import load, search_all
from treeseek.model import LM
from treeseek.requests import Verifier
from treeseek.strategies import sample
from treeseek.tasks import arithmetic, countdown, programs, sudoku
from treeseek.tasks.arithmetic import ArithmeticVerifier
from treeseek.tasks.countdown import CountdownVerifier
from treeseek.tasks.lists import LISTS
from treeseek.tasks.programs import ProgramVerifier
from treeseek.tasks.protocol import Problem
from treeseek.tasks.strings import STRINGS
from treeseek.tasks.sudoku import SudokuVerifier

TOGETHER = 64


class Tried(NamedTuple):
    """A problem to try and who judges it."""

    kind: str
    problem: Problem
    verifier: Verifier


class Beginning(NamedTuple):
    """A prompt and the beginning of an answer in tokens, and what became of the tries that had it.

    `problem` tells problems apart, `step` is how many steps have ended; `whole` is a beginning that
    is all of the answer.
    """

    kind: str
    problem: int
    tokens: tuple[int, ...]
    whole: bool
    right: int
    tries: int
    step: int = 0


class ValueHead(nn.Module):
    """V = sigmoid(outer(gelu(inner(hidden)))): hidden states [n, width] to values [n] in (0, 1)."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.inner = nn.Linear(width, inner)
        self.outer = nn.Linear(inner, 1)

    def logits(self, hidden: Tensor) -> Tensor:
        """Before the sigmoid."""
        made: Tensor = self.outer(nn.functional.gelu(self.inner(hidden)))[:, 0]
        return made

    def forward(self, hidden: Tensor) -> Tensor:
        return torch.sigmoid(self.logits(hidden))


def to_try(recipe: ValueRecipe, count: int, *, held_out: bool) -> list[Tried]:
    """`count` problems in the shares of the recipe, of the training side or of the other one.

    Held-out problems with five numbers are left out: making them takes a second each.
    """
    noise = random.Random(f"value {recipe.seed} {held_out}")
    made: list[Tried] = []
    for kind, share in recipe.shares.items():
        number = round(share * count)
        if kind != "countdown-5":
            many = _drawn(kind, noise.getrandbits(40), number, held_out)
        elif held_out:
            many = []
        else:
            five = islice((problem for problem, _, _ in fives(noise)), number)
            many = [(problem, CountdownVerifier(problem)) for problem in five]
        made += [Tried(kind, problem, verifier) for problem, verifier in many]
    noise.shuffle(made)
    return made


def _drawn(kind: str, seed: int, count: int, held_out: bool) -> Sequence[tuple[Problem, Verifier]]:
    name, _, option = kind.partition("-")
    size = int(option)
    side: dict[str, Any] = {"count": count, "held_out": held_out}
    if name == "countdown":
        numbers = countdown.generate(seed, numbers=size, **side)
        return [(one, CountdownVerifier(one)) for one in numbers]
    if name == "arithmetic":
        chains = arithmetic.generate(seed, operations=size, **side)
        return [(one, ArithmeticVerifier(one)) for one in chains]
    if name == "sudoku":
        puzzles = sudoku.generate(seed, size=size, **side)
        return [(one, SudokuVerifier(one)) for one in puzzles]
    language = {"strings": STRINGS, "lists": LISTS}[name]
    examples = programs.generate(language, seed, operations=size, **side)
    return [(one, ProgramVerifier(language, one)) for one in examples]


def beginnings(lm: LM, tried: Sequence[Tried], *, tries: int, seed: int) -> list[Beginning]:
    """Every beginning of `tries` samples a problem that ends where a step or the answer ends."""
    line = {token for token in range(lm.vocabulary) if "\n" in lm.text((), [token])}
    made = []
    for start in range(0, len(tried), TOGETHER):
        batch = tried[start : start + TOGETHER]
        results = search_all(
            [one.problem.prompt for one in batch],
            model=lm,
            strategy=sample(),
            n=tries,
            limit=LONGEST_ANSWER,
            seed=seed + start,
        )
        for number, (one, result) in enumerate(zip(batch, results, strict=True), start):
            counts: dict[tuple[int, ...], list[int]] = {}
            whole = set()
            for candidate in result.candidates:
                answer = candidate.token_ids
                right = one.verifier.verify(candidate.text).solved
                ends = [place + 1 for place, token in enumerate(answer) if token in line]
                whole.add(answer)
                for step, end in enumerate(sorted({0, *ends, len(answer)})):
                    count = counts.setdefault(answer[:end], [0, 0, step])
                    count[0] += right
                    count[1] += 1
            prompt = tuple(lm.encode(one.problem.prompt))
            made += [
                Beginning(one.kind, number, prompt + answer, answer in whole, *count)
                for answer, count in counts.items()
            ]
        lm.clear()
    return made


class Row(NamedTuple):
    """The longest of some texts that begin one another, and which of them end where in it."""

    tokens: tuple[int, ...]
    texts: list[int]


def in_rows(texts: Sequence[tuple[int, ...]]) -> list[Row]:
    """Rows that hold every text of `texts` as a beginning, shorter rows first."""
    rows: list[Row] = []
    for place in sorted(range(len(texts)), key=lambda place: texts[place], reverse=True):
        if not rows or rows[-1].tokens[: len(texts[place])] != texts[place]:
            rows.append(Row(texts[place], []))
        rows[-1].texts.append(place)
    return sorted(rows, key=lambda row: len(row.tokens))


def states_of(model: Any, rows: Sequence[Row], texts: Sequence[tuple[int, ...]]) -> Tensor:
    """Last hidden states at the last token of each text of `rows`, in the order of the rows."""
    width = max(len(row.tokens) for row in rows)
    tokens = torch.tensor([row.tokens + (0,) * (width - len(row.tokens)) for row in rows])
    hidden: Tensor = model.model(input_ids=tokens, use_cache=False).last_hidden_state
    lines = torch.tensor([line for line, row in enumerate(rows) for _ in row.texts])
    ends = torch.tensor([len(texts[place]) - 1 for row in rows for place in row.texts])
    return hidden[lines, ends]


def hidden_states(model: Any, texts: Sequence[tuple[int, ...]], *, together: int = 64) -> Tensor:
    """Last hidden states [n, width] at the last token of each of `texts`.

    Texts that begin others share their computation. Cost: one forward over the longest of each.
    """
    rows = in_rows(texts)
    states = torch.empty(len(texts), model.config.hidden_size)
    for start in range(0, len(rows), together):
        group = rows[start : start + together]
        with torch.inference_mode():
            made = states_of(model, group, texts)
        states[[place for row in group for place in row.texts]] = made
    return states


def value_loss(logits: Tensor, chosen: Sequence[Beginning]) -> Tensor:
    """Cross entropy to the share of right ends; a beginning counts once a try."""
    tries = torch.tensor([float(one.tries) for one in chosen])
    share = torch.tensor([one.right / one.tries for one in chosen])
    loss = nn.functional.binary_cross_entropy_with_logits(
        logits, share, weight=tries, reduction="sum"
    )
    return loss / tries.sum()


def fit(states: Tensor, known: Sequence[Beginning], recipe: ValueRecipe) -> ValueHead:
    """The head that gives beginnings the share of their right ends."""
    torch.manual_seed(recipe.seed)
    head = ValueHead(states.shape[1], recipe.inner)
    optimizer = torch.optim.AdamW(
        head.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay
    )
    steps = recipe.epochs * -(-len(known) // recipe.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(recipe.epochs):
        for places in torch.randperm(len(known)).split(recipe.batch):
            loss = value_loss(head.logits(states[places]), [known[place] for place in places])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return head.eval()


def auc(values: Sequence[float], known: Sequence[Beginning]) -> float:
    """How often a beginning of a right try gets more than one of a wrong try of the same problem.

    Compared are beginnings of as many steps; every pair of tries counts once, equal values half.
    NaN where there is no pair.
    """
    problems: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, one in enumerate(known):
        problems[one.problem, one.step].append(place)
    won = pairs = 0.0
    for places in problems.values():
        for good in places:
            for bad in places:
                weight = known[good].right * (known[bad].tries - known[bad].right)
                pairs += weight
                won += weight * (
                    1.0 if values[good] > values[bad] else 0.5 * (values[good] == values[bad])
                )
    return won / pairs if pairs else float("nan")


def labels(lm: LM, recipe: ValueRecipe) -> list[Beginning]:
    """The beginnings of all tries of the recipe, on training problems."""
    tried = to_try(recipe, recipe.problems, held_out=False)
    known = beginnings(lm, tried, tries=recipe.tries, seed=recipe.seed)
    print(f"{len(known):,} beginnings of {len(tried):,} problems", flush=True)
    return known


def train_value(folder: Path, recipe: ValueRecipe, *, threads: int = 1) -> dict[str, float]:
    """Try, label, fit, measure on held-out problems and store; what `measure` says."""
    lm = load(str(folder), threads=threads)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    known = labels(lm, recipe)
    head = fit(hidden_states(model, [one.tokens for one in known]), known, recipe)
    measured = replace(recipe, shares=recipe.measured)
    tried = to_try(measured, recipe.held_out, held_out=True)
    unseen = beginnings(lm, tried, tries=recipe.measured_tries, seed=recipe.measured_seed)
    figures = measure(head, hidden_states(model, [one.tokens for one in unseen]), unseen)
    store(head, folder, figures)
    return figures


def measure(head: ValueHead, states: Tensor, unseen: Sequence[Beginning]) -> dict[str, float]:
    """The AUC by kind of problem and by how many steps a beginning has, where there are pairs."""
    with torch.inference_mode():
        values = head(states).tolist()
    figures = {}
    for kind, step in sorted({(one.kind, one.step) for one in unseen if one.step}):
        chosen = [n for n, one in enumerate(unseen) if (one.kind, one.step) == (kind, step)]
        figure = auc([values[n] for n in chosen], [unseen[n] for n in chosen])
        if not math.isnan(figure):
            figures[f"{kind}, {step} step{'s' * (step > 1)}"] = figure
    return figures


def store(head: ValueHead, folder: Path, figures: Mapping[str, float]) -> None:
    """Write `value.safetensors`, its shape and what was measured in the file's own header."""
    width, inner = head.inner.in_features, head.inner.out_features
    header = {
        "shape": json.dumps({"width": width, "inner": inner, "activation": "gelu"}),
        "reads": "last hidden state, after the final norm, at the last token of a step",
        "gives": "sigmoid: the chance that an answer that begins so is right",
        "auc": json.dumps({name: round(figure, 4) for name, figure in figures.items()}),
    }
    path = folder / "value.safetensors"
    save_file({name: one.contiguous() for name, one in head.state_dict().items()}, path, header)
    path.chmod(0o644)


def stored_figures(folder: Path) -> dict[str, float]:
    """What was measured when the head of `folder` was stored: AUC by kind of beginning."""
    with safe_open(folder / "value.safetensors", "pt") as stored:
        figures: dict[str, float] = json.loads(stored.metadata()["auc"])
    return figures
