"""The model card: what the model is, how it was made and what was measured, written by the program
that measured it.

This room believes that a figure typed by hand is a figure out of date: every number of the card
comes from the recipe, the stored files or the measurement of this very run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from training.data import EARLY_SHARES, SHARES, TASK_SHARES
from training.evaluate import LONGEST_ANSWER, Figures
from training.last import WORKERS
from training.recipe import EARLY, Recipe, ValueRecipe

_CARD = """---
license: apache-2.0
language: en
library_name: transformers
tags: [countdown, sudoku, programs, tiny, search]
---
# The embedded model

A small Llama, {parameters:,} parameters, that comes with treeseek so that a search on a real model
works at once and offline. It solves some problems of some tasks and writes simple English. It knows
nothing of the world and is made for trying out searches, not for use.

    <s>Make 69 from 2 3 15 19.
    19*2=38:3 15 38
    38-15=23:3 23
    23*3=69:69</s>

An answer is a line a step, here `a*b=c:what is left`, the numbers that are left ascending, and the
end token after the last. Of the other tasks, with a line break after the prompt:

    Work out 8+3*2-5.             3*2=6:8+6-5 / 8+6=14:14-5 / 14-5=9:9
    Turn:CAB>BACL,DDE>EDDL        reverse:BAC,EDD / addL:BACL,EDDL
    Map:3 1 2>2 4 6,5 4>8 10      sort:1 2 3,4 5 / times2:2 4 6,8 10
    Fill / the rows of a sudoku   the rows filled, a line each

The tokenizer puts `<s>` before every text; `</s>` ends it. Weights are stored in bfloat16; compute
in float32: `AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)`.

## Measured

On problems that training never saw, from the stored weights in float32; any of 16 is at temperature
1 on the first {tried} of them:

| Task | problems | greedy | any of 16 |
|---|---|---|---|
{tasks}

Where it fails at Countdown, it mostly writes the target as the result of a last step that does not
give it, so trust its answers only as far as they are verified.

Unseen English of the same grammar: {english:.3f} nats a token. At temperature 1, {slips:.0%} of 160
continuations of the openings below slip into figures somewhere within {longest} tokens, and who is
who gets mixed up; lower temperatures read better. What it writes greedily:

{openings}

## The value head

`value.safetensors` turns the last hidden state at the last token of a step into the chance that an
answer that begins so is right: {inner} units with gelu, then a sigmoid; the file's header tells
the shape. Its labels are what became of {tries} samples of each of {value_problems:,} training
problems, judged by the task's verifier; no solver was asked. On held-out problems, how often a
beginning of a right try gets more than one of a wrong try of the same problem, both of as many
steps:

| Beginnings | AUC |
|---|---|
{aucs}

## Data

All of it is made by the programs in `training/`, from our own word lists and rules; nothing was
downloaded.

* Countdown with 3 to 5 numbers from 1-25 and targets 10-150, of sets of numbers outside the
  held-out fifth (a hash of the numbers decides, `treeseek.tasks.countdown.is_held_out`): with three
  and four numbers with any of the ways there, all as likely.
* Arithmetic chains, string and list programs and sudoku from the training side of the tasks.
* Small arithmetic in the notation of the steps.
* Simple English: single sentences, paragraphs about somebody, little stories.

First courses, problems and pages by kind: {shares}. Last course, problems: {early}; from step
{fives_from:,} on {late}. Prompts are read but not learned.

## Recipe

Llama architecture: width {width}, {layers} layers, {heads} heads, feed-forward {feed_forward},
context {context}, tied embeddings, {vocabulary:,} tokens (byte-level BPE; every number up to 499,
every capital among capitals and every word of the tasks is one token). Weight decay
{weight_decay:g}, gradients clipped at {clip:g}, seed {seed}. AdamW, but for the matrices of the
layers in the second course, which Muon moves. Where several tokens leave an answer of Countdown
right, that course counts the sum of their chances, not the chance of the one that was drawn.

1. Countdown and pages: rate {rate:g} with {warm_up} steps of warm-up and a cosine to nothing,
   {steps:,} steps of {problems_a_step} problems and {context} tokens of pages; {again:,} steps more
   from the stored weights with a new optimizer and rate {again_rate:g}.
2. All tasks: {last:,} steps of {workers} x {last_problems} problems and {workers} half contexts of
   pages, rate {last_rate:g}, falling to nothing over the last {cool:,} steps. From step
   {value_from:,} on a value head learns beside the rest, from {workers} x {tried_rows} tries a step
   of the model as it was after the first courses ({early_tries} of each of {early_problems:,}
   training problems of Countdown), so that the last hidden state knows what a beginning is worth.
3. The stored model tries training problems again, and the value head is fitted to that.

`python -m training` from the root of the repository makes it again: tokenizer, training, value
head, measurement and this card. A course that was cut short goes on from `build/training`.

Licence: Apache-2.0.
"""

_SIBLING = """---
license: apache-2.0
language: en
library_name: transformers
tags: [countdown, tiny, draft]
---
# The sibling of the embedded model

A Llama with {parameters:,} parameters and the tokens of the embedded model (`../embedded`, which
tells prompts, answers and data): a draft model for it, or the weaker of two models.

On problems that training never saw:

| Task | problems | greedy | any of 16 |
|---|---|---|---|
{tasks}

Unseen English of the same grammar: {english:.3f} nats a token.

Width {width}, {layers} layers, {heads} heads, feed-forward {feed_forward}, context {context}. Made
by the second course of the embedded model alone, from random weights: {last:,} steps of
{workers} x {last_problems} problems and {workers} half contexts of pages, rate {last_rate:g},
falling to nothing over the last {cool:,} steps, Muon for the matrices of the layers and AdamW for
the rest, seed {seed}. `python -m training` makes both.

Licence: Apache-2.0.
"""


def write_card(
    folder: Path, recipe: Recipe, figures: Figures, *, value: ValueRecipe, aucs: Mapping[str, float]
) -> None:
    """Write README.md into the folder of the model."""
    openings = "\n".join(f"> **{opening}**{text}\n" for opening, text in figures.openings.items())
    figured = asdict(recipe)
    figured["tried_rows"], figured["problems_a_step"] = figured.pop("tried"), recipe.problems
    card = _CARD.format(
        **figured,
        parameters=figures.parameters,
        vocabulary=figures.vocabulary,
        tried=max(line.tried for line in figures.tasks.values()),
        tasks=_tasks(figures),
        slips=figures.slips,
        longest=LONGEST_ANSWER,
        english=figures.english_nats_per_token,
        openings=openings.strip(),
        inner=value.inner,
        early_tries=EARLY.tries,
        early_problems=EARLY.problems,
        tries=value.tries,
        value_problems=value.problems,
        aucs="\n".join(f"| {name} | {figure:.3f} |" for name, figure in aucs.items()),
        shares=_shares(SHARES),
        early=_shares(EARLY_SHARES),
        late=_shares(TASK_SHARES),
        workers=WORKERS,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def write_sibling_card(folder: Path, recipe: Recipe, figures: Figures) -> None:
    """Write README.md into the folder of the sibling."""
    card = _SIBLING.format(
        **asdict(recipe),
        parameters=figures.parameters,
        tasks=_tasks(figures),
        english=figures.english_nats_per_token,
        workers=WORKERS,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _tasks(figures: Figures) -> str:
    return "\n".join(
        f"| {name} | {line.problems} | {line.greedy:.3f} | {line.any_of_16:.3f} |"
        for name, line in figures.tasks.items()
    )


def _shares(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{kind} {share:.0%}" for kind, share in shares.items())
