"""The kernels under those who watch memory and threads: no read or write out of place, no race."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from treeseek.native.build import HERE, Unbuilt, _compiler, _features

DRIVE = Path(__file__).parent / "drive.c"
FLAGS = ("-std=gnu11", "-pthread", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", "-Wno-psabi")
WATCHED = {
    "addresses": ("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    "threads": ("-fsanitize=thread",),
}
pytestmark = pytest.mark.slow


def made(folder: Path, *flags: str) -> Path:
    """The driver, compiled; a skip where there is no compiler, or none that watches."""
    try:
        compiler = _compiler()
    except Unbuilt as reason:
        pytest.skip(str(reason))
    target = folder / "drive"
    sources = [*map(str, sorted(HERE.glob("*.c"))), str(DRIVE)]
    command = [
        compiler,
        "-O1",
        "-g",
        *FLAGS,
        *flags,
        f"-I{HERE}",
        *sources,
        "-o",
        str(target),
        "-lm",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode and "sanitize" in " ".join(flags) and "cannot find -l" in done.stderr:
        pytest.skip("this compiler has no sanitizers")
    assert done.returncode == 0, done.stderr
    return target


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=dict(os.environ)
    )


@pytest.mark.parametrize("features", [(), None], ids=["portable", "this processor"])
@pytest.mark.parametrize("watch", WATCHED)
def test_nothing_is_out_of_place(
    watch: str, features: tuple[str, ...] | None, tmp_path: Path
) -> None:
    flags = _features() if features is None else features
    done = run(str(made(tmp_path, *WATCHED[watch], *flags)))
    assert done.returncode == 0 and not done.stdout and not done.stderr, done.stdout + done.stderr


def test_a_float_too_few_is_noticed(tmp_path: Path) -> None:
    done = run(str(made(tmp_path, *WATCHED["addresses"], "-DSHORT=1")))
    assert done.returncode != 0 and "heap-buffer-overflow" in done.stderr


@pytest.mark.skipif(not shutil.which("valgrind"), reason="no valgrind")
def test_valgrind_finds_nothing(tmp_path: Path) -> None:
    drive = str(made(tmp_path, *_features()))
    kinds = "--errors-for-leak-kinds=definite"
    shown = "--show-leak-kinds=definite"
    done = run("valgrind", "-q", "--leak-check=full", kinds, shown, "--error-exitcode=9", drive)
    assert done.returncode == 0 and not done.stderr, done.stderr
