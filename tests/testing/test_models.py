"""The models that suites are run on do what their names say."""

import math
import subprocess
import sys

import numpy as np
import pytest

from treeseek import LM, Expand, search
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.errors import InvalidOption
from treeseek.front import start
from treeseek.strategies import beam
from treeseek.testing import Alphabet, Lying, Shuffled, scripted
from treeseek.tree import ROOT

TABLE = {"": {"a": 3.0, "b": 1.0}, "b": {"c": 1.0}}


def test_a_scripted_model_answers_by_its_table_and_shows_nothing_else() -> None:
    found = search("^", model=scripted(TABLE), strategy=beam(width=8), n=8)
    got = {c.text: c.logprob for c in found.candidates}
    assert got == {"a": pytest.approx(math.log(0.75)), "bc": pytest.approx(math.log(0.25))}


def test_the_default_answers_for_what_is_not_listed() -> None:
    lm = scripted({"": {"a": 1.0}}, default={"b": 0.5, ".": 0.5})
    found = search("^", model=lm, strategy=beam(width=9), n=9, limit=3)
    assert {c.text for c in found.candidates} == {"a", "ab", "abb"}


def test_wrong_rows_and_letters_are_refused() -> None:
    for row in ({}, {"a": 0.0}, {"a": -1.0, "b": 2.0}):
        with pytest.raises(InvalidOption, match="probabilities"):
            scripted({"": row})
    with pytest.raises(InvalidOption, match="letters"):
        Alphabet("^ab").encode("x")


def toy() -> ToyBackend:
    return ToyBackend(integer_hash(5, seed=1), 5)


def grown(backend: ToyBackend) -> list[int]:
    first = backend.tree.extend(ROOT, [1, 2])
    return [first, *(backend.tree.add(first, token) for token in range(5))]


def test_shuffled_rows_are_the_right_rows_each_once() -> None:
    plain, backend = toy(), toy()
    nodes = grown(backend)
    assert grown(plain) == nodes
    (want,) = plain.expand(nodes)
    shuffled = Shuffled(backend, seed=2)
    order, blocks = [], 0
    for block in shuffled.expand(nodes):
        blocks += 1
        for row, position in enumerate(block.index):
            order.append(position)
            assert np.array_equal(block.logits[row], want.logits[position])
    assert sorted(order) == list(range(len(nodes)))
    assert order != sorted(order) and blocks > 1


def test_a_lying_backend_grows_what_nobody_asked_for() -> None:
    backend = toy()
    nodes = grown(backend)
    size = len(backend.tree)
    (block,) = Lying(backend, seed=1).expand(nodes)
    assert list(block.index) == list(range(len(nodes)))
    assert len(backend.tree) > size
    assert backend.spent.computed > len(nodes) + 1


def test_a_lying_backend_stays_within_the_slots() -> None:
    lm = LM(ToyBackend(integer_hash(5, seed=1), 5, slots=4), Letters(), name="toy", ends=[4])
    lm.backend = Lying(lm.backend)
    run = start([1], model=lm, strategy=beam(width=3), limit=4)
    while run.step():
        assert lm.backend.warm() <= 4
    assert run.result.candidates


def test_the_suites_need_no_test_runner_and_no_model_library() -> None:
    code = (
        "import sys, treeseek.testing;"
        "sys.exit(any(name in sys.modules for name in ('pytest', 'torch', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_requests_compare_by_identity_of_nodes_and_never_order() -> None:
    run = start("ab", model="toy:hash", strategy=beam(width=2), limit=3)
    run.step()
    first, second = run.seat.live.root, run.seat.live.node(0)
    assert Expand(first) != Expand(second)
    with pytest.raises(TypeError):
        sorted([first, second])  # type: ignore[type-var]
