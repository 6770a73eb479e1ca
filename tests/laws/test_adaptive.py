"""Searches over answers keep their promises: first errors found, posteriors right, halving wins."""

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

from treeseek import LM, drive, search, strategies
from treeseek.backends.toy import Letters, ToyBackend
from treeseek.decoding.stops import Step
from treeseek.noise import Rng
from treeseek.requests import Sample, Verdict, Verify
from treeseek.strategies.answer_tree import AnswerTree, adaptive, mixed
from treeseek.strategies.mixed_effects import CENTRE, GROUPS, NOISE, REACH, MixedEffects
from treeseek.strategies.posteriors import BetaPrior, Moments, NormalPrior, gamma

TOKEN = Step((), tokens=1)
RIGHT, WRONG = 0, 1


class NoWrong:
    """Verifier: right where no step is wrong (a "b")."""

    name, version = "no wrong", "1"

    def verify(self, text: str) -> Verdict:
        return Verdict(float("b" not in text and " 1" not in f" {text}"), "b" not in text)


# OmegaPRM.


def located(steps: int, error: int, k: int) -> tuple[int, int, int]:
    """Step found, rollouts before and after the root's, where values are exact.

    The root's k rollouts are right but for one that goes wrong at `error`; every prefix before
    that step is always completed rightly, every other never.
    """
    live = drive(strategies.omega_prm(k=k, searches=1), limit=steps, step=TOKEN, verifier=NoWrong())
    bad = [RIGHT] * (error - 1) + [WRONG] * (steps - error + 1)
    drawn = []
    while (requests := live.ask()) is not None:
        replies = []
        for request in requests:
            if isinstance(request, Sample):
                prefix = live.path_tokens(request.node.handle)
                rest = steps - len(prefix)
                runs = [[WRONG if WRONG in prefix else RIGHT] * rest for _ in range(request.n)]
                if not drawn:
                    runs[0] = bad
                drawn.append(request.n)
                replies.append(
                    {
                        "kind": "sampled",
                        "continuations": [
                            {"tokens": run, "logprobs": [-1.0] * rest, "proposal": -1.0 * rest,
                             "reason": "limit"}
                            for run in runs
                        ],
                    }
                )  # fmt: skip
            else:
                assert isinstance(request, Verify)
                good = WRONG not in live.path_tokens(request.node.handle)
                verdict = {"score": float(good), "solved": good}
                replies.append({"kind": "verified", "verdict": verdict})
        live.tell(replies)
    (found,) = [c for c in live.candidates if "error" in c.scores]
    assert live.path_tokens(found.node.handle) == bad[:error]
    return int(found.scores["error"]), drawn[0], sum(drawn[1:])


def test_the_first_error_is_found_by_k_rollouts_a_halving() -> None:
    """Every length up to 33 and every place of the error, with exact values."""
    for steps in range(1, 34):
        for error in range(1, steps + 1):
            found, before, after = located(steps, error, k=3)
            assert found == error
            assert before == 3 and after <= 3 * math.ceil(math.log2(steps))


def chains(k: int, seeds: int, steps: int = 16) -> float:
    """Share of noisy chains whose planted first error is found: a wrong step never heals."""
    sure = np.log([0.5 ** (1 / steps), 1 - 0.5 ** (1 / steps)])
    lost = np.log([0.5, 0.5])
    backend = ToyBackend(lambda path: lost if WRONG in path else sure, 2)
    lm = LM(backend, Letters(), name="chain")
    hits = 0
    for seed in range(seeds):
        lm.clear()
        result = search(
            "a", model=lm, strategy=strategies.omega_prm(k=k, searches=1), limit=steps,
            step=TOKEN, verifier=NoWrong(), seed=seed,
        )  # fmt: skip
        for candidate in result.candidates:
            if "error" in candidate.scores:
                place = candidate.text.find("b") + 1
                hits += place == len(candidate.text) == candidate.scores["error"]
    return hits / seeds


def test_eight_rollouts_find_it_in_noisy_chains() -> None:
    assert chains(8, 60) >= 0.9
    assert chains(1, 60) < 0.7


@pytest.mark.slow
def test_eight_rollouts_find_it_in_95_of_100_noisy_chains() -> None:
    assert chains(8, 500) >= 0.95


# Posteriors.


def moments(scores: Any) -> Moments:
    seen = Moments()
    for score in scores:
        seen.add(float(score))
    return seen


@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_an_arm_is_drawn_from_its_posterior(count: int) -> None:
    """Student t by the textbook's update, and Beta; half a degree of freedom off is seen."""
    scores = np.random.default_rng(count).uniform(0, 1, count)
    rng, seen = Rng(count), moments(scores)
    drawn = [NormalPrior().draw(seen, rng) for _ in range(6000)]
    kappa, nu = 1 + count, 1 + count
    centre = scores.sum() / kappa
    mean = scores.mean() if count else 0.0
    tau2 = (0.1 + ((scores - mean) ** 2).sum() + count * mean**2 / kappa) / nu
    law = stats.t(nu, centre, math.sqrt(tau2 / kappa))
    assert stats.kstest(drawn, law.cdf).pvalue > 1e-3
    other = stats.t(nu, centre + 0.1 * math.sqrt(tau2 / kappa), math.sqrt(tau2 / kappa))
    assert stats.kstest(drawn, other.cdf).pvalue < 1e-2
    rates = [BetaPrior().draw(seen, rng) for _ in range(6000)]
    beta = stats.beta(0.5 + scores.sum(), 0.5 + count - scores.sum())
    assert stats.kstest(rates, beta.cdf).pvalue > 1e-3


@pytest.mark.parametrize("shape", [0.2, 0.5, 1.0, 3.3])
def test_gamma_numbers_are_gamma(shape: float) -> None:
    rng = Rng(3)
    drawn = [gamma(shape, rng) for _ in range(6000)]
    assert stats.kstest(drawn, stats.gamma(shape).cdf).pvalue > 1e-3


def test_moments_forget_and_rescale() -> None:
    scores = np.random.default_rng(0).normal(3, 2, 12)
    seen = moments(scores)
    seen.add(7.0)
    seen.add(7.0, -1)
    assert seen.scatter == pytest.approx(((scores - scores.mean()) ** 2).sum())
    scaled, wanted = seen.scaled(-1.0, 4.0), moments((scores + 1) / 4)
    assert (scaled.count, scaled.total) == (12, pytest.approx(wanted.total))
    assert scaled.squares == pytest.approx(wanted.squares)
    rest = seen.less(moments(scores[:5]))
    assert rest.total == pytest.approx(scores[5:].sum())


# The mixed model.


def tree(seed: int) -> list[list[float]]:
    """Scores in two to five groups of one to six."""
    chance = np.random.default_rng(seed)
    spread, noise = chance.uniform(0.02, 0.3), chance.uniform(0.03, 0.25)
    groups = []
    for _ in range(chance.integers(2, 6)):
        centre = chance.normal(0.5, spread)
        scores = chance.normal(centre, noise, chance.integers(1, 7))
        groups.append([float(score) for score in np.clip(scores, 0, 1)])
    return groups


def by_grid(groups: list[list[float]], draws: int) -> Any:
    """How often each arm has the largest draw; the new one first."""
    model, rng = MixedEffects([moments(group) for group in groups]), Rng(1)
    found = Counter(int(np.argmax(model.draw(rng))) for _ in range(draws))
    return np.array([found[arm] / draws for arm in range(len(groups) + 1)])


def by_chain(groups: list[list[float]], steps: int, chains: int = 500, seed: int = 0) -> Any:
    """The same by Gibbs and Metropolis steps, the groups' means both centred and not."""
    chance = np.random.default_rng(seed)
    size = np.array([len(group) for group in groups])
    total = np.array([sum(group) for group in groups])
    scores = np.concatenate([np.array(group) for group in groups])
    owner = np.repeat(np.arange(len(groups)), size)
    alpha = np.tile(total / size, (chains, 1))
    mu, la, ly = np.full(chains, 0.5), np.full(chains, -2.0), np.full(chains, -2.0)
    found = np.zeros(len(groups) + 1)

    def misfit(means: Any) -> Any:
        return ((scores[None, :] - means[:, owner]) ** 2).sum(axis=1)

    def move(at: Any, of: Any, step: float) -> Any:
        new = at + step * chance.normal(size=chains)
        taken = np.log(chance.uniform(size=chains)) < of(new) - of(at)
        return np.where(taken, new, at)

    for turn in range(steps + steps // 10):
        a2, y2 = np.exp(2 * la)[:, None], np.exp(2 * ly)[:, None]
        hold = 1 / a2 + size / y2
        centre = (mu[:, None] / a2 + total / y2) / hold
        alpha = centre + chance.normal(size=alpha.shape) / np.sqrt(hold)
        hold = 1 / REACH**2 + len(groups) / a2[:, 0]
        centre = (CENTRE / REACH**2 + alpha.sum(axis=1) / a2[:, 0]) / hold
        mu = centre + chance.normal(size=chains) / np.sqrt(hold)
        apart, off = ((alpha - mu[:, None]) ** 2).sum(axis=1), misfit(alpha)
        for _ in range(2):
            la = move(la, lambda u, apart=apart: u - np.exp(2 * u) / (2 * GROUPS**2)
                      - len(groups) * u - apart / (2 * np.exp(2 * u)), 0.8)  # fmt: skip
            ly = move(ly, lambda v, off=off: v - np.exp(2 * v) / (2 * NOISE**2)
                      - len(scores) * v - off / (2 * np.exp(2 * v)), 0.5)  # fmt: skip
        y2 = np.exp(2 * ly)
        z = (alpha - mu[:, None]) / np.exp(la)[:, None]
        la = move(la, lambda u, z=z, y2=y2, mu=mu: u - np.exp(2 * u) / (2 * GROUPS**2)
                  - misfit(mu[:, None] + np.exp(u)[:, None] * z) / (2 * y2), 0.8)  # fmt: skip
        lift = np.exp(la)[:, None] * z
        hold = 1 / REACH**2 + len(scores) / y2
        left = scores[None, :] - lift[:, owner]
        centre = (CENTRE / REACH**2 + left.sum(axis=1) / y2) / hold
        mu = centre + chance.normal(size=chains) / np.sqrt(hold)
        alpha = mu[:, None] + lift
        if turn >= steps // 10:
            a, y = np.exp(la), np.exp(ly)
            new = mu + np.hypot(a, y) * chance.normal(size=chains)
            arms = alpha + y[:, None] * chance.normal(size=alpha.shape)
            best = np.column_stack([new, arms]).argmax(axis=1)
            found += np.bincount(best, minlength=len(found))
    return found / found.sum()


def by_finer(groups: list[list[float]], draws: int, cells: int = 240) -> Any:
    """The same by a grid of 240 x 240 that covers all, every score's density written out."""
    side = np.linspace(math.log(1e-3), math.log(2.0), cells)
    a, y = np.exp(side)[:, None], np.exp(side)[None, :]
    weight = side[:, None] - a**2 / (2 * GROUPS**2) + side[None, :] - y**2 / (2 * NOISE**2)
    hold, pull = np.full((cells, cells), REACH**-2.0), np.full((cells, cells), CENTRE / REACH**2)
    for group in groups:
        n, mean = len(group), sum(group) / len(group)
        apart = a**2 + y**2 / n
        weight = weight - (n - 1) * np.log(y) - 0.5 * np.log(apart)
        weight = weight - sum((score - mean) ** 2 for score in group) / (2 * y**2)
        weight = weight - mean**2 / (2 * apart)
        hold, pull = hold + 1 / apart, pull + mean / apart
    weight = (weight + pull**2 / (2 * hold) - 0.5 * np.log(hold)).ravel()
    chance = np.random.default_rng(5)
    law = np.exp(weight - weight.max())
    at = chance.choice(cells * cells, draws, p=law / law.sum())
    hold, pull = hold.ravel()[at], pull.ravel()[at]
    a, y = np.exp(side)[at // cells], np.exp(side)[at % cells]
    mu = pull / hold + chance.normal(size=draws) / np.sqrt(hold)
    arms = [mu + np.hypot(a, y) * chance.normal(size=draws)]
    for group in groups:
        tight = 1 / a**2 + len(group) / y**2
        alpha = (mu / a**2 + sum(group) / y**2) / tight
        alpha = alpha + chance.normal(size=draws) / np.sqrt(tight)
        arms.append(alpha + y * chance.normal(size=draws))
    return np.bincount(np.argmax(arms, axis=0), minlength=len(arms)) / draws


def variation(p: Any, q: Any) -> float:
    return float(abs(p - q).sum() / 2)


def test_the_grid_draws_what_a_chain_draws() -> None:
    for seed in range(2):
        groups = tree(seed)
        grid = by_grid(groups, 15000)
        assert variation(grid, by_finer(groups, 100_000)) < 0.03
        assert variation(grid, by_chain(groups, 400)) < 0.03
        # A model that does not see which group a score came from is told apart.
        blind = [[score] for group in groups for score in group]
        chain = by_chain(blind, 200)
        pooled = np.add.reduceat(chain[1:], np.cumsum([0, *map(len, groups[:-1])]))
        assert variation(grid, np.array([chain[0], *pooled])) > 0.05


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_grid_draws_what_a_long_chain_and_a_finer_grid_draw() -> None:
    """20 trees: 50,000 draws within total variation .02 of both references."""
    for seed in range(20):
        groups = tree(seed)
        grid = by_grid(groups, 50000)
        assert variation(grid, by_chain(groups, 2000)) <= 0.02, seed
        assert variation(grid, by_finer(groups, 500_000)) <= 0.02, seed


# Answers in flight.


def grown(choose: Any, seed: int, batch: int, size: int, blind: bool = False) -> float:
    """Mean depth of a tree whose answers are a little better or worse than their parents."""
    answers, chance = AnswerTree(bounded=True), Rng(seed * 7919 + 5)
    worth, depth = [0.4], [0]
    while len(answers.parents) <= size:
        picks = []
        for nth in range(min(batch, len(worth))):
            at = choose(answers, Rng((seed * 1009 + len(worth)) * 64 + nth))
            picks.append(at if blind else answers.add(at))
        if blind:
            picks = [answers.add(at) for at in picks]
        for number in picks:
            above = answers.parents[number]
            worth.append(min(1.0, max(0.0, worth[above] + 0.15 * chance.normal())))
            depth.append(depth[above] + 1)
            answers.land(number, worth[-1])
    return sum(depth) / len(depth[1:])


def shapes(choose: Any, seeds: int) -> tuple[float, float, float]:
    """Mean depth of 64 answers by one in flight, by eight, and by eight that do not count yet."""
    return tuple(
        sum(grown(choose, seed, batch, 64, blind) for seed in range(seeds)) / seeds
        for batch, blind in ((1, False), (8, False), (8, True))
    )  # type: ignore[return-value]


@pytest.mark.parametrize("prior", [NormalPrior(), BetaPrior()])
def test_eight_answers_in_flight_grow_the_tree_that_one_grows(prior: Any) -> None:
    """Mean depth within 10 %, and nearer than where an answer in flight does not count."""
    one, eight, blind = shapes(lambda answers, rng: adaptive(answers, prior, rng), 100)
    assert abs(eight / one - 1) < 0.1, (one, eight, blind)
    assert abs(blind / one - 1) > abs(eight / one - 1), (one, eight, blind)


def test_eight_answers_in_flight_grow_the_tree_of_the_mixed_model() -> None:
    one, eight, _ = shapes(mixed, 20)
    assert abs(eight / one - 1) < 0.1, (one, eight)
