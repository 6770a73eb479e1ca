"""Selection rules against the formulas of their papers, written a second time."""

import math

import pytest

from treeseek.noise import Rng
from treeseek.requests import Node
from treeseek.strategies.rules import RULES, stir
from treeseek.strategies.tallies import Tally

ROOT = Node(0, 0, 0.0, 0.0, 0.0, 0, None)


def tally(q: float, n: int, prior: float = 1.0) -> Tally:
    made = Tally(ROOT, prior=prior, worth=q)
    made.n = made.visits = n
    return made


# Each paper's score of a child: Q, n, P, the parent's N, and its constant.
FORMULAS = {
    "uct": lambda q, n, p, N, c: q + c * math.sqrt(math.log(N) / n),
    "uct-fast": lambda q, n, p, N, c: q + c * math.sqrt(math.log(N) / max(n, 1)),
    "uct-prior": lambda q, n, p, N, c: q + c * p * math.sqrt(math.log(N) / n),
    "rest": lambda q, n, p, N, c: q + c * math.sqrt(2 * math.log(N) / n),
    "rstar": lambda q, n, p, N, c: q + c * math.sqrt(math.log(N) / n),
    "puct": lambda q, n, p, N, c: q + c * p * math.sqrt(N) / (1 + n),
    "alphazero": lambda q, n, p, N, c: (
        q + (math.log((N + 19652 + 1) / 19652) + c) * p * math.sqrt(N) / (1 + n)
    ),
    "unled": lambda q, n, p, N, c: (
        q + math.sqrt(N - 1) / (1 + n) * (c + math.log((N + 19652) / 19652))
    ),
    "p-ucb": lambda q, n, p, N, c: q + c * p * math.sqrt(math.log(N)) / (1 + n),
    "var-p-ucb": lambda q, n, p, N, c: (
        q + (math.log((N + 10 + 1) / 10) + c) * p * math.sqrt(math.log(N)) / (1 + n)
    ),
}
CONSTANTS = {
    "uct": math.sqrt(2), "uct-fast": 1, "uct-prior": math.sqrt(2), "rest": 0.7, "rstar": 2,
    "puct": 1.25, "alphazero": 1.25, "unled": 1.25, "p-ucb": 4, "var-p-ucb": 4,
}  # fmt: skip
FRESH = {"uct": math.inf, "uct-prior": math.inf, "rest": 1.3, "rstar": 0.0, "uct-fast": None}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_the_formula_of_its_paper(name: str) -> None:
    rule, c = RULES[name]
    assert c == CONSTANTS[name]
    rng = Rng(4)
    for _ in range(50):
        parent = tally(0.5, 2 + rng.integers(5000))
        children = [tally(rng.random(), 1 + rng.integers(400), rng.random()) for _ in range(5)]
        wanted = [FORMULAS[name](k.q, k.n, k.prior, parent.n, c) for k in children]
        assert rule(parent, children, c, 1.0) == pytest.approx(wanted)


@pytest.mark.parametrize("name", RULES)
def test_a_child_that_nobody_visited(name: str) -> None:
    rule, c = RULES[name]
    parent, child = tally(0.5, 10), tally(0.3, 0, 0.25)
    (score,) = rule(parent, [child], c, 1.0)
    wanted = FRESH.get(name, FORMULAS[name](0.3, 0, 0.25, 10, c) if name not in FRESH else None)
    if name == "uct-fast":
        wanted = 0.3 + math.sqrt(math.log(10))
    assert score == pytest.approx(wanted)


@pytest.mark.parametrize("name", RULES)
def test_the_order_does_not_depend_on_the_scale_of_values(name: str) -> None:
    rule, c = RULES[name]
    if name == "rstar":
        return  # its zero for a child that nobody visited is the middle of -1 to 1
    rng = Rng(8)
    for _ in range(20):
        drawn = [(rng.random(), rng.integers(30), rng.random()) for _ in range(6)]
        small = rule(tally(0.5, 200), [tally(q, n, p) for q, n, p in drawn], c, 1.0)
        large = rule(tally(0.5, 200), [tally(900 * q - 70, n, p) for q, n, p in drawn], c, 900.0)
        order = sorted(range(6), key=lambda k: (-small[k], k))
        assert order == sorted(range(6), key=lambda k: (-large[k], k))


@pytest.mark.parametrize("name", RULES)
def test_without_exploration_the_value_decides(name: str) -> None:
    rule, _ = RULES[name]
    children = [tally(0.2, 3), tally(0.7, 50), tally(0.6, 1)]
    scores = rule(tally(0.5, 60), children, 0.0, 1.0)
    wanted = 0.7 if name not in ("alphazero", "unled", "var-p-ucb") else None
    assert wanted is None or max(scores) == wanted
    # And with much of it, whoever was visited least.
    scores = rule(tally(0.5, 60), children, 1e6, 1.0)
    assert scores.index(max(scores)) == 2


def test_noise_in_the_priors_of_the_root() -> None:
    def stirred(seed: int, share: float) -> list[float]:
        children = [tally(0.0, 0) for _ in range(3)]
        stir(children, (0.2, 0.1, 0.1), Rng(seed), share)
        return [child.prior for child in children]

    assert stirred(1, 0.0) == pytest.approx([0.5, 0.25, 0.25])
    drawn = [stirred(seed, 1.0) for seed in range(4000)]
    assert all(sum(priors) == pytest.approx(1.0) for priors in drawn)
    # Dirichlet(0.3) of three: mean 1/3, variance (1/3)(2/3)/(0.9 + 1).
    for nth in range(3):
        column = [priors[nth] for priors in drawn]
        mean = sum(column) / len(column)
        variance = sum((x - mean) ** 2 for x in column) / len(column)
        assert mean == pytest.approx(1 / 3, abs=0.02)
        assert variance == pytest.approx(2 / 9 / 1.9, rel=0.06)
    assert stirred(5, 0.25) != stirred(6, 0.25)


def test_noise_stays_when_more_children_come() -> None:
    """Of children that were there before, both parts keep their proportions."""

    def parts(count: int) -> tuple[list[float], list[float]]:
        children = [tally(0.0, 0) for _ in range(count)]
        priors = [0.4, 0.1, 0.2, 0.3][:count]
        noise, own = [], []
        for share, found in ((1.0, noise), (0.0, own)):
            stir(children, priors, Rng(7), share)
            found += [child.prior / children[0].prior for child in children]
        return noise, own

    few, many = parts(2), parts(4)
    assert few[0] == pytest.approx(many[0][:2]) and few[1] == pytest.approx(many[1][:2])
