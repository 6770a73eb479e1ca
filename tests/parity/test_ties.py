"""The referee that decides what is a tie: right on tables, strict where there is none."""

from collections.abc import Sequence

import numpy as np
import pytest

import treeseek
from tests.parity.ties import (
    END,
    Answer,
    Prefix,
    Referee,
    Tokens,
    same_beams,
    tied_path,
    ways,
)
from treeseek.backends.toy import Letters, ToyBackend

V, WIDTH, LIMIT = 5, 3, 5
LAST = V - 1


def row_of(seed: int, tokens: Sequence[int]) -> np.ndarray:
    """Log-probabilities after `tokens`, without near ties."""
    random = np.random.default_rng([seed, *tokens])
    logits = random.normal(size=V) * 0.8
    return logits - np.log(np.exp(logits).sum())


class Table:
    """Rows by continuation; `change` moves single numbers of it."""

    def __init__(self, seed: int, change: dict[tuple[Tokens, int], float] | None = None) -> None:
        self.seed, self.change = seed, change or {}

    def __call__(self, continuations: Sequence[Tokens]) -> np.ndarray:
        rows = np.stack([row_of(self.seed, tokens) for tokens in continuations])
        for i, tokens in enumerate(continuations):
            for (path, token), value in self.change.items():
                if path == tokens:
                    rows[i, token] = value
        return rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))


def shapes() -> list[dict]:
    return [
        {"length_penalty": penalty, "early_stopping": stopping}
        for penalty in (0.0, 1.0, 2.0, -1.0)
        for stopping in (False, True, "never")
    ]


def searched(table: Table, shape: dict) -> list[Answer]:
    """Beam search on the toy model that `table` describes."""
    backend = ToyBackend(lambda path: table([tuple(path[1:])])[0], V)
    lm = treeseek.LM(backend, Letters(), name="table", ends=[LAST])
    strategy = treeseek.strategies.beam(width=WIDTH, **shape)
    result = treeseek.search([0], model=lm, strategy=strategy, n=WIDTH, limit=LIMIT)
    return [
        Answer((*c.token_ids, *([END] if c.finish == "end" else [])), c.score)
        for c in result.candidates
    ]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("shape", shapes(), ids=str)
def test_without_near_ties_there_is_one_outcome(seed: int, shape: dict) -> None:
    referee = Referee(Table(seed), WIDTH, LIMIT, frozenset([LAST]), **shape)
    found = searched(Table(seed), shape)
    assert len(list(referee.outcomes())) == 1
    assert referee.reaches(found)
    # Whatever is altered is no longer an outcome.
    assert not referee.reaches([found[1], found[0], *found[2:]])
    last = found[0].tokens[-1]
    other = Answer((*found[0].tokens[:-1], (last + 1) % LAST), found[0].score)
    assert not referee.reaches([other, *found[1:]])
    assert not referee.reaches([found[0]._replace(score=found[0].score + 1e-2), *found[1:]])
    assert not referee.reaches([found[0], found[0], *found[1:]][:WIDTH])


@pytest.mark.parametrize(("gap", "tied"), [(0.0, True), (9e-5, True), (2e-4, False)])
def test_a_tie_is_a_gap_below_the_tolerance(gap: float, tied: bool) -> None:
    """Two first tokens nearly as good, of which a beam of one keeps either."""
    rows = np.log(np.array([0.05, 0.3, 0.3, 0.3, 0.05]))
    rows[2] -= gap
    rows[3] -= 1.0

    def table(continuations: Sequence[Tokens]) -> np.ndarray:
        return np.stack([rows] * len(continuations))

    referee = Referee(table, 1, 1, frozenset())
    assert referee.reaches([Answer((1,), rows[1])])
    assert referee.reaches([Answer((2,), rows[2])]) == tied
    assert not referee.reaches([Answer((3,), rows[3])])
    assert tied_path(table, (1,), (2,), ends=(), limit=1) == tied
    assert not tied_path(table, (1,), (3,), ends=(), limit=1)
    assert not tied_path(table, (2,), (3,), ends=(), limit=1)


@pytest.mark.parametrize("shape", [shapes()[0], shapes()[2], shapes()[-2]], ids=str)
def test_both_sides_of_a_tie_are_reached_to_the_end(shape: dict) -> None:
    """What is kept by a tie at the first step decides what is reached four steps later."""
    apart = 0
    for seed in range(20):
        first = row_of(seed, ())
        order = np.argsort(-first)
        place, level = ((), int(order[WIDTH])), float(first[order[WIDTH - 1]])
        referee = Referee(Table(seed, {place: level}), WIDTH, LIMIT, frozenset([LAST]), **shape)
        sides = [searched(Table(seed, {place: level + step}), shape) for step in (-4e-5, 4e-5)]
        assert all(referee.reaches(side) for side in sides)
        if [a.tokens for a in sides[0]] != [a.tokens for a in sides[1]]:
            apart += 1
            below = Table(seed, {place: level - 1e-3})
            decided = Referee(below, WIDTH, LIMIT, frozenset([LAST]), **shape)
            assert not decided.reaches(sides[1])
    assert apart >= 3


def test_ways_keeps_the_best_and_only_swaps_what_is_near() -> None:
    found = [Prefix((i,), score) for i, score in enumerate([0.0, -1.0, -1.00005, -1.00012, -2.0])]
    kept = [tuple(one.tokens[0] for one in way) for way in ways(found, 2)]
    assert kept == [(0, 1), (0, 2)]
    assert [len(way) for way in ways(found, 9)] == [5]
    assert len(list(ways(found, 4))) == 1


def test_an_end_token_ties_as_a_token_does() -> None:
    rows = np.array([[0.0, 3.0, 2.99995, 1.0]])

    def table(continuations: Sequence[Tokens]) -> np.ndarray:
        return rows

    assert tied_path(table, (END,), (2, 0), ends=(1,), limit=4)
    assert not tied_path(table, (END,), (3, 0), ends=(1,), limit=4)
    assert not tied_path(table, (2,), (2, 0), ends=(1,), limit=4)  # stopped for no reason


def test_scores_are_compared_with_the_tokens() -> None:
    one = [Answer((1, 2), -3.0)]
    assert same_beams(one, [Answer((1, 2), -3.00005)], 0.0)
    assert not same_beams(one, [Answer((1, 2), -3.001)], 0.0)
    assert not same_beams(one, [Answer((1, 2), -3.00005)], 1.0 + 1.0)
    assert not same_beams(one, [], 1.0)
