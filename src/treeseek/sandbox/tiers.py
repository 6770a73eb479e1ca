"""The tiers in which programs are run, strongest first, and what each does not stop.

A tier is a way to start one process that holds others. Nothing runs without one, and a tier that
cannot be started on this machine is not replaced by a weaker one unless the caller allows it. What
is said here is what tests/sandbox measures.
"""

import json
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from treeseek.sandbox.inside import calls

INSIDE = Path(__file__).parent / "inside"
_PACKAGE = "treeseek.sandbox.inside"
_BOOT = (
    "import sys, types\n"
    f"for name in {[_PACKAGE[:8], _PACKAGE[:16], _PACKAGE]!r}:\n"
    "    sys.modules[name] = types.ModuleType(name)\n"
    "    sys.modules[name].__path__ = [sys.argv[1]] if name.endswith('inside') else []\n"
    f"from {_PACKAGE}.server import serve\n"
    "serve()\n"
)
_SYSTEM = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/null", "/dev/urandom")
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}
_ALONE = (
    "other processes: programs started, signals, debuggers, shared memory",
    "the network: no socket can be made",
    "files outside the scratch folder, but for reading Python and the system's libraries",
)
_LIMITS = ("memory, processor time, output, disk space and open files of one program",)
_SIDE = "what the processor gives away by its timing"


@dataclass(frozen=True)
class Tier:
    """One way to hold a program: its name, what it stops, and what it leaves open.

    `alone`: the kernel refuses a program other processes and sockets. `lacks()` says what is not
    there, or "". `command(folder)` starts the process that serves, with `folder` for scratch.
    """

    name: str
    stops: tuple[str, ...]
    leaves: tuple[str, ...]
    alone: bool
    lacks: Callable[[], str]
    command: Callable[[str], list[str]]


def environment() -> dict[str, str]:
    """All that a held process sees of the environment."""
    return dict(_ENVIRONMENT)


def _python() -> list[str]:
    """The interpreter itself, without the packages of an environment."""
    flags = ("-s", "-P", "-S", "-B")  # not -I: the seed of hashes is in the environment
    return [os.path.realpath(sys.executable), *flags, "-c", _BOOT, str(INSIDE)]


def _readable() -> list[str]:
    paths = [*_SYSTEM, os.path.realpath(sys.base_prefix), str(INSIDE)]
    return [path for path in dict.fromkeys(paths) if os.path.exists(path)]


def _unknown_machine() -> str:
    if sys.platform != "linux":
        return "it needs Linux"
    known = ", ".join(calls.MACHINES)
    return "" if calls.known() else f"{platform.machine()} is none of {known}"


def _lacks_sandlock() -> str:
    if said := _unknown_machine():
        return said
    if find_spec("sandlock") is None:
        return "sandlock is not installed: pip install 'treeseek[sandbox]'"
    return ""


def _sandlock(folder: str) -> list[str]:
    spec = find_spec("sandlock")
    assert spec is not None and spec.origin is not None
    settings = {
        "package": str(Path(spec.origin).parents[1]),
        "command": _python(),
        "readable": _readable(),
        "writable": [folder, os.devnull],
        "environment": _ENVIRONMENT,
    }
    keeper = str(Path(__file__).with_name("keeper.py"))
    return [sys.executable, "-I", keeper, json.dumps(settings)]


def _lacks_bubblewrap() -> str:
    if said := _unknown_machine():
        return said
    return "" if shutil.which("bwrap") else "bwrap is not installed: apt install bubblewrap"


def _bubblewrap(folder: str) -> list[str]:
    found = shutil.which("bwrap")
    assert found is not None
    binds = [
        part
        for path in _readable()
        for part in ("--dev-bind" if path.startswith("/dev/") else "--ro-bind", path, path)
    ]
    return [
        *(found, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *(*binds, "--bind", folder, folder, "--remount-ro", "/", "--chdir", folder, "--clearenv"),
        *(part for name, value in _ENVIRONMENT.items() for part in ("--setenv", name, value)),
        *("--", *_python()),
    ]


def _lacks_subprocess() -> str:
    return "" if os.name == "posix" else "it needs a POSIX system"


def _subprocess(folder: str) -> list[str]:
    return _python()


SANDLOCK = Tier(
    "sandlock",
    (*_ALONE, *_LIMITS),
    (
        "asking whether a file exists and how large it is",
        _SIDE,
        "flaws of the kernel: it is shared",
    ),
    True,
    _lacks_sandlock,
    _sandlock,
)
BUBBLEWRAP = Tier(
    "bubblewrap",
    (*_ALONE, *_LIMITS),
    (_SIDE, "flaws of the kernel: it is shared"),
    True,
    _lacks_bubblewrap,
    _bubblewrap,
)
SUBPROCESS = Tier(
    "subprocess",
    _LIMITS,
    (
        "reading and writing files that you can read and write",
        "the network",
        "starting processes, and leaving some behind",
        "signals to your processes",
        "memory of several processes together",
        _SIDE,
    ),
    False,
    _lacks_subprocess,
    _subprocess,
)
TIERS = (SANDLOCK, BUBBLEWRAP, SUBPROCESS)
"""Strongest first."""
