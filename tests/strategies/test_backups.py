"""Backups: what each makes of the values found below, recomputed by hand."""

import pytest

from treeseek.noise import Rng
from treeseek.requests import Node
from treeseek.strategies.backups import BACKUPS, weighted
from treeseek.strategies.descents import Descents
from treeseek.strategies.rules import uct
from treeseek.strategies.tallies import Path, Tally

ROOT = Node(0, 0, 0.0, 0.0, 0.0, 0, None)


def grown(name: str, *, gamma: float = 1.0, opposed: bool = False) -> tuple[Descents, list]:
    """A random tree with random values backed up, and what went where."""
    rng = Rng(11)
    backup = BACKUPS[name](gamma, 1.0)
    tree = Descents(ROOT, uct, backup, exploration=1.0, bounds=(0.0, 1.0), opposed=opposed)
    paths: list[Path] = [[tree.root]]
    told: list[tuple[Path, float]] = []
    for _ in range(120):
        path = list(rng.choice(paths))
        if len(path) < 6 and rng.random() < 0.6:
            child = Tally(ROOT)
            tree.adopt(path[-1], child)
            path.append(child)
            paths.append(path)
        value = rng.random()
        tree.land(path, value)
        told.append((path, value))
    return tree, told


def every(tree: Descents) -> list[Tally]:
    nodes = [tree.root]
    for tally in nodes:
        nodes += tally.children
    return nodes


def below(tally: Tally, told: list) -> list[tuple[int, float]]:
    """Steps from `tally` to the end, and the value, of all that was backed up through it."""
    return [(len(p) - 1 - p.index(tally), value) for p, value in told if tally in p]


def test_visits_count_what_was_backed_up() -> None:
    for name in BACKUPS:
        tree, told = grown(name)
        assert tree.root.visits == len(told)
        for tally in every(tree):
            assert tally.visits == tally.n == len(below(tally, told)) and tally.q == tally.value


def test_mean_best_and_discounted() -> None:
    for name, gamma in (("mean", 1.0), ("best", 1.0), ("discounted", 0.8)):
        tree, told = grown(name, gamma=gamma)
        for tally in every(tree):
            found = [gamma**steps * value for steps, value in below(tally, told)]
            wanted = max(found) if name == "best" else sum(found) / len(found)
            assert tally.value == pytest.approx(wanted)


def test_values_of_two_players_have_two_signs() -> None:
    tree, told = grown("opposed", opposed=True)
    for tally in every(tree):
        values = [value for _, value in below(tally, told)]
        sign = -1 if tally.steps % 2 == 0 and tally is not tree.root else 1
        assert tally.value == pytest.approx(sign * sum(values) / len(values))


def test_weighted_is_the_mean_of_the_children_by_visits() -> None:
    tree, told = grown("weighted", gamma=0.9)
    checked = 0
    for tally in every(tree):
        seen = [child for child in tally.children if child.visits]
        last = [path for path, _ in told if tally in path][-1:]
        if last and last[0][-1] is not tally:
            visits = sum(child.visits for child in seen)
            wanted = 0.9 * sum(child.visits * child.value for child in seen) / visits
            assert tally.value == pytest.approx(wanted)
            checked += 1
    assert checked


def test_a_rate_moves_a_part_of_the_way() -> None:
    top, left = Tally(ROOT), Tally(ROOT)
    top.children = [left]
    values = []
    for value in (1.0, 0.0, 0.0):
        weighted([top, left], value, gamma=1.0, rate=0.5)
        values.append((left.value, top.value))
    assert values == [(1.0, 1.0), (0.5, 0.75), (pytest.approx(1 / 3), pytest.approx(13 / 24))]


def test_a_simulation_in_flight_weighs_and_leaves_no_trace() -> None:
    for name in BACKUPS:
        tree, told = grown(name, opposed=name == "opposed")
        path = max((p for p, _ in told), key=len)
        before = [(t.n, t.q, t.visits, t.value) for t in every(tree)]
        tree.depart(path)
        assert all(tally.n == tally.visits + 1 and tally.q <= tally.value for tally in path)
        assert path[-1].busy and path[0].q < path[0].value
        tree.release(path)
        path[-1].busy = False
        assert before == [(t.n, t.q, t.visits, t.value) for t in every(tree)]


def test_a_value_noted_in_flight_is_the_value_landed_once_it_is_released() -> None:
    for name in BACKUPS:
        trees = [grown(name, opposed=name == "opposed") for _ in range(2)]
        for (tree, told), note in zip(trees, (True, False), strict=True):
            path = max((p for p, _ in told), key=len)
            tree.depart(path)
            (tree.note if note else tree.land)(path, 0.9)
            if note:  # the control: until it is released, only its end may be read
                assert path[0].n == path[0].visits
            tree.release(path)
        noted, landed = ([(t.n, t.q, t.flying) for t in every(tree)] for tree, _ in trees)
        assert noted == landed
