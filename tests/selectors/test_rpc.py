"""The mixture behind the pruning, against an optimiser that knows nothing of it."""

import itertools
import math

import numpy as np
import pytest
from scipy import optimize, stats

from treeseek.selectors import Pooled, rpc
from treeseek.selectors.rpc import survivors
from treeseek.selectors.weibull import SHAPE, Mixture, fit


def values(seed: int, drawn: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Likely and unlikely paths; every other sample has paths that were drawn twice."""
    noise = np.random.default_rng(seed)
    likely = noise.random(drawn) < 0.5
    found = np.exp(np.where(likely, -0.3, -1.2) + 0.2 * noise.normal(size=drawn))
    return found[noise.integers(drawn, size=drawn)] if seed % 2 else found


def test_density_and_mean_are_those_of_scipy() -> None:
    mixture = Mixture(0.3, (1.2, 4.0), (0.5, 2.0))
    points = np.linspace(0.05, 3, 20)
    for component, weight in enumerate((0.3, 0.7)):
        law = stats.weibull_min(mixture.shapes[component], scale=mixture.scales[component])
        assert mixture.joint(points)[component] == pytest.approx(
            math.log(weight) + law.logpdf(points)
        )
        assert mixture.means[component] == pytest.approx(law.mean())


@pytest.mark.parametrize("seed, drawn", list(itertools.product(range(3), (8, 32, 100))))
def test_the_fit_is_as_good_as_a_general_optimiser(seed: int, drawn: int) -> None:
    found = values(seed, drawn)
    unit = found / found.mean()

    def loss(free: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        weight, first, long, second, wide = free
        return Mixture(weight, (first, second), (long, wide)).loss(unit)

    other = optimize.minimize(
        loss, [0.5, 1.0, 1.0, 1.5, 2.0], bounds=[(0.2, 0.8), *([SHAPE, (0.01, None)] * 2)]
    )
    assert fit(unit).loss(unit) <= other.fun + 0.03 * drawn


@pytest.mark.parametrize("seed", range(6))
def test_pruned_is_what_is_likelier_of_the_lower_component_and_below_the_mean(seed: int) -> None:
    found = values(seed, 40)
    mixture = fit(found)
    laws = [
        stats.weibull_min(shape, scale=scale)
        for shape, scale in zip(mixture.shapes, mixture.scales, strict=True)
    ]
    density = [
        mixture.weight * laws[0].pdf(found),
        (1 - mixture.weight) * laws[1].pdf(found),
    ]
    if laws[0].mean() < laws[1].mean():
        density.reverse()
    pruned = (density[0] < density[1]) & (found < found.mean())
    assert (survivors(found) == ~pruned).all()


def test_a_fit_follows_the_scale() -> None:
    found = values(2, 30)
    assert (survivors(found) == survivors(found * 1e-200)).all()
    assert not survivors(found).all()


@pytest.mark.parametrize(
    "hard",
    [
        [0.5, 0.5, 0.5, 0.5, 0.5],
        [0.1, 0.9],
        [1e-300, 1.0, 1.0, 1.0],
        [0.0, 0.2, 0.2, 0.9],
        [0.3] * 20 + [0.9],
        [1e-12] * 4 + [1.0] * 4,
    ],
)
def test_hard_samples_are_survived(hard: list[float]) -> None:
    kept = survivors(np.array(hard))
    assert kept[np.argmax(hard)]
    if len(hard) < 4 or len(set(hard)) == 1:
        assert kept.all()


def test_the_same_path_counts_once() -> None:
    """Twenty draws of one path weigh what one weighs; two paths to an answer add up."""
    twice = [Pooled("p", "a", math.log(0.4))] * 20
    other = [Pooled("q", "b", math.log(0.25)), Pooled("r", "b", math.log(0.25))]
    chosen = rpc(prune=False)([*twice, *other], k=2)
    assert [(one.key, round(one.weight, 6)) for one in chosen] == [
        ("b", round(0.5 / 0.9, 6)),
        ("a", round(0.4 / 0.9, 6)),
    ]


def test_the_measure_is_a_token_or_the_whole_path() -> None:
    pool = [Pooled("p", "long", -2.0, tokens=10), Pooled("q", "short", -1.0, tokens=1)]
    assert rpc()(pool)[0].key == "long"
    assert rpc(measure="total")(pool)[0].key == "short"
