"""Where a continuation ends by the user's wish: stop strings and stop tokens.

This file believes that a stop must not depend on how the text was cut into tokens, so of several
matches the one that was complete first decides. It covers neither the model's own end tokens nor
limits of length.
"""

from dataclasses import dataclass

from treeseek.errors import InvalidOption


@dataclass(frozen=True)
class Stop:
    """Strings and token ids that end a continuation; default: none.

    Raises InvalidOption for an empty string, a negative id, or a bare string in place of a tuple.
    """

    strings: tuple[str, ...] = ()
    tokens: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.strings, str):
            raise InvalidOption(f"strings must be a tuple: write ({self.strings!r},)")
        strings, tokens = tuple(self.strings), tuple(self.tokens)
        if not all(isinstance(text, str) and text for text in strings):
            raise InvalidOption(f"stop strings must be strings and not empty, not {strings!r}")
        if not all(isinstance(t, int) and not isinstance(t, bool) and t >= 0 for t in tokens):
            raise InvalidOption(f"stop tokens must be integers of 0 or more, not {tokens!r}")
        object.__setattr__(self, "strings", strings)
        object.__setattr__(self, "tokens", tokens)


@dataclass(frozen=True)
class Step:
    """Where one step of an answer ends: after any of `strings`, or after `tokens` tokens.

    A line by default. Raises InvalidOption for an empty string or fewer than one token.
    """

    strings: tuple[str, ...] = ("\n",)
    tokens: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "strings", Stop(self.strings).strings)
        if self.tokens is not None and (type(self.tokens) is not int or self.tokens < 1):
            raise InvalidOption(f"Step(tokens={self.tokens!r}): give a number of at least 1.")
        if not self.strings and self.tokens is None:
            raise InvalidOption("a Step needs strings that end it or a number of tokens")

    @property
    def stop(self) -> Stop:
        """The strings as a Stop."""
        return Stop(self.strings)


def stop_at(text_tail: str, stop: Stop) -> int | None:
    """Index in `text_tail` where the first stop string to be completed begins, or None.

    Of strings completed by the same character the longest counts. The tail must reach back over
    the new text by one character less than the longest stop string; all of it is searched, in
    time linear in its length for each string.
    """
    first: tuple[int, int] | None = None
    for text in stop.strings:
        begin = text_tail.find(text)
        if begin >= 0 and (first is None or (begin + len(text), begin) < first):
            first = (begin + len(text), begin)
    return None if first is None else first[1]
