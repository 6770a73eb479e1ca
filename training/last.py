"""The last course: all tasks together, by workers that share every step.

This room believes that on a machine whose cores have other work, workers that meet once a step lose
less than threads that meet at every product of matrices. Each worker reads its own stream of
problems and pages, gradients are averaged, and every so often what is needed to go on is stored, so
that a course that was cut short goes on as if it had not been. It does not cover more than one
machine or mixed precision.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import torch
from torch import distributed, multiprocessing
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from training.data import pages, task_problems
from training.recipe import Recipe
from training.train import (
    Batch,
    Prose,
    build_model,
    encoded,
    gradients,
    in_rows,
    optimizer_of,
)

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

    Every eighth step has a whole context of pages instead, so that late positions are not forgotten.
    """
    seed = f"{recipe.seed} last {worker}"
    problem, prose = task_problems(seed), Prose(pages(seed), tokenizer)
    for made in count():
        rows = [encoded(next(problem), tokenizer) for _ in range(recipe.last_problems)]
        rows.sort(key=lambda row: len(row[0]))
        each = -(-len(rows) // GROUPS)
        groups = [rows[start : start + each] for start in range(0, len(rows), each)]
        length = recipe.context if made % 8 == 7 else recipe.context // 2
        yield [*(in_rows(group, tokenizer) for group in groups), prose.take(1, length + 1)]


def run_last(
    model: LlamaForCausalLM, recipe: Recipe, tokenizer: PreTrainedTokenizerFast, folder: Path
) -> LlamaForCausalLM:
    """The model after the last course. `folder` keeps what a course needs to go on.

    A course with the same folder goes on from there; a longer or shorter `last` may be asked for as
    long as the rate has not begun to fall.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = folder / "course.pt"
    if not start.exists():
        _store({"step": 0, "model": model.state_dict(), "optimizer": None}, start)
    meeting = folder / f"meeting-{os.getpid()}"
    multiprocessing.spawn(  # type: ignore[no-untyped-call]
        _work, args=(recipe, tokenizer, start, meeting), nprocs=WORKERS
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
) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=worker, world_size=WORKERS
    )
    stored: dict[str, Any] = torch.load(start)
    model = build_model(recipe, tokenizer, len(tokenizer))
    model.load_state_dict(stored["model"])
    model.train()
    optimizer = optimizer_of(model, recipe, recipe.last_rate)
    if stored["optimizer"]:
        optimizer.load_state_dict(stored["optimizer"])
    parameters = [one for group in optimizer.param_groups for one in group["params"]]
    stream = islice(last_batches(recipe, tokenizer, worker), stored["step"], recipe.last)
    begun, read = time.perf_counter(), 0
    smooth: float | None = None
    for step, batch in enumerate(stream, stored["step"]):
        share = min(1.0, (step + 1) / recipe.warm_up, (recipe.last - step) / recipe.cool)
        for group in optimizer.param_groups:
            group["lr"] = recipe.last_rate * share
        optimizer.zero_grad(set_to_none=True)
        total = gradients(model, batch)
        flat = torch.cat([one.grad.view(-1) for one in parameters])
        distributed.all_reduce(flat)
        flat /= WORKERS
        for one, part in zip(
            parameters, flat.split([one.numel() for one in parameters]), strict=True
        ):
            one.grad = part.view_as(one)
        torch.nn.utils.clip_grad_norm_(parameters, recipe.clip)
        optimizer.step()
        read += sum(tokens.numel() for tokens, _ in batch)
        smooth = total if smooth is None else 0.95 * smooth + 0.05 * total
        done = step + 1
        if worker == 0 and done % 25 == 0:
            spent = time.perf_counter() - begun
            pace = f"{read * WORKERS:,} tokens  {spent:.0f} s"
            print(f"last {done:5d}  loss {smooth:.4f}  {pace}", flush=True)
        if worker == 0 and (done % STORED_EVERY == 0 or done == recipe.last):
            kept = {"step": done, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
            _store(kept, start)
    distributed.barrier()
    distributed.destroy_process_group()


def _store(kept: dict[str, Any], path: Path) -> None:
    """Write beside and rename, so that a half-written file is never read."""
    aside = path.with_suffix(".new")
    torch.save(kept, aside)
    aside.replace(path)
