"""Make installs once and again only after a change; the tests have the last word in `.ci/run`."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LATER = 4_000_000_000

pytestmark = pytest.mark.skipif(
    not (shutil.which("make") and shutil.which("bash")), reason="make or bash is not installed"
)


class Clone:
    """A clone whose programs only write down that they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.book = folder / "calls"
        for name in ("Makefile", "pyproject.toml", "constraints.txt", ".ci/run"):
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        programs = folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        for name in ("pip", "python", "treeseek", "ruff", "mypy"):
            self.program(name, f'echo "{name} $*" >> "{self.book}"')

    def program(self, name: str, script: str) -> None:
        """Put a program into the environment."""
        file = self.folder / ".venv" / "bin" / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def call(self, *command: str) -> tuple[int, list[str]]:
        """Exit status and printed lines of a command."""
        surroundings = {key: value for key, value in os.environ.items() if "MAKE" not in key}
        said = subprocess.run(
            command,
            cwd=self.folder,
            env=surroundings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return said.returncode, said.stdout.splitlines()

    def calls(self, start: str) -> list[str]:
        """The calls so far that begin so."""
        lines = self.book.read_text().splitlines() if self.book.exists() else []
        return [line for line in lines if line.startswith(start)]


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    yield Clone(tmp_path)


def installs(clone: Clone) -> int:
    return len(clone.calls("python -m pip install"))


def test_what_is_installed_is_not_installed_again(clone: Clone) -> None:
    for _ in range(2):
        assert clone.call("make", "run")[0] == 0
        assert installs(clone) == 1
    assert len(clone.calls("treeseek solve countdown")) == 2
    assert clone.call("make", "test")[0] == 0
    assert installs(clone) == 2
    assert clone.call("make", "test-all")[0] == 0
    assert installs(clone) == 2


@pytest.mark.parametrize("file", ["pyproject.toml", "constraints.txt"])
def test_a_changed_requirement_is_installed(clone: Clone, file: str) -> None:
    clone.call("make", "run")
    os.utime(clone.folder / file, (LATER, LATER))
    clone.call("make", "run")
    assert installs(clone) == 2


def test_a_failed_install_is_tried_again_and_runs_nothing(clone: Clone) -> None:
    clone.program("python", "exit 1")
    assert clone.call("make", "run")[0] != 0
    assert clone.calls("treeseek") == []
    clone.program("python", f'echo "python $*" >> "{clone.book}"')
    assert clone.call("make", "run")[0] == 0
    assert installs(clone) == 1


def test_an_index_of_cpu_builds_reaches_pip(clone: Clone) -> None:
    clone.call("make", "run", "TORCH=file:///cpu-builds")
    (call,) = clone.calls("python -m pip install")
    assert "--extra-index-url file:///cpu-builds" in call
    assert "-c constraints.txt" in call


@pytest.mark.parametrize("closing", ["3 passed in 0.10s", "1 failed, 2 passed in 61.00s (0:01:01)"])
@pytest.mark.parametrize("lint", [0, 1])
def test_the_closing_line_is_last(clone: Clone, closing: str, lint: int) -> None:
    failed = int("failed" in closing)
    clone.program("ruff", f"exit {lint}")
    clone.program("python", f'case "$*" in *pytest*) echo "{closing}"; exit {failed};; esac')
    status, lines = clone.call("bash", ".ci/run")
    assert lines[-1] == closing
    assert bool(status) == bool(failed or lint)
