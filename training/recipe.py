"""The recipe: every number that the embedded model depends on, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """Size of the model and courses of the training.

    First courses: `steps` steps, then `again` more with a new optimizer and the rate `again_rate`,
    each of `problems` Countdown problems and one context full of pages. Last course, on all tasks:
    `last` steps by two workers, each with `last_problems` problems and half a context of pages; the
    rate is `last_rate` until it falls on a line to nothing in the `cool` steps at the end. Widths
    are in numbers, lengths in tokens.
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
    last: int = 2200
    last_problems: int = 32
    last_rate: float = 1.5e-3
    cool: int = 700
    weight_decay: float = 0.1
    clip: float = 1.0
    threads: int = 2


SIBLING = Recipe(
    width=64, layers=3, heads=4, feed_forward=160, steps=0, again=0, last=2000, last_rate=4e-3
)
"""The small sibling: the same tokens, the last course alone, from random weights."""
