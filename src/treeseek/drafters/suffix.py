"""The suffix drafter: what followed the last time a text ended like this one does.

This file believes that texts repeat themselves and their prompts, and that the longest repetition
knows best, but not all. It does not cover texts that say the same in other words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

from treeseek.drafters.copying import Copy
from treeseek.drafters.growth import Step, best_first
from treeseek.drafters.history import History
from treeseek.drafters.kernels import growing, grown
from treeseek.drafters.places import Cursor
from treeseek.drafters.protocol import Drafter, Rows, Scope, Site, Tip
from treeseek.drafters.trees import DraftTree
from treeseek.drafters.weighing import Match, followed
from treeseek.native.vocabulary import available
from treeseek.options import Range, validate

_HEAD = 16
"""Known tokens that are read again as context of what is new."""


@dataclass(frozen=True)
class Suffix:
    """Drafts what followed the places that end like the text, in its search or in the whole run.

    `follow` "tree" weighs all such places, longer matches before shorter ones, and grows the tokens
    most probably reached; "often" follows the most frequent token alone, "first" and "last" the
    earliest and the latest of the longest matches. Cost: some microseconds a token and a node, 24
    bytes a token. A token seen more than `window` times is looked for at its last places only.
    Prompt lookup is (follow=first, longest=2, most=10); texts begun before a run are a corpus.
    Loses where nothing repeats. Raises InvalidOption for a value out of range.

    Reference: prompt-lookup, suffix-decoding, sam-decoding, pia-lookahead, rest
    """

    scope: Annotated[Scope, "whose texts are read"] = "search"
    follow: Annotated[Literal["tree", "often", "first", "last"], "what is drafted"] = "tree"
    shortest: Annotated[int, Range(low=1), "tokens that agree at least"] = 1
    longest: Annotated[int, Range(low=1, high=255), "tokens of a match that count"] = 16
    most: Annotated[int, Range(low=1), "tokens drafted at most"] = 64
    resume: Annotated[int, Range(low=0), "tokens a broken copy may skip"] = 8
    places: Annotated[int, Range(low=1), "places that are weighed"] = 16
    window: Annotated[int, Range(low=1), "last places of a token that are looked at"] = 8192
    room: Annotated[int, Range(low=64), "tokens that are remembered"] = 1 << 20

    name = "suffix"

    def __post_init__(self) -> None:
        validate(self)

    def start(self, site: Site) -> Drafter:
        """Nothing has been read yet."""
        return _Repeats(self, compiled=available())


class _Repeats:
    """See `Suffix`."""

    name = "suffix"
    sees = 0

    def __init__(self, options: Suffix, *, compiled: bool) -> None:
        self.options = options
        self.history = History(room=options.room, window=options.window, compiled=compiled)
        self.texts: dict[int, tuple[Cursor, Copy]] = {}
        self.growing = growing(options, _weighed(options)) if compiled else None

    def begin(
        self, sequence: int, tokens: Sequence[int], *, known: int = 0, search: int = 0
    ) -> None:
        """See `Drafter`; costs a microsecond for each token that is not known."""
        cursor = Cursor(search)
        self.texts[sequence] = cursor, Copy()
        self.history.put(cursor, tokens[max(known - _HEAD, 0) : known], told=False)
        self.history.put(cursor, tokens[known:])
        self._make_room()
        self.history.follow(cursor, tokens[-self.options.longest :])

    def extend(self, sequence: int, tokens: Sequence[int]) -> None:
        """See `Drafter`."""
        cursor, copy = self.texts[sequence]
        copy.go_on(self.history, tokens)
        self.history.put(cursor, tokens)
        self._make_room()
        self.history.follow(cursor, tokens)

    def end(self, sequence: int) -> None:
        """See `Drafter`; its tokens are kept."""
        del self.texts[sequence]

    def propose(self, tips: Sequence[Tip], budgets: Sequence[int]) -> list[DraftTree]:
        """See `Drafter`."""
        pairs = zip(tips, budgets, strict=True)
        return [self._draft(*self.texts[tip.sequence], budget) for tip, budget in pairs]

    def observe(self, rows: Rows) -> None:
        """Nothing is learnt from rows."""

    def memory(self) -> int:
        """See `Drafter`."""
        return self.history.memory()

    def _make_room(self) -> None:
        while len(self.history) > self.options.room:
            self.history.forget([cursor for cursor, _ in self.texts.values()])
            self.texts = {name: (cursor, Copy()) for name, (cursor, _) in self.texts.items()}

    def _draft(self, cursor: Cursor, copy: Copy, budget: int) -> DraftTree:
        budget = min(budget, self.options.most)
        if self.growing is not None:
            resume = self.options.resume if self.options.follow == "tree" else 0
            return grown(self.growing, self.history, cursor, copy, resume=resume, budget=budget)
        options, history = self.options, self.history
        text, after = history.text, history.after
        tip = history.alike(
            cursor,
            most=_weighed(options),
            shortest=options.shortest,
            longest=options.longest,
            first=options.follow == "first",
        )
        copy.begin(tip)
        if options.follow == "tree":
            steps = followed(text, after, tip)
            steps += copy.resumed(history, options.resume, steps)
            return best_first(steps, partial(followed, text, after), budget)

        def likeliest(matches: list[Match]) -> list[Step[list[Match]]]:
            return sorted(followed(text, after, matches), key=lambda step: -step[1])[:1]

        return best_first(likeliest(tip), likeliest, budget)


def _weighed(options: Suffix) -> int:
    return options.places if options.follow in ("tree", "often") else 1
