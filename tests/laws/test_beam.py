"""Law 2: a beam as wide as the leaves equals brute force."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.wild import toy
from treeseek import LM, search
from treeseek.strategies import beam

V, LIMIT = 4, 4


def brute(lm: LM, prompt: list[int]) -> list[tuple[float, tuple[int, ...]]]:
    """Every sequence (its end token counted, where it has one) with its total, best first."""
    found = {}
    for tokens in product(range(V), repeat=LIMIT):
        total, path = 0.0, list(prompt)
        for token in tokens:
            row = lm.backend.row(path)
            total += row[token] - (row.max() + np.log(np.exp(row - row.max()).sum()))
            path.append(token)
            if token == V - 1:
                break
        found[tuple(path[len(prompt) :])] = total
    return sorted(((total, tokens) for tokens, total in found.items()), reverse=True)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_a_beam_as_wide_as_the_leaves_is_brute_force(seed: int) -> None:
    lm = toy(seed, vocabulary=V)
    truth = brute(lm, [0])
    widest = V**LIMIT
    found = search([0], model=lm, strategy=beam(width=widest, length_penalty=0.0), limit=LIMIT)
    whole = [(*c.token_ids, *([V - 1] if c.finish == "end" else [])) for c in found.candidates]
    assert whole == [tokens for _, tokens in truth]
    assert [c.logprob for c in found.candidates] == pytest.approx([total for total, _ in truth])


def test_a_narrow_beam_misses_the_optimum_somewhere() -> None:
    """Negative control: greedy-like beams are not exhaustive, so the law says something."""
    missed = 0
    for seed in range(40):
        lm = toy(seed, vocabulary=V)
        strategy = beam(width=1, length_penalty=0.0)
        best = search([0], model=lm, strategy=strategy, limit=LIMIT).best
        missed += best is None or best.logprob < brute(lm, [0])[0][0] - 1e-9
    assert missed > 5
