"""Summaries: the exact order of children, 1e-12 in float64, rows that ignore their neighbours."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from treeseek.decoding.summary import Kept, log_sum_exp, summarise
from treeseek.errors import BrokenLogits, InvalidOption

SIZES = [1, 2, 5, 100, 1024, 1025, 2111, 32000]
# Logits that tie, nearly tie, vanish beside others, or forbid.
ODD = st.sampled_from([-np.inf, -90.0, -1.5, 0.0, 1e-30, 2e-30, 1.0, 1.0 + 2**-23, 7.25])


def reference(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    wide = logits.astype(np.longdouble)
    high = wide.max(axis=1, keepdims=True)
    lse = high + np.log(np.exp(wide - high).sum(axis=1, keepdims=True))
    p = np.exp(wide - lse)
    terms = np.where(p > 0, p * np.where(p > 0, wide - lse, 0), 0)
    return lse[:, 0], -terms.sum(axis=1)


def rows_of(seed: int, n: int, vocabulary: int, scale: float, dtype: type) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(n, vocabulary)) * scale).astype(dtype)


def assert_ordered(logits: np.ndarray, k: int) -> None:
    found = summarise(logits, k)
    logprobs = logits.astype(np.float64) - found.lse[:, None]
    ids = np.broadcast_to(np.arange(logits.shape[1]), logits.shape)
    order = np.lexsort((ids, -logprobs), axis=1)[:, :k]
    assert np.array_equal(found.tokens, order)
    assert np.array_equal(found.logprobs, np.take_along_axis(logprobs, order, axis=1))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("vocabulary", SIZES)
def test_children_come_in_the_exact_order(vocabulary: int, dtype: type) -> None:
    logits = rows_of(vocabulary, 5, vocabulary, 3, dtype)
    logits[1] = np.round(logits[1])
    logits[2, 1:] = -np.inf
    logits[3] = 2
    for k in (1, 8, 16, 200, vocabulary):
        assert_ordered(logits, min(k, vocabulary))


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([6, 90, 1100]),
    st.integers(1, 20),
    st.data(),
)
def test_ties_of_every_kind(dtype: type, vocabulary: int, k: int, data: st.DataObject) -> None:
    """Also those that only rounding makes, between log-probabilities of unequal logits."""
    logits = data.draw(hnp.arrays(dtype, (2, vocabulary), elements=ODD, fill=ODD))
    logits[:, vocabulary // 2] = 0
    assert_ordered(logits, min(k, vocabulary))


@pytest.mark.parametrize(
    ("dtype", "near", "scale"),
    [
        *((np.float64, 1e-12, scale) for scale in (1e-3, 1.0, 8.0, 200.0, 1e6)),
        *((np.float32, 1e-6, scale) for scale in (1e-3, 1.0, 8.0, 200.0, 1e4)),
    ],
)
@pytest.mark.parametrize("vocabulary", SIZES)
def test_a_row_is_as_exact_as_its_numbers(
    vocabulary: int, dtype: type, near: float, scale: float
) -> None:
    """To the last digits of float64, and of float32 where that is what came in."""
    logits = rows_of(1, 4, vocabulary, scale, dtype)
    logits[1, ::2] = -np.inf
    logits[1, 0] = 0.5
    found = summarise(logits, 3)
    lse, entropy = reference(logits)
    assert (np.abs(found.lse - lse) <= near * (1 + np.abs(lse))).all()
    assert (np.abs(found.entropy - entropy) <= 10 * near * (1 + np.abs(lse))).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("vocabulary", [7, 1024, 1025, 9000])
def test_a_row_does_not_feel_its_neighbours(vocabulary: int, dtype: type) -> None:
    logits = rows_of(3, 7, vocabulary, 4, dtype)
    logits[2, 1:] = -np.inf
    logits[5] += 500
    together = summarise(logits, 5)
    transposed = summarise(np.asfortranarray(logits[::-1]), 5)
    for i in range(7):
        for other, j in ((summarise(logits[i : i + 1], 5), 0), (transposed, 6 - i)):
            assert other.lse[j] == together.lse[i]
            assert other.entropy[j] == together.entropy[i]
            assert np.array_equal(other.tokens[j], together.tokens[i])
            assert np.array_equal(other.logprobs[j], together.logprobs[i])
    assert np.array_equal(log_sum_exp(logits), together.lse)


@pytest.mark.parametrize("vocabulary", [7, 3000])
def test_a_smaller_k_is_a_prefix_and_entropy_is_optional(vocabulary: int) -> None:
    logits = rows_of(4, 3, vocabulary, 2, np.float32)
    whole = summarise(logits, vocabulary + 5)
    assert whole.tokens.shape == (3, vocabulary)
    for k in (0, 1, 4):
        part = summarise(logits, k, entropy=False)
        assert np.array_equal(part.tokens, whole.tokens[:, :k])
        assert np.array_equal(part.logprobs, whole.logprobs[:, :k])
        assert np.array_equal(part.lse, whole.lse)
        assert np.isnan(part.entropy).all()


@pytest.mark.parametrize("vocabulary", [7, 3000])
@pytest.mark.parametrize(
    ("bad", "word"), [(np.nan, "NaN"), (np.inf, r"\+inf"), (-np.inf, "nothing but -inf")]
)
def test_a_broken_row_is_named(vocabulary: int, bad: float, word: str) -> None:
    logits = rows_of(5, 4, vocabulary, 2, np.float32)
    if bad == -np.inf:
        logits[2] = bad
        assert np.isneginf(log_sum_exp(logits)).tolist() == [False, False, True, False]
        assert np.isneginf(log_sum_exp(logits[2:3])).all()
    else:
        logits[2, vocabulary - 1] = bad
        with pytest.raises(BrokenLogits, match=f"row 2 .*{word}"):
            log_sum_exp(logits)
    with pytest.raises(BrokenLogits, match=f"row 2 .*{word}"):
        summarise(logits, 3)


def test_logits_of_another_shape_and_a_negative_k_are_refused() -> None:
    with pytest.raises(InvalidOption, match=r"\(3,\)"):
        summarise(np.zeros(3), 1)
    with pytest.raises(InvalidOption, match="-1"):
        summarise(np.zeros((1, 3)), -1)


@pytest.mark.parametrize("vocabulary", [3, 300, 3000])
def test_a_log_sum_exp_has_the_bits_of_the_summary_and_minus_infinity_for_no_token(
    vocabulary: int,
) -> None:
    logits = rows_of(5, 6, vocabulary, 4, np.float32)
    alone = summarise(logits, 2).lse
    logits[[1, 4]] = -np.inf
    alone[[1, 4]] = -np.inf
    assert np.array_equal(log_sum_exp(logits), alone)
    assert (log_sum_exp(logits[[1, 4]]) == -np.inf).all()
    logits[2, 1] = np.nan
    with pytest.raises(BrokenLogits, match="NaN"):
        log_sum_exp(logits)


def test_what_is_kept_of_rows_comes_back_bit_for_bit_and_only_as_wide_as_it_is() -> None:
    kept, known = Kept(), {}
    for call, (count, k) in enumerate([(3, 4), (1, 9), (5, 2)]):
        summary = summarise(rows_of(call, count, 11, 3, np.float64), k)
        addresses = [call * 2 + i for i in range(count)]  # some of them come again
        kept.put(addresses, summary)
        known.update({a: (summary, i) for i, a in enumerate(addresses)})
    assert len(kept) == len(known)
    for address, (summary, i) in known.items():
        width = summary.tokens.shape[1]
        for k in range(1, width + 1):
            tokens, logprobs = summary.tokens[i, :k].tolist(), summary.logprobs[i, :k].tolist()
            facts = ([tokens], [logprobs], [float(summary.lse[i])], [float(summary.entropy[i])])
            assert kept.read(kept.find([address], k), k) == facts
        assert kept.find([address], width + 1) == [-1]
    # Several at once, one after another in what is kept or not, come as one by one.
    for some in ([4, 5, 6, 7, 8], [4, 6], [8, 7], [0, 4, 1], [1, 1]):
        rows = kept.find(some, 2)
        alone = [kept.read([row], 2) for row in rows]
        assert kept.read(rows, 2) == tuple([one[part][0] for one in alone] for part in range(4))
    assert kept.find([99, 4], 1) == [-1, *kept.find([4], 1)]
    kept.clear()
    assert len(kept) == 0 and kept.find([0], 1) == [-1]
