"""Every family: rows of random trees equal the plain forward, on the route it is said to take."""

import copy
import random
import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
import transformers
from transformers.utils import logging

from tests.backends.families import FAMILIES, MORE, VOCABULARY, Family, build
from treeseek.backends import selftest
from treeseek.backends.head import Head, decoder_of
from treeseek.backends.local import LocalBackend
from treeseek.backends.routes import TreeRoute
from treeseek.backends.selftest import difference, serve
from treeseek.tree import ROOT

torch.set_num_threads(1)
logging.set_verbosity_error()
TOLERANCE = 1e-5


def plain(model: Any, path: list[int]) -> np.ndarray:
    """Logits [L, V] of the model's own forward over one path, whatever it was used for before."""
    for module in model.modules():
        if hasattr(module, "max_seq_len_cached") and hasattr(module, "original_inv_freq"):
            module.max_seq_len_cached = module.original_max_seq_len
            module.inv_freq = module.original_inv_freq.clone()
    with torch.inference_mode():
        logits: np.ndarray = (
            model(input_ids=torch.tensor([path]), use_cache=False).logits[0].numpy()
        )
    return logits


def says_something(model: Any) -> None:
    """The comparison is worth nothing on a model that always says the same."""
    path = [1, 5, 9]
    for _ in range(24):
        path.append(int(plain(model, path)[-1].argmax()))
    assert len(set(path[3:])) >= 5, f"continuation {path[3:]}"


def compare(model: Any, backend: Any, *, seed: int, asks: int = 7, longest: int = 40) -> float:
    """Worst relative error of random asks over several growing trees."""
    rng = random.Random(seed)
    tree = backend.tree

    def tokens(count: int) -> list[int]:
        return [rng.randrange(3, VOCABULARY) for _ in range(count)]

    nodes = [tree.extend(ROOT, tokens(rng.randrange(1, 20))) for _ in range(3)]
    worst = 0.0
    for _ in range(asks):
        for _ in range(rng.randrange(1, 6)):
            at = rng.choice(nodes)
            at -= rng.randrange(1 + min(3, at & 0xFFFFFF))
            more = tokens(rng.choice([1, 1, 2, 4, 12]))
            if tree.depth(at) + len(more) <= longest:
                nodes.append(tree.extend(at, more))
        asked = list(dict.fromkeys(rng.choices(nodes, k=rng.randrange(1, 9))))
        answered = []
        for block in backend.expand(asked):
            answered.extend(block.index)
            truth = np.stack([plain(model, tree.path(asked[i]))[-1] for i in block.index])
            worst = max(worst, difference(block.logits, truth))
        assert answered == list(range(len(asked)))
    return worst


@pytest.mark.parametrize(
    "family",
    [*FAMILIES, *(pytest.param(family, marks=pytest.mark.slow) for family in MORE)],
    ids=lambda family: family.name,
)
def test_rows_equal_the_plain_forward(family: Family) -> None:
    if not hasattr(transformers, f"{family.kind}Config"):
        pytest.skip(f"transformers {transformers.__version__} has no {family.kind}")
    model = build(family)
    says_something(model)
    backend = serve(copy.deepcopy(model))
    assert backend.capabilities.path in family.routes
    slower = backend.capabilities.path in ("mask", "replay", *family.routes[1:])
    assert bool(backend.capabilities.notes) == slower
    assert compare(model, backend, seed=1) < TOLERANCE
    # Few slots and short calls: prompts in chunks, nodes dropped and computed again.
    backend = serve(copy.deepcopy(model), slots=44)
    backend.rows = 6
    assert compare(model, backend, seed=2, asks=5) < TOLERANCE
    assert backend.warm() <= 44
    backend.clear()
    backend.tree.clear()
    assert backend.warm() == 0
    assert compare(model, backend, seed=3, asks=2) < TOLERANCE


@pytest.mark.parametrize("route", ["fused", "tree"])
@pytest.mark.parametrize(
    "family", [f for f in FAMILIES if "fused" in f.routes], ids=lambda f: f.name
)
def test_what_the_kernels_serve_is_right_on_the_other_routes_too(
    family: Family, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selftest, "ROUTES", (route,))
    model = build(family)
    backend = serve(copy.deepcopy(model), slots=60)
    assert backend.capabilities.path == route
    assert compare(model, backend, seed=4) < TOLERANCE


@pytest.mark.parametrize("name", ["llama-gqa", "gemma2", "gptj", "mpt"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_passes_its_own_self_test(name: str, dtype: str) -> None:
    family = next(f for f in FAMILIES if f.name == name)
    model = build(family).to(getattr(torch, dtype))
    backend = serve(model)
    assert backend.capabilities.path in family.routes
    node = backend.tree.extend(ROOT, [3, 4, 5])
    (block,) = backend.expand([node])
    assert block.logits.dtype == np.float32 and np.isfinite(block.logits).all()


@pytest.mark.parametrize("name", ["gemma2", "granite", "cohere", "cohere2", "llama-gqa"])
def test_the_head_is_the_models_own(name: str) -> None:
    """Caps and scales after the last hidden state are kept."""
    family = next(f for f in FAMILIES if f.name == name)
    model = build(family)
    head = Head(model, decoder_of(model))
    path = torch.tensor([[5, 6, 7, 8]])
    with torch.inference_mode():
        hidden = head.decoder(input_ids=path, use_cache=False).last_hidden_state[0]
        truth = model(input_ids=path, use_cache=False).logits[0]
        assert torch.allclose(head(hidden), truth, rtol=1e-5, atol=1e-6)
    assert (head.matrix is None) == (name != "llama-gqa")


def test_nothing_is_said_or_warned_while_serving(capfd: pytest.CaptureFixture[str]) -> None:
    model = build(next(f for f in FAMILIES if f.name == "llama"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backend = LocalBackend(
            head := Head(model, decoder_of(model)), TreeRoute(model, head.decoder)
        )
        list(backend.expand([backend.tree.extend(ROOT, [1, 2, 3])]))
    assert capfd.readouterr() == ("", "")
