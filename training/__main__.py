"""Make the models of the package: tokenizer, training, value head, measurement, cards.

`python -m training` from the repository root writes `embedded` and its `sibling` into the package;
`--out` writes elsewhere, `--steps` and `--last` make shorter courses for trying something. Takes
about two hours on two free cores; what was cut short goes on from `--keep`.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast

from training.card import write_card, write_sibling_card
from training.evaluate import evaluate
from training.last import grown, run_last
from training.recipe import EARLY, SIBLING, Recipe, ValueRecipe
from training.tokenizer import build_tokenizer
from training.train import build_model, save, train
from training.value import labels, stored_figures, train_value
from treeseek import load

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "src" / "treeseek" / "models"
KEPT = ROOT / "build" / "training"


def main(arguments: list[str] | None = None) -> None:
    """Read the options and make the model."""
    recipe = Recipe()
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=HOME, help="folder of the models (the package's)"
    )
    parser.add_argument("--keep", type=Path, default=KEPT, help=f"what to go on from ({KEPT})")
    parser.add_argument(
        "--steps",
        type=int,
        default=recipe.steps,
        help=f"steps of the first course ({recipe.steps})",
    )
    parser.add_argument(
        "--last", type=int, default=recipe.last, help=f"steps of the last course ({recipe.last})"
    )
    parser.add_argument("--seed", type=int, default=recipe.seed, help=f"seed ({recipe.seed})")
    parser.add_argument("--threads", type=int, default=recipe.threads, help="torch threads")
    parser.add_argument("--problems", type=int, default=2000, help="problems to measure on (2000)")
    parser.add_argument("--measure-only", action="store_true", help="measure what --out holds")
    chosen = parser.parse_args(arguments)
    recipe = replace(
        recipe,
        steps=chosen.steps,
        again=min(recipe.again, chosen.steps),
        last=chosen.last,
        cool=min(recipe.cool, chosen.last),
        seed=chosen.seed,
        threads=chosen.threads,
    )
    embedded, sibling = chosen.out / "embedded", chosen.out / "sibling"
    if not chosen.measure_only:
        tokenizer = build_tokenizer(recipe.seed, context=recipe.context)
        make_embedded(recipe, tokenizer, embedded, chosen.keep)
        make_sibling(recipe, tokenizer, sibling, chosen.keep)
    figures = evaluate(embedded, problems=chosen.problems, threads=chosen.threads)
    aucs = stored_figures(embedded)
    write_card(embedded, recipe, figures, value=ValueRecipe(), aucs=aucs)
    figures = evaluate(sibling, problems=chosen.problems // 4, threads=chosen.threads)
    write_sibling_card(sibling, SIBLING, figures)
    print(f"written: {embedded} and {sibling}")


def make_embedded(
    recipe: Recipe, tokenizer: PreTrainedTokenizerFast, out: Path, keep: Path
) -> None:
    """All courses and the value head; what is in `keep` already is not made again."""
    first, early, known = keep / "first.pt", keep / "early", keep / "tries.pt"
    base = build_tokenizer(recipe.seed, context=recipe.context, words=())
    if first.exists():
        model = build_model(recipe, base, len(base))
        model.load_state_dict(torch.load(first))
    else:
        model = train(recipe, base)
        keep.mkdir(parents=True, exist_ok=True)
        torch.save(model.to(torch.bfloat16).to(torch.float32).state_dict(), first)
    if not known.exists():
        save(model, base, early)
        torch.save(labels(load(str(early)), EARLY), known)
    model = grown(model, tokenizer)
    tries = torch.load(known, weights_only=False)
    model = run_last(model, recipe, tokenizer, keep / "last", until=recipe.last, known=tries)
    save(model, tokenizer, out)
    train_value(out, ValueRecipe())


def make_sibling(recipe: Recipe, tokenizer: PreTrainedTokenizerFast, out: Path, keep: Path) -> None:
    """The small model with the same tokens: the last course, from random weights."""
    small = replace(SIBLING, seed=recipe.seed, last=min(SIBLING.last, recipe.last))
    small = replace(small, cool=min(small.cool, small.last))
    model = build_model(small, tokenizer, len(tokenizer))
    save(run_last(model, small, tokenizer, keep / "sibling", until=small.last), tokenizer, out)


if __name__ == "__main__":
    main()
