"""How well a model predicts a text: the one number by which two forms of a model are compared."""

import math

import numpy as np

from treeseek.decoding.summary import log_sum_exp
from treeseek.errors import InvalidOption
from treeseek.model import LM
from treeseek.tree import ROOT


def perplexity(lm: LM, text: str, *, window: int = 512, most: int = 4096) -> float:
    """e to the mean negative log-probability of the first `most` tokens of `text`.

    The text is read in windows of `window` tokens (at most the context), each without knowledge of
    the one before; a window's first token is given, not predicted. Empties the tree of `lm`.
    Raises InvalidOption for a text of fewer than two tokens.
    """
    tokens = lm.tokenizer.encode(text)[:most]
    window = min(window, lm.backend.context or window)
    if len(tokens) < 2 or window < 2:
        raise InvalidOption("A perplexity needs a text and a window of at least two tokens.")
    total, count = 0.0, 0
    for start in range(0, len(tokens), window):
        part = tokens[start : start + window]
        if len(part) < 2:
            break
        lm.clear()
        end = lm.backend.tree.extend(ROOT, part)
        nodes = [end - back for back in range(len(part) - 1, 0, -1)]
        for block in lm.backend.expand(nodes):
            following = np.array([part[i + 1] for i in block.index])
            picked = block.logits[np.arange(len(following)), following].astype(np.float64)
            total += float((log_sum_exp(block.logits) - picked).sum())
        count += len(nodes)
    lm.clear()
    return math.exp(total / count)
