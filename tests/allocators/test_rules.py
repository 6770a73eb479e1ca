"""Allocators on stored draws: what they save, what they prefer, and what they come to."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.special import betainc

from treeseek.allocators.adaptive import Adaptive, leads
from treeseek.allocators.arms import Arm, Draw, replayed
from treeseek.allocators.compute_optimal import ByDifficulty, bins
from treeseek.allocators.divide import Divided
from treeseek.allocators.even import Even
from treeseek.allocators.thompson import Thompson
from treeseek.allocators.tuning import Tuned, shares
from treeseek.noise import Rng


def pools(rates: Sequence[float], each: int, seed: int = 0) -> list[list[Draw]]:
    """Stored draws: "0" is right, as often as its rate says; wrong answers spread over eight."""
    chance = np.random.default_rng(seed)
    return [
        [
            Draw(0, "0" if right else str(1 + chance.integers(8)), float(right), False, 10)
            for right in chance.uniform(size=each) < rate
        ]
        for rate in rates
    ]


def voted(arm: Arm) -> str | None:
    said = [draw.answer for draw in arm.draws]
    return max(said, key=said.count) if said else None


def spent(arms: Sequence[Arm]) -> int:
    return sum(len(arm.draws) for arm in arms)


def accuracy(arms: Sequence[Arm]) -> float:
    return sum(voted(arm) == "0" for arm in arms) / len(arms)


def test_the_leader_is_ahead_by_the_incomplete_beta() -> None:
    for first in range(25):
        for second in range(first + 1):
            wanted = 1 - betainc(first + 1, second + 1, 0.5)
            assert leads([first, second, 0]) == pytest.approx(wanted, abs=1e-12)
    assert leads([]) == 0.5 and leads([4]) > 0.95 > leads([3])


def test_stopping_when_the_leader_is_ahead_saves_draws_and_no_accuracy() -> None:
    """Half the draws or fewer, the same majority; where a lead of nothing suffices it is not."""
    stored = [pools(np.linspace(0.15, 0.95, 300), 40, seed=1)]
    whole = replayed(Even(40), stored, draws=10**9, rng=Rng)
    careful = replayed(Adaptive(0.95, 40), stored, draws=10**9, rng=Rng)
    hasty = replayed(Adaptive(0.6, 40), stored, draws=10**9, rng=Rng)
    assert spent(whole) == 300 * 40 and spent(careful) < 0.5 * spent(whole)
    assert abs(accuracy(careful) - accuracy(whole)) <= 0.015
    assert accuracy(hasty) < accuracy(whole) - 0.05
    # And at the draws it took, even shares do worse.
    even = replayed(Even(40), stored, draws=spent(careful), rng=Rng)
    assert accuracy(even) <= accuracy(careful)


def test_even_is_even_wherever_it_is_cut() -> None:
    stored = [pools([0.5] * 7, 9)]
    for draws in range(1, 64):
        counts = [len(arm.draws) for arm in replayed(Even(9), stored, draws=draws, rng=Rng)]
        assert sum(counts) == draws and max(counts) - min(counts) <= 1


def test_thompson_prefers_what_is_solved_half_the_time() -> None:
    rates = np.linspace(0.02, 0.98, 49)
    stored = [pools(rates, 400, seed=2)]
    found = replayed(Thompson(0.5, 1.0, 4, 1200), stored, draws=1200, rng=Rng)
    counts = np.array([len(arm.draws) for arm in found])
    assert spent(found) == 1200
    middle = counts[(rates > 0.35) & (rates < 0.65)].mean()
    assert middle > 3 * counts[(rates < 0.2) | (rates > 0.8)].mean()
    # Another target, another taste.
    hard = replayed(Thompson(0.1, 1.0, 4, 1200), stored, draws=1200, rng=Rng)
    assert np.average(rates, weights=[len(arm.draws) for arm in hard]) < 0.3


def test_discounted_draws_are_forgotten() -> None:
    """After a change of the rate, a posterior that forgets follows it."""
    changed = Arm([Draw(0, "0", 1.0, True, 1)] * 50 + [Draw(0, "1", 0.0, False, 1)] * 12)
    fresh = Arm([Draw(0, "1", 0.0, False, 1)] * 3 + [Draw(0, "0", 1.0, True, 1)] * 3)
    picked = {
        discount: sum(
            Thompson(0.0, discount, 1, 10**6).pick([changed, fresh], Rng(seed))[0].problem
            for seed in range(400)
        )
        for discount in (1.0, 0.7)
    }
    assert picked[1.0] > 350 and picked[0.7] < 50


def regret(rule: Any, turns: int, seed: int) -> float:
    """Successes missed by `rule` against the best of five problems."""
    rates = [0.2, 0.4, 0.5, 0.6, 0.8]
    stored = [pools(rates, turns, seed=seed)]
    found = replayed(rule(turns), stored, draws=turns, rng=lambda turn: Rng(seed * 10**6 + turn))
    return sum((0.8 - rate) * len(arm.draws) for rate, arm in zip(rates, found, strict=True))


def test_thompson_for_the_easiest_has_regret_that_flattens() -> None:
    """Four times the turns, far less than four times the regret; even shares pay in full."""

    def mean(rule: Any, turns: int) -> float:
        return sum(regret(rule, turns, seed) for seed in range(4)) / 4

    def greedy(turns: int) -> Thompson:
        return Thompson(1.0, 1.0, 1, turns)

    assert mean(greedy, 400) < 2.2 * mean(greedy, 100)
    assert mean(Even, 400) == pytest.approx(4 * mean(Even, 100), rel=0.05)


def test_bins_are_equal_shares_by_value() -> None:
    arms = [Arm([Draw(0, "0", value / 10, False, 1)]) for value in range(10)]
    assert bins(arms, 5) == [4, 4, 3, 3, 2, 2, 1, 1, 0, 0]
    assert bins(arms[:2], 5) == [2, 0]


def test_each_bin_is_searched_by_its_own_plan_and_what_is_solved_is_left() -> None:
    values = [0.9, 0.1, 0.5, 0.5]
    stored = [
        [[Draw(plan, "0", value, plan == 0 and value > 0.8, 1)] * 3 for value in values]
        for plan in range(3)
    ]
    found = replayed(ByDifficulty(2, 2), stored, draws=100, rng=Rng)
    assert [[draw.plan for draw in arm.draws] for arm in found] == [
        [0, 0], [0, 0, 2], [0, 0, 1], [0, 0, 2],
    ]  # fmt: skip


def test_only_what_is_contested_is_searched_again() -> None:
    said = ["aaaab", "abcde", "aabbc", "aaabb"]
    stored = [
        [[Draw(plan, letter, 0.5, False, 1) for letter in word] for word in said]
        for plan in range(2)
    ]
    found = replayed(Divided(5, 0.6), stored, draws=100, rng=Rng)
    assert [sum(draw.plan for draw in arm.draws) for arm in found] == [0, 1, 1, 0]


@pytest.mark.parametrize("rate", [2.0, 0.3, 0.01])
def test_shares_of_a_bandit_solve_their_equation(rate: float) -> None:
    """They sum to 1 and have one x in common; the least loss has the most."""
    for seed in range(20):
        losses = list(np.random.default_rng(seed).exponential(5 / rate, 2 + seed % 5))
        chances = shares(losses, rate)
        assert sum(chances) == pytest.approx(1.0)
        xs = [loss - 2 / (rate * math.sqrt(p)) for loss, p in zip(losses, chances, strict=True)]
        assert xs == pytest.approx([xs[0]] * len(xs), abs=1e-5 / rate)
        assert chances[int(np.argmin(losses))] == max(chances)


def cost(rule: Any, problems: int, seed: int) -> float:
    """Mean loss over a stream; three settings cost 60, 30 and 75 of 100 tokens on the average."""
    chance = np.random.default_rng(seed)
    tokens = [chance.integers(mean - 25, mean + 25, problems) for mean in (60, 30, 75)]
    stored = [
        [[Draw(plan, "0", 1.0, True, int(each))] for each in row] for plan, row in enumerate(tokens)
    ]
    found = replayed(rule, stored, draws=problems, rng=lambda turn: Rng(seed * 10**6 + turn))
    return sum(arm.draws[0].cost for arm in found) / problems


def test_a_tuned_setting_comes_to_cost_what_the_best_fixed_one_costs() -> None:
    few, many = (
        sum(cost(Tuned(3, 100), problems, seed) for seed in range(4)) / 4 for problems in (40, 300)
    )
    assert many < few < 55  # a third each would cost 55
    assert many < 30 * 1.25
