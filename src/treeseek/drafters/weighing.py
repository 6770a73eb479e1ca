"""What follows places that end alike, as probabilities: longer matches first, shorter as they miss.

This file believes in escapes, as compressors by partial match do: each level of matches speaks for
what the levels above it leave open. It does not cover where the places come from.
"""

from array import array
from collections.abc import Sequence

from treeseek.drafters.growth import Step
from treeseek.drafters.places import NONE

Match = tuple[int, int]
"""A place and its level, as `History.alike` gives them."""

MISSES = (1.0, 0.85, 0.7, 0.6, 0.45, 0.33, 0.24, 0.22, 0.18, 0.17, 0.16, 0.13, 0.11)
"""How often what followed one place does not follow again, by the place's level."""
_LAST = len(MISSES) - 1
LEAST = 0.01
"""What is left for shorter matches when they are no longer asked."""
SURE = 0.95


def followed(
    text: "array[int]", after: "array[int]", matches: Sequence[Match]
) -> list[Step[list[Match]]]:
    """The tokens at the places of `matches`, which stand by falling level; in that order."""
    if len(matches) == 1:
        ((place, level),) = matches
        behind = after[place]
        rest = [] if behind == NONE else [(behind, level + 1)]
        return [(text[place], 1.0 - MISSES[level if level < _LAST else _LAST], rest)]
    chances: dict[int, float] = {}
    rests: dict[int, list[Match]] = {}
    left, at, end = 1.0, 0, len(matches)
    while at < end and left > LEAST:
        level = matches[at][1]
        counts: dict[int, int] = {}
        start = at
        while at < end and matches[at][1] == level:
            place = matches[at][0]
            token = text[place]
            counts[token] = counts.get(token, 0) + 1
            behind = after[place]
            if behind != NONE:
                rests.setdefault(token, []).append((behind, level + 1))
            at += 1
        escape = MISSES[min(level, _LAST)]
        if (count := at - start) > 1:
            # Many tokens behind many places: the more they differ, the likelier a new one.
            doubt = 2 * len(counts) * escape
            escape = min(doubt / (count + doubt), SURE)
        share = left * (1.0 - escape) / count
        for token, times in counts.items():
            chances[token] = chances.get(token, 0.0) + share * times
        left *= escape
    return [(token, chance, rests.get(token, [])) for token, chance in chances.items()]
