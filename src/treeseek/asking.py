"""Questions to a model from outside a search: how it reads given texts, how it would go on.

This file believes that a scorer made of a model should see what the model computed and nothing of
the search it serves. Answers come from the same tree, so what a search has read is not computed
again. What is asked here is spent, and charged to no budget; a scorer whose questions are long asks
the search instead (see `treeseek.paying`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treeseek.decoding.stops import Stop
from treeseek.decoding.summary import log_sum_exp
from treeseek.front import search_all
from treeseek.model import LM
from treeseek.strategies.best_of_n import best_of_n
from treeseek.tree import ROOT

FLOOR = -100.0
"""Least log-probability of a token that counts in a mean over the vocabulary."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a model reads a text of T tokens.

    `logprobs` [T] are the log-probabilities of its tokens, in nats; `certainty` [T] is at each of
    them the divergence of the model's row from the uniform one, mean over V of -log(V p).
    """

    logprobs: NDArray[np.float64]
    certainty: NDArray[np.float64]


def read(lm: LM, pairs: Sequence[tuple[str, str]]) -> list[Reading]:
    """How `lm` reads the text of each (prompt, text): one row a token, shared prefixes once.

    All pairs share their forward calls. Prompt and text are encoded together, so that a token may
    cross from one into the other; what is read begins at the first token that the prompt alone
    does not give. Raises EmptyPrompt, ContextOverflow.
    """
    with lm.lock:
        paths = [_path(lm, *parts) for parts in parted(lm, pairs)]
        rows: dict[tuple[int, int], tuple[float, float]] = {}
        nodes = list(dict.fromkeys(node for path in paths for node, _ in path))
        following: dict[int, dict[int, None]] = {}
        for path in paths:
            for node, token in path:
                following.setdefault(node, {})[token] = None
        for block in lm.backend.expand(nodes) if nodes else ():
            sums = log_sum_exp(block.logits)
            for row, at, total in zip(block.logits, block.index, sums, strict=True):
                logprobs = row.astype(np.float64) - total
                certainty = -float(np.maximum(logprobs, FLOOR).mean()) - float(np.log(len(row)))
                for token in following[nodes[at]]:
                    rows[nodes[at], token] = (float(logprobs[token]), certainty)
    return [
        Reading(
            np.array([rows[step][0] for step in path], dtype=np.float64),
            np.array([rows[step][1] for step in path], dtype=np.float64),
        )
        for path in paths
    ]


def parted(lm: LM, pairs: Sequence[tuple[str, str]]) -> list[tuple[list[int], list[int]]]:
    """The tokens of each (prompt, text), encoded together: those of the prompt, and the rest."""
    alone = {prompt: lm.encode(prompt) for prompt, _ in pairs}
    found = []
    for prompt, text in pairs:
        whole = lm.encode(prompt + text) if text else alone[prompt]
        start = _shared(alone[prompt], whole)
        found.append((list(whole[:start]), list(whole[start:])))
    return found


def complete(
    lm: LM, prompts: Sequence[str], *, n: int, limit: int, stop: Stop, seed: int
) -> list[list[str]]:
    """`n` keyed draws of at most `limit` tokens after each prompt: texts, the same on every call.

    All prompts share their forward calls. Raises what `treeseek.search` raises.
    """
    results = search_all(
        prompts, model=lm, strategy=best_of_n(n=n), limit=limit, stop=stop, seed=seed
    )
    return [[candidate.text for candidate in result.candidates] for result in results]


def reward_model(name: Any, *, process: bool) -> Any:
    """The reward model in folder or hub id `name`, loaded once a process; an object stays itself.

    Raises what `treeseek.backends.reward.load_reward` raises.
    """
    if not isinstance(name, str):
        return name
    from treeseek.backends.reward import shared_reward

    return shared_reward(name, process=process)


def _shared(alone: Sequence[int], whole: Sequence[int]) -> int:
    """Length of the common beginning, at least one token and all but the last of `whole`."""
    same = 0
    while same < min(len(alone), len(whole)) and alone[same] == whole[same]:
        same += 1
    return max(1, same)


def _path(lm: LM, before: Sequence[int], text: Sequence[int]) -> list[tuple[int, int]]:
    """(node whose row is asked, token that follows) for each token of `text` after `before`."""
    at, path = lm.tree.extend(ROOT, list(before)), []
    for token in text:
        path.append((at, token))
        at = lm.tree.add(at, token)
    return path
