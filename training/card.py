"""The model card: what the model is, how it was made and what was measured, written by the program
that measured it.

This room believes that a figure typed by hand is a figure out of date: every number of the card
comes from the recipe, the stored files or the measurement of this very run.
"""

from __future__ import annotations

from pathlib import Path

from training.data import SHARES
from training.evaluate import LONGEST_ANSWER, Figures
from training.recipe import Recipe

_CARD = """---
license: apache-2.0
language: en
library_name: transformers
tags: [countdown, tiny, search]
---
# The embedded model

A small Llama, {parameters:,} parameters, that comes with treeseek so that a search on a real model
works at once and offline. It solves some Countdown problems, knows small sums and writes simple
English. It knows nothing of the world and is made for trying out searches, not for use.

    <s>Make 69 from 2 3 15 19.
    19*2=38:3 15 38
    38-15=23:3 23
    23*3=69:69</s>

An answer is a line a step: `a*b=c:what is left`, the numbers that are left ascending, and the end
token after the last. The tokenizer puts `<s>` before every text; `</s>` ends it. Weights are stored
in bfloat16; compute in float32: `AutoModelForCausalLM.from_pretrained(folder,
dtype=torch.float32)`.

## Measured

On {problems} problems of each size, with sets of numbers that training never saw, from the stored
weights in float32; any of 16 on the first {tried} of them:

| Countdown | greedy | any of 16 at temperature 1 |
|---|---|---|
| 3 numbers | {greedy3:.3f} | {any3:.3f} |
| 4 numbers | {greedy4:.3f} | {any4:.3f} |

Where it fails, it mostly writes the target as the result of a last step that does not give it, so
trust its answers only as far as they are verified.

Unseen English of the same grammar: {english:.3f} nats a token. At temperature 1, {slips:.0%} of 160
continuations of the openings below slip into figures somewhere within {longest} tokens, and who is
who gets mixed up; lower temperatures read better. What it writes greedily:

{openings}

## Data

All of it is made by the programs in `training/`, from our own word lists and rules; nothing was
downloaded.

* Countdown with 3 and 4 numbers from 1-25 and targets 10-150: every target of every set of numbers
  outside the held-out fifth (a hash of the numbers decides,
  `treeseek.tasks.countdown.is_held_out`), with any of the ways there, all as likely.
* Small arithmetic in the notation of the steps.
* Simple English: single sentences, paragraphs about somebody, little stories.

Problems and pages by kind: {shares}. The prompts
of Countdown are read but not learned.

## Recipe

Llama architecture: width {width}, {layers} layers, {heads} heads, feed-forward {feed_forward},
context {context}, tied embeddings, {vocabulary:,} tokens (byte-level BPE; every number up to 499 is
one token). AdamW, rate {rate:g} with {warm_up} steps of warm-up and a cosine to nothing, weight
decay {weight_decay:g}, gradients clipped at {clip:g}, {steps:,} steps of {problems_a_step} problems
and {context} tokens of pages; {again:,} steps more from the stored weights with a new optimizer
and rate {again_rate:g}. {threads} threads, seed {seed}. `python -m training` from the root of the
repository makes it again: tokenizer, training, measurement and this card.

Licence: Apache-2.0.
"""


def write_card(folder: Path, recipe: Recipe, figures: Figures) -> None:
    """Write README.md into the folder of the model."""
    openings = "\n".join(f"> **{opening}**{text}\n" for opening, text in figures.openings.items())
    card = _CARD.format(
        parameters=figures.parameters,
        vocabulary=figures.vocabulary,
        problems=figures.problems,
        tried=figures.tried,
        greedy3=figures.greedy[3],
        greedy4=figures.greedy[4],
        any3=figures.any_of_16[3],
        any4=figures.any_of_16[4],
        slips=figures.slips,
        longest=LONGEST_ANSWER,
        english=figures.english_nats_per_token,
        openings=openings.strip(),
        shares=", ".join(f"{kind} {share:.0%}" for kind, share in SHARES.items()),
        width=recipe.width,
        layers=recipe.layers,
        heads=recipe.heads,
        feed_forward=recipe.feed_forward,
        context=recipe.context,
        rate=recipe.rate,
        warm_up=recipe.warm_up,
        weight_decay=recipe.weight_decay,
        clip=recipe.clip,
        again=recipe.again,
        again_rate=recipe.again_rate,
        steps=recipe.steps,
        problems_a_step=recipe.problems,
        threads=recipe.threads,
        seed=recipe.seed,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
