"""Compiling the kernels on first use, into a private folder of the user's cache.

The library is named after everything that decides its bits and whether it runs: source, compiler,
flags, processor. So a shared home folder serves different machines, and a new version never meets
an old library. A folder that others may write to is not trusted with code.
"""

import hashlib
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import platformdirs

HERE = Path(__file__).parent
FLAGS = ("-O3", "-std=gnu11", "-fPIC", "-shared", "-pthread", "-ffp-contract=off", "-Wno-psabi")
NEEDED = {"avx2": "-mavx2", "fma": "-mfma"}
"""Flags of the compiler by the processor's feature: all of them, or the portable code."""
BETTER = (
    {"avx512_vnni": "-mavx512vnni", "avx512vl": "-mavx512vl"},
    {"avx_vnni": "-mavxvnni"},
)
"""What multiplies whole numbers and adds them in one step; the first that is there is taken."""
_BEST = frozenset(flag for flags in BETTER for flag in flags.values())
PATIENCE = 120
"""Seconds a compiler may take."""


class Unbuilt(Exception):
    """The kernels cannot be compiled or loaded here; the message says why, in a few words."""


def library() -> Path:
    """Path of the compiled kernels, compiled now if need be (about two seconds).

    Raises Unbuilt without a compiler, without a folder of our own, or if compiling fails.
    """
    compiler = _compiler()
    folder = cache_folder()
    sources = sorted(HERE.glob("*.c"))
    flags = [*FLAGS, *features()]
    name = _digest(compiler, flags, [*sources, *sorted(HERE.glob("*.h"))])
    target = folder / f"kernels-{name}.so"
    if target.is_file():
        return target
    try:
        handle, draft = tempfile.mkstemp(suffix=".so", dir=folder)
        os.close(handle)
    except OSError as error:
        raise Unbuilt(f"the cache folder {folder} cannot be written ({error.strerror})") from None
    try:
        ordinary = [flag for flag in flags if flag not in _BEST]
        for some in [flags] if ordinary == flags else [flags, ordinary]:
            # A compiler older than the processor does not know its best flags.
            command = [compiler, *some, "-o", draft, *map(str, sources), "-lm"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
            if done.returncode == 0:
                break
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
            raise Unbuilt(f"{compiler} failed ({lines[0][:120]})")
        os.replace(draft, target)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unbuilt(f"{compiler} failed ({error})") from None
    finally:
        Path(draft).unlink(missing_ok=True)
    return target


def _compiler() -> str:
    chosen = os.environ.get("CC")
    for name in (chosen,) if chosen else ("cc", "gcc", "clang"):
        found = shutil.which(name)
        if found:
            return found
    raise Unbuilt("there is no C compiler" + (f" called {chosen}" if chosen else ""))


def cache_folder() -> Path:
    """The cache folder, made private; Unbuilt if somebody else could put a library there."""
    if os.name != "posix":
        raise Unbuilt(f"kernels are not compiled on {platform.system()}")
    folder = platformdirs.user_cache_path("treeseek")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except (OSError, RuntimeError) as error:
        raise Unbuilt(f"there is no cache folder ({error})") from None
    if found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Unbuilt(f"others may write to the cache folder {folder}")
    return folder


def features() -> list[str]:
    """Compiler flags for what this processor can do."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return []
    known = set(_processor().split())
    if not known.issuperset(NEEDED):
        return []
    better = next((flags for flags in BETTER if known.issuperset(flags)), {})
    return [*NEEDED.values(), *better.values()]


def _processor() -> str:
    """The processor's features as the system lists them, "" where it does not."""
    try:
        if sys.platform == "darwin":
            names = ["machdep.cpu.features", "machdep.cpu.leaf7_features"]
            done = subprocess.run(["sysctl", "-n", *names], capture_output=True, text=True)
            return done.stdout.lower()
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2] for line in lines if line.startswith("flags")), "")


def _digest(compiler: str, flags: list[str], sources: list[Path]) -> str:
    made = hashlib.sha256()
    real = os.path.realpath(compiler)
    found = os.stat(real)
    parts = [real, str(found.st_size), str(found.st_mtime_ns), platform.machine(), *flags]
    made.update("\0".join(parts).encode())
    for source in sources:
        made.update(source.name.encode() + b"\0" + source.read_bytes())
    return made.hexdigest()[:24]
