"""Samplers: their laws, their ties, their states; Mirostat's text has the surprise asked for."""

import numpy as np
import pytest
from scipy import stats

from treeseek.decoding.samplers import Greedy, Gumbel, Mirostat, Sampler
from treeseek.errors import BrokenLogits, InvalidOption
from treeseek.noise import Purpose, position_key, stream_key

UNLIKELY = 1e-4
SAMPLERS = [Gumbel(), Greedy(), Mirostat(), Mirostat(version=1, target=2.0)]


def keys_of(seed: int, count: int) -> np.ndarray:
    stream = stream_key(seed, Purpose.TOKEN, (), 1, 0, 0)
    return np.array([position_key(stream, i) for i in range(count)], np.uint64)


def log_softmax(row: np.ndarray) -> np.ndarray:
    return row - np.log(np.exp(row - row.max()).sum()) - row.max()


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
@pytest.mark.parametrize("vocabulary", [12, 2000])
def test_a_row_does_not_feel_its_neighbours(sampler: Sampler, vocabulary: int) -> None:
    scores = np.random.default_rng(1).normal(size=(6, vocabulary)).astype(np.float32) * 3
    scores[2, 5:] = -np.inf
    keys = keys_of(1, 6)
    states = [sampler.initial() for _ in range(6)]
    together = sampler.draw(scores, keys, states)
    for i in range(6):
        alone = sampler.draw(scores[i : i + 1], keys[i : i + 1], states[:1])
        assert alone.tokens[0] == together.tokens[i]
        assert alone.proposal[0] == together.proposal[i]
        assert alone.states == together.states[i : i + 1]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_a_sampler_is_a_value_and_its_state_too(sampler: Sampler) -> None:
    assert eval(repr(sampler)) == sampler
    assert hash(eval(repr(sampler))) == hash(sampler)
    before = [sampler.initial()] * 2
    kept = list(before)
    after = sampler.draw(np.zeros((2, 4)), keys_of(0, 2), before).states
    assert before == kept
    assert {hash(state) for state in after}


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_row_that_allows_nothing_is_refused(sampler: Sampler, bad: float) -> None:
    scores = np.zeros((3, 5))
    scores[1] = bad
    with pytest.raises(BrokenLogits, match="row"):
        sampler.draw(scores, keys_of(0, 3), [sampler.initial()] * 3)


@pytest.mark.parametrize("vocabulary", [9, 1500])
def test_gumbel_draws_and_reports_the_softmax(vocabulary: int) -> None:
    n = 20_000 if vocabulary == 9 else 3_000
    row = np.full(vocabulary, -25.0, np.float32)
    row[:9] = np.random.default_rng(0).normal(size=9) * 1.5 + 7
    row[3] = -np.inf
    draw = Gumbel().draw(row[None].repeat(n, 0), keys_of(2, n), [None] * n)
    law = log_softmax(row.astype(np.float64))
    assert np.allclose(draw.proposal, law[draw.tokens], atol=1e-5)
    counts = np.bincount(draw.tokens, minlength=9)
    assert counts[3] == 0
    keep = np.exp(law[:9]) > 0
    expected = np.exp(law[:9][keep])
    assert stats.chisquare(counts[:9][keep], n * expected / expected.sum()).pvalue > UNLIKELY


def test_greedy_breaks_ties_by_the_lowest_id() -> None:
    scores = np.array([[0, 2, 2, 1], [-np.inf, -np.inf, -5, -5], [1, 1, 1, 1]], np.float32)
    draw = Greedy().draw(scores, keys_of(0, 3), [None] * 3)
    assert draw.tokens.tolist() == [1, 2, 0]
    assert draw.proposal.tolist() == [0.0, 0.0, 0.0]


# Mirostat.


def zipf(exponent: float, vocabulary: int, seed: int) -> np.ndarray:
    """Zipf's law over shuffled ids."""
    row = -exponent * np.log(np.arange(1, vocabulary + 1))
    return np.random.default_rng(seed).permutation(row)


@pytest.mark.parametrize(
    ("exponents", "target"),
    [((1.3, 1.3), 2.5), ((1.3, 1.3), 5.0), ((1.0, 1.0), 6.0), ((0.8, 2.6), 1.8), ((0.8, 2.6), 3.5)],
    ids=str,
)
@pytest.mark.parametrize("version", [1, 2])
def test_mirostat_reaches_the_surprise_asked_for(
    version: int, exponents: tuple[float, float], target: float
) -> None:
    """Any length: the mean of the first 400 tokens is close, that of later ones closer.

    Rows follow Zipf's law, of one exponent or of another at every step; drawn without a bound
    their surprise would be higher, the likeliest token alone would be lower.
    """
    length, burn = 1600, 400
    random = np.random.default_rng(3)
    sampler = Mirostat(version=version, target=target)
    state = sampler.initial()
    seen, plain, least = [], [], []
    for key in keys_of(4, length):
        row = zipf(random.uniform(*exponents), 2000, random.integers(1 << 30))
        bits = -log_softmax(row) / np.log(2)
        plain.append(2.0**-bits @ bits)
        least.append(bits.min())
        draw = sampler.draw(row[None], np.array([key]), [state])
        (state,) = draw.states
        seen.append(bits[draw.tokens[0]])
    assert np.mean(least) < target - 0.1 < target + 0.3 < np.mean(plain)
    assert abs(np.mean(seen[burn:]) - target) < 0.1
    assert abs(np.mean(seen[:burn]) - target) < 0.45


def test_a_target_the_rows_cannot_give_leaves_them_whole() -> None:
    """Then the bound only grows, and the draw is the plain one with the same noise."""
    row = zipf(1.3, 500, 0)[None]
    sampler = Mirostat(target=20.0)
    state = sampler.initial()
    for key in keys_of(5, 100):
        draw = sampler.draw(row, np.array([key]), [state])
        (state,) = draw.states
        assert draw.tokens == Gumbel().draw(row, np.array([key]), [None]).tokens
    assert state > 40.0


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_a_token_chosen_elsewhere_counts_as_if_drawn(sampler: Sampler) -> None:
    scores = np.random.default_rng(2).normal(size=(4, 1200)).astype(np.float32) * 3
    states = [sampler.initial()] * 4
    draw = sampler.draw(scores, keys_of(8, 4), states)
    for row, token, before, after in zip(scores, draw.tokens, states, draw.states, strict=True):
        assert sampler.observe(row, int(token), before) == after
    scores[0, 7] = -np.inf
    assert sampler.observe(scores[0], 7, states[0]) == states[0]


@pytest.mark.parametrize("version", [1, 2])
def test_mirostat_reports_the_law_it_drew_from(version: int) -> None:
    """Frequencies fit the cut row, and the proposal is its log-probability."""
    n, mu = 4_000, 4.0
    row = zipf(1.1, 300, 7)
    sampler = Mirostat(version=version, target=3.0)
    draw = sampler.draw(row[None].repeat(n, 0), keys_of(6, n), [mu] * n)
    bits = -log_softmax(row) / np.log(2)
    drawn = np.unique(draw.tokens)
    assert 1 < len(drawn) < 60
    assert np.array_equal(np.sort(np.argsort(bits)[: len(drawn)]), drawn)
    if version == 2:
        assert np.array_equal(np.flatnonzero(bits <= mu), drawn)
    law = np.zeros(300)
    law[drawn] = 2.0 ** -bits[drawn] / (2.0 ** -bits[drawn]).sum()
    assert np.allclose(np.exp(draw.proposal), law[draw.tokens])
    counts = np.bincount(draw.tokens, minlength=300)[drawn]
    assert stats.chisquare(counts, n * law[drawn]).pvalue > UNLIKELY
    assert np.allclose(draw.states, mu - 0.1 * (bits[draw.tokens] - 3.0), rtol=1e-12)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("mu", [-50.0, 0.0, 1e3])
@pytest.mark.parametrize("row", [[0.0], [0, 0, 0, 0], [0, -np.inf, -np.inf], [9, 1, 0, 0, -80]])
def test_mirostat_always_leaves_a_token(version: int, mu: float, row: list) -> None:
    scores = np.array([row], np.float32)
    draw = Mirostat(version=version).draw(scores, keys_of(0, 1), [mu])
    assert np.isfinite(scores[0, draw.tokens[0]])
    assert np.isfinite(draw.proposal[0]) and draw.proposal[0] <= 1e-12
    if mu < 0 and row[0] == 9:
        assert draw.tokens[0] == 0


@pytest.mark.parametrize(
    ("setting", "value"),
    [("version", 3), ("target", 0.0), ("target", np.nan), ("rate", -0.1), ("m", 1)],
)
def test_mirostat_refuses_senseless_settings(setting: str, value: float) -> None:
    with pytest.raises(InvalidOption, match=setting):
        Mirostat(**{setting: value})
