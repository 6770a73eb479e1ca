"""The recycle drafter: what a model found likely after these tokens, it finds likely again.

This file believes that the rows a model computes are worth keeping, rejected drafts and prompts
included: their likeliest tokens are tomorrow's drafts. It does not cover what lies further back
than three tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Annotated

import numpy as np

from treeseek.decoding.gumbel import gumbel
from treeseek.drafters.growth import Step, best_first
from treeseek.drafters.protocol import CONTEXT, Drafter, Rows, Scope, Site, Tip
from treeseek.drafters.successors import Entry, shares
from treeseek.drafters.trees import DraftTree
from treeseek.options import Range, validate

_TRUST = (0.5, 0.7, 0.85)
"""How often the likeliest token after the last one, two and three tokens is likely again."""

State = tuple[tuple[int, ...], int]
"""The last tokens of a node and its depth below the tip."""


@dataclass(frozen=True)
class Recycle:
    """Drafts the tokens that were likely the last time the last one to `order` tokens stood so.

    Every row a model computes is remembered by its likeliest `width` tokens under its last token,
    two and three; the longest that is known answers. Where tokens are drawn, the stored
    log-probabilities get the very noise they are drawn with. Cost: a table look-up a node, and the
    noise of `width` tokens when drawing; about 0.3 kB an entry, `room` entries at most, the
    oldest half forgotten. Token Recycling is order=1. Loses where the far past decides. Raises
    InvalidOption for a value out of range.

    Reference: token-recycling, aded, stand
    """

    scope: Annotated[Scope, "whose rows are remembered"] = "search"
    order: Annotated[int, Range(low=1, high=CONTEXT), "tokens of context"] = 3
    width: Annotated[int, Range(low=1, high=64), "tokens remembered of a row"] = 8
    depth: Annotated[int, Range(low=1), "tokens of a path at most"] = 12
    room: Annotated[int, Range(low=16), "entries at most"] = 1 << 17

    name = "recycle"

    def __post_init__(self) -> None:
        validate(self)

    def start(self, site: Site) -> Drafter:
        """No row has been seen yet."""
        return _Successors(self, site)


class _Successors:
    """See `Recycle`."""

    name = "recycle"

    def __init__(self, options: Recycle, site: Site) -> None:
        self.options, self.site = options, site
        self.sees = options.width
        self.table: dict[tuple[int, ...], Entry] = {}
        self.ends: dict[int, tuple[int, ...]] = {}
        """The last tokens of each text."""

    def begin(
        self, sequence: int, tokens: Sequence[int], *, known: int = 0, search: int = 0
    ) -> None:
        """See `Drafter`; reads the last tokens only."""
        self.ends[sequence] = tuple(tokens[-self.options.order :])

    def extend(self, sequence: int, tokens: Sequence[int]) -> None:
        """See `Drafter`."""
        order = self.options.order
        self.ends[sequence] = (*self.ends[sequence], *tokens[-order:])[-order:]

    def end(self, sequence: int) -> None:
        """See `Drafter`; what was learnt stays."""
        del self.ends[sequence]

    def propose(self, tips: Sequence[Tip], budgets: Sequence[int]) -> list[DraftTree]:
        """See `Drafter`."""
        found = []
        for tip, budget in zip(tips, budgets, strict=True):
            steps = partial(self._steps, tip)
            found.append(best_first(steps((self.ends[tip.sequence], 0)), steps, budget))
        return found

    def observe(self, rows: Rows) -> None:
        """Remember each row under its last tokens; a later one takes the place of an earlier."""
        table, order, width = self.table, self.options.order, self.options.width
        for context, tokens, logprobs in zip(
            rows.contexts, rows.tokens, rows.logprobs, strict=True
        ):
            entry = Entry(tokens[:width], logprobs[:width])
            last = tuple(context[-order:])
            for start in range(len(last)):
                table[last[start:]] = entry
        if len(table) > self.options.room:
            for key in list(islice(table, len(table) - self.options.room // 2)):
                del table[key]

    def memory(self) -> int:
        """See `Drafter`."""
        return len(self.table) * (200 + 24 * self.options.width)

    def _steps(self, tip: Tip, state: State) -> list[Step[State]]:
        last, depth = state
        if depth >= self.options.depth or (depth and last[-1] in self.site.ends):
            return []
        for start in range(len(last)):
            entry = self.table.get(last[start:])
            if entry is not None:
                break
        else:
            return []
        if tip.keys is None:
            shared = entry.plain
        else:
            keys, ids = np.array([tip.keys(depth)], np.uint64), np.array(entry.tokens)
            noise = gumbel(keys, self.site.vocabulary, ids)[0].tolist()
            pairs = zip(entry.logprobs, noise, strict=True)
            shared = shares(entry.tokens, [one / tip.temperature + more for one, more in pairs])
        trust, order = _TRUST[len(last) - start - 1], self.options.order
        return [
            (token, trust * share, ((*last, token)[-order:], depth + 1)) for token, share in shared
        ]
