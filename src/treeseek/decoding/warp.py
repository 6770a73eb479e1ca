"""The warp: how a user bends a model's row before a token is chosen from it.

This file believes in one order for all of it, the order of `generate` in transformers, and in one
plain value that says everything: equal warps bend alike, in every process. It covers what is a
function of the row and its path; what keeps a state of its own (Mirostat) is a sampler.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treeseek.decoding import history, truncation
from treeseek.errors import InvalidOption

Rows = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Warp:
    """Settings that turn a model's row into the scores a token is drawn from; default: none.

    Applied in this order, each only when set: repetition_penalty (whole path), presence_penalty
    and frequency_penalty (continuation), no_repeat_ngram (whole path), bad_words, min_tokens (the
    tokens in `ends` are forbidden before), suppress; then temperature, top_k, top_p, min_p,
    typical_p, epsilon_cutoff, eta_cutoff. A bad word that is a single one of `ends` is ignored, as
    in transformers. Raises InvalidOption, naming the allowed range, for any value outside it.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    typical_p: float = 1.0
    epsilon_cutoff: float = 0.0
    eta_cutoff: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    no_repeat_ngram: int = 0
    bad_words: tuple[tuple[int, ...], ...] = ()
    suppress: tuple[int, ...] = ()
    min_tokens: int = 0
    ends: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self._number("temperature", lambda x: x > 0, "above 0 (for the likeliest token use Greedy)")
        for name in ("top_k", "no_repeat_ngram", "min_tokens"):
            value = getattr(self, name)
            if not _whole(value) or value < 0:
                raise InvalidOption(f"{name} must be an integer of 0 (off) or more, not {value!r}")
        self._number("top_p", lambda x: 0 <= x <= 1, "between 0 and 1 (off)")
        self._number("min_p", lambda x: 0 <= x <= 1, "between 0 (off) and 1")
        self._number("typical_p", lambda x: 0 < x <= 1, "above 0 and at most 1 (off)")
        self._number("epsilon_cutoff", lambda x: 0 <= x < 1, "at least 0 (off) and below 1")
        self._number("eta_cutoff", lambda x: 0 <= x < 1, "at least 0 (off) and below 1")
        self._number("repetition_penalty", lambda x: x > 0, "above 0 (1 is off)")
        self._number("presence_penalty", lambda x: True, "a finite number (0 is off)")
        self._number("frequency_penalty", lambda x: True, "a finite number (0 is off)")
        words = tuple(_ids("bad_words", word) for word in _items("bad_words", self.bad_words))
        if () in words:
            raise InvalidOption("bad_words holds an empty word; leave it out")
        object.__setattr__(self, "bad_words", words)
        object.__setattr__(self, "suppress", _ids("suppress", self.suppress))
        object.__setattr__(self, "ends", _ids("ends", self.ends))

    def _number(self, name: str, allowed: Callable[[float], bool], range_: str) -> None:
        value = getattr(self, name)
        known = isinstance(value, (int, float, np.integer, np.floating))
        if isinstance(value, bool) or not known or not math.isfinite(value) or not allowed(value):
            raise InvalidOption(f"{name} must be {range_}, not {value!r}")
        object.__setattr__(self, name, float(value))

    @property
    def identity(self) -> bool:
        """Whether every row passes through untouched."""
        return not (self.remembers or self.truncates or self.temperature != 1.0)

    @property
    def remembers(self) -> bool:
        """Whether the scores depend on the path and not on the row alone."""
        return bool(
            self.repetition_penalty != 1.0
            or self.presence_penalty
            or self.frequency_penalty
            or self.no_repeat_ngram
            or self.bad_words
            or self.suppress
            or (self.min_tokens and self.ends)
        )

    @property
    def truncates(self) -> bool:
        """Whether tokens are cut from the tail of the distribution."""
        return any(active for _, _, active in self._rules())

    def scores(self, rows: Rows, paths: Sequence[Sequence[int]], starts: Sequence[int]) -> Rows:
        """Warped rows [N, V], -inf where a token is forbidden; the rows themselves for identity.

        `paths[i]` is the whole token path of row i, prompt and continuation, and `starts[i]` the
        length of the prompt in it. Rows are logits or log-probabilities. Costs at most one
        exponential a token for each truncation set, on the tokens the one before it left. A row
        holding NaN or +inf is not truncated: the sampler refuses it. Raises InvalidOption for
        unequal lengths and for ids beyond the vocabulary.
        """
        if self.identity:
            return rows
        if not len(rows) == len(paths) == len(starts):
            raise InvalidOption(
                f"give one path and one start a row: {len(rows)} rows came with {len(paths)} paths "
                f"and {len(starts)} starts"
            )
        kind = rows.dtype if rows.dtype in (np.float32, np.float64) else np.dtype(np.float32)
        scores = np.array(rows, dtype=kind, order="C")
        if self.remembers:
            self._recall(scores, paths, starts)
        if self.temperature != 1.0:
            scores /= self.temperature
        if self.truncates:
            for row in scores:
                self._truncate(row)
        return scores

    def _recall(self, scores: Rows, paths: Sequence[Sequence[int]], starts: Sequence[int]) -> None:
        beyond = [t for t in (*self.suppress, *sum(self.bad_words, ())) if t >= scores.shape[1]]
        if beyond:
            raise InvalidOption(
                f"token {beyond[0]} in bad_words or suppress is beyond the vocabulary of "
                f"{scores.shape[1]}; take it from this model's own tokenizer"
            )
        words = [word for word in self.bad_words if word not in [(end,) for end in self.ends]]
        ends = [end for end in self.ends if end < scores.shape[1]]
        for row, tokens, start in zip(scores, paths, starts, strict=True):
            path = np.asarray(tokens, dtype=np.int64)
            if self.repetition_penalty != 1.0:
                history.penalise_repetition(row, path, self.repetition_penalty)
            if self.presence_penalty or self.frequency_penalty:
                history.penalise_presence(
                    row, path[start:], self.presence_penalty, self.frequency_penalty
                )
            if self.no_repeat_ngram:
                history.forbid_repeated_ngrams(row, path, self.no_repeat_ngram)
            history.forbid_words(row, path, words)
            if len(path) - start < self.min_tokens:
                row[ends] = -np.inf
        scores[:, list(self.suppress)] = -np.inf

    def _truncate(self, row: Rows) -> None:
        if not math.isfinite(row.max()):
            return
        # Indices into the row, None while all of it is in play.
        left: NDArray[np.int64] | None = None
        scores = row
        if np.count_nonzero(row == -np.inf):
            left = np.flatnonzero(row != -np.inf)
            scores = row[left]
        for rule, setting, active in self._rules():
            if active:
                kept = rule(scores, setting)
                if len(kept) < len(scores):
                    left = kept if left is None else left[kept]
                    scores = scores[kept]
        if left is not None:
            row.fill(-np.inf)
            row[left] = scores

    def _rules(self) -> tuple[tuple[Callable[..., NDArray[np.int64]], float, bool], ...]:
        return (
            (truncation.top_k, self.top_k, self.top_k > 0),
            (truncation.top_p, self.top_p, self.top_p < 1.0),
            (truncation.min_p, self.min_p, self.min_p > 0.0),
            (truncation.typical_p, self.typical_p, self.typical_p < 1.0),
            (truncation.epsilon, self.epsilon_cutoff, self.epsilon_cutoff > 0.0),
            (truncation.eta, self.eta_cutoff, self.eta_cutoff > 0.0),
        )


def _whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _items(name: str, value: object) -> tuple[Any, ...]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise InvalidOption(f"{name} must be a tuple, not {value!r}")
    return tuple(value)


def _ids(name: str, value: object) -> tuple[int, ...]:
    ids = _items(name, value)
    if not all(_whole(token) and token >= 0 for token in ids):
        raise InvalidOption(f"{name} must hold token ids, integers of 0 or more, not {value!r}")
    return tuple(map(int, ids))
