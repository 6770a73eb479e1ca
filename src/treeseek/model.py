"""A loaded model: a backend, its tree, and the words for its tokens.

All searches on one model share its tree, and on a shared node live only facts of (prefix, model):
the summary of its row here, its slot in the backend. What a strategy, a setting or a scorer adds
is kept elsewhere.
"""

import threading
from collections.abc import Sequence
from operator import index
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from treeseek.backends.protocol import Backend
from treeseek.decoding.summary import Kept
from treeseek.errors import ContextOverflow, EmptyPrompt, Incompatible, InvalidOption
from treeseek.requests import Reader
from treeseek.tree import Tree

_TAIL = 8


class Tokenizer(Protocol):
    """The two directions between text and token ids."""

    def encode(self, text: str) -> list[int]:
        """Token ids of a prompt, special tokens as the tokenizer adds them."""
        ...

    def decode(self, tokens: Sequence[int]) -> str:
        """Text of `tokens`, special tokens left out."""
        ...


class LM:
    """A model ready to be searched; made by `treeseek.load`.

    `name` is what the caller asked for, `ends` the end tokens, `value` what reads off a row how
    much a prefix is worth, if the model came with it. Searches may be run from several
    threads; they take turns by `lock`.
    """

    def __init__(
        self,
        backend: Backend,
        tokenizer: Tokenizer,
        *,
        name: str,
        ends: Sequence[int] = (),
        value: Reader | None = None,
    ) -> None:
        """Put `backend` and `tokenizer` together."""
        self.backend = backend
        self.tokenizer = tokenizer
        self.name = name
        self.ends = frozenset(ends)
        self.value = value
        self.lock = threading.RLock()
        self.summaries = Kept()

    def __repr__(self) -> str:
        path = self.backend.capabilities.path
        return f"LM({self.name!r}, vocabulary={self.vocabulary}, path={path})"

    @property
    def tree(self) -> Tree:
        """The token tree all searches on this model share."""
        return self.backend.tree

    @property
    def vocabulary(self) -> int:
        """Number of tokens."""
        return self.backend.vocabulary

    def hidden(self, nodes: Sequence[int]) -> NDArray[np.floating[Any]]:
        """Last hidden states [n, width] of the rows of `nodes`; raises Incompatible if none are."""
        read = getattr(self.backend, "hidden", None)
        if read is None:
            raise Incompatible(
                f"{self.name} shows no hidden states: take a scorer of texts, or a local model."
            )
        rows: NDArray[np.floating[Any]] = read(nodes)
        return rows

    def clear(self) -> None:
        """Empty the tree and free every slot."""
        with self.lock:
            self.backend.clear()
            self.tree.clear()
            self.summaries.clear()

    def encode(self, prompt: str | Sequence[int]) -> list[int]:
        """Token ids of `prompt`; ids pass through unchanged.

        Raises EmptyPrompt when nothing is left to condition on, InvalidOption for an id outside
        the vocabulary, ContextOverflow past the model's context.
        """
        try:
            tokens = (
                self.tokenizer.encode(prompt)
                if isinstance(prompt, str)
                else list(map(index, prompt))
            )
        except TypeError:
            raise InvalidOption(f"prompt {prompt!r}: give text or a list of token ids.") from None
        if not tokens:
            raise EmptyPrompt("The prompt is empty: give at least one token to continue from.")
        self.check(tokens)
        context = self.backend.context
        if context is not None and len(tokens) >= context:
            raise ContextOverflow(
                f"The prompt has {len(tokens)} tokens and the model's context is {context}: "
                f"shorten it to at most {context - 1}."
            )
        return tokens

    def check(self, tokens: Sequence[int]) -> None:
        """Raise InvalidOption for an id outside the vocabulary."""
        low, high = min(tokens), max(tokens)
        if low < 0 or high >= self.vocabulary:
            wrong = low if low < 0 else high
            raise InvalidOption(
                f"Token id {wrong} is outside the vocabulary 0..{self.vocabulary - 1}: "
                "take ids from this model's tokenizer."
            )

    def text(self, prompt: Sequence[int], tokens: Sequence[int]) -> str:
        """Text of the continuation `tokens`, spaced as it follows `prompt`."""
        if not tokens:
            return ""
        tail = list(prompt[-_TAIL:])
        before = self.tokenizer.decode(tail)
        whole = self.tokenizer.decode([*tail, *tokens])
        return whole[len(before) :] if whole.startswith(before) else self.tokenizer.decode(tokens)

    def reach(self, prompt: Sequence[int], limit: int) -> int:
        """Most tokens that may follow `prompt`: `limit`, or what the context leaves.

        Raises ContextOverflow if such a path could never be held by the slots.
        """
        context, slots = self.backend.context, self.backend.slots
        if context is not None:
            limit = min(limit, context - len(prompt))
        if slots is not None and len(prompt) + limit - 1 > slots:
            raise ContextOverflow(
                f"{len(prompt)} prompt tokens and a limit of {limit} do not fit the {slots} slots "
                "the model was loaded with: lower limit= or raise slots=."
            )
        return limit
