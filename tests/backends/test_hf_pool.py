"""Slots of the local backend: bounded, returned, never pinned, and rows right all the while."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from tests.backends.families import FAMILIES, build
from tests.backends.test_hf_families import compare, plain
from treeseek.backends import local, selftest
from treeseek.backends.local import LocalBackend
from treeseek.backends.replay import ReplayBackend
from treeseek.backends.selftest import difference, serve
from treeseek.errors import ContextOverflow, InvalidOption
from treeseek.tree import ROOT

torch.set_num_threads(1)
BY_NAME = {family.name: family for family in FAMILIES}


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    return {name: build(BY_NAME[name]) for name in ("llama-gqa", "gpt2", "gptj", "bloom")}


def served(models: dict[str, Any], name: str, **options: Any) -> Any:
    """A backend on a copy: two backends on one model would switch each other's attention."""
    import copy

    return serve(copy.deepcopy(models[name]), **options)


@pytest.mark.parametrize("name", ["llama-gqa", "gpt2", "gptj"])
def test_every_distinct_node_is_computed_once(models: dict[str, Any], name: str) -> None:
    backend = served(models, name)
    tree = backend.tree
    root = tree.extend(ROOT, [5, 6, 7, 8])
    leaves = [tree.extend(root, [20 + k, 30, 31 + k]) for k in range(5)]
    for asked in ([root], [*leaves, root], [leaf - 1 for leaf in leaves], leaves):
        list(backend.expand(asked))
    assert backend.spent.computed == len(tree) == backend.warm()
    assert backend.spent.recomputed == 0
    assert backend.spent.forwards == 2


def test_blocks_say_what_they_cost(models: dict[str, Any]) -> None:
    backend = served(models, "llama-gqa")
    tree = backend.tree
    root = tree.extend(ROOT, [5, 6, 7])
    left, right = tree.extend(root, [8, 9]), tree.extend(root, [10])
    (block,) = backend.expand([left, right, root])
    assert (list(block.index), list(block.computed), block.forward) == ([0, 1, 2], [5, 1, 0], True)
    (block,) = backend.expand([right, left])
    assert (list(block.computed), block.forward) == ([0, 0], False)
    assert backend.spent.forwards == 1


def test_a_barrier_larger_than_the_pool_takes_several_calls(models: dict[str, Any]) -> None:
    backend = served(models, "llama-gqa", slots=12)
    tree = backend.tree
    root = tree.extend(ROOT, [5, 6, 7])
    leaves = [tree.extend(root, [token, token + 1]) for token in range(10, 40)]
    blocks = list(backend.expand(leaves))
    assert len(blocks) > 1 and all(block.forward for block in blocks)
    assert [i for block in blocks for i in block.index] == list(range(len(leaves)))
    assert backend.warm() <= 12
    assert backend.spent.computed == 3 + 2 * len(leaves), "the shared root was not kept"


def test_nothing_is_pinned_between_blocks(models: dict[str, Any]) -> None:
    """Two requests taking turns over a pool that holds one path each get their own rows."""
    backend = served(models, "llama-gqa", slots=8)
    tree = backend.tree
    first = [tree.extend(ROOT, [k, k + 1, k + 2, 50, 51, 52, 53]) for k in (5, 15, 25)]
    second = [tree.extend(ROOT, [k, k + 1, k + 2, 60, 61, 62, 63]) for k in (6, 16, 26)]
    for one, two in zip(backend.expand(first), backend.expand(second), strict=True):
        for block, nodes in ((one, first), (two, second)):
            truth = [plain(models["llama-gqa"], tree.path(nodes[i]))[-1] for i in block.index]
            assert difference(block.logits, np.stack(truth)) < 1e-5
    backend.clear()
    assert backend.warm() == 0


def test_long_paths_are_refused_before_anything_is_computed(models: dict[str, Any]) -> None:
    backend = served(models, "llama-gqa", slots=10)
    short = backend.tree.extend(ROOT, [5] * 3)
    with pytest.raises(ContextOverflow, match="10 slots"):
        backend.expand([short, backend.tree.extend(ROOT, [6] * 11)])
    backend = served(models, "llama-gqa")
    with pytest.raises(ContextOverflow, match="context of 64"):
        backend.expand([backend.tree.extend(ROOT, [6] * 65)])
    assert backend.spent.forwards == 0 and backend.warm() == 0
    list(backend.expand([backend.tree.extend(ROOT, [7] * 64)]))


def test_options_out_of_range(models: dict[str, Any]) -> None:
    for options in ({"slots": 0}, {"slots": -3}, {"nodes": 0}):
        with pytest.raises(InvalidOption):
            served(models, "llama-gqa", **options)
    backend = served(models, "llama-gqa", nodes=5)
    with pytest.raises(ContextOverflow, match="clear"):
        backend.tree.extend(ROOT, [1] * 6)


def test_a_forward_that_fails_gives_its_slots_back(
    models: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = served(models, "llama-gqa", slots=30)
    tree = backend.tree
    root = tree.extend(ROOT, [5, 6, 7])
    list(backend.expand([root]))
    leaf = tree.extend(root, [8, 9])
    lay = backend.route.lay

    def interrupted(*given: Any) -> Any:
        lay(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(backend.route, "lay", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(backend.expand([leaf]))
    assert backend.warm() == 3
    monkeypatch.undo()
    (block,) = backend.expand([leaf])
    assert difference(block.logits[0], plain(models["llama-gqa"], tree.path(leaf))[-1]) < 1e-5


def test_large_blocks_of_logits_are_cut(
    models: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "LOGIT_BYTES", 4 * 97 * 3)
    backend = served(models, "llama-gqa")
    nodes = [backend.tree.extend(ROOT, [k, 9]) for k in range(10, 18)]
    sizes = [(len(block.index), block.forward) for block in backend.expand(nodes)]
    assert sizes == [(3, True), (3, False), (2, False)] and backend.spent.forwards == 1


def test_memory_bounds_the_slots_by_default(models: dict[str, Any]) -> None:
    backend = served(models, "llama-gqa")
    assert isinstance(backend, LocalBackend) and backend.slots is not None
    # 3 layers of keys and values, 2 heads of 8, and a hidden state of 32, in float32.
    assert backend.pool.slot_bytes() in (0, 4 * (3 * 2 * 2 * 8 + 32))
    list(backend.expand([backend.tree.extend(ROOT, [3, 4])]))
    assert backend.pool.slot_bytes() == 4 * (3 * 2 * 2 * 8 + 32)
    assert backend.pool.capacity < 1000, "grown by need"


def test_replay_counts_what_it_computes(models: dict[str, Any]) -> None:
    backend = served(models, "bloom", slots=12)
    assert isinstance(backend, ReplayBackend)
    tree = backend.tree
    root = tree.extend(ROOT, [5, 6, 7])
    left, right = tree.extend(root, [8, 9]), tree.extend(root, [10, 11])
    (block,) = backend.expand([left, right, root])
    assert list(block.computed) == [5, 5, 0] and backend.spent.forwards == 1
    assert backend.warm() == 7 and backend.spent.recomputed == 3
    (block,) = backend.expand([root, left - 1])
    assert list(block.computed) == [0, 0] and not block.forward
    assert compare(models["bloom"], backend, seed=5, longest=12) < 1e-5
    assert backend.warm() <= 12
    backend.clear()
    assert backend.warm() == 0


def test_the_self_test_of_one_model_leaves_another_alone(models: dict[str, Any]) -> None:
    before = selftest.Trial(models["gpt2"])
    served(models, "gpt2")
    assert np.array_equal(before.truth, selftest.Trial(models["gpt2"]).truth)
