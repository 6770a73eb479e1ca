"""Large rows by the compiled kernels: the tokens numpy finds, its numbers within rounding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeseek.decoding import gumbel, wide
from treeseek.decoding.summary import log_sum_exp, summarise
from treeseek.errors import BrokenLogits
from treeseek.native import vocabulary

pytestmark = pytest.mark.skipif(not vocabulary.available(), reason="no compiled kernels")


def rows(seed: int, count: int, width: int, kind: str) -> np.ndarray:
    """Logits of one kind: spread, of far levels, full of ties, mostly forbidden, large, or tiny."""
    rng = np.random.default_rng(seed)
    found = rng.standard_normal((count, width)).astype(np.float32)
    if kind == "ties":
        found = np.round(found)
    elif kind == "levels":
        level = rng.choice([-3000.0, -60.0, 0.0, 39.0, 41.0, 70.0], width // 512 + 1)
        found += np.repeat(level, 512)[:width].astype(np.float32)
    elif kind == "forbidden":
        found[rng.random((count, width)) < 0.99] = -np.inf
        found[:, rng.integers(width)] = 1.0
    elif kind == "large":
        found *= 1e4
    elif kind == "tiny":
        found *= 1e-30
    return found


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 4),
    width=st.integers(1025, 5000),
    k=st.sampled_from([0, 1, 3, 8, 40, 700]),
    kind=st.sampled_from(["spread", "levels", "ties", "forbidden", "large", "tiny"]),
)
def test_the_kernels_find_what_numpy_finds(
    seed: int, count: int, width: int, k: int, kind: str
) -> None:
    logits = rows(seed, count, width, kind)
    found = summarise(logits, k)
    exact = logits.astype(np.float64)
    exact -= exact.max(1, keepdims=True)
    lse = logits.max(1) + np.log(np.exp(exact).sum(1))
    assert np.allclose(found.lse, lse, rtol=1e-6, atol=1e-6)
    assert np.array_equal(found.lse, log_sum_exp(logits))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wide.vocabulary, "available", lambda: False)
        plain = summarise(logits, k)
    assert np.array_equal(found.tokens, plain.tokens)
    assert np.allclose(found.logprobs, plain.logprobs, rtol=1e-5, atol=1e-5)
    assert np.allclose(found.entropy, plain.entropy, rtol=1e-4, atol=1e-4)
    # A row's bits do not depend on its neighbours.
    assert np.array_equal(found.lse[:1], summarise(logits[:1], k).lse)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    width=st.integers(1025, 5000),
    k=st.sampled_from([1, 2, 9]),
    kind=st.sampled_from(["spread", "levels", "ties", "forbidden", "large", "tiny"]),
)
def test_the_winners_of_the_noise_are_the_same_bit_for_bit(
    seed: int, width: int, k: int, kind: str
) -> None:
    scores = rows(seed, 3, width, kind)
    keys = np.random.default_rng(seed).integers(0, 2**63, 3).astype(np.uint64)
    tokens, values = gumbel.gumbel_topk(scores, keys, k)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gumbel.compiled, "available", lambda: False)
        plain, numbers = gumbel.gumbel_topk(scores, keys, k)
    assert np.array_equal(tokens, plain) and np.array_equal(values, numbers)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("at", [0, 5, 1999])
def test_what_is_no_number_is_refused_wherever_it_stands(value: float, at: int) -> None:
    logits = rows(1, 3, 2000, "spread")
    logits[2, at] = value
    with pytest.raises(BrokenLogits, match="row 2"):
        summarise(logits, 4)
    with pytest.raises(BrokenLogits, match="row 2"):
        log_sum_exp(logits)


def test_a_row_of_nothing_has_no_mass_and_no_summary() -> None:
    logits = rows(1, 3, 2000, "spread")
    logits[1] = -np.inf
    lse = log_sum_exp(logits)
    assert lse[1] == -np.inf and np.isfinite(lse[[0, 2]]).all()
    with pytest.raises(BrokenLogits, match="nothing but -inf"):
        summarise(logits, 1)
