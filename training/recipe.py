"""The recipe: every number that the embedded model depends on, in one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Recipe:
    """Size of the model and courses of the training.

    First courses: `steps` steps, then `again` more with a new optimizer and the rate `again_rate`,
    each of `problems` Countdown problems and one context full of pages. Last course, on all tasks:
    `last` steps by two workers, each with `last_problems` problems and half a context of pages;
    Countdown with five numbers comes in at step `fives_from`; the rate is `last_rate` until it
    falls on a line to nothing in the `cool` steps at the end. From step
    `value_from` on the workers learn from `tried` tries each, too, what a beginning is worth (see
    EARLY); that loss counts `value_weight`. Widths are in numbers, lengths in tokens.
    """

    seed: int = 1
    width: int = 192
    layers: int = 5
    heads: int = 6
    feed_forward: int = 512
    context: int = 512
    problems: int = 40
    steps: int = 3000
    warm_up: int = 150
    rate: float = 2e-3
    again: int = 800
    again_rate: float = 1e-3
    last: int = 2900
    last_problems: int = 32
    fives_from: int = 1200
    last_rate: float = 1.5e-3
    cool: int = 1000
    value_from: int = 1900
    tried: int = 12
    value_weight: float = 0.3
    weight_decay: float = 0.1
    clip: float = 1.0
    threads: int = 2


SIBLING = Recipe(width=64, layers=3, heads=4, feed_forward=160, last=800, last_rate=4e-3, cool=500)
"""The small sibling: the same tokens, the last course alone, from random weights."""


@dataclass(frozen=True, slots=True)
class ValueRecipe:
    """The value head: `tries` samples of each of `problems` problems, then `epochs` over them.

    `shares` are of problems by kind and difficulty. What it is worth is measured by
    `measured_tries` of each of `held_out` problems in the shares `measured`.
    """

    seed: int = 1
    inner: int = 64
    problems: int = 1500
    tries: int = 8
    held_out: int = 300
    measured_tries: int = 12
    measured_seed: int = 5
    epochs: int = 12
    batch: int = 512
    rate: float = 3e-3
    weight_decay: float = 0.05
    shares: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType(
            {
                "countdown-3": 0.15,
                "countdown-4": 0.40,
                "countdown-5": 0.13,
                "arithmetic-4": 0.08,
                "strings-2": 0.08,
                "lists-2": 0.08,
                "sudoku-4": 0.08,
            }
        )
    )
    measured: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType(
            {"countdown-3": 0.2, "countdown-4": 0.6, "sudoku-4": 0.2}
        )
    )


EARLY = ValueRecipe(
    seed=2,
    problems=1500,
    tries=8,
    shares=MappingProxyType({"countdown-3": 0.3, "countdown-4": 0.7}),
)
"""What the model tries after the first courses, for the last course to learn values from."""
