"""Set-up refuses in one line what cannot work, and a wheel carries all of the package."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
make = shutil.which("make")
needs_make = pytest.mark.skipif(make is None, reason="make is not installed")

PRETEND = """#!/bin/sh
exec "{python}" -c '
import runpy, sys
{change}
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
' "$@"
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A clone without an environment: what the Makefile reads, and nothing else."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "tools/preflight.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def refusal(repository: Path, python: str) -> str:
    """The one line that `make run` stops with."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    said = subprocess.run(
        [str(make), "run", f"PYTHON={python}"],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode != 0
    assert not (repository / ".venv").exists()
    (line,) = (said.stdout + said.stderr).splitlines()
    return line


def pretending(folder: Path, change: str) -> str:
    """A Python that runs a script after a change to what it says of itself."""
    file = folder / "python-that-pretends"
    file.write_text(PRETEND.format(python=sys.executable, change=change))
    file.chmod(0o755)
    return str(file)


@needs_make
def test_an_old_python_is_refused_in_one_line(repository: Path) -> None:
    python = pretending(repository, 'sys.version_info = (3, 9, 18, "final", 0)')
    line = refusal(repository, python)
    assert "needs Python 3.11 or newer" in line
    assert "is 3.9" in line
    assert "install python3.11" in line


@needs_make
@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_missing_venv_module_is_said_in_one_line(repository: Path, module: str) -> None:
    line = refusal(repository, pretending(repository, f'sys.modules["{module}"] = None'))
    assert f"no {module} module" in line
    assert "python3-venv" in line


@needs_make
def test_a_python_that_is_not_there_is_said_in_one_line(repository: Path) -> None:
    line = refusal(repository, "no-such-python")
    assert "no-such-python does not run" in line
    assert "install Python 3.11 or newer" in line


@needs_make
def test_a_good_python_gets_past_the_check(repository: Path) -> None:
    python = pretending(repository, "")
    said = subprocess.run(
        [python, "tools/preflight.py"], cwd=repository, capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout) == (0, "ok\n")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout, built without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "-w", str(folder)]
    command = [sys.executable, "-m", "pip", "wheel", *options, str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("treeseek-*.whl")
    return built


def test_a_wheel_carries_every_file_of_the_package(wheel: Path) -> None:
    source = ROOT / "src"
    here = {
        file.relative_to(source).as_posix()
        for file in (source / "treeseek").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if name.startswith("treeseek/")}
    assert inside == here
    assert "treeseek/py.typed" in inside
    assert "treeseek/models/embedded/model.safetensors" in inside


def test_a_wheel_runs_from_where_it_is_unpacked(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = "import treeseek, treeseek.cli; print(treeseek.__file__)"
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(said.stdout.strip()).is_relative_to(tmp_path)


def test_a_wheel_stays_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 10 * 2**20
    embedded = ROOT / "src" / "treeseek" / "models" / "embedded"
    assert sum(file.stat().st_size for file in embedded.iterdir()) <= 8 * 2**20
