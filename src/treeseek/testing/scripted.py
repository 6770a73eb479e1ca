"""A model that answers by a table: what a test writes down is what the search sees.

Texts are letters, one token each, and probabilities are written as they are meant, so that a test
reads like the example in a paper.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from treeseek.backends.toy import ToyBackend
from treeseek.errors import InvalidOption
from treeseek.model import LM

PROMPT = "^"
"""The prompt of a scripted model, a letter that no table gives probability."""


class Alphabet:
    """Tokenizer of a scripted model: token i is the i-th letter."""

    def __init__(self, letters: str) -> None:
        """Number the letters in the order given."""
        self.letters = letters

    def encode(self, text: str) -> list[int]:
        """Ids of the letters of `text`; raises InvalidOption for one outside the alphabet."""
        if not set(text) <= set(self.letters):
            raise InvalidOption(f"{text!r}: this model knows the letters {self.letters!r} only.")
        return [self.letters.index(letter) for letter in text]

    def decode(self, tokens: Sequence[int]) -> str:
        """Letters of `tokens`."""
        return "".join(self.letters[token] for token in tokens)


def scripted(
    table: Mapping[str, Mapping[str, float]],
    *,
    default: Mapping[str, float] | None = None,
    ends: str = ".",
    slots: int | None = None,
) -> LM:
    """A model with the next letter's probabilities for each continuation of the prompt "^".

    `default` answers for a continuation that is not listed (None: the first of `ends`, surely).
    Every row is normalised; a letter it does not name has probability 0. Raises InvalidOption for
    a row that holds nothing.
    """
    rows = {**table, **({"": {}} if not table else {})}
    other = default or {ends[0]: 1.0}
    named = {letter for row in (*rows.values(), other) for letter in row} | set(ends)
    letters = PROMPT + "".join(sorted(named - {PROMPT}))
    known = {text: _logits(letters, row, text) for text, row in rows.items()}
    rest = _logits(letters, other, "default")
    tokenizer = Alphabet(letters)

    def row(path: Sequence[int]) -> NDArray[np.float64]:
        return known.get(tokenizer.decode(path).rpartition(PROMPT)[2], rest)

    backend = ToyBackend(row, len(letters), slots=slots)
    return LM(backend, tokenizer, name="scripted", ends=tokenizer.encode(ends))


def _logits(letters: str, row: Mapping[str, float], text: str) -> NDArray[np.float64]:
    weights = np.array([row.get(letter, 0.0) for letter in letters])
    if not weights.sum() > 0 or (weights < 0).any():
        raise InvalidOption(f"The row of {text!r} needs probabilities that sum to more than 0.")
    with np.errstate(divide="ignore"):
        logits: NDArray[np.float64] = np.log(weights / weights.sum())
    return logits
