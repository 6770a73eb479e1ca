"""Each strategy beside the one most like it, where the two do different things."""

from collections import Counter
from typing import Any

import pytest

from tests.sequences.bags import held_karp, letters, table
from treeseek.errors import InvalidOption
from treeseek.noise import Rng
from treeseek.sequences import (
    Annealing,
    Bench,
    Bigram,
    Cand,
    Elites,
    Endgame,
    Genetic,
    Ibis,
    Islands,
    Iterated,
    Mcts,
    PathCost,
    Permutation,
    Portfolio,
    Rated,
    Space,
    Strategy,
    Study,
    Tempering,
    Trial,
    minimise,
)
from treeseek.sequences.archive import Archive, opening, rising
from treeseek.sequences.choice import Choice
from treeseek.sequences.crossing import crossed
from treeseek.sequences.endgame import ORDERED, consensus
from treeseek.sequences.ibis import effective, resampled, weights
from treeseek.sequences.moves import insert, neighbour, swap
from treeseek.sequences.pairs import Pairs


def lists(strategy: Strategy, value: Any, space: Permutation, **options: Any) -> list[list[Trial]]:
    """Every list of trials that the strategy asked for, what was known included."""
    found: list[list[Trial]] = []

    class Watched:
        name, references = "watched", ()

        def run(self, bench: Bench, space: Space) -> Any:
            hunt = strategy.run(bench, space)
            trials = next(hunt)
            while True:
                found.append(trials)
                told = yield trials
                try:
                    trials = hunt.send(told)
                except StopIteration:
                    return

    minimise(value, space, Watched(), **options)
    return found


def test_annealing_takes_worse_ones_ever_more_rarely_and_a_descent_none() -> None:
    value, space = PathCost(table(9, 1)), letters(9)
    trials = [some[0] for some in lists(Annealing(probes=8), value, space, scores=2000)[2:]]
    slack = [(trial.above or 0.0) - value(trial.near or ()) for trial in trials]
    third = len(slack) // 3
    assert sum(slack[:third]) > 3 * sum(slack[third : 2 * third]) > 0
    still = lists(Endgame(), value, space, scores=2000)[1:]
    assert all(t.above == value(t.near or ()) for some in still for t in some)


def test_tempering_holds_hot_and_cold_at_once_where_annealing_cools() -> None:
    value, space = PathCost(table(9, 1)), letters(9)
    several = lists(Tempering(replicas=4, probes=4), value, space, scores=2000)[3:]
    assert {len(some) for some in several} <= {3, 4}
    slack = [
        (t.above or 0.0) - value(t.near or ()) for some in several for t in some if len(some) == 4
    ]
    hot, cold = sum(slack[0::4]), sum(slack[3::4])
    assert hot > 5 * cold
    half = len(slack) // 8 * 4
    assert sum(slack[:half:4]) < 2 * sum(slack[half::4])  # as hot at the end as at the beginning


def test_iterated_search_goes_over_worse_ones_where_its_descent_alone_stops() -> None:
    # 0 1 2 3 is a trap of value 1: every insert costs 2, and two of them gain all.
    def trap(cand: Cand) -> float:
        if cand == (0, 1, 2, 3):
            return 1.0
        return 0.0 if cand == (2, 3, 0, 1) else 2.0 if cand[-1] in (1, 3) else 3.0

    space = Permutation(list("abcd"), moves=(insert,), kicks=(neighbour,))
    start = {"start": [(0, 1, 2, 3)], "scores": 24}
    deep = Iterated(slack=2.0, lists=3.0, screen="none")
    shallow = Iterated(slack=0.0, lists=3.0, screen="none")
    counts = []
    for by in (deep, shallow):
        seen = lists(by, trap, space, **start)[1:]
        counts.append(Counter(trial.near for some in seen[:6] for trial in some))
    assert len(counts[0]) > 1 == len(counts[1])


def test_a_crossing_holds_of_both_what_a_move_holds_of_one() -> None:
    one, other = (0, 1, 2, 3, 4, 5), (5, 4, 3, 2, 1, 0)
    assert crossed(one, other, 2, 4) == (5, 4, 2, 3, 1, 0)
    assert crossed((0, 0, 1, 1), (1, 0, 1, 0), 0, 2) == (0, 0, 1, 1)
    # Halves that are each right in one parent meet in a child.
    assert crossed((0, 1, 2, 5, 4, 3), (2, 1, 0, 3, 4, 5), 0, 3) == (0, 1, 2, 3, 4, 5)


@pytest.mark.parametrize("seed", range(20))
def test_a_crossing_keeps_the_bag(seed: int) -> None:
    rng, bag = Rng(seed), [0, 0, 1, 1, 1, 2, 3]
    one, other = list(bag), list(bag)
    rng.shuffle(one)
    rng.shuffle(other)
    i, j = sorted((rng.integers(8), rng.integers(8)))
    child = crossed(tuple(one), tuple(other), i, j)
    assert Counter(child) == Counter(bag) and child[i:j] == tuple(one[i:j])


def test_elites_keep_the_best_of_each_kind_where_a_population_keeps_the_best() -> None:
    space, elites = letters(4), Elites(descriptors=(opening,))
    archive = Archive(space, elites.descriptors)
    for value, cand in (
        (1.0, (0, 1, 2, 3)),
        (0.5, (0, 2, 1, 3)),
        (9.0, (3, 1, 2, 0)),
        (2.0, (0, 3, 1, 2)),
    ):
        archive.keep(Rated(cand, value))
    assert {cell: one.value for cell, one in archive.cells.items()} == {(0,): 0.5, (3,): 9.0}
    assert rising(space, (0, 1, 2, 3)) > rising(space, (3, 1, 2, 0)) > rising(space, (3, 2, 1, 0))
    # So a start that looks hopeless is still gone on from.
    seen = lists(elites, lambda cand: float(cand[0]), letters(5), scores=110)
    assert {trial.near[0] for trial in seen[-1] + seen[-2] if trial.near} >= {0, 4}
    best = lists(Genetic(population=4), lambda cand: float(cand[0]), letters(5), scores=110)
    assert {trial.near[0] for trial in best[-1] if trial.near} == {0}


def test_the_endgame_looks_everywhere_where_iterated_search_draws() -> None:
    value, space = PathCost(table(8, 2)), letters(8)
    study = minimise(value, space, Endgame())
    assert study.best is not None
    for move in ORDERED:
        assert move.every is not None
        assert all(value(new) >= study.best.value for new in move.every(space, study.best.cand))


def test_consensus_leaves_what_all_agree_on() -> None:
    orders = list(consensus([(0, 1, 2, 3, 4), (0, 3, 2, 1, 4), (0, 1, 2, 3, 4)], 5))
    assert sorted(orders) == [(0, 1, 2, 3, 4), (0, 3, 2, 1, 4)]
    assert not list(consensus([(0, 1, 2), (2, 0, 1)], 2)) and not list(consensus([(0, 1)], 5))


def test_mcts_begins_again_where_local_search_mends() -> None:
    # The first item says nearly all: MCTS comes back to it, whatever follows.
    seen = lists(
        Mcts(leaves=1), lambda cand: float(cand[0] != 2) + cand[1] / 100, letters(6), scores=200
    )
    firsts = Counter(trial.cand[0] for some in seen for trial in some)
    assert firsts[2] > sum(firsts.values()) / 2
    assert all(trial.near is None for some in seen for trial in some)
    # And a small space it searches whole.
    assert minimise(PathCost(table(4, 1)), letters(4), Mcts(), scores=100).optimal


def test_ibis_replaces_who_is_bad_where_tempering_keeps_its_chains() -> None:
    cloud = [Rated((at,), float(at)) for at in range(4)]
    weighed = weights(cloud, 10.0, 0.1)
    assert sum(weighed) == pytest.approx(1.0) and weighed[0] > 0.99
    assert effective([0.25] * 4) == pytest.approx(4.0) and effective(weighed) < 1.1
    assert [one.cand for one in resampled(cloud, weighed, Rng(1))] == [(0,)] * 4
    assert resampled(cloud, [0.25] * 4, Rng(1)) == cloud
    strategy = Ibis(particles=8, steps=2)
    nears = [
        {trial.near for trial in some}
        for some in lists(strategy, PathCost(table(8, 1)), letters(8), scores=600)
    ]
    assert min(len(some) for some in nears if len(some) > 1) < 8


def test_bigram_solves_the_pairs_it_saw_where_iterated_search_walks() -> None:
    value, space = PathCost(table(13, 3)), letters(13)
    best = held_karp(value)
    study = Study(space, Bigram(), scores=200)
    while (trials := study.ask()) is not None:
        study.tell(
            [Rated(t.cand, value(t.cand), losses=value.losses(t.cand), charged=1) for t in trials]
        )
    assert study.best is not None and study.best.value <= 1.02 * best
    walked = minimise(value, space, Iterated(), scores=200)
    assert walked.best is not None and walked.best.value > study.best.value


def test_pairs_rank_by_losses_and_learn_from_values_alone() -> None:
    value, rng = PathCost(table(6, 4)), Rng(3)
    some = [letters(6).sample(rng) for _ in range(400)]
    ranks = []
    for known in (True, False):
        pairs = Pairs()
        pairs.learn(
            [Rated(c, value(c), losses=value.losses(c) if known else None, charged=1) for c in some]
        )
        guesses = pairs.guesses(some)
        order = sorted(range(400), key=guesses.__getitem__)
        ranks.append(sum(value(some[at]) for at in order[:50]) / 50)
    mean = sum(map(value, some)) / 400
    assert ranks[0] < ranks[1] < 0.8 * mean


def test_islands_show_each_other_their_best_and_alone_they_do_not() -> None:
    met: list[bool] = []

    class Host:
        name, references = "host", ()

        def run(self, bench: Bench, space: Space) -> Any:
            while True:
                guest = bench.guest()
                met.append(guest is not None)
                yield [Trial(space.sample(bench.rng(len(met))))]

    space = letters(6)
    minimise(PathCost(table(6, 1)), space, Islands(of=(Host(), Annealing()), every=5), scores=200)
    assert any(met)
    met.clear()
    minimise(PathCost(table(6, 1)), space, Host(), scores=200)
    assert not any(met)
    with pytest.raises(InvalidOption, match="two"):
        Islands(of=(Annealing(),))


class Counted:
    """A strategy that asks by chance and counts itself; `shift` is what it adds to a candidate."""

    references = ()

    def __init__(self, good: bool) -> None:
        self.name, self.good, self.asked = "counted", good, 0

    def run(self, bench: Bench, space: Space) -> Any:
        while True:
            self.asked += 1
            first = 0 if self.good else 7
            cand = list(range(8))
            cand.remove(first)
            bench.rng(self.asked).shuffle(cand)
            yield [Trial((first, *cand))]


def test_a_portfolio_drops_the_worse_half_where_islands_serve_all() -> None:
    asked = []
    for make in (
        lambda of: Portfolio(of=of, then=None, cuts=(0.25,), last=1.0),
        lambda of: Islands(of=of),
    ):
        good, bad = Counted(True), Counted(False)
        minimise(lambda cand: float(cand[0]), letters(8), make((bad, good)), scores=400)  # type: ignore[no-untyped-call]
        asked.append((good.asked, bad.asked))
    assert asked[0][0] > 2 * asked[0][1]
    assert abs(asked[1][0] - asked[1][1]) <= 1


class Onward:
    """Who says what it was visited by when it began, and asks for neighbours of it."""

    name, references = "onward", ()

    def __init__(self) -> None:
        self.visitor: Any = None

    def run(self, bench: Bench, space: Space) -> Any:
        self.visitor, step = bench.guest(), 0
        while True:
            step += 1
            yield [Trial(swap.draw(space, self.visitor[0], bench.rng(step)))]


def test_a_portfolio_hands_over_to_who_goes_on_where_one_without_keeps_its_best() -> None:
    asked = []
    for then in (Onward(), None):
        good, bad = Counted(True), Counted(False)
        by = Portfolio(of=(bad, good), then=then, cuts=(0.25,), last=1.0)  # type: ignore[arg-type]
        minimise(lambda cand: float(cand[0]), letters(8), by, scores=400)
        asked.append(good.asked)
        if then is not None:
            assert then.visitor[0][0] == 0 and then.visitor[1] == 0.0
    assert 40 <= asked[0] <= 60 and asked[1] > 300
    onward = Onward()  # it begins where those before it have ended, too
    end = Portfolio(of=(Endgame(),), then=onward, cuts=(0.9,))  # type: ignore[arg-type]
    best = minimise(PathCost(table(6, 2)), letters(6), end, scores=700).best
    assert best is not None and onward.visitor == (best.cand, best.value)


def test_the_bandit_takes_what_earns_where_even_takes_all() -> None:
    taken = []
    for by in ("bandit", "even"):
        choice, counts = Choice((swap, insert), by=by), Counter[int]()  # type: ignore[arg-type]
        for step in range(300):
            for nth in choice.draw(letters(8), tuple(range(8)), Rng(step), 1).values():
                counts[nth] += 1
                # Both gain as much, one costs ten times as many tokens.
                choice.learn(nth, 1.0, 10.0 if nth == 0 else 1.0)
        taken.append(counts[0] / 300)
    assert 0.02 < taken[0] < 0.25 < taken[1]


def test_an_archive_of_named_kinds_is_wider_under_elites_than_under_one_best() -> None:
    space, value = letters(12), PathCost(table(12, 5))
    kinds = {"first": opening, "last": lambda space, cand: cand[-1]}
    wide, narrow = (
        Archive(space, kinds, minimise(value, space, by, scores=600, seed=3).known)
        for by in (Elites(descriptors=kinds), Annealing())
    )
    assert wide.names == ("first", "last")
    assert wide.coverage > 1.2 * narrow.coverage
    assert all(wide.kind(one.cand) == cell for cell, one in wide.cells.items())
    best = minimise(value, space, Elites(descriptors=kinds), scores=600, seed=3).best
    assert best is not None and min(one.value for one in wide.cells.values()) == best.value
    assert wide.quality(9.0) == sum(max(0.0, 9.0 - one.value) for one in wide.cells.values())
    with pytest.raises(InvalidOption, match="at least one descriptor"):
        Archive(space, ())
