"""The kernels under those who watch memory and threads: no read or write out of place, no race."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from treeseek.native.build import BETTER, HERE, NEEDED, Unbuilt, _compiler, features

DRIVERS = Path(__file__).parent
FLAGS = ("-std=gnu11", "-pthread", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", "-Wno-psabi")
WATCHED = {
    "addresses": ("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    "threads": ("-fsanitize=thread",),
}
pytestmark = pytest.mark.slow


def made(folder: Path, *flags: str, compiler: str | None = None) -> Path:
    """The driver, compiled; a skip where there is no compiler, or none that watches."""
    try:
        compiler = compiler or _compiler()
    except Unbuilt as reason:
        pytest.skip(str(reason))
    target = folder / "drive"
    sources = [*map(str, sorted(HERE.glob("*.c"))), *map(str, sorted(DRIVERS.glob("*.c")))]
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


@pytest.mark.parametrize("chosen", [(), None], ids=["portable", "this processor"])
@pytest.mark.parametrize("watch", WATCHED)
def test_nothing_is_out_of_place(
    watch: str, chosen: tuple[str, ...] | None, tmp_path: Path
) -> None:
    flags = features() if chosen is None else chosen
    done = run(str(made(tmp_path, *WATCHED[watch], *flags)))
    assert done.returncode == 0 and not done.stdout and not done.stderr, done.stdout + done.stderr


@pytest.mark.parametrize("missing", ["SHORT=1", "SLIM=17"])
def test_a_float_too_few_is_noticed(missing: str, tmp_path: Path) -> None:
    done = run(str(made(tmp_path, *WATCHED["addresses"], f"-D{missing}")))
    assert done.returncode != 0 and "heap-buffer-overflow" in done.stderr


@pytest.mark.skipif(not shutil.which("valgrind"), reason="no valgrind")
def test_valgrind_finds_nothing(tmp_path: Path) -> None:
    drive = str(made(tmp_path, *features()))
    kinds = "--errors-for-leak-kinds=definite"
    shown = "--show-leak-kinds=definite"
    done = run("valgrind", "-q", "--leak-check=full", kinds, shown, "--error-exitcode=9", drive)
    assert done.returncode == 0 and not done.stderr, done.stderr


@pytest.mark.skipif(
    not (shutil.which("aarch64-linux-gnu-gcc") and shutil.which("qemu-aarch64")),
    reason="no compiler for, or emulator of, an ARM processor",
)
def test_an_arm_processor_computes_the_same(tmp_path: Path) -> None:
    drive = str(made(tmp_path, "-static", compiler="aarch64-linux-gnu-gcc"))
    done = run("qemu-aarch64", drive)
    assert done.returncode == 0 and not done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("better", BETTER, ids=lambda flags: "-".join(flags))
def test_the_one_step_product_is_used_where_the_processor_has_it(
    better: dict[str, str], tmp_path: Path
) -> None:
    try:
        compiler = _compiler()
    except Unbuilt as reason:
        pytest.skip(str(reason))
    out = tmp_path / "linear.s"
    flags = (*NEEDED.values(), *better.values(), "-std=gnu11", "-O3", "-Wno-psabi")
    done = subprocess.run([compiler, *flags, "-S", str(HERE / "linear.c"), "-o", str(out)])
    if done.returncode:
        pytest.skip("this compiler is older than the processor's feature")
    text = out.read_text()
    assert "vpdpwssd" in text and "vpmaddwd" not in text
