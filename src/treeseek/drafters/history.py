"""Texts as they grow, and where else in them the end of each stands.

This file believes that what matters of the past is every place that ends like the text does, and
how far back the two agree: one row of the table of longest common suffixes, kept per text and
moved on by a few array operations a token. It does not cover what follows from those places.
"""

from array import array
from collections.abc import Iterable, Sequence

import numpy as np

from treeseek.drafters.places import NONE, NOWHERE, Cursor, Ints, held, view
from treeseek.native.suffix import followed

NEAR = 2
"""Tokens that a place in a text of the same label counts for."""
_GROWTH = 1 << 12


class History:
    """Tokens at places: `text[p]`, the place `before[p]` it and `after[p]` it, or NONE.

    A token is looked for at its last `window` places, so a step costs O(window) at worst and O(its
    occurrences) otherwise. Past `room` tokens the older half is forgotten. About 24 bytes a token.
    """

    def __init__(self, *, room: int, window: int, compiled: bool = False) -> None:
        """Empty, for at most `room` tokens; `compiled`: texts are followed by the kernels."""
        self.room, self.window, self.compiled = room, window, compiled
        self.text, self.before, self.after = array("i"), array("i"), array("i")
        self.labels = array("i")
        self._found: dict[int, Ints] = {}
        self._scratch = np.zeros(1, np.int32)  # the last element answers for NONE

    def __len__(self) -> int:
        return len(self.text)

    def put(self, cursor: Cursor, tokens: Sequence[int], *, told: bool = True) -> None:
        """Write `tokens` behind the place of `cursor`; `told`: they follow what is before them.

        Tokens that are not told are context: texts end alike there, and nothing goes on.
        """
        if not tokens:
            return
        start, stop = len(self.text), len(self.text) + len(tokens)
        self.text.extend(tokens)
        self.before.append(cursor.at)
        self.before.extend(range(start, stop - 1))
        self.labels.extend([cursor.label] * len(tokens))
        if told:
            if cursor.at != NONE:
                self.after[cursor.at] = start
            self.after.extend(range(start + 1, stop))
            self.after.append(NONE)
        else:
            self.after.extend([NONE] * len(tokens))
        known = self._found
        for place, token in enumerate(tokens, start):
            places = known.get(token)
            if places is None:
                known[token] = array("i", (place,))
            else:
                places.append(place)
        cursor.at = stop - 1

    def follow(self, cursor: Cursor, tokens: Sequence[int]) -> None:
        """Let the places of `cursor` be those that end as its text does with `tokens` behind it."""
        if not tokens:
            return
        if len(self._scratch) <= len(self.text):
            self._scratch = np.zeros(2 * len(self.text) + _GROWTH, np.int32)
            self._agreed = self._scratch.ctypes.data
        of = [self._found.get(token, NOWHERE) for token in tokens]
        if self.compiled:
            cursor.places, cursor.lengths = followed(
                of, cursor.places, cursor.lengths,
                before=self.before, agreed=self._agreed, window=self.window,
            )  # fmt: skip
            return
        agreed, before = self._scratch, view(self.before)
        places, lengths, window = view(cursor.places), view(cursor.lengths), self.window
        for found in of:
            agreed[places] = lengths
            now = view(found[-window:])
            lengths = agreed.take(before.take(now)) + 1
            agreed[places] = 0
            places = now
        cursor.places, cursor.lengths = of[-1][-window:], held(lengths)

    def forget(self, cursors: Iterable[Cursor]) -> None:
        """Drop the older half of all tokens; `cursors` are all there are."""
        gone = len(self.text) // 2
        self.text, self.labels = self.text[gone:], self.labels[gone:]
        for name in ("before", "after"):
            moved = np.maximum(np.frombuffer(getattr(self, name), np.int32)[gone:] - gone, NONE)
            setattr(self, name, held(moved))
        kept = {}
        for token, found in self._found.items():
            moved = view(found) - gone
            if len(moved := moved[moved >= 0]):
                kept[token] = held(moved)
        self._found = kept
        for cursor in cursors:
            places = view(cursor.places)
            stays = places >= gone
            cursor.at = max(cursor.at - gone, NONE)
            lengths = view(cursor.lengths)[stays]
            cursor.places, cursor.lengths = held(places[stays] - gone), held(lengths)

    def alike(
        self, cursor: Cursor, *, most: int, shortest: int, longest: int, first: bool
    ) -> list[tuple[int, int]]:
        """The places behind the best `most` that end alike, each with its level, best first.

        A level is how many tokens agree, at least `shortest` and counted to `longest`, and NEAR
        more under the cursor's own label. In one level earlier places come `first`, or later ones.
        """
        lengths = view(cursor.lengths)
        behind = view(self.after).take(view(cursor.places))
        levels = np.minimum(lengths, longest).astype(np.int16)  # sorted in linear time
        levels += NEAR * (view(self.labels).take(behind) == cursor.label)
        levels[behind < 0] = 0  # no text goes on there
        if shortest > 1:
            levels[lengths < shortest] = 0
        if first:
            order = (-levels).argsort(kind="stable")[:most]
        else:
            order = levels.argsort(kind="stable")[: -most - 1 : -1]
        found = zip(behind.take(order).tolist(), levels.take(order).tolist(), strict=True)
        return [match for match in found if match[1]]

    def memory(self) -> int:
        """Bytes held, nearly."""
        flat = 4 * self.text.itemsize * len(self.text) + self._scratch.nbytes
        return flat + sum(places.itemsize * len(places) + 160 for places in self._found.values())
