"""The warm interpreter: reads a request, forks what it asks for, watches it, answers.

A child gets copies of three descriptors and of the lines it needs, and no other; the descriptors
over which requests come and answers go are closed in it before anything of the program runs. A
child's word is never the answer: that is made here, of its status, its output and its judge.
"""

import fcntl
import gc
import importlib
import json
import os
import random
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from treeseek.sandbox.inside import cage, child, scratch
from treeseek.sandbox.inside.wire import Closed, receive, send

_WARM = (
    *("abc", "array", "bisect", "calendar", "cmath", "collections", "copy", "dataclasses"),
    *("datetime", "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "io"),
    *("itertools", "json", "math", "numbers", "operator", "queue", "random", "re", "statistics"),
    *("string", "struct", "textwrap", "time", "traceback", "types", "typing", "unicodedata"),
)
_DESCRIPTORS, _HIGH = 256, 100
_TICK, _DISK = 0.05, 0.2  # seconds between two looks at a child, and at its folder
_STARTED = b"+"


class Server:
    """Answers requests until nobody sends any."""

    def __init__(self, requests: int, replies: int, *, folder: str, alone: bool) -> None:
        self.requests, self.replies = requests, replies
        self.folder, self.alone = folder, alone
        self.nothing = os.open(os.devnull, os.O_RDWR)

    def serve(self) -> None:
        """One answer a request, in order."""
        while True:
            request = receive(self.requests)
            bounds = cage.Bounds(**request["bounds"])
            answer = self.run if request["kind"] == "run" else self.check
            send(self.replies, answer(request, bounds))

    def run(self, request: dict[str, Any], bounds: cage.Bounds) -> dict[str, Any]:
        """Run one program; its output and how it ended."""
        given = self._stdin(request["stdin"])
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()

        def program() -> int:
            _keep(given, out_end, err_end)
            self._settle(bounds)
            return child.run(request["program"])

        watched = Watched(_fork(program), bounds)
        for fd in {given, out_end, err_end} - {self.nothing}:
            os.close(fd)
        reason = watched.follow([out, err], self.folder)
        watched.end(everyone=not self.alone)
        stdout, stderr = (bytes(watched.read[fd]).decode("utf-8", "replace") for fd in (out, err))
        return {
            "reason": reason or _reason(watched, stderr),
            "status": watched.status,
            "stdout": stdout,
            "stderr": stderr,
            "seconds": watched.seconds,
        }

    def check(self, request: dict[str, Any], bounds: cage.Bounds) -> dict[str, Any]:
        """One test of a program: two children, the judge started and told its test first."""
        (report, report_end) = os.pipe()
        (of_program, to_judge), (of_judge, to_program) = os.pipe(), os.pipe()

        def judge() -> int:
            asked = receive(self.requests)
            _keep(self.nothing, self.nothing, self.nothing, report_end, of_program, to_program)
            os.write(3, _STARTED)
            self._settle(bounds)
            reason, fault = child.judge(asked["test"], asked["own"], reads=4, writes=5)
            os.write(3, json.dumps([reason, fault]).encode())
            return 0

        def program() -> int:
            _keep(self.nothing, self.nothing, self.nothing, of_judge, to_judge)
            self._settle(bounds)
            child.answer(request["program"], reads=3, writes=4)
            return 0

        first = _fork(judge)
        os.close(report_end)
        if os.read(report, 1) != _STARTED:
            raise Closed("the judge did not start")
        judging, judged = Watched(first, bounds), Watched(_fork(program), bounds)
        for fd in (of_program, to_judge, of_judge, to_program):
            os.close(fd)
        reason, fault = judging.follow([report], self.folder), ""
        if not reason:
            try:
                reason, fault = json.loads(bytes(judging.read[report]))
            except ValueError:
                reason = "killed"
        judged.end(patience=_TICK if reason == "gone" else 0.0, everyone=not self.alone)
        judging.end(everyone=not self.alone)
        if reason == "gone":
            reason = "error" if judged.killed else _reason(judged, "")
            reason = "error" if reason == "ok" else reason
        elif reason == "error":
            reason = _named(fault)
        return {"reason": reason, "fault": fault, "seconds": judging.seconds}

    def _settle(self, bounds: cage.Bounds) -> None:
        """All that a child does before the program."""
        os.setsid()
        os.chdir(self.folder)
        os.umask(0o077)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        child.streams()
        random.seed(0)  # the same chance for all, which a fork would otherwise reseed
        cage.enter(bounds, alone=self.alone)

    def _stdin(self, text: str) -> int:
        if not text:
            return self.nothing
        path = os.path.join(self.folder, "stdin")
        fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600)
        os.unlink(path)
        with open(fd, "wb", closefd=False) as file:
            file.write(text.encode("utf-8", "replace"))
        os.lseek(fd, 0, os.SEEK_SET)
        return fd


@dataclass
class Watched:
    """A child that is running: what it wrote, how long it took, how it ended."""

    pid: int
    bounds: cage.Bounds
    read: dict[int, bytearray] = field(default_factory=dict)
    status: int = 0
    cpu: float = 0.0
    ended: bool = False
    killed: bool = False
    seconds: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def follow(self, fds: list[int], folder: str) -> str:
        """Read until the child ends; the reason to end it, or "". Closes the descriptors."""
        poll = select.poll()
        self.read = {fd: bytearray() for fd in fds}
        waiting = set(fds)
        for fd in fds:
            poll.register(fd, select.POLLIN)
        looked, reason = self.started, ""
        while not reason and not (self._waited(os.WNOHANG) and not poll.poll(0)):
            for fd, _ in poll.poll(_TICK * 1000 if waiting else 1):
                part = os.read(fd, 1 << 16)
                self.read[fd] += part
                if not part:
                    poll.unregister(fd)
                    waiting.discard(fd)
            now = time.monotonic()
            if sum(map(len, self.read.values())) > self.bounds.output:
                reason = "output"
            elif now - self.started > self.bounds.wall:
                reason = "time"
            elif now - looked > _DISK:
                looked = now
                reason = "output" if scratch.filled(folder, self.bounds.disk << 20) else ""
        self.seconds = time.monotonic() - self.started
        for fd in fds:
            os.close(fd)
            del self.read[fd][self.bounds.output :]
        return reason

    def end(self, *, everyone: bool, patience: float = 0.0) -> None:
        """Kill what runs after `patience` seconds; `everyone` of its session where others may."""
        until = time.monotonic() + patience
        while not self._waited(os.WNOHANG) and time.monotonic() < until:
            time.sleep(0.001)
        if everyone:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        if not self.ended:
            os.kill(self.pid, signal.SIGKILL)
            self._waited(0)
            self.killed = True

    def _waited(self, how: int) -> bool:
        if not self.ended:
            pid, status, used = os.wait4(self.pid, how)
            if pid:
                self.ended = True
                self.status = os.waitstatus_to_exitcode(status)
                self.cpu = used.ru_utime + used.ru_stime
        return self.ended


def _reason(watched: Watched, stderr: str) -> str:
    """How a child ended that was not ended here."""
    if watched.status == 0:
        return "ok"
    if watched.status == -signal.SIGXCPU or watched.cpu >= watched.bounds.cpu:
        return "time"
    if watched.status == -signal.SIGSYS:
        return "refused"
    if watched.status < 0:
        return "killed"
    return _named(stderr.rstrip().rpartition("\n")[2])


def _named(line: str) -> str:
    """What an exception that nobody caught says of the reason."""
    return next((reason for sign, reason in _SIGNS if line.startswith(sign)), "error")


_SIGNS = (
    ("MemoryError", "memory"),
    ("RuntimeError: can't start new thread", "memory"),
    ("OSError: [Errno 12]", "memory"),
    ("PermissionError", "refused"),
    ("OSError: [Errno 27]", "output"),
    ("OSError: [Errno 28]", "output"),
)


def _fork(body: Callable[[], int]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        status = body()
    except Closed:
        status = 0
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode("utf-8", "replace"))
    finally:
        os._exit(status)


def _keep(*fds: int) -> None:
    """Number these descriptors from 0 and close all others."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, _HIGH) for fd in fds]
    for number, fd in enumerate(high):
        os.dup2(fd, number)
    os.closerange(len(fds), _DESCRIPTORS)


def serve() -> None:
    """Serve over standard input and output; the first request says where and how."""
    requests, replies = (fcntl.fcntl(fd, fcntl.F_DUPFD, _HIGH) for fd in (0, 1))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        settings = receive(requests)
        for name in _WARM:
            importlib.import_module(name)
        cage.give_up()
        sys.setrecursionlimit(1_000)
        gc.collect()
        gc.freeze()
        send(replies, {"ready": os.getpid()})
        Server(requests, replies, **settings).serve()
    except Closed:
        pass
