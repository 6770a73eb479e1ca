"""Every file of examples/ runs by itself and prints something."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def test_there_are_three() -> None:
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_example(path: Path, tmp_path: Path) -> None:
    """Short, and right when run from anywhere, with warnings as errors."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert 10 <= len(lines) <= 40
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", str(path)],
        cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}, text=True, timeout=240,
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert not list(tmp_path.iterdir()), "an example leaves no files behind"
