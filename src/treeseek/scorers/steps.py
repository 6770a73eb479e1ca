"""Steps of a text, and one number from the numbers of its steps.

This file believes that how the scores of steps are reduced to one is a choice of the user, never of
the model behind them. It covers steps that end by a string; a step that is a number of tokens needs
the tokens, which a text no longer has.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from treeseek.decoding.stops import Step
from treeseek.errors import InvalidOption

Reduction = Literal["last", "min", "prod", "mean"]

REDUCTIONS: Mapping[str, Callable[[Sequence[float]], float]] = MappingProxyType(
    {
        "last": lambda values: values[-1],
        "min": min,
        "prod": math.prod,
        "mean": lambda values: math.fsum(values) / len(values),
    }
)
"""One number from the scores of the steps of a text, first step first."""


def pieces(text: str, step: Step) -> list[str]:
    """The steps of `text`, each with the string that ends it; what is blank is no step.

    Joined they give the text again, but for blank pieces. Raises InvalidOption for a Step that no
    string ends.
    """
    if not step.strings:
        raise InvalidOption(f"{step} ends by a count of tokens: give a Step with strings.")
    found, start = [], 0
    while start < len(text):
        places = [(text.find(string, start), len(string)) for string in step.strings]
        end = min((at + length for at, length in places if at >= 0), default=len(text))
        found.append(text[start:end])
        start = end
    return [piece for piece in found if piece.strip()]


def reduced(values: Sequence[float], reduction: Reduction) -> float:
    """The scores of the steps as one number; 0 for a text without a step.

    Raises InvalidOption for a reduction that is not last, min, prod or mean.
    """
    if reduction not in REDUCTIONS:
        raise InvalidOption(f"reduction={reduction!r}: choose from {', '.join(REDUCTIONS)}.")
    return REDUCTIONS[reduction](values) if values else 0.0
