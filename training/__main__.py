"""Make the embedded model: tokenizer, training, stored folder, measurement, card.

`python -m training` from the repository root writes into the package; `--out` writes elsewhere and
`--steps` makes a shorter course for trying something. Takes about half an hour on two free cores.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from training.card import write_card
from training.evaluate import evaluate
from training.last import grown, run_last
from training.recipe import Recipe, ValueRecipe
from training.tokenizer import base_size, build_tokenizer
from training.train import build_model, save, train
from training.value import labels, stored_figures, train_value
from treeseek import load

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "src" / "treeseek" / "models" / "embedded"
KEPT = ROOT / "build" / "training"


def main(arguments: list[str] | None = None) -> None:
    """Read the options and make the model."""
    recipe = Recipe()
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--out", type=Path, default=HOME, help="folder to write (the package's)")
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
    if not chosen.measure_only:
        make(recipe, chosen.out, chosen.keep)
    figures = evaluate(chosen.out, problems=chosen.problems, threads=chosen.threads)
    aucs = stored_figures(chosen.out)
    write_card(chosen.out, recipe, figures, value=ValueRecipe(), aucs=aucs)
    print(f"written: {chosen.out}")


def make(recipe: Recipe, out: Path, keep: Path) -> None:
    """All courses; each is taken from `keep` where it is there already."""
    tokenizer = build_tokenizer(recipe.seed, context=recipe.context)
    first = keep / "first.pt"
    if first.exists():
        model = build_model(recipe, tokenizer, base_size(tokenizer))
        model.load_state_dict(torch.load(first))
    else:
        model = train(recipe, tokenizer)
        keep.mkdir(parents=True, exist_ok=True)
        torch.save(model.to(torch.bfloat16).to(torch.float32).state_dict(), first)
    course, known = keep / "last", keep / "tries.pt"
    model = grown(model, tokenizer)
    if not known.exists():
        run_last(model, recipe, tokenizer, course, until=min(recipe.tries_from, recipe.last))
        save(model, tokenizer, keep / "early")
        torch.save(labels(load(str(keep / "early")), ValueRecipe()), known)
    tries = torch.load(known, weights_only=False)
    run_last(model, recipe, tokenizer, course, until=recipe.last, known=tries)
    save(model, tokenizer, out)
    train_value(out, ValueRecipe())


if __name__ == "__main__":
    main()
