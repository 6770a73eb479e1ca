"""The recipe: every number that the embedded model depends on, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """Size of the model and course of the training.

    A second course of `again` steps follows the first one of `steps`, with a new optimizer and the
    rate `again_rate`. A step reads `problems` Countdown problems and one context full of pages;
    widths are in numbers, lengths in tokens.
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
    weight_decay: float = 0.1
    clip: float = 1.0
    threads: int = 2
