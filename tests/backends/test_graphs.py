"""The GPU's way through a decoder: the same steps on any device, recorded where there is a GPU."""

import copy
import random
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from tests.backends.families import FAMILIES, VOCABULARY, build
from treeseek.backends.fused import FusedRoute
from treeseek.backends.graphs import GraphRoute, Told
from treeseek.backends.head import Head, decoder_of
from treeseek.backends.local import LocalBackend
from treeseek.backends.selftest import Trial, difference, narrowed, serve
from treeseek.tree import ROOT

SHAPED = [f for f in FAMILIES if f.routes[0] == "native"]
DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
    ),
]


class Watched(GraphRoute):
    """Counts the calls that had one of the shapes."""

    shaped = others = 0

    def lay(self, *given: Any) -> Any:
        found = super().lay(*given)
        if isinstance(found, Told):
            self.shaped += 1
        else:
            self.others += 1
        return found


def served(model: Any, device: str) -> LocalBackend:
    model = copy.deepcopy(model).to(device)
    decoder = decoder_of(model)
    route = Watched(FusedRoute(model, decoder), record=device == "cuda")
    return LocalBackend(Head(model, decoder), route)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("family", SHAPED, ids=lambda f: f.name)
def test_it_passes_the_trial_of_a_route(family: Any, device: str) -> None:
    model = build(family)
    with narrowed(model):
        trial = Trial(model)
        backend = served(model, device)
        assert trial.error(backend) <= trial.tolerance
    assert backend.route.shaped + backend.route.others > 0


@pytest.mark.parametrize("device", DEVICES)
def test_frontiers_of_every_size_behind_prefixes_of_every_length(device: str) -> None:
    model = build(next(f for f in FAMILIES if f.name == "llama-gqa"))
    truth, backend = serve(copy.deepcopy(model)), served(model, device)
    rng = random.Random(3)
    for length in (0, 1, 7, 30, 50):
        stem = [rng.randrange(3, VOCABULARY) for _ in range(length)]
        for count in (1, 2, 3, 5, 17, 33, 70):
            tails = [
                [rng.randrange(3, VOCABULARY) for _ in range(rng.randrange(1, 9))]
                for _ in range(count)
            ]
            rows = []
            for one in (truth, backend):
                nodes = list(dict.fromkeys(one.tree.extend(ROOT, [*stem, *t]) for t in tails))
                rows.append(np.concatenate([block.logits for block in one.expand(nodes)]))
            assert difference(rows[1], rows[0]) < 1e-5
    assert backend.route.shaped > 10
    assert len(backend.route._calls) < backend.route.shaped


def test_what_has_no_shape_goes_by_the_fused_layers() -> None:
    """A prompt longer than a tail, and two trees with nothing in common but their length."""
    model = build(next(f for f in FAMILIES if f.name == "llama-gqa"))
    model.config.max_position_embeddings = 512
    backend, truth = served(model, "cpu"), serve(copy.deepcopy(model))
    rng = random.Random(1)
    paths = [[rng.randrange(3, VOCABULARY) for _ in range(200)] for _ in range(2)]
    for batch in ([paths[0]], paths, [[*path, 5] for path in paths]):
        rows = []
        for one in (truth, backend):
            nodes = [one.tree.extend(ROOT, path) for path in batch]
            rows.append(np.concatenate([block.logits for block in one.expand(nodes)]))
        assert difference(rows[1], rows[0]) < 1e-5
    assert backend.route.others == 3 and backend.route.shaped == 0


def test_a_tail_too_short_by_one_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: the row's own key hidden from it."""
    model = build(next(f for f in FAMILIES if f.name == "llama-gqa"))
    trial = Trial(model)
    backend = served(model, "cpu")
    told = Watched._told

    def short(self: Any, *given: Any) -> Any:
        found = told(self, *given)
        if found is not None:
            lengths = found.values[3 * found.shape.rows : 4 * found.shape.rows]
            lengths[:] = np.maximum(lengths - 1, 1)
        return found

    monkeypatch.setattr(Watched, "_told", short)
    assert trial.error(backend) > trial.tolerance


def test_calls_are_recorded_anew_when_what_they_read_has_moved() -> None:
    """Rotations of greater depths, or a pool that grew: an old record would read freed memory."""
    model = build(next(f for f in FAMILIES if f.name == "llama-gqa"))
    model.config.max_position_embeddings = 1024
    backend, truth = served(model, "cpu"), serve(copy.deepcopy(model))
    before: list[Any] = []
    for length in (40, 300, 520):
        stem = [3 + i % 90 for i in range(length)]
        rows = []
        for one in (truth, backend):
            list(one.expand([one.tree.extend(ROOT, stem)]))
            nodes = [one.tree.extend(ROOT, [*stem, 5 + i]) for i in range(3)]
            rows.append(np.concatenate([block.logits for block in one.expand(nodes)]))
        assert difference(rows[1], rows[0]) < 1e-5
        route: Any = backend.route
        assert route._turned is route.fused.turns(length)[0]
        assert route._capacity == backend.pool.capacity
        sheets = [sheet for sheet, _ in route._calls.values()]
        assert not any(sheet is old for sheet in sheets for old in before)
        before = sheets
