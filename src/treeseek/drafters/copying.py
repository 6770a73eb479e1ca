"""Where a text copies from, and where it may go on copying after it has broken off.

This file believes that who changes a word goes on with the next one: a copy that broke off is taken
up again a few tokens further on. It does not cover copies that jump back.
"""

from collections.abc import Sequence

from treeseek.drafters.growth import Step
from treeseek.drafters.history import NEAR, History
from treeseek.drafters.places import NONE
from treeseek.drafters.weighing import Match

COPIED = NEAR + 3
"""The level from which on tokens agree by copying, hardly by chance."""
FAR = 32
"""Tokens after which a copy will not be taken up again."""
RESUMED = 0.05
FURTHER = 0.93
"""Chance that a broken copy goes on at its next token, and what is left of it one further."""


class Copy:
    """The places one text may be copying from, and the one behind the last token it did copy."""

    __slots__ = ("matches", "place", "since")

    def __init__(self) -> None:
        """Nothing is copied."""
        self.matches: list[Match] = []
        self.place, self.since = NONE, FAR

    def begin(self, matches: list[Match]) -> None:
        """The tip ends like the tokens before `matches`, best first."""
        self.matches = matches
        if matches and matches[0][1] >= COPIED:
            self.place, self.since = matches[0][0], 0

    @property
    def broken(self) -> bool:
        """Whether a copy broke off not long ago."""
        return self.place != NONE and 0 < self.since <= FAR

    def go_on(self, history: History, tokens: Sequence[int]) -> None:
        """The text has grown by `tokens`."""
        text, after, matches = history.text, history.after, self.matches
        for token in tokens:
            self.since += 1
            if not matches:
                continue
            matches = [
                (after[place], level + 1)
                for place, level in matches
                if place != NONE and text[place] == token
            ]
            if matches and matches[0][1] >= COPIED:
                self.place, self.since = matches[0][0], 0
        self.matches = matches

    def resumed(
        self, history: History, most: int, told: Sequence[Step[list[Match]]]
    ) -> list[Step[list[Match]]]:
        """Tokens a copy that broke off may go on with, at most `most`, beside those `told`."""
        if not self.broken:
            return []
        known, found = {token for token, _, _ in told}, list[Step[list[Match]]]()
        sure = 0.0
        for _, chance, _ in told:  # in this order, as the kernels add
            sure += chance
        chance = RESUMED * max(0.0, 1.0 - sure)
        place = self.place
        for _ in range(most):
            token, behind = history.text[place], history.after[place]
            if token not in known:
                known.add(token)
                found.append((token, chance, [] if behind == NONE else [(behind, NEAR + 1)]))
            if behind == NONE:
                break
            place, chance = behind, chance * FURTHER
        return found
