"""The arrows between rooms, as the code has them and as the rule sees them."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools import imports

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "transformers", "tokenizers", "safetensors", "rich", "click", "sympy", "scipy"}


def test_no_arrow_points_the_wrong_way() -> None:
    package = ROOT / "src" / "treeseek"
    assert sum(1 for _ in imports.arrows(package)) > 20
    assert imports.faults(package) == []


def house(folder: Path, files: dict[str, str]) -> Path:
    package = folder / "treeseek"
    rooms = ("tree", "errors", "requests", "live", "search", "scheduler", "registry")
    everything = {f"{room}.py": "" for room in rooms} | {
        f"{room}/__init__.py": ""
        for room in ("cli", "strategies", "backends", "selectors", "decoding")
    }
    for name, text in (everything | files).items():
        file = package / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return package


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("tree.py", "from treeseek.requests import Verdict"),
        ("tree.py", "from .requests import Verdict"),
        ("tree.py", "from . import requests"),
        ("strategies/beam.py", "from treeseek.tree import Tree"),
        ("strategies/beam.py", "from ..backends import toy"),
        ("strategies/beam.py", "import treeseek.backends.toy"),
        ("strategies/beam.py", "from treeseek.live import Live"),
        ("strategies/beam.py", "from treeseek.decoding import summary"),
        ("strategies/beam.py", "import random"),
        ("strategies/beam.py", "from time import perf_counter"),
        ("strategies/beam.py", "def inner():\n    import torch"),
        ("backends/hf.py", "from treeseek.search import search"),
        ("backends/hf.py", "import tests.backends"),
        ("scheduler.py", "from treeseek.strategies.beam import beam"),
        ("search.py", "from treeseek.cli import main"),
        ("search.py", "from treeseek.registry import find"),
        ("search.py", "from treeseek import Result"),
        ("search.py", "import rich"),
    ],
)
def test_a_wrong_arrow_is_seen_where_it_stands(tmp_path: Path, file: str, line: str) -> None:
    found = imports.faults(house(tmp_path, {file: line}))
    assert len(found) == 1
    assert found[0].startswith(f"{file}:{1 + line.count(chr(10))}: imports ")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("tree.py", "from treeseek.errors import InvalidOption"),
        ("strategies/beam.py", "from ..requests import Expand"),
        ("strategies/beam.py", "from treeseek.strategies.best import key"),
        ("strategies/beam.py", "from treeseek.selectors import majority"),
        ("strategies/beam.py", "from treeseek.live import Context"),
        ("strategies/beam.py", "from treeseek.decoding.samplers import Greedy"),
        ("backends/hf.py", "import torch"),
        ("search.py", "from treeseek import tree"),
        ("cli/run.py", "import treeseek, click\nfrom treeseek.registry import find"),
        ("__init__.py", "from treeseek.search import search"),
    ],
)
def test_a_right_arrow_is_let_through(tmp_path: Path, file: str, line: str) -> None:
    assert imports.faults(house(tmp_path, {file: line})) == []


def test_importing_treeseek_loads_nothing_heavy() -> None:
    code = "import json, sys, treeseek; print(json.dumps(sorted(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(said.stdout)}
    assert "treeseek" in loaded
    assert not loaded & HEAVY


def isort_style(name: str) -> tuple[int, str]:
    """The order that the linter keeps: constants, then classes, then the rest."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)


def test_public_names_are_sorted_and_there() -> None:
    treeseek = importlib.import_module("treeseek")
    names = list(treeseek.__all__)
    assert names == sorted(set(names), key=isort_style)
    assert [name for name in names if not hasattr(treeseek, name)] == []
    assert set(names) <= set(dir(treeseek))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = treeseek.no_such_name
