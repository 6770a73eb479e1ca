"""Toy models: pure functions of the path, and a pool that counts like a real one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeseek import load
from treeseek.backends.toy import Letters, ToyBackend, integer_hash, ngram, table
from treeseek.errors import ContextOverflow, InvalidOption
from treeseek.tree import ROOT

PATHS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=6), min_size=1, max_size=12)


def expand(backend: ToyBackend, paths: list[list[int]]) -> dict[tuple[int, ...], np.ndarray]:
    """Rows by path, of the distinct paths, in one call."""
    nodes = list({backend.tree.extend(ROOT, path): None for path in paths})
    rows = {}
    for block in backend.expand(nodes):
        for row, position in enumerate(block.index):
            rows[tuple(backend.tree.path(nodes[position]))] = block.logits[row].copy()
    assert len(rows) == len(nodes)
    return rows


@given(paths=PATHS, slots=st.none() | st.integers(6, 14), calls=st.integers(1, 3))
def test_rows_are_functions_of_the_path_whatever_the_slots(
    paths: list[list[int]], slots: int | None, calls: int
) -> None:
    row = integer_hash(4, seed=2)
    backend = ToyBackend(row, 4, slots=slots)
    nodes = {tuple(path[:end]) for path in paths for end in range(1, len(path) + 1)}
    for _ in range(calls):
        for path, logits in expand(backend, paths).items():
            assert (logits == row(path)).all()
        assert backend.warm() <= (slots or len(nodes))
    if slots is None or len(nodes) <= slots:
        assert (backend.spent.computed, backend.spent.recomputed) == (len(nodes), 0)
    assert backend.spent.computed - backend.spent.recomputed == len(nodes)
    backend.clear()
    assert backend.warm() == 0


@given(paths=PATHS)
def test_each_row_says_how_many_tokens_it_cost(paths: list[list[int]]) -> None:
    backend = ToyBackend(np.zeros(4), 4)
    nodes = list({backend.tree.extend(ROOT, path): None for path in paths})
    (block,) = backend.expand(nodes)
    assert sum(block.computed) == backend.spent.computed == len(backend.tree)
    assert block.forward and backend.spent.forwards == 1
    (again,) = backend.expand(nodes)
    assert set(again.computed) == {0} and not again.forward and backend.spent.forwards == 1


def test_a_table_and_an_ngram_say_what_they_were_given() -> None:
    listed = table({(0, 1): [5.0, 6.0]}, [1.0, 2.0])
    assert [list(listed(p)) for p in ((0, 1), (1, 1), (0, 1, 0))] == [[5, 6], [1, 2], [1, 2]]
    counted = ngram({(0, 1): [5.0, 6.0]}, 2, [1.0, 2.0])
    assert [list(counted(p)) for p in ((0, 1), (1, 0, 1), (1,))] == [[5, 6], [5, 6], [1, 2]]


def test_the_hash_depends_on_path_order_and_seed_and_stays_in_its_spread() -> None:
    rows = [
        integer_hash(50, seed=seed)(path) for seed in (0, 1) for path in ((), (0,), (0, 1), (1, 0))
    ]
    assert len({row.tobytes() for row in rows}) == len(rows)
    assert all(row.min() >= 0 and row.max() <= 3 for row in rows)
    short = integer_hash(50, order=2)
    assert (short((9, 1, 2)) == short((3, 1, 2))).all()
    assert (short((1, 2)) != short((2, 1))).any()


def test_paths_and_settings_out_of_range_are_refused() -> None:
    for slots, context in ((3, None), (None, 3)):
        backend = ToyBackend(np.zeros(4), 4, slots=slots, context=context)
        node = backend.tree.extend(ROOT, [0, 1, 2, 3])
        with pytest.raises(ContextOverflow, match="does not fit 3"):
            list(backend.expand([node]))
    for wrong in ({"slots": 0}, {"context": 0}, {"nodes": 0}):
        with pytest.raises(InvalidOption, match="at least"):
            ToyBackend(np.zeros(4), 4, **wrong)
    with pytest.raises(InvalidOption, match="vocabulary=0"):
        ToyBackend(np.zeros(0), 0)


def test_letters_spell_and_read() -> None:
    letters = Letters()
    assert letters.encode("A b-z!") == [0, 1, 25]
    assert letters.decode([0, 25, 26]) == "az<26>"


def test_a_loaded_toy_ends_by_its_last_token() -> None:
    lm = load("toy:hash?vocabulary=9&seed=4&context=20", slots=30, nodes=99)
    assert (lm.vocabulary, lm.ends, lm.backend.context, lm.backend.slots) == (9, {8}, 20, 30)
    assert lm.tree.limit == 99
    assert (lm.backend.row([1]) == integer_hash(9, seed=4)([1])).all()
