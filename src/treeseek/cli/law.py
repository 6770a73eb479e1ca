"""The options that bend the model's rows and load the model, shared by the verbs that search."""

from collections.abc import Callable
from typing import Any

import click

from treeseek.decoding.warp import Warp
from treeseek.loading import load
from treeseek.model import LM

_LAW: tuple[tuple[str, type, float, str], ...] = (
    ("temperature", float, 1.0, "Divide the logits by this."),
    ("top_k", int, 0, "Keep the K likeliest tokens; 0 keeps all."),
    ("top_p", float, 1.0, "Keep the likeliest tokens that hold this probability."),
    ("min_p", float, 0.0, "Drop tokens under this share of the likeliest one."),
    ("repetition_penalty", float, 1.0, "Above 1 makes tokens rarer that were there before."),
)


def law_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--temperature`, `--top-k`, `--top-p`, `--min-p`, `--repetition-penalty`."""
    for name, kind, default, words in reversed(_LAW):
        flag = "--" + name.replace("_", "-")
        function = click.option(flag, type=kind, default=default, show_default=True, help=words)(
            function
        )
    return function


def law(options: dict[str, Any]) -> Warp | None:
    """The warp that `options` ask for, taken out of them; None where they ask for nothing."""
    values = {name: options.pop(name) for name, *_ in _LAW}
    plain = {name: default for name, _, default, _ in _LAW}
    return None if values == plain else Warp(**values)


def model_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`-m`, `--dtype`, `--device`, `--threads`."""
    for option in (
        click.option(
            "--threads", type=click.IntRange(1),
            help="Threads that torch may use.  [default: 1 under 10M parameters, 2 under 100M, "
            "else at most 8]",
        ),
        click.option("--device", help="cpu or cuda.  [default: a GPU where there is one]"),
        click.option(
            "--dtype", type=click.Choice(["float32", "bfloat16", "float16", "int8"]),
            help="Number format of the model.  [default: float32 on a CPU, as stored elsewhere]",
        ),
        click.option(
            "-m", "--model", default="embedded", show_default=True,
            help="A folder or Hugging Face id, embedded, or toy:hash?vocabulary=8&seed=0.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def draft_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`-d`, `--draft-budget`, `--draft-rule`."""
    for option in (
        click.option(
            "--draft-rule", type=click.Choice(["match", "reject"]), default="match",
            show_default=True,
            help="Which guesses are taken: those the model says anyhow (match), or, drawn by "
            "model:PATH, by coins that keep its law and not its text (reject).",
        ),
        click.option(
            "--draft-budget", type=click.IntRange(1), default=16, show_default=True,
            help="Tokens guessed ahead at most, for each continuation and call.",
        ),
        click.option(
            "-d", "--drafter", default="none", show_default=True, metavar="DRAFTER",
            help="What guesses ahead, for the same text sooner: none, suffix, recycle, "
            "suffix+recycle, model:PATH, each with options as in suffix(scope=run).",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def loaded(options: dict[str, Any], note: Callable[[str], None] | None = None) -> LM:
    """The model that `options` name, taken out of them; `note` hears why it is served slowly."""
    chosen = {name: options.pop(name) for name in ("dtype", "device", "threads")}
    lm = load(options.pop("model"), **chosen)
    if note is not None:
        for why in lm.backend.capabilities.notes:
            note(f"warning: {why}")
    return lm


def number_option(
    flag: str, default: int, words: str, *, low: int | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`flag` takes a whole number, at least `low`."""
    kind = click.INT if low is None else click.IntRange(low)
    return click.option(flag, type=kind, default=default, show_default=True, help=words)


def budget_option(default: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`-b`."""
    return click.option(
        "-b", "--budget", default=default, show_default=default is not None,
        metavar="LIMITS",
        help="What the search may spend: tokens=N, scores=N, seconds=S, with commas between.",
    )  # fmt: skip
