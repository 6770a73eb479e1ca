"""OmegaPRM: which wrong rollout is searched next, by the formula; and what labelling all costs."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as draw

from tests.strategies.test_answer_neighbours import EVEN, Prefixed
from treeseek import LM, search, strategies, strategy
from treeseek.backends.toy import Letters, ToyBackend
from treeseek.decoding.stops import Step
from treeseek.errors import InvalidOption
from treeseek.noise import Rng
from treeseek.requests import Node, Verdict
from treeseek.strategies.boundaries import boundaries
from treeseek.strategies.omega_prm import Pool, rollouts

LENGTH = 500


def node(handle: int, depth: int) -> Node:
    return Node(handle, 0, 0.0, 0.0, 0.0, depth, None)


class Textbook:
    """A plain list of (prefix, its MC, its depth, the rollout's depth); every score made anew."""

    def __init__(self, alpha: float, beta: float, exploration: float) -> None:
        self.alpha, self.beta, self.exploration = alpha, beta, exploration
        self.entries: dict[int, tuple[int, float, int]] = {}
        self.searches: dict[int, int] = {}

    def score(self, entry: int, total: int | None = None) -> float:
        """alpha^(1 - MC(s)) * beta^(len(r) / L) + c * sqrt(sum of N) / (1 + N(s))."""
        prefix, mc, tokens = self.entries[entry]
        value = self.alpha ** (1 - mc) * self.beta ** (tokens / LENGTH)
        total = sum(self.searches.values()) if total is None else total
        return value + self.exploration * math.sqrt(total) / (1 + self.searches[prefix])

    def take(self, entry: int) -> None:
        self.searches[self.entries.pop(entry)[0]] += 1


unit = draw.floats(0.05, 1.0)
moves = draw.lists(
    draw.one_of(
        draw.none(),  # take the best
        draw.tuples(  # a prefix: its depth, its rollouts that are right, and how long the wrong are
            draw.integers(0, 40), draw.integers(0, 6), draw.lists(draw.integers(0, 900), max_size=7)
        ),
    ),
    max_size=40,
)


def filled(pool: Pool, book: Textbook, move: tuple[int, int, list[int]]) -> None:
    """Enter a prefix and its wrong rollouts into both."""
    depth, right, lengths = move
    prefix, mc = len(book.searches), right / (right + len(lengths) or 1)
    book.searches[prefix] = 0
    ends = []
    for tokens in lengths:
        entry = 1000 * prefix + len(ends)
        book.entries[entry] = (prefix, mc, tokens)
        ends.append((node(prefix, depth), node(entry, depth + tokens)))
    pool.add(prefix, mc, ends)


@settings(max_examples=150, deadline=None)
@given(moves, unit, unit, draw.floats(0, 2))
def test_the_best_of_the_pool_comes_next(
    moves: Any, alpha: float, beta: float, exploration: float
) -> None:
    """By every term, after every search: no score is stale, though all change with each."""
    pool, book = Pool(alpha, beta, LENGTH, exploration), Textbook(alpha, beta, exploration)
    for move in [*moves, *[None] * 9]:
        if move is not None:
            filled(pool, book, move)
            continue
        found = pool.next()
        if not book.entries:
            assert found is None
            continue
        assert found is not None
        entry = found[1].handle
        assert book.score(entry) == max(map(book.score, book.entries))
        book.take(entry)


def disagreements(choose: Callable[[Textbook], int]) -> int:
    """How often another rule takes what the pool would not, over many pools."""
    count = 0
    for seed in range(40):
        rng = Rng(seed)
        book, pool = Textbook(0.5, 0.9, 0.125), Pool(0.5, 0.9, LENGTH, 0.125)
        for _ in range(6):
            lengths = [rng.integers(900) for _ in range(1 + rng.integers(6))]
            filled(pool, book, (rng.integers(30), rng.integers(7), lengths))
        while (found := pool.next()) is not None:
            count += choose(book) != found[1].handle
            book.take(found[1].handle)
    return count


def by(book: Textbook, score: Callable[[int], float]) -> int:
    return max(book.entries, key=score)


def test_no_term_may_be_left_out() -> None:
    """The control: without a term, or with stale ones, the choice is another one."""

    def without(**changed: float) -> int:
        def choose(book: Textbook) -> int:
            blind = Textbook(**{"alpha": 0.5, "beta": 0.9, "exploration": 0.125, **changed})
            blind.entries, blind.searches = book.entries, book.searches
            return by(book, blind.score)

        return disagreements(choose)

    assert without() == 0
    assert without(alpha=1.0) > 40 and without(beta=1.0) > 40 and without(exploration=0.0) > 40

    made, seen = dict[int, int](), dict[int, int]()

    def chosen_alone(book: Textbook) -> int:
        """Only the prefix searched last has its scores made anew."""
        total = sum(book.searches.values())
        for prefix, searches in book.searches.items():
            if not total or searches != seen[prefix]:
                made[prefix], seen[prefix] = total, searches
        return by(book, lambda entry: book.score(entry, made[book.entries[entry][0]]))

    assert disagreements(chosen_alone) > 40


# Its nearest neighbour labels every prefix.

STEPS, TOKEN = 16, Step((), tokens=1)


class NoWrong:
    """Verifier: right where no step is wrong (a "b")."""

    name, version = "no wrong", "1"

    def verify(self, text: str) -> Verdict:
        return Verdict(float("b" not in text), "b" not in text)


@strategy(tier="step")
def every_prefix(ctx: Any, root: Any, *, k: int = 8) -> Any:
    """Label all prefixes of the root's first wrong rollout, each by k rollouts."""
    right, wrong, _ = yield from rollouts(ctx, root, k)
    ctx.finish(root, mc=right / k, n=k)
    for prefix in boundaries(ctx, wrong[0]):
        right, _, _ = yield from rollouts(ctx, prefix, k)
        ctx.finish(prefix, mc=right / k, n=k)


def labelled(chosen: Any, seed: int) -> dict[str, float]:
    """The labels of prefixes, where a wrong step never heals and a right one is likely."""
    sure = np.log([0.5 ** (1 / STEPS), 1 - 0.5 ** (1 / STEPS)])
    lost = np.log([0.5, 0.5])
    lm = LM(ToyBackend(lambda path: lost if 1 in path else sure, 2), Letters(), name="chain")
    result = search(
        "a", model=lm, strategy=chosen, limit=STEPS, step=TOKEN, verifier=NoWrong(), seed=seed
    )
    return {c.text: c.scores["mc"] for c in result.candidates if "n" in c.scores}


def test_halving_finds_by_log_t_labels_what_labelling_all_finds_by_t() -> None:
    """Both find the same first wrong step; k rollouts a label, so labels are what is paid."""
    for seed in range(12):
        few = labelled(strategies.omega_prm(searches=1), seed)
        all_ = labelled(every_prefix(), seed)
        assert len(all_) == 1 + STEPS
        assert len(few) <= 1 + math.ceil(math.log2(STEPS)) and few.keys() <= all_.keys()
        # The last prefix that may be right and the first that may not stand side by side, in both.
        last_right = max((len(text) for text, mc in few.items() if mc > 0), default=0)
        assert last_right == max(len(text) for text, mc in all_.items() if mc > 0)


# Labels, and questions without any.


def test_labels_come_near_the_true_values() -> None:
    """A chain whose prefixes are worth .5 to the power of what is left; wrong ones nothing."""
    steps, sure = 6, np.log([0.5 ** (1 / 6), 1 - 0.5 ** (1 / 6)])
    lost = np.log([0.5, 0.5])
    backend = ToyBackend(lambda path: lost if 1 in path[1:] else sure, 2)
    lm = LM(backend, Letters(), name="chain")
    result = search(
        "a", model=lm, strategy=strategies.omega_prm(k=64, searches=8), limit=steps, step=TOKEN,
        verifier=Prefixed("a" * steps),
    )  # fmt: skip
    labels = [c for c in result.candidates if "n" in c.scores]
    assert len(labels) >= 4
    for label in labels:
        true = 0.0 if "b" in label.text else 0.5 ** ((steps - len(label.text)) / steps)
        assert label.scores["mc"] == pytest.approx(true, abs=0.2)
        assert label.scores["n"] == 64


def test_omega_prm_needs_a_verifier_and_leaves_hopeless_questions() -> None:
    with pytest.raises(InvalidOption, match="verifier"):
        search("^", model=EVEN, strategy=strategies.omega_prm(), limit=4)
    result = search(
        "^", model=EVEN, strategy=strategies.omega_prm(k=4), limit=4, step=TOKEN,
        verifier=Prefixed("zzzz"),
    )  # fmt: skip
    assert len(result.candidates) == 5  # the root's rollouts and its label, and no search
