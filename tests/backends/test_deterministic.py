"""deterministic=: a search is the same to the last bit alone, in company and evicted."""

import copy
import json
import random
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from benchmarks.models import NoWords
from tests.backends.families import FAMILIES, VOCABULARY, build
from tests.backends.test_native import compiled
from treeseek import load, search, search_all, strategies
from treeseek.backends import selftest
from treeseek.backends.calibration import calibrate, kept_in
from treeseek.backends.selftest import difference, serve
from treeseek.backends.split import SplitRoute
from treeseek.errors import Incompatible, InvalidOption
from treeseek.native.kernels import kernels
from treeseek.tree import ROOT

NAMED = {family.name: family for family in FAMILIES}
SEARCHES = {
    "greedy": {"strategy": strategies.greedy()},
    "beam": {"strategy": strategies.beam(width=4), "n": 4},
    "samples": {"strategy": strategies.sample(), "n": 3},
    "stochastic beam": {"strategy": strategies.stochastic_beam(width=3), "n": 3},
}


def small(name: str = "llama-gqa", **options: Any) -> Any:
    return load(build(NAMED[name]), tokenizer=NoWords(), **options)


def bits(result: Any) -> list[tuple[Any, ...]]:
    """Tokens and log-probabilities, to be compared by ==."""
    return [(c.token_ids, c.logprob, c.score, c.finish) for c in result.candidates]


@pytest.mark.parametrize("how", SEARCHES)
def test_a_search_alone_is_the_search_among_64(how: str) -> None:
    compiled()
    rng = random.Random(5)
    prompts = [[rng.randrange(3, VOCABULARY) for _ in range(1 + i % 7)] for i in range(64)]
    options = {"limit": 8, "seed": 4, **SEARCHES[how]}
    together = small(deterministic=True)
    found = [bits(result) for result in search_all(prompts, model=together, **options)]
    alone = small(deterministic=True)
    for prompt, those in list(zip(prompts, found, strict=True))[::5]:
        alone.clear()
        assert bits(search(prompt, model=alone, **options)) == those
    cramped = small(deterministic=True, slots=30)
    cramped.backend.rows = 5
    for at in range(0, 64, 16):
        some = search_all(prompts[at : at + 4], model=cramped, **options)
        assert [bits(result) for result in some] == found[at : at + 4]
    assert cramped.backend.spent.recomputed > 0


def test_what_cannot_be_deterministic_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    gpt = next(family for family in FAMILIES if "native" not in family.routes)
    with pytest.raises(Incompatible, match=r"deterministic=True.*leave it out"):
        small(gpt.name, deterministic=True)
    with pytest.raises(InvalidOption, match="deterministic='yes'"):
        small(deterministic="yes")
    monkeypatch.setenv("CC", "no-such-compiler")
    kernels.cache_clear()
    try:
        with pytest.raises(Incompatible, match="no C compiler called no-such-compiler"):
            small(deterministic=True)
        assert not small().backend.capabilities.exact
    finally:
        kernels.cache_clear()


def test_it_is_the_default_where_it_is_possible() -> None:
    compiled()
    assert small().backend.capabilities.exact


def test_without_it_torch_takes_what_it_is_faster_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows by the kernels, many by torch, and both in one pool."""
    compiled()
    model = build(NAMED["llama-gqa"])
    monkeypatch.setattr(selftest, "crossover", lambda *_: 6)
    exact = serve(copy.deepcopy(model), deterministic=True)
    split: Any = serve(copy.deepcopy(model), deterministic=False)
    assert isinstance(split.route, SplitRoute) and not split.capabilities.exact
    rng = random.Random(0)
    paths = [[rng.randrange(3, VOCABULARY) for _ in range(4)]]
    for count in (3, 9, 2, 12):
        paths += [
            [*rng.choice(paths), *(rng.randrange(3, VOCABULARY) for _ in range(2))]
            for _ in range(count)
        ]
        rows = []
        for backend in (exact, split):
            nodes = [backend.tree.extend(ROOT, path) for path in paths[-count:]]
            rows.append(np.concatenate([block.logits for block in backend.expand(nodes)]))
        assert difference(rows[1], rows[0]) < 1e-5
    monkeypatch.setattr(selftest, "crossover", lambda *_: None)
    assert serve(copy.deepcopy(model), deterministic=False).capabilities.exact


def test_torch_is_timed_against_the_kernels(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """The width is measured, remembered, and the slower way never taken."""
    compiled()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kernels.cache_clear()
    model = build(NAMED["llama-gqa"])
    try:
        serve(copy.deepcopy(model), deterministic=False)
        (kept,) = tmp_path.rglob("crossover-*.json")
        costs = {"16": 2.0, "64": 4.0, "256": 9.0}
        for theirs, wide in (
            ({"16": 3.0, "64": 3.0, "256": 5.0}, 64),
            ({"16": 1.0, "64": 5.0, "256": 5.0}, 256),
            ({"16": 1.0, "64": 3.0, "256": 8.9}, None),
        ):
            kept.write_text(json.dumps({"ours": costs, "theirs": theirs}))
            split: Any = serve(copy.deepcopy(model), deterministic=False).route
            assert (split.wide if isinstance(split, SplitRoute) else None) == wide
        kept.write_text("nonsense")
        serve(copy.deepcopy(model), deterministic=False)
        assert json.loads(kept.read_text()).keys() == {"ours", "theirs"}
    finally:
        kernels.cache_clear()


def test_threads_do_not_change_a_bit() -> None:
    compiled()
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            options = {"limit": 12, "strategy": strategies.beam(width=8), "n": 8}
            found.append(bits(search([5, 9, 11], model=small(), **options)))
    finally:
        torch.set_num_threads(before)
    assert found[0] == found[1]


@pytest.mark.parametrize("context", [2, 6, 12, 64])
def test_a_short_context_is_timed_as_far_as_it_goes(context: int) -> None:
    model = build(NAMED["llama-gqa"])
    backend: Any = serve(model)
    model.config.max_position_embeddings = backend.context = context
    found = calibrate(backend)
    assert bool(found.milliseconds) == (context > 5) and found.most() >= 128


@pytest.mark.parametrize("costs", [{}, {"1": float("nan")}, {"1": -1.0}, {"0": 1.0}, {"1": 1e999}])
def test_a_damaged_calibration_is_measured_again(
    costs: dict[str, float], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    backend: Any = serve(build(NAMED["llama-gqa"]))
    kept = kept_in(backend)
    assert kept is not None
    kept.write_text(json.dumps({"milliseconds": costs, "bandwidth": 1.0, "gflops": 1.0}))
    assert calibrate(backend).most() >= 128
    assert not costs or json.loads(kept.read_text())["milliseconds"] != costs
