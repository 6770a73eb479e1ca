"""Warps against transformers' own processors, in their order; and what transformers lacks."""

from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeseek.decoding.warp import Warp
from treeseek.errors import InvalidOption

SIZES = [5, 37, 2000]

PROCESSORS: dict[str, list[dict[str, Any]]] = {
    "repetition": [{"repetition_penalty": p} for p in (0.7, 1.2, 3.0)],
    "ngram": [{"no_repeat_ngram": n} for n in (1, 2, 3, 50)],
    "bad_words": [
        {"bad_words": ((0,), (2, 3), (1, 1, 4), (3,), (4, 2, 0, 1))},
        {"bad_words": ((0,), (1, 2)), "ends": (0,), "min_tokens": 3},
    ],
    "min_tokens": [{"min_tokens": n, "ends": (1, 3)} for n in (1, 4, 9)],
    "suppress": [{"suppress": (0, 3)}],
}
WARPERS: dict[str, list[dict[str, Any]]] = {
    "temperature": [{"temperature": t} for t in (0.1, 0.7, 2.5)],
    "top_k": [{"top_k": k} for k in (1, 3, 20, 5000)],
    "top_p": [{"top_p": p} for p in (0.0, 0.1, 0.5, 0.93, 0.999)],
    "min_p": [{"min_p": p} for p in (0.01, 0.2, 1.0)],
    "typical": [{"typical_p": p} for p in (0.1, 0.5, 0.95)],
    "epsilon": [{"epsilon_cutoff": e} for e in (3e-4, 0.02, 0.6)],
    "eta": [{"eta_cutoff": e} for e in (3e-4, 0.02, 0.6)],
}
EVERYTHING = {
    "repetition_penalty": 1.3,
    "no_repeat_ngram": 2,
    "bad_words": ((2, 3), (1,)),
    "min_tokens": 6,
    "ends": (0,),
    "suppress": (4,),
    "temperature": 0.8,
    "top_k": 40,
    "top_p": 0.95,
    "min_p": 0.005,
    "typical_p": 0.97,
    "epsilon_cutoff": 1e-3,
    "eta_cutoff": 2e-3,
}


def flat(groups: dict[str, list[dict[str, Any]]]) -> list[Any]:
    return [
        pytest.param(settings, id=f"{name}{i}")
        for name, group in groups.items()
        for i, settings in enumerate(group)
    ]


def rows_of(kind: str, vocabulary: int, seed: int) -> np.ndarray:
    """Random rows: smooth, full of ties, half forbidden, peaked, flat, or log-probabilities."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(6, vocabulary)) * 3
    if kind == "ties":
        rows = np.round(rows)
    elif kind == "forbidden":
        rows[random.random(rows.shape) < 0.5] = -np.inf
        rows[:, -1] = 0.3
    elif kind == "peaked":
        rows *= 10
    elif kind == "flat":
        rows *= 1e-2
    elif kind == "logprobs":
        rows -= np.log(np.exp(rows).sum(axis=1, keepdims=True))
    return rows.astype(np.float32)


KINDS = ["smooth", "ties", "forbidden", "peaked", "flat", "logprobs"]


def paths_of(vocabulary: int, length: int, seed: int) -> list[list[int]]:
    return np.random.default_rng(seed).integers(0, vocabulary, (6, length)).tolist()


def transformers_scores(rows: np.ndarray, paths: list, start: int, settings: dict) -> np.ndarray:
    """What the processors that `generate` would build make of these rows, in its order."""
    torch = pytest.importorskip("torch", reason="transformers' processors need torch")
    hf = pytest.importorskip("transformers", reason="the comparison needs transformers")
    names = {
        "no_repeat_ngram": "no_repeat_ngram_size",
        "suppress": "suppress_tokens",
        "min_tokens": "min_new_tokens",
        "bad_words": "bad_words_ids",
        "ends": "eos_token_id",
    }
    options = {names.get(key, key): value for key, value in settings.items()}
    for key in ("bad_words_ids", "suppress_tokens", "eos_token_id"):
        if key in options:
            options[key] = [list(v) if isinstance(v, tuple) else v for v in options[key]]
    config = hf.GenerationConfig(do_sample=True, **{"top_k": 0, **options})
    ends = options.get("eos_token_id")
    config._eos_token_tensor = None if ends is None else torch.tensor(ends)
    owner = type("Owner", (hf.generation.GenerationMixin,), {})()
    owner.config = hf.PretrainedConfig()
    chain = owner._get_logits_processor(config, input_ids_seq_length=start, device="cpu")
    return chain(torch.tensor(paths), torch.from_numpy(rows.copy())).numpy()


def cut_slack(rows: np.ndarray, settings: dict) -> np.ndarray:
    """Where, by float64, a token's fate at the one warper set hangs on less than 1e-5."""
    wide = rows.astype(np.float64)
    logp = wide - np.log(np.exp(wide - wide.max(1, keepdims=True)).sum(1, keepdims=True))
    logp -= wide.max(1, keepdims=True)
    p = np.exp(logp)
    ((name, value),) = settings.items()
    if name == "top_p":
        order = np.argsort(wide, axis=1, kind="stable")
        masses = np.cumsum(np.take_along_axis(p, order, 1), axis=1)
        gap = np.empty_like(masses)
        np.put_along_axis(gap, order, masses - (1 - value), axis=1)
        return np.abs(gap) < 1e-5
    if name == "typical_p":
        terms = np.where(p > 0, p * np.where(p > 0, logp, 0), 0)
        distance = np.abs(-logp + terms.sum(1, keepdims=True))
        order = np.argsort(distance, axis=1, kind="stable")
        masses = np.cumsum(np.take_along_axis(p, order, 1), axis=1)
        last = (masses < value).sum(1, keepdims=True).clip(max=rows.shape[1] - 1)
        cut = np.take_along_axis(np.take_along_axis(distance, order, 1), last, 1)
        unsure = (np.abs(masses - value) < 1e-5).any(1, keepdims=True)
        return (np.abs(distance - cut) < 1e-5) | unsure
    if name == "min_p":
        return np.abs(p / p.max(1, keepdims=True) / value - 1) < 1e-5
    if name in ("epsilon_cutoff", "eta_cutoff"):
        terms = np.where(p > 0, p * np.where(p > 0, logp, 0), 0)
        eta = np.sqrt(value) * np.exp(terms.sum(1, keepdims=True))
        floor = np.minimum(value, eta) if name == "eta_cutoff" else value
        return np.abs(p / floor - 1) < 1e-5
    return np.zeros(rows.shape, bool)


def assert_same(ours: np.ndarray, theirs: np.ndarray, unsure: np.ndarray | None = None) -> None:
    sure = np.ones(ours.shape, bool) if unsure is None else ~unsure
    assert np.array_equal(np.isneginf(ours)[sure], np.isneginf(theirs)[sure])
    both = ~np.isneginf(ours) & ~np.isneginf(theirs)
    assert np.allclose(ours[both], theirs[both], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("vocabulary", SIZES)
@pytest.mark.parametrize("settings", flat(PROCESSORS))
def test_each_processor_is_transformers(settings: dict, vocabulary: int) -> None:
    for seed, (kind, length) in enumerate(product(KINDS, (2, 7, 40))):
        rows = rows_of(kind, vocabulary, seed)
        paths = paths_of(min(vocabulary, 6), length, seed)
        ours = Warp(**settings).scores(rows, paths, [2] * 6)
        assert_same(ours, transformers_scores(rows, paths, 2, settings))


@pytest.mark.parametrize("vocabulary", SIZES)
@pytest.mark.parametrize("settings", flat(WARPERS))
def test_each_warper_is_transformers(settings: dict, vocabulary: int) -> None:
    """All but the tokens whose fate float32 rounding decides, and those must be few."""
    share = []
    for kind, seed in product(KINDS, range(3)):
        rows, paths = rows_of(kind, vocabulary, seed), paths_of(vocabulary, 3, seed)
        unsure = cut_slack(rows, settings)
        share.append(unsure.mean())
        ours = Warp(**settings).scores(rows, paths, [2] * 6)
        theirs = transformers_scores(rows, paths, 2, settings)
        if "top_p" in settings:  # which of several equal scores stays is left open there
            unsure = np.take_along_axis(unsure, np.argsort(rows, axis=1, kind="stable"), axis=1)
            ours, theirs = np.sort(ours, axis=1), np.sort(theirs, axis=1)
        assert_same(ours, theirs, unsure)
    assert np.mean(share) < 0.3, share


@pytest.mark.parametrize("kind", ["smooth", "forbidden", "logprobs"])
@pytest.mark.parametrize("vocabulary", SIZES[1:])
def test_all_together_keep_the_order_of_generate(vocabulary: int, kind: str) -> None:
    """Rounding may decide a cut in some row of many; nearly all rows must agree whole."""
    equal = []
    for seed in range(8):
        rows, paths = rows_of(kind, vocabulary, seed), paths_of(5, 7, seed)
        ours = Warp(**EVERYTHING).scores(rows, paths, [2] * 6)
        theirs = transformers_scores(rows, paths, 2, EVERYTHING)
        equal += (np.isneginf(ours) == np.isneginf(theirs)).all(axis=1).tolist()
        both = ~np.isneginf(ours) & ~np.isneginf(theirs)
        assert np.allclose(ours[both], theirs[both], rtol=1e-5, atol=1e-5)
    assert np.mean(equal) >= 0.98


NO_EFFECT = [{"top_k": 5000}, {"no_repeat_ngram": 50}]  # larger than the rows, than the paths


@pytest.mark.parametrize("settings", flat(PROCESSORS | WARPERS))
def test_the_comparison_sees_every_setting(settings: dict) -> None:
    """Were one ignored, some row above would differ from transformers'."""
    changed = False
    for kind in KINDS:
        rows, paths = rows_of(kind, 37, 0), paths_of(6, 40, 0)
        changed |= not np.array_equal(Warp(**settings).scores(rows, paths, [40] * 6), rows)
    assert changed == (settings not in NO_EFFECT)


# Laws that need no other library.


@pytest.mark.parametrize("vocabulary", SIZES)
def test_presence_and_frequency_count_the_continuation_only(vocabulary: int) -> None:
    rows, paths = rows_of("smooth", vocabulary, 0), paths_of(5, 12, 0)
    starts = [0, 3, 6, 9, 11, 12]
    ours = Warp(presence_penalty=0.4, frequency_penalty=0.25).scores(rows, paths, starts)
    expected = rows.astype(np.float64)
    for row, path, start in zip(expected, paths, starts, strict=True):
        for token, count in Counter(path[start:]).items():
            row[token] -= 0.4 + 0.25 * count
    assert np.allclose(ours, expected, atol=1e-6)
    assert np.array_equal(ours[5], rows[5])


def test_identity_is_free() -> None:
    rows = rows_of("smooth", 9, 0)
    for warp in (Warp(), Warp(ends=(1,)), Warp(min_tokens=3), Warp(top_p=1, temperature=1)):
        assert warp.identity
        assert warp.scores(rows, [[0]] * 6, [1] * 6) is rows


Settings = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.floats(0.05, 5),
        "top_k": st.integers(0, 30),
        "top_p": st.floats(0, 1),
        "min_p": st.floats(0, 1),
        "typical_p": st.floats(0.01, 1),
        "epsilon_cutoff": st.floats(0, 0.9),
        "eta_cutoff": st.floats(0, 0.9),
        "repetition_penalty": st.floats(0.2, 4),
        "presence_penalty": st.floats(-2, 2),
        "frequency_penalty": st.floats(-2, 2),
        "no_repeat_ngram": st.integers(0, 3),
        "suppress": st.lists(st.integers(0, 8), max_size=3).map(tuple),
        "min_tokens": st.integers(0, 5),
        "ends": st.just((2,)),
    },
)


@settings(deadline=None, max_examples=150)
@given(Settings, st.sampled_from([9, 60]), st.sampled_from(KINDS), st.integers(0, 50), st.data())
def test_any_warp_is_a_function_of_each_row_alone(
    options: dict, vocabulary: int, kind: str, seed: int, data: st.DataObject
) -> None:
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    rows, paths = rows_of(kind, vocabulary, seed).astype(dtype), paths_of(vocabulary, 6, seed)
    before, starts = rows.copy(), [0, 1, 2, 3, 6, 6]
    warp = Warp(**options)
    ours = warp.scores(rows, paths, starts)
    assert np.array_equal(rows, before)
    assert ours.dtype == dtype
    for i in range(6):
        alone = warp.scores(rows[i : i + 1], paths[i : i + 1], starts[i : i + 1])
        assert np.array_equal(alone[0], ours[i])
    # Truncation never empties a row that the bans left something in, and keeps its best token.
    bans = Warp(**{k: v for k, v in options.items() if k not in _TRUNCATIONS})
    whole = bans.scores(rows, paths, starts)
    assert np.array_equal(whole.max(axis=1), ours.max(axis=1)) or warp.typical_p < 1
    assert np.array_equal(np.isneginf(whole).all(axis=1), np.isneginf(ours).all(axis=1))
    kept = ~np.isneginf(ours)
    assert np.array_equal(ours[kept], whole[kept])


_TRUNCATIONS = {"top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff"}


@pytest.mark.parametrize("p", [0.2, 0.9, 0.99])
def test_top_p_keeps_the_fewest_tokens_that_reach_it(p: float) -> None:
    rows = rows_of("smooth", 500, 3).astype(np.float64)
    kept = ~np.isneginf(Warp(top_p=p).scores(rows, [[0]] * 6, [1] * 6))
    law = np.exp(rows) / np.exp(rows).sum(axis=1, keepdims=True)
    for row, mask in zip(law, kept, strict=True):
        mass = row[mask].sum()
        assert mass >= p - 1e-9
        assert mass - row[mask].min() < p
        assert row[mask].min() > row[~mask].max()


@pytest.mark.parametrize("p", [0.0, 0.3, 0.7])
def test_top_p_keeps_the_lowest_ids_among_equal_scores(p: float) -> None:
    kept = ~np.isneginf(Warp(top_p=p).scores(np.zeros((1, 10)), [[0]], [1]))[0]
    assert np.flatnonzero(kept).tolist() == list(range(max(1, round(10 * p))))


def test_a_dead_or_broken_row_is_left_for_the_sampler() -> None:
    rows = np.array([[-np.inf] * 4, [0, np.nan, 1, 2], [0, 1, 2, np.inf]], np.float32)
    ours = Warp(top_k=2, typical_p=0.5, temperature=0.5).scores(rows, [[0]] * 3, [1] * 3)
    assert np.array_equal(np.isfinite(ours), np.isfinite(rows))


def test_an_ngram_bans_by_the_path_to_its_row() -> None:
    """A fork of a path gets its own ban, whatever the order of the rows."""
    rows = np.zeros((2, 5), np.float32)
    ours = Warp(no_repeat_ngram=2).scores(rows, [[1, 2, 3, 1], [1, 2, 3, 2]], [0, 0])
    assert np.flatnonzero(np.isneginf(ours[0])).tolist() == [2]
    assert np.flatnonzero(np.isneginf(ours[1])).tolist() == [3]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0),
        ("temperature", float("nan")),
        ("temperature", "hot"),
        ("top_k", -1),
        ("top_k", 2.5),
        ("top_k", True),
        ("top_p", 1.5),
        ("min_p", -0.1),
        ("typical_p", 0.0),
        ("epsilon_cutoff", 1.0),
        ("eta_cutoff", -1),
        ("repetition_penalty", 0),
        ("presence_penalty", float("inf")),
        ("frequency_penalty", None),
        ("no_repeat_ngram", -2),
        ("min_tokens", 1.0),
        ("bad_words", ((),)),
        ("bad_words", (3,)),
        ("bad_words", "word"),
        ("suppress", (-1,)),
        ("ends", (None,)),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(InvalidOption, match=name):
        Warp(**{name: value})  # type: ignore[arg-type]


def test_ids_beyond_the_vocabulary_and_uneven_lists_are_refused() -> None:
    rows = np.zeros((1, 5), np.float32)
    for warp in (Warp(suppress=(5,)), Warp(bad_words=((1, 7),))):
        with pytest.raises(InvalidOption, match="beyond the vocabulary"):
            warp.scores(rows, [[0]], [1])
    with pytest.raises(InvalidOption, match="1 rows came with 2 paths"):
        Warp(top_k=1).scores(rows, [[0], [1]], [1])


def test_equal_warps_are_one_value() -> None:
    a = Warp(bad_words=[[1, 2]], suppress=[np.int64(3)], top_p=np.float32(0.5))  # type: ignore
    b = Warp(bad_words=((1, 2),), suppress=(3,), top_p=0.5)
    assert a == b and hash(a) == hash(b) and repr(a) == repr(b)
