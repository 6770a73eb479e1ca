"""Queries that look at keys together: the bits of each alone, over blocks of keys and past them."""

import copy
import random
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import numpy as np
import torch

from tests.backends.families import SIZES, VOCABULARY, Family, build
from tests.backends.test_native import compiled, rows
from treeseek.backends.selftest import difference, serve

torch.set_num_threads(1)
LONG = {**SIZES, "max_position_embeddings": 256, "num_hidden_layers": 2}


def model(width: int, held: int, window: int | None = None) -> Any:
    """Four query heads of `width`, `held` of keys, the last `window` tokens seen."""
    options = {"head_dim": width, "num_key_value_heads": held, "sliding_window": window}
    return build(Family("long", "Mistral", options, sizes=LONG))


def trunks(seed: int) -> list[list[int]]:
    """Paths that part at every depth, just before the ends of blocks and behind them too."""
    rng = random.Random(seed)
    stem = [rng.randrange(3, VOCABULARY) for _ in range(150)]
    cuts = [1, 63, 64, 65, 100, 127, 128, 129, *rng.sample(range(150), 12)]
    tails = [[rng.randrange(3, VOCABULARY) for _ in range(rng.randrange(1, 40))] for _ in cuts]
    whole = [stem[:cut] + tail for cut, tail in zip(cuts, tails, strict=True)]
    inner = [path[: rng.randrange(1, len(path))] for path in whole[::3]]
    return [list(path) for path in dict.fromkeys(map(tuple, [*whole, *inner]))]


@pytest.mark.parametrize("window", [None, 70])
@pytest.mark.parametrize(
    ("width", "held"), [(8, 2), (8, 4), (16, 1), (18, 2), (24, 4), (40, 2), (64, 4)]
)
def test_who_looks_along_changes_no_bit(width: int, held: int, window: int | None) -> None:
    compiled()
    made = model(width, held, window)
    paths = trunks(width)
    backend = serve(copy.deepcopy(made))
    assert backend.capabilities.path == "native" and backend.capabilities.exact
    together = rows(backend, paths)
    for path in paths:
        backend.clear()
        assert rows(backend, [path]) == {tuple(path): together[tuple(path)]}
    for cut in (7, 40):  # calls end within a path, and the rest of it comes with the next
        backend.clear()
        backend.rows = cut
        assert rows(backend, paths[::-1]) == together
    for path in paths[:4]:
        truth = made(torch.tensor([path])).logits[0, -1].detach().numpy()
        found = np.frombuffer(together[tuple(path)], np.float32)
        assert difference(found, truth) < 1e-3


def test_a_key_far_back_is_seen() -> None:
    """What is compared above would show it: other bits where one shared token is another."""
    compiled()
    paths = trunks(1)
    found = rows(serve(model(8, 2)), paths)
    other = [[paths[0][0] ^ 1, *path[1:]] for path in paths]
    apart = rows(serve(model(8, 2)), other)
    assert all(a != b for a, b in zip(found.values(), apart.values(), strict=True))
