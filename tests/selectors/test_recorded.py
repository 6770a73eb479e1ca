"""Recorded answers of large models through every selector: accuracies as stated, and the page."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks import recorded
from benchmarks import selectors as benchmark
from treeseek import registry
from treeseek.selectors import Pool, at_every_size, pass_at_k

Shared = Callable[[str], Path]
# Accuracies stated for the two halves of each set: this copy holds one of them.
MODELS = {
    "6b_finetuning": (0.201, 0.232),
    "175b_finetuning": (0.328, 0.366),
    "6b_verification": (0.382, 0.398),
    "175b_verification": (0.557, 0.568),
}
SAMPLES = {1: (0.031, 0.048), 100: (0.435, 0.537)}
LEAVES = {5: (0.717, 0.667)}


@pytest.fixture
def root(shared: Shared) -> Path:
    shared("data/game24_recorded")
    return shared("data/gsm8k_recorded").parents[1]


def right(pool: Pool) -> list[bool]:
    return [one.key in pool.right for one in pool.candidates]


def stated(value: float, halves: tuple[float, float]) -> bool:
    """Equal to the figure of one half, to the digits it is stated with."""
    return any(abs(value - half) <= 0.0005 for half in halves)


def test_each_model_is_as_right_as_stated(root: Path) -> None:
    pools = recorded.gsm8k(root)
    shares = np.mean([right(pool) for pool in pools], axis=0)
    for name, share in zip(recorded.MODELS, shares, strict=True):
        assert stated(float(share), MODELS[name]), name


def test_samples_and_leaves_are_as_right_as_stated(root: Path) -> None:
    for pools, figures in (
        (recorded.game24_samples(root), SAMPLES),
        (recorded.game24_leaves(root), LEAVES),
    ):
        for size, halves in figures.items():
            reached = [pass_at_k(len(pool.candidates), sum(right(pool)), k=size) for pool in pools]
            assert stated(float(np.mean(reached)), halves), size


def test_equal_answers_are_equally_right(root: Path) -> None:
    """What is read as an answer decides, so a right and a wrong text never share one."""
    for name in ("cot100", "tot_b5"):
        pools = recorded.game24_samples(root) if name == "cot100" else recorded.game24_leaves(root)
        rows = recorded._rows(root, f"data/game24_recorded/{name}.jsonl")
        for pool, row in zip(pools, rows, strict=True):
            assert right(pool) == [bool(info["r"]) for info in row["infos"]], pool.id


def replayed(pools: list[Pool], most: int) -> None:
    """Every selector at every N up to `most`, in the order of drawing.

    None finds what is not there, at N=1 all of them take the candidate, and where all of the N are
    right, none is wrong.
    """
    rules = benchmark.EVERY
    for pool in pools:
        known = right(pool)
        sizes = range(1, min(len(known), most) + 1)
        found = at_every_size(pool, rules, sizes=sizes)
        assert found.keys() == rules.keys()
        for rule, hits in found.items():
            assert len(hits) == len(sizes) and hits[0] == known[0], rule
            for size, hit in zip(sizes, hits, strict=True):
                assert all(known[:size]) <= hit <= any(known[:size]), (rule, pool.id, size)


RECORDED = ["game24_samples", "game24_leaves", "gsm8k"]


@pytest.mark.parametrize("name", RECORDED)
def test_no_selector_finds_what_is_not_there(root: Path, name: str) -> None:
    replayed(getattr(recorded, name)(root)[:4], 24)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDED)
def test_every_selector_runs_at_every_size_of_every_pool(root: Path, name: str) -> None:
    pools = getattr(recorded, name)(root)
    replayed(pools, max(len(pool.candidates) for pool in pools))


def test_every_selector_is_replayed() -> None:
    """All of the registry; rpc by counts, for no log-probabilities were recorded."""
    names = {rule.name.removeprefix("counted-") for rule in benchmark.EVERY.values()}
    assert names == set(registry.names("selectors"))


def shown(root: Path, name: str) -> None:
    """The table of the page is what is computed now, from the half it was made of."""
    case = next(case for case in benchmark.cases(root) if case.name == name)
    if name in ("game24", "leaves", "gsm8k") and len(case.pools()) not in (46, 641):
        pytest.skip("the page shows the other half of the recorded answers")
    page = benchmark.PAGE.read_text(encoding="utf-8")
    assert benchmark.table(case, case.lines()) in page


def test_the_page_shows_what_is_computed(root: Path) -> None:
    shown(root, "leaves")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["game24", "gsm8k", "paths", "rewards"])
def test_every_table_shows_what_is_computed(root: Path, name: str) -> None:
    shown(root, name)


def test_the_picture_stands_alone() -> None:
    picture = ElementTree.parse(benchmark.PICTURE).getroot()
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert "rpc" in "".join(picture.itertext())
    assert benchmark.PICTURE.stat().st_size < 20_000
