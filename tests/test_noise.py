"""Noise: keyed by place, exact where it is lazy, right in the tail, without visible pattern."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from treeseek.decoding import gumbel as room
from treeseek.decoding.gumbel import gumbel, gumbel_argmax, gumbel_topk
from treeseek.errors import BrokenLogits, InvalidOption
from treeseek.noise import Purpose, Rng, Streams, position_key, position_keys, stream_key

# A fixed seed is drawn once, so a threshold of 1e-4 fails by chance in no run or in every one.
UNLIKELY = 1e-4
PLACE = {
    "seed": 7,
    "purpose": Purpose.TOKEN,
    "path": ("problem-3", (0, 1), (4, 0)),
    "name": 2**127 + 5,
    "stream": 0,
    "ordinal": 2,
}


def keys_of(seed: int, count: int) -> np.ndarray:
    stream = stream_key(seed, Purpose.TOKEN, (), 1, 0, 0)
    return np.array([position_key(stream, i) for i in range(count)], np.uint64)


def rows_of(seed: int, n: int, vocabulary: int, scale: float, dtype: type) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(n, vocabulary)) * scale).astype(dtype)


def eager(scores: np.ndarray, keys: np.ndarray) -> np.ndarray:
    return scores + gumbel(keys, scores.shape[1])


# Keys.


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 8},
        {"seed": -7},
        {"purpose": Purpose.DRAFT},
        {"purpose": Purpose.COIN},
        {"purpose": Purpose.RNG},
        {"path": ("problem-3", (0, 1), (4, 1))},
        {"path": ("problem-3", (0, 1, 4, 0))},
        {"path": ("problem-", 3, (0, 1), (4, 0))},
        {"path": (("problem-3", (0, 1), (4, 0)),)},
        {"name": 2**127 + 4},
        {"stream": 1},
        {"ordinal": 3},
    ],
)
def test_every_part_of_a_place_counts(change: dict) -> None:
    assert stream_key(**PLACE) != stream_key(**{**PLACE, **change})


Items = st.one_of(st.integers(-2, 12), st.text("is(:;1", max_size=3))
Paths = st.lists(st.one_of(Items, st.lists(Items, max_size=2).map(tuple)), max_size=3).map(tuple)


@settings(deadline=None, max_examples=60)
@given(Paths, Paths)
@example(("a", "b"), ("asb",))
@example(("a", "b"), ("as1:b",))
@example((1, 2), (12,))
@example((1,), ("1",))
@example(("i1;",), (1,))
@example(((), ()), (((),),))
@example((("a",), "b"), ("a", ("b",)))
def test_two_paths_share_a_key_only_when_equal(a: tuple, b: tuple) -> None:
    same = stream_key(**{**PLACE, "path": a}) == stream_key(**{**PLACE, "path": b})
    assert same == (a == b)


def test_keys_are_the_same_in_every_process() -> None:
    code = (
        "from treeseek.noise import Purpose, Rng, position_key, stream_key\n"
        f"key = stream_key(7, Purpose.TOKEN, {PLACE['path']!r}, {PLACE['name']}, 0, 2)\n"
        "print(key, position_key(key, 3), Rng(key).integers(1 << 64))"
    )
    path = os.pathsep.join(p for p in sys.path if p)
    for salt in ("0", "1"):
        env = {**os.environ, "PYTHONHASHSEED": salt, "PYTHONPATH": path}
        printed = subprocess.check_output([sys.executable, "-c", code], env=env, text=True)
        key = stream_key(**PLACE)
        assert printed.split() == [str(key), str(position_key(key, 3)), str(Rng(key)._word())]


def test_a_path_of_other_things_is_refused() -> None:
    with pytest.raises(InvalidOption, match="float"):
        stream_key(**{**PLACE, "path": (0.5,)})


@pytest.mark.parametrize("count", [1, 15, 16, 200])
def test_many_keys_at_once_are_the_keys_one_by_one(count: int) -> None:
    streams = Streams(PLACE["seed"], PLACE["purpose"], PLACE["path"])
    keys = streams.keys(PLACE["name"], PLACE["stream"], 3, count)
    assert keys == [stream_key(**{**PLACE, "ordinal": 3 + i}) for i in range(count)]
    positions = [i * i for i in range(count)]
    found = position_keys(keys, positions)
    assert found.dtype == np.uint64
    assert found.tolist() == list(map(position_key, keys, positions))
    assert count == 1 or found.tolist() != list(map(position_key, keys, positions[::-1]))


def test_best_of_8_is_a_prefix_of_best_of_64() -> None:
    scores = rows_of(0, 1, 50, 2, np.float32)

    def drawn(n: int) -> list[int]:
        keys = [position_key(stream_key(**{**PLACE, "ordinal": i}), 0) for i in range(n)]
        return gumbel_argmax(scores.repeat(n, 0), np.array(keys, np.uint64))[0].tolist()

    assert drawn(8) == drawn(64)[:8]
    assert len(set(drawn(64))) > 8


# The lazy race equals the eager table, bit for bit.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [0.0, 0.01, 1.0, 4.0, 300.0])
@pytest.mark.parametrize("vocabulary", [1, 5, 1024, 1025, 4000, 32000])
def test_the_race_is_exactly_the_argmax(vocabulary: int, scale: float, dtype: type) -> None:
    scores = rows_of(vocabulary, 6, vocabulary, scale, dtype) - 40
    scores[1, np.random.default_rng(1).random(vocabulary) < 0.4] = -np.inf
    scores[2, np.random.default_rng(2).random(vocabulary) < 0.999] = -np.inf
    scores[1:3, vocabulary // 2] = 3
    keys = keys_of(vocabulary, 6)
    noisy = eager(scores, keys)
    tokens, values = gumbel_argmax(scores, keys)
    assert np.array_equal(tokens, noisy.argmax(axis=1))
    assert np.array_equal(values, noisy.max(axis=1))
    for k in {1, min(3, vocabulary), min(20, vocabulary)}:
        tokens, values = gumbel_topk(scores, keys, k)
        order = np.argsort(-noisy, axis=1, kind="stable")[:, :k]
        assert np.array_equal(tokens, order)
        assert np.array_equal(values, np.take_along_axis(noisy, order, axis=1))


@settings(deadline=None, max_examples=40)
@given(
    hnp.arrays(np.float32, (3, 1500), elements=st.sampled_from([-np.inf, -9.5, 0, 0.25, 1, 30])),
    st.integers(0, 2**32),
    st.integers(1, 40),
)
def test_the_race_is_exact_on_odd_rows(scores: np.ndarray, seed: int, k: int) -> None:
    scores[:, 0] = 0
    keys = keys_of(seed, 3)
    noisy = eager(scores, keys)
    tokens, _ = gumbel_topk(scores, keys, k)
    assert np.array_equal(tokens, np.argsort(-noisy, axis=1, kind="stable")[:, :k])


@pytest.mark.parametrize("vocabulary", [40, 3000])
def test_a_row_does_not_feel_its_neighbours(vocabulary: int) -> None:
    scores, keys = rows_of(3, 9, vocabulary, 2, np.float32), keys_of(3, 9)
    scores[4, 10:] = -np.inf
    tokens, values = gumbel_topk(scores, keys, 4)
    shuffled = np.random.default_rng(0).permutation(9)
    again, revalued = gumbel_topk(scores[shuffled], keys[shuffled], 4)
    assert np.array_equal(again, tokens[shuffled])
    assert np.array_equal(revalued, values[shuffled])
    for i in range(9):
        alone = gumbel_topk(scores[i : i + 1], keys[i : i + 1], 4)
        assert np.array_equal(alone[0][0], tokens[i])
        assert np.array_equal(alone[1][0], values[i])


def test_some_tokens_get_the_numbers_of_the_whole_table() -> None:
    keys = keys_of(5, 4)
    table = gumbel(keys, 3000)
    shared = np.array([2999, 0, 17])
    own = np.array([[1, 2], [3, 4], [5, 6], [7, 8]])
    assert np.array_equal(gumbel(keys, 3000, shared), table[:, shared])
    assert np.array_equal(gumbel(keys, 3000, own), np.take_along_axis(table, own, axis=1))
    with pytest.raises(InvalidOption, match="2999"):
        gumbel(keys, 3000, np.array([3000]))


@pytest.mark.parametrize("vocabulary", [6, 2000])
def test_places_without_an_allowed_token_are_marked(vocabulary: int) -> None:
    scores = np.full((1, vocabulary), -np.inf)
    scores[0, [2, 5]] = 0
    tokens, values = gumbel_topk(scores, keys_of(0, 1), 4)
    assert set(tokens[0, :2].tolist()) == {2, 5}
    assert tokens[0, 2:].tolist() == [0, 1]
    assert np.isneginf(values[0]).tolist() == [False, False, True, True]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("vocabulary", [6, 2000])
@pytest.mark.parametrize("k", [1, 3])
def test_a_row_without_a_winner_is_named(vocabulary: int, bad: float, k: int) -> None:
    scores = np.zeros((3, vocabulary))
    scores[1, :] = bad
    with pytest.raises(BrokenLogits, match="row 1"):
        gumbel_topk(scores, keys_of(0, 3), k)
    if bad != -np.inf:
        scores[1, 1:] = 0
        with pytest.raises(BrokenLogits, match="row 1"):
            gumbel_topk(scores, keys_of(0, 3), k)


def test_a_wrong_k_or_number_of_keys_is_refused() -> None:
    for k in (0, 6):
        with pytest.raises(InvalidOption, match=r"1\.\.5"):
            gumbel_topk(np.zeros((2, 5)), keys_of(0, 2), k)
    with pytest.raises(InvalidOption, match="2 rows need 2 keys"):
        gumbel_argmax(np.zeros((2, 5)), keys_of(0, 3))


# Statistics.


@pytest.mark.parametrize("vocabulary", [8, 1500])
def test_draws_follow_the_softmax(vocabulary: int) -> None:
    n = 40_000 if vocabulary == 8 else 4_000
    scores = np.full((1, vocabulary), -30.0)
    scores[0, -8:] = np.log([0.3, 0.2, 0.2, 0.1, 0.1, 0.06, 0.03, 0.01])
    tokens, _ = gumbel_argmax(scores.repeat(n, 0), keys_of(11, n))
    counts = np.bincount(tokens - vocabulary + 8, minlength=8)
    assert stats.chisquare(counts, n * np.exp(scores[0, -8:])).pvalue > UNLIKELY


def test_draws_without_replacement_follow_their_law() -> None:
    p, n = np.array([0.5, 0.25, 0.15, 0.1]), 40_000
    tokens, _ = gumbel_topk(np.log(p)[None].repeat(n, 0), keys_of(12, n), 2)
    pairs = [(a, b) for a in range(4) for b in range(4) if a != b]
    expected = np.array([p[a] * p[b] / (1 - p[a]) for a, b in pairs])
    counts = np.bincount(tokens[:, 0] * 4 + tokens[:, 1], minlength=16)
    observed = np.array([counts[a * 4 + b] for a, b in pairs])
    assert observed.sum() == n
    assert stats.chisquare(observed, n * expected).pvalue > UNLIKELY


@pytest.mark.parametrize("raw", [True, False])
def test_uniforms_are_uniform_along_tokens_and_along_positions(raw: bool) -> None:
    """Even keys that are small consecutive integers give no pattern."""
    keys = np.arange(1500, dtype=np.uint64) if raw else keys_of(21, 1500)
    uniform = np.exp(-np.exp(-gumbel(keys, 1000)))
    assert uniform.min() > 0 and uniform.max() < 1
    for part in (uniform.ravel(), uniform[7], uniform[:, 3]):
        assert stats.kstest(part, "uniform").pvalue > UNLIKELY


@pytest.mark.parametrize("raw", [True, False])
def test_neighbours_are_not_correlated(raw: bool) -> None:
    keys = np.arange(1500, dtype=np.uint64) if raw else keys_of(22, 1500)
    uniform = np.exp(-np.exp(-gumbel(keys, 1000)))
    cells = (uniform * 8).astype(np.int64)
    pairs = {
        "token": (cells[:, :-1], cells[:, 1:]),
        "position": (cells[:-1], cells[1:]),
        "both": (cells[:-1, :-1], cells[1:, 1:]),
        "crossed": (cells[:-1, 1:], cells[1:, :-1]),
    }
    for name, (a, b) in pairs.items():
        counts = np.bincount((a * 8 + b).ravel(), minlength=64)
        assert stats.chisquare(counts).pvalue > UNLIKELY, name


def test_rare_tokens_win_where_single_precision_never_lets_them() -> None:
    """Among V equal tokens the winner's number passes x with probability 1 - exp(-V e^-x).

    Past 16.64 a float32 uniform has nothing to give: its largest value below 1 is 1 - 2^-24, so
    whatever needs a rarer number never happens, which acts like a lower temperature.
    """
    vocabulary, rows, x = 2_000_000, 100, 16.7
    expected = 1 - math.exp(-vocabulary * math.exp(-x))
    flat = np.zeros((1, vocabulary), np.float32)
    ours = sum(float(gumbel_argmax(flat, keys_of(s, 1))[1][0]) > x for s in range(rows))
    rng = np.random.default_rng(0)
    highest = np.array([rng.random(vocabulary, np.float32).max() for _ in range(rows)])
    single = int((-np.log(-np.log(highest)) > x).sum())
    assert stats.binomtest(ours, rows, expected).pvalue > UNLIKELY
    assert stats.binomtest(single, rows, expected).pvalue < UNLIKELY


def test_a_number_has_the_probability_its_hash_has() -> None:
    """Down to 2^-64: of hashes, exactly h + 1 in 2^64 give a number of at least that of h."""
    hashes = np.array([2**bit for bit in range(64)], np.uint64)
    survival = -np.expm1(-np.exp(-room._to_gumbel(hashes.copy())))
    law = (hashes.astype(np.float64) + 0.5) * 2.0**-64
    assert np.abs(survival / law - 1).max() < 1e-12
    ends = room._to_gumbel(np.array([0, 2**64 - 1], np.uint64))
    assert 45 < ends[0] < 46 and -4 < ends[1] < -3


# Rng.


def test_rng_is_a_function_of_its_key() -> None:
    def story(key: int) -> list:
        rng = Rng(key)
        items = list(range(20))
        rng.shuffle(items)
        return [rng.random(), rng.integers(10), rng.choice("abcdef"), rng.normal(), items]

    assert story(5) == story(5) != story(6)


def test_rng_laws() -> None:
    rng = Rng(77)
    n = 20_000
    assert stats.kstest([rng.random() for _ in range(n)], "uniform").pvalue > UNLIKELY
    assert stats.kstest([rng.normal() for _ in range(n)], "norm").pvalue > UNLIKELY
    counts = np.bincount([rng.integers(7) for _ in range(n)], minlength=7)
    assert stats.chisquare(counts).pvalue > UNLIKELY
    orders: dict[tuple, int] = {}
    for _ in range(n):
        items = [0, 1, 2, 3]
        rng.shuffle(items)
        orders[tuple(items)] = orders.get(tuple(items), 0) + 1
    assert len(orders) == 24
    assert stats.chisquare(list(orders.values())).pvalue > UNLIKELY


def test_rng_integers_have_no_modulo_bias() -> None:
    """With n = 3 * 2^62 a plain modulo would give the lowest third twice the weight of others."""
    rng, n = Rng(3), 3 << 62
    low = sum(rng.integers(n) < 1 << 62 for _ in range(6_000))
    assert stats.binomtest(low, 6_000, 1 / 3).pvalue > UNLIKELY


def test_rng_refuses_what_it_cannot_do() -> None:
    with pytest.raises(InvalidOption, match="at least one"):
        Rng(0).choice([])
    for n in (0, (1 << 64) + 1):
        with pytest.raises(InvalidOption, match="integers"):
            Rng(0).integers(n)
