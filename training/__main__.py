"""Make the embedded model: tokenizer, training, stored folder, measurement, card.

`python -m training` from the repository root writes into the package; `--out` writes elsewhere and
`--steps` makes a shorter course for trying something. Takes about half an hour on two free cores.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from training.card import write_card
from training.evaluate import evaluate
from training.recipe import Recipe
from training.tokenizer import build_tokenizer
from training.train import save, train

HOME = Path(__file__).resolve().parent.parent / "src" / "treeseek" / "models" / "embedded"


def main(arguments: list[str] | None = None) -> None:
    """Read the options and make the model."""
    recipe = Recipe()
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--out", type=Path, default=HOME, help="folder to write (the package's)")
    parser.add_argument(
        "--steps",
        type=int,
        default=recipe.steps,
        help=f"steps of the first course ({recipe.steps})",
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
        seed=chosen.seed,
        threads=chosen.threads,
    )
    if not chosen.measure_only:
        tokenizer = build_tokenizer(recipe.seed, context=recipe.context)
        save(train(recipe, tokenizer), tokenizer, chosen.out)
    figures = evaluate(chosen.out, problems=chosen.problems, threads=chosen.threads)
    write_card(chosen.out, recipe, figures)
    print(f"written: {chosen.out}")


if __name__ == "__main__":
    main()
