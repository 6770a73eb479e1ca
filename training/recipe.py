"""The recipe: every number that the embedded model depends on, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """Size of the model and course of the training; lengths are in tokens."""

    seed: int = 1
    width: int = 192
    layers: int = 5
    heads: int = 6
    feed_forward: int = 512
    context: int = 512
    rows: int = 5
    steps: int = 2900
    warm_up: int = 150
    rate: float = 2e-3
    weight_decay: float = 0.1
    clip: float = 1.0
    threads: int = 2
