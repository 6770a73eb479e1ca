"""The compiled kernels: the same bits whatever runs beside a row, and a way out where they lack."""

import copy
import ctypes
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from tests.backends.families import FAMILIES, VOCABULARY, build
from treeseek.backends.eight import eight_bits, round_weights
from treeseek.backends.native import NativeLinear
from treeseek.backends.selftest import difference, serve
from treeseek.native import build as building
from treeseek.native.kernels import Matrix, kernels
from treeseek.tree import ROOT

torch.set_num_threads(1)
EXACT = [f for f in FAMILIES if f.routes[0] == "native"]


def compiled() -> Any:
    """The kernels, or a skip that says why there are none."""
    try:
        return kernels()
    except building.Unbuilt as reason:
        pytest.skip(f"no compiled kernels: {reason}")


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def rows(backend: Any, paths: list[list[int]]) -> dict[tuple[int, ...], bytes]:
    """The bits of the logits after each of `paths`, asked for in one request."""
    nodes = [backend.tree.extend(ROOT, path) for path in paths]
    found = {}
    for block in backend.expand(nodes):
        for line, index in zip(block.logits, block.index, strict=True):
            found[tuple(paths[index])] = line.tobytes()
    return found


@pytest.mark.parametrize("family", EXACT, ids=lambda f: f.name)
def test_the_bits_of_a_row_depend_on_its_path_alone(family: Any, threads: None) -> None:
    compiled()
    model = build(family)
    rng = random.Random(7)
    stem = [rng.randrange(3, VOCABULARY) for _ in range(9)]
    paths = [
        stem[: rng.randrange(1, 10)] + [rng.randrange(3, VOCABULARY) for _ in range(1 + i % 5)]
        for i in range(64)
    ]
    paths = [list(path) for path in dict.fromkeys(map(tuple, paths))]
    torch.set_num_threads(1)
    alone: dict[tuple[int, ...], bytes] = {}
    for path in paths:
        backend = serve(copy.deepcopy(model))
        assert backend.capabilities.exact
        alone |= rows(backend, [path])
        backend.clear()
    for count in (2, 3, 8, 17, len(paths)):
        for workers in (1, 2):
            torch.set_num_threads(workers)
            some = rng.sample(paths, min(count, len(paths)))
            backend = serve(copy.deepcopy(model))
            together = rows(backend, some)
            assert together == {path: alone[path] for path in together}
            # Again, warm: the row is made from what was kept.
            assert rows(backend, some[::-1]) == together
    # Few slots and short calls: nodes dropped between, computed again in other company.
    backend = serve(copy.deepcopy(model), slots=30)
    backend.rows = 7
    for _ in range(3):
        some = rng.sample(paths, 20)
        together = rows(backend, some)
        assert together == {path: alone[path] for path in together}
    assert backend.spent.recomputed > 0


@pytest.mark.parametrize("name", ["llama-gqa", "qwen3"])
def test_in_eight_bits_too_the_rounded_model_is_what_answers(name: str) -> None:
    compiled()
    model = build(next(f for f in FAMILIES if f.name == name))
    round_weights(model)
    rng = random.Random(3)
    paths = [[rng.randrange(3, VOCABULARY) for _ in range(1 + i % 9)] for i in range(24)]
    backend = serve(copy.deepcopy(model), eight=True)
    assert backend.capabilities.path == "native" and backend.capabilities.exact
    together = rows(backend, paths)
    for path in paths[:8]:
        backend.clear()
        assert rows(backend, [path]) == {tuple(path): together[tuple(path)]}
        truth = model(torch.tensor([path])).logits[0, -1].detach().numpy()
        found = np.frombuffer(together[tuple(path)], np.float32)
        assert difference(found, truth) < 1e-3


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(0, 9),
    outputs=st.integers(1, 20),
    inputs=st.integers(1, 70),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_product_in_eight_bits_is_that_of_the_rounded_matrix(
    rows: int, outputs: int, inputs: int, seed: int
) -> None:
    compiled()
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(outputs, inputs, generator=generator)
    weight[0] = 0
    x = torch.randn(rows, inputs, generator=generator) * 10.0 ** torch.randint(
        -3, 4, (rows, 1), generator=generator
    )
    values, scales = eight_bits(weight)
    kept = values[:, :inputs].double() * scales[:, None].double()
    assert ((kept - weight).abs() <= 0.5001 * scales[:, None]).all()
    found = NativeLinear(weight, None, eight=True)(x)
    fineness = x.abs().amax(1, keepdim=True) / 32767
    bound = fineness * kept.abs().sum(1) + 1e-5 * x.abs().double() @ kept.abs().T
    assert ((found - x.double() @ kept.T).abs() <= bound + 1e-30).all()


def test_two_threads_give_the_bits_of_one_on_work_worth_sharing(threads: None) -> None:
    compiled()
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(3001, 1003, generator=generator)
    x = torch.randn(11, 1003, generator=generator)
    product = NativeLinear(weight, None)
    torch.set_num_threads(1)
    alone = torch.cat([product(row[None]).clone() for row in x])
    for workers in (1, 2, 3):
        torch.set_num_threads(workers)
        assert torch.equal(product(x), alone)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_hires_its_own_threads(threads: None) -> None:
    compiled()
    torch.set_num_threads(3)
    generator = torch.Generator().manual_seed(0)
    product = NativeLinear(torch.randn(3000, 1000, generator=generator), None)
    x = torch.randn(5, 1000, generator=generator)
    truth = product(x).numpy().tobytes()
    child = os.fork()
    if not child:
        signal.alarm(60)
        os._exit(0 if product(x).numpy().tobytes() == truth else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert product(x).numpy().tobytes() == truth


def test_memory_is_used_again_only_when_nobody_holds_it() -> None:
    compiled()
    generator = torch.Generator().manual_seed(0)
    product = NativeLinear(torch.randn(30, 8, generator=generator), None)
    x = torch.randn(4, 8, generator=generator)
    first = product(x).numpy()
    kept, row = first.copy(), first[2]
    del first
    second = product(-x)
    assert np.array_equal(row, kept[2])
    place = second.data_ptr()
    del second
    assert product(x).data_ptr() == place


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(0, 70),
    outputs=st.integers(1, 40),
    inputs=st.integers(1, 70),
    shift=st.integers(0, 7),
    biased=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_product_is_the_product(
    rows: int, outputs: int, inputs: int, shift: int, biased: bool, seed: int
) -> None:
    """Odd sizes, unaligned addresses, no rows; nothing is written past the end."""
    library = compiled()
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal(shift + outputs * inputs, np.float32)[shift:]
    x = rng.standard_normal(shift + rows * inputs, np.float32)[shift:]
    bias = rng.standard_normal(outputs, np.float32)
    out = np.full(rows * outputs + 8, 7.0, np.float32)
    by = Matrix(weight=weight.ctypes.data, outputs=outputs, inputs=inputs)
    by.bias = bias.ctypes.data if biased else None
    library.linear_run(out.ctypes.data, x.ctypes.data, rows, ctypes.byref(by), None, 2)
    matrix, lines = weight.reshape(outputs, inputs), x.reshape(rows, inputs)
    truth = lines.astype(np.float64) @ matrix.T.astype(np.float64) + (bias if biased else 0.0)
    bound = 1e-6 * inputs**0.5 * (np.abs(lines) @ np.abs(matrix).T + 1.0)
    assert (np.abs(out[: rows * outputs].reshape(rows, outputs) - truth) <= bound).all()
    assert (out[rows * outputs :] == 7.0).all()


def without(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Any:
    """A small model loaded while the cache is `folder`, nothing compiled before."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    kernels.cache_clear()
    try:
        return serve(build(EXACT[0]))
    finally:
        kernels.cache_clear()


def refused(backend: Any, *words: str) -> None:
    """The fused route, and one line that says why."""
    assert backend.capabilities.path == "fused" and not backend.capabilities.exact
    (note,) = backend.capabilities.notes
    assert "\n" not in note and all(word in note for word in words), note


def test_without_a_compiler_the_fused_route_serves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    refused(without(monkeypatch, tmp_path), "no C compiler called no-such-compiler")


def test_a_compiler_that_fails_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CC", "false")
    refused(without(monkeypatch, tmp_path), "failed (exit 1)")
    assert not list(tmp_path.rglob("*.so"))


def test_a_folder_others_may_write_to_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiled()
    (tmp_path / "treeseek").mkdir()
    (tmp_path / "treeseek").chmod(0o777)
    refused(without(monkeypatch, tmp_path), "others may write to the cache folder")


def test_a_folder_that_cannot_be_made_is_no_reason_to_fail(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiled()
    (tmp_path / "file").write_text("")
    refused(without(monkeypatch, tmp_path / "file"), "cache folder")


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_no_reason_to_fail(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiled()
    (tmp_path / "treeseek").mkdir(mode=0o500)
    refused(without(monkeypatch, tmp_path), "cannot be written")


def test_a_library_is_compiled_once_and_a_broken_one_is_not_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiled()
    assert without(monkeypatch, tmp_path / "one").capabilities.path == "native"
    (made,) = tmp_path.rglob("*.so")
    before = made.stat()
    assert without(monkeypatch, tmp_path / "one").capabilities.path == "native"
    assert made.stat().st_mtime_ns == before.st_mtime_ns
    other = tmp_path / "two" / "treeseek"
    other.mkdir(mode=0o700, parents=True)
    (other / made.name).write_bytes(b"not a library")
    refused(without(monkeypatch, tmp_path / "two"), "cannot be loaded", "delete")


@pytest.mark.parametrize("rows", [1, 3, 5])
def test_a_matrix_too_wide_for_the_stack_is_multiplied_all_the_same(rows: int) -> None:
    """Past 16,384 inputs weights are not widened for all rows at once."""
    compiled()
    generator = torch.Generator().manual_seed(1)
    for inputs in (16_384, 16_385):
        weight = torch.randn(9, inputs, generator=generator)
        x = torch.randn(rows, inputs, generator=generator)
        values, scales = eight_bits(weight)
        truth = x.double() @ (values[:, :inputs].double() * scales[:, None].double()).T
        found = NativeLinear(weight, None, eight=True)(x)
        assert (found - truth).abs().max() < 2e-2 * truth.abs().max()
