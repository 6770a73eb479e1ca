"""What a child does to itself before it runs a program: give up all that it will not need.

Rights are only ever given up, so a program cannot take them back. What the kernel of another system
does not offer is left out there; the tier says what that leaves open.
"""

import ctypes
import os
import resource
import signal
import struct
import sys
from dataclasses import dataclass
from functools import lru_cache

from treeseek.sandbox.inside import calls

_SET_DEATH_SIGNAL, _SET_DUMPABLE, _SET_SECCOMP, _DROP_BOUND, _NO_NEW_RIGHTS = 1, 4, 22, 24, 38
_CAPABILITIES = 0x20080522  # version of the interface of capset: 64 capabilities in two words
_FILTER = 2
_MIB = 1 << 20
_WORD, _OWN = struct.Struct("=I"), 0x7EADBEEF  # no process has this number

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
if _LIBC is not None:
    _LIBC.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


@dataclass(frozen=True)
class Bounds:
    """What one program may use: seconds, MiB, bytes of output, MiB on disk, open files."""

    wall: float
    cpu: int
    memory: int
    output: int
    disk: int
    files: int


def give_up() -> None:
    """Give up every right of a superuser, for good, and let no process look into this one.

    What is forked from here has no more. Raises OSError where a right cannot be given up.
    """
    if _LIBC is None:
        return
    if calls.known():
        _lines()
    _LIBC.prctl(_SET_DUMPABLE, 0, 0, 0, 0)  # refused where sandlock sees to it
    _call("prctl", _NO_NEW_RIGHTS, 1, 0, 0, 0)
    for capability in range(64):  # fails for one that is not there, and for who has none
        _LIBC.prctl(_DROP_BOUND, capability, 0, 0, 0)
    _call("capset", struct.pack("=Ii", _CAPABILITIES, 0), bytes(24))


def enter(bounds: Bounds, *, alone: bool) -> None:
    """Take on the limits of one program; `alone` refuses it other processes and sockets.

    Raises OSError where that cannot be had: nothing is run then.
    """
    _limit(resource.RLIMIT_CPU, bounds.cpu, bounds.cpu + 1)
    _limit(resource.RLIMIT_FSIZE, bounds.disk * _MIB)
    _limit(resource.RLIMIT_NOFILE, bounds.files)
    _limit(resource.RLIMIT_CORE, 0)
    if _LIBC is None:
        return
    _limit(resource.RLIMIT_AS, bounds.memory * _MIB)
    _limit(resource.RLIMIT_MEMLOCK, 0)
    parent = os.getppid()
    _call("prctl", _SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    if alone:
        _filter()


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    """Lower a limit; one that is lower already stays."""
    now = resource.getrlimit(kind)[1]
    most = soft if hard is None else hard
    if now != resource.RLIM_INFINITY:
        most = min(most, now)
    resource.setrlimit(kind, (min(soft, most), most))


def _filter() -> None:
    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.c_void_p))

    lines = _lines().replace(_WORD.pack(_OWN), _WORD.pack(os.getpid()))
    held = ctypes.create_string_buffer(lines, len(lines))
    program = Program(len(lines) // 8, ctypes.cast(held, ctypes.c_void_p))
    _call("prctl", _SET_SECCOMP, _FILTER, ctypes.addressof(program), 0, 0)


@lru_cache(maxsize=1)
def _lines() -> bytes:
    """The filter of a process whose number is _OWN, made before the first fork."""
    return b"".join(struct.pack("=HBBI", *line) for line in calls.program(_OWN))


def _call(name: str, *arguments: object) -> None:
    if getattr(_LIBC, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
