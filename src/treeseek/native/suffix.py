"""Places that end alike and the drafts behind them, by the kernels, on arrays of whole numbers."""

from array import array
from collections.abc import Sequence
from ctypes import byref, c_int64
from typing import TypeAlias

from treeseek.native.kernels import Endings, kernels

Ints: TypeAlias = "array[int]"


def followed(
    of: Sequence[Ints],
    places: Ints,
    known: Ints,
    *,
    before: Ints,
    agreed: int,
    window: int,
) -> tuple[Ints, Ints]:
    """The places of the last token, at most `window`, and how many tokens agree there.

    `of` are the places of each token that was added, `known` how many agreed at `places` before.
    `agreed` is the address of an int32 for each place there is, all zero.
    """
    spans = array("q")
    for one in of:
        address, count = one.buffer_info()
        skipped = max(count - window, 0)
        spans.append(address + one.itemsize * skipped)
        spans.append(count - skipped)
    last = of[-1][-window:]
    lengths = array("i", bytes(last.itemsize * len(last)))
    told = kernels().suffix_follow(
        lengths.buffer_info()[0], spans.buffer_info()[0], len(of), places.buffer_info()[0],
        known.buffer_info()[0], len(places), before.buffer_info()[0], agreed,
    )  # fmt: skip
    return (last, lengths) if told else (array("i"), array("i"))


class Growing:
    """Grows drafts by one `Endings`, whose fields that stay are set once; see suffix.h."""

    def __init__(self, misses: Sequence[float], **fields: float) -> None:
        """`misses` by level; the `fields` that are the same for every draft."""
        self._misses = array("d", misses)
        self.at = Endings(**fields, misses=self._misses.buffer_info()[0], levels=len(misses))
        self._of, self._matched = byref(self.at), c_int64()
        self._many, self._run = byref(self._matched), kernels().suffix_draft
        self._make_room(0, 0)

    def _make_room(self, budget: int, most: int) -> None:
        self._tokens, self._parents = array("i", bytes(4 * budget)), array("i", bytes(4 * budget))
        self._chances, self._matches = array("d", bytes(8 * budget)), array("i", bytes(8 * most))
        self._room = tuple(
            one.buffer_info()[0]
            for one in (self._tokens, self._parents, self._chances, self._matches)
        )

    def grow(self) -> tuple[list[int], list[int], list[float], list[tuple[int, int]]]:
        """Tokens, parents and chances of the tree, and the places behind the tip with levels."""
        budget, most = self.at.budget, min(self.at.most, self.at.held)
        if budget > len(self._tokens) or 2 * most > len(self._matches):
            self._make_room(2 * budget, 2 * most)
        count = self._run(self._of, *self._room, self._many)
        matches = self._matches[: 2 * self._matched.value].tolist()
        return (
            self._tokens[:count].tolist(),
            self._parents[:count].tolist(),
            self._chances[:count].tolist(),
            list(zip(matches[::2], matches[1::2], strict=True)),
        )
