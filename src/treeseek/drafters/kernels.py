"""The suffix drafter's trees by the kernels: the same as step by step, to the last bit.

This file believes that what is fast is worth nothing unless it is equal, so every number it knows
is told by those who draft step by step. It does not cover machines without kernels.
"""

from typing import TYPE_CHECKING

from treeseek.drafters.copying import COPIED, FURTHER, RESUMED, Copy
from treeseek.drafters.history import NEAR, History
from treeseek.drafters.places import Cursor
from treeseek.drafters.trees import DraftTree
from treeseek.drafters.weighing import LEAST, MISSES, SURE
from treeseek.native.suffix import Growing

if TYPE_CHECKING:
    from treeseek.drafters.suffix import Suffix


def growing(options: "Suffix", most: int) -> Growing:
    """What grows trees by `options` behind the best `most` places."""
    return Growing(
        MISSES,
        near=NEAR,
        shortest=options.shortest,
        longest=options.longest,
        first=options.follow == "first",
        most=most,
        alone=options.follow != "tree",
        copied=COPIED,
        least=LEAST,
        sure=SURE,
        resumed=RESUMED,
        further=FURTHER,
    )


def grown(
    by: Growing, history: History, cursor: Cursor, copy: Copy, *, resume: int, budget: int
) -> DraftTree:
    """The tree behind `cursor`, of at most `budget` nodes; a broken `copy` may skip `resume`."""
    at = by.at
    at.text, at.after = history.text.buffer_info()[0], history.after.buffer_info()[0]
    at.labels, at.places = history.labels.buffer_info()[0], cursor.places.buffer_info()[0]
    at.lengths, at.held = cursor.lengths.buffer_info()[0], len(cursor.places)
    at.label, at.place, at.budget = cursor.label, copy.place, budget
    at.resume = resume if copy.broken else 0
    tokens, parents, chances, tip = by.grow()
    copy.begin(tip)
    return DraftTree(tokens, parents, chances)
