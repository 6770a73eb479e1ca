"""The last course: all tasks together, by workers that share every step.

This room believes that on a machine whose cores have other work, workers that meet once a step lose
less than threads that meet at every product of matrices. Each worker reads its own stream of
problems and pages, gradients are averaged, and every so often what is needed to go on is stored, so
that a course that was cut short goes on as if it had not been. It does not cover more than one
machine or mixed precision.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any

import torch
from torch import distributed, multiprocessing
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from training.data import EARLY_SHARES, TASK_SHARES, pages, task_problems
from training.muon import Muon
from training.recipe import Recipe, ValueRecipe
from training.train import (
    Batch,
    Prose,
    build_model,
    encoded,
    gradients,
    padded,
)
from training.value import Beginning, Row, ValueHead, in_rows, states_of, value_loss

WORKERS = 2
STORED_EVERY = 50
GROUPS = 2


def grown(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """The model with rows for the tokens that it has none for: the mean of those it has."""
    missing = len(tokenizer) - model.config.vocab_size
    if missing > 0:
        mean = model.get_input_embeddings().weight.detach().mean(0)
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        noise = torch.randn(missing, len(mean), generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            model.get_input_embeddings().weight[-missing:] = mean + 0.02 * noise
    return model


def last_batches(
    recipe: Recipe, tokenizer: PreTrainedTokenizerFast, worker: int
) -> Iterator[list[Batch]]:
    """Endless steps of one worker: problems in groups of like length, and half a context of pages.

    Every eighth step has a whole context of pages instead, lest late positions be forgotten.
    """
    seed = f"{recipe.seed} last {worker}"
    problem, prose = task_problems(seed, EARLY_SHARES), Prose(pages(seed), tokenizer)
    for made in count():
        if made == recipe.fives_from:
            problem = task_problems(f"{seed} fives", TASK_SHARES)
        rows = [encoded(next(problem), tokenizer) for _ in range(recipe.last_problems)]
        rows.sort(key=lambda row: len(row[0]))
        each = -(-len(rows) // GROUPS)
        groups = [rows[start : start + each] for start in range(0, len(rows), each)]
        length = recipe.context if made % 8 == 7 else recipe.context // 2
        yield [*(padded(group, tokenizer) for group in groups), prose.take(1, length + 1)]


def tried_rows(
    recipe: Recipe, texts: Sequence[tuple[int, ...]], worker: int
) -> Iterator[list[Row]]:
    """Endless steps of one worker: rows of tries and which beginnings are in them."""
    rows = in_rows(texts)
    noise = random.Random(f"{recipe.seed} tried {worker}")
    while True:
        yield noise.sample(rows, min(recipe.tried, len(rows)))


def run_last(
    model: LlamaForCausalLM,
    recipe: Recipe,
    tokenizer: PreTrainedTokenizerFast,
    folder: Path,
    *,
    until: int,
    known: Sequence[Beginning] = (),
) -> LlamaForCausalLM:
    """The model after step `until` of the last course. `folder` keeps what it needs to go on.

    A course with the same folder goes on from there; another length of the course may be asked for
    as long as its rate has not begun to fall. `known` is what is learned from `value_from` on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = folder / "course.pt"
    if not start.exists():
        _store({"step": 0, "model": model.state_dict(), "optimizer": None}, start)
    meeting = folder / f"meeting-{os.getpid()}"
    multiprocessing.spawn(  # type: ignore[no-untyped-call]
        _work, args=(recipe, tokenizer, start, meeting, until, known), nprocs=WORKERS
    )
    meeting.unlink(missing_ok=True)
    model.load_state_dict(torch.load(start)["model"])
    return model.eval()


def _work(
    worker: int,
    recipe: Recipe,
    tokenizer: PreTrainedTokenizerFast,
    start: Path,
    meeting: Path,
    until: int,
    known: Sequence[Beginning],
) -> None:
    """One worker, from what is stored to step `until`; the first of them stores and prints."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=worker, world_size=WORKERS
    )
    stored: dict[str, Any] = torch.load(start)
    model = build_model(recipe, tokenizer, len(tokenizer))
    model.load_state_dict(stored["model"])
    model.train()
    head = ValueHead(recipe.width, ValueRecipe().inner)
    layers = [one for one in model.model.layers.parameters() if one.ndim == 2]
    muon = Muon(layers, decay=recipe.weight_decay, rank=worker, workers=WORKERS)
    mine = {id(one) for one in layers}
    others = [one for one in model.parameters() if id(one) not in mine] + list(head.parameters())
    adam = torch.optim.AdamW(others, betas=(0.9, 0.95), weight_decay=0.0)
    if stored["optimizer"]:
        head.load_state_dict(stored["head"])
        adam.load_state_dict(stored["optimizer"])
        muon.averages = stored["averages"]
    parameters = [*layers, *others]
    texts = [one.tokens for one in known]
    first = int(stored["step"])
    tried = islice(tried_rows(recipe, texts, worker), max(0, first - recipe.value_from), None)
    begun, read, smooth, worth = time.perf_counter(), 0, 0.0, 0.0
    stream = islice(last_batches(recipe, tokenizer, worker), first, until)
    for step, batch in enumerate(stream, first):
        share = min(1.0, (step + 1) / recipe.warm_up, (recipe.last - step) / recipe.cool)
        rate = recipe.last_rate * share
        adam.param_groups[0]["lr"] = rate
        for one in parameters:
            one.grad = None
        total, value = gradients(model, batch, any_right=True), 0.0
        if known and step >= recipe.value_from:
            rows = next(tried)
            logits = head.logits(states_of(model, rows, texts))
            loss = value_loss(logits, [known[place] for row in rows for place in row.texts])
            (recipe.value_weight * loss).backward()  # type: ignore[no-untyped-call]
            value = loss.item()
        _average(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, recipe.clip)
        adam.step()
        muon.step(rate)
        read += WORKERS * sum(tokens.numel() for tokens, _ in batch)
        smooth, worth = (
            now if step == first or not before else 0.95 * before + 0.05 * now
            for before, now in ((smooth, total), (worth, value))
        )
        done = step + 1
        if worker == 0 and done % 25 == 0:
            losses = f"loss {smooth:.4f}  value {worth:.4f}"
            spent = time.perf_counter() - begun
            print(f"last {done:5d}  {losses}  {read:,} tokens  {spent:.0f} s", flush=True)
        if worker == 0 and (done % STORED_EVERY == 0 or done == until):
            kept = {"step": done, "model": model.state_dict(), "head": head.state_dict()}
            _store({**kept, "optimizer": adam.state_dict(), "averages": muon.averages}, start)
    distributed.barrier()
    distributed.destroy_process_group()


def _average(parameters: Sequence[torch.nn.Parameter]) -> None:
    """Every gradient becomes the mean over the workers; there is none where nobody has one."""
    held = [one for one in parameters if one.grad is not None]
    flat = torch.cat([one.grad.view(-1) for one in held if one.grad is not None])
    distributed.all_reduce(flat)
    flat /= WORKERS
    for one, part in zip(held, flat.split([one.numel() for one in held]), strict=True):
        one.grad = part.view_as(one)


def _store(kept: dict[str, Any], path: Path) -> None:
    """Write beside and rename, so that a half-written file is never read."""
    aside = path.with_suffix(".new")
    torch.save(kept, aside)
    aside.replace(path)
