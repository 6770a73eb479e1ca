"""Crossings: an order made of two others, pure functions of both and two cuts.

This file believes that what an order hands on is who comes before whom, so a child keeps a part of
one parent in its place and the rest in the order of the other. Bags are multisets: a word that came
twice comes twice.
"""

from collections import Counter

from treeseek.sequences.trial import Cand


def crossed(one: Cand, other: Cand, i: int, j: int) -> Cand:
    """Order crossover: `one` from `i` up to `j` in place, the rest in the order of `other`.

    The rest is read from place `j` of `other` on, round its end, and written from `j` on in the
    same way. Raises nothing for candidates of the same bag. Reference: order-crossover
    """
    n = len(one)
    left = Counter(other)
    left.subtract(one[i:j])
    rest: list[int] = []
    # Of a word that comes several times the last ones met are dropped.
    for word in other[j:] + other[:j]:
        if left[word] > 0:
            left[word] -= 1
            rest.append(word)
    after = n - j
    return (*rest[after:], *one[i:j], *rest[:after])
