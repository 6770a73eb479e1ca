"""From a candidate to tokens: what is walked, what counts, and where each position ends.

This file believes that the tokens of a candidate are those of its whole text, and that most
tokenizers give a piece the same ones whatever stands around it. Where that holds the tokens of a
piece are looked up; it is checked on orders by chance and again on every best, and where it fails
the whole text is encoded each time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from treeseek.errors import InvalidOption
from treeseek.sequences.space import Space, text_of
from treeseek.sequences.trial import Cand, Rng

CHECKS = 32
"""Candidates by which a piecewise spelling is checked before it is used."""


def bare(
    encode: Callable[[str], Sequence[int]],
) -> tuple[Callable[[str], list[int]], tuple[int, ...]]:
    """`encode` without the special tokens it puts around a text, and those before the text.

    They are what it makes of an empty text. Raises InvalidOption where a text does not begin and
    end with them.
    """
    around, probe = list(encode("")), list(encode("a"))
    front = 0
    while front < min(len(around), len(probe)) and around[front] == probe[front]:
        front += 1
    back = len(around) - front

    def inner(text: str) -> list[int]:
        tokens = list(encode(text))
        end = len(tokens) - back
        if tokens[:front] != around[:front] or tokens[end:] != around[front:]:
            raise InvalidOption(
                f"{text!r}: the tokenizer puts other special tokens around it than around nothing: "
                "give encode= and begin= yourself."
            )
        return tokens[front:end]

    return inner, tuple(around[:front])


@dataclass(frozen=True, slots=True)
class Spelling:
    """A candidate as tokens.

    `given` are not scored, `tokens` are walked after them; those from `first` up to `last` count
    and write `bytes` of text. `cuts` is where each position ends among `tokens`, None where a
    token may belong to two.
    """

    given: tuple[int, ...]
    tokens: tuple[int, ...]
    first: int
    last: int
    bytes: int
    cuts: tuple[int, ...] | None


class Speller:
    """Spells the candidates of `space`: begin, text, end; `span` says what counts."""

    def __init__(
        self,
        space: Space,
        encode: Callable[[str], Sequence[int]],
        *,
        begin: Sequence[int] = (),
        end: Sequence[int] = (),
        span: str = "all",
        rng: Callable[..., Rng],
    ) -> None:
        """Check on candidates by chance whether pieces can be spelt by themselves.

        Raises InvalidOption for a text without tokens, and for a span that needs pieces where they
        cannot be told apart.
        """
        self.space, self.encode, self.span = space, encode, span
        self.begin, self.end = tuple(begin), tuple(end)
        self._known: dict[tuple[str, str], tuple[int, ...]] = {}
        some = [space.sample(rng("spelling", nth)) for nth in range(CHECKS)]
        self._anchor = space.pieces(some[0])[0] if some[0] else ""
        self._head = tuple(encode(space.head)) if space.head else ()
        self.piecewise = True
        for cand in dict.fromkeys(some):
            self.check(cand)

    def check(self, cand: Cand) -> None:
        """Encode the whole text of `cand`; give up spelling by pieces where it differs."""
        whole = tuple(self.encode(text_of(self.space, cand)))
        if self.piecewise and self._joined(cand)[0] != whole:
            self.piecewise = False
        if not self.piecewise and self.span != "all":
            raise InvalidOption(
                f"span={self.span!r}: this tokenizer joins parts of the text into one token, so "
                "what counts cannot be told apart: use the span all, or another separator."
            )
        if len(whole) + len(self.begin) + len(self.end) < 2:
            raise InvalidOption(
                f"{text_of(self.space, cand)!r} has no token to score: give more words, or a begin "
                "token."
            )

    def spell(self, cand: Cand) -> Spelling:
        """The tokens of `cand`."""
        cuts: tuple[int, ...] | None = None
        if self.piecewise:
            text, ends = self._joined(cand)
            inner = ends[-1] if ends else len(self._head)
        else:
            text, ends, inner = tuple(self.encode(text_of(self.space, cand))), None, 0
        whole = (*self.begin, *text, *self.end)
        skip = len(self.begin) or 1
        shift = len(self.begin) - skip
        first, last = 0, len(whole) - skip
        if ends is not None:
            cuts = tuple(end + shift for end in ends)
            if self.span == "free":
                first, last = max(0, len(self._head) + shift), inner + shift
            elif self.span == "suffix":
                first = inner + shift
        if first >= last:
            raise InvalidOption(
                f"span={self.span!r}: no token of {text_of(self.space, cand)!r} counts: give a "
                "suffix, or another span."
            )
        return Spelling(whole[:skip], whole[skip:], first, last, self._bytes(cand), cuts)

    def _joined(self, cand: Cand) -> tuple[tuple[int, ...], list[int]]:
        """Tokens of the text by its pieces, and where each piece ends."""
        parts, before = [self._head], self.space.head
        for piece in self.space.pieces(cand):
            parts.append(self._piece(before, piece))
            before = self._anchor
        ends = list(accumulate(map(len, parts)))[1:]
        tail = self.space.tail
        text = [token for part in parts for token in part]
        return (*text, *(self._piece(before, tail) if tail else ())), ends

    def _piece(self, before: str, piece: str) -> tuple[int, ...]:
        known = self._known.get((before, piece))
        if known is None:
            skip = len(self.encode(before)) if before else 0
            known = self._known[before, piece] = tuple(self.encode(before + piece)[skip:])
        return known

    def _bytes(self, cand: Cand) -> int:
        free = "".join(self.space.pieces(cand))
        parts = {
            "all": self.space.head + free + self.space.tail,
            "free": free,
            "suffix": self.space.tail,
        }
        return len(parts[self.span].encode("utf-8", "surrogatepass"))
