"""One warm interpreter within a tier: started, asked, ended.

A worker answers one request at a time and says nothing on its own. One that is late, or that says
what is no answer, is ended with all that it holds; its folder goes with it.
"""

import os
import select
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from treeseek.sandbox.inside import scratch, wire
from treeseek.sandbox.limits import Limits
from treeseek.sandbox.tiers import Tier, environment

_START, _GRACE = 60.0, 10.0  # seconds that a start may take, and an answer beyond its limit


class Lost(Exception):
    """The worker ended, or did not answer in time."""


class Worker:
    """A process of `tier`; raises Lost when it cannot be started."""

    def __init__(self, tier: Tier) -> None:
        self.tier = tier
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="treeseek-"))
        self._process = subprocess.Popen(
            tier.command(self.folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            cwd=self.folder,
            start_new_session=True,
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._writes = self._process.stdin.fileno()
        self._reads = self._process.stdout.fileno()
        self.pid = self._process.pid
        try:
            wire.send(self._writes, {"folder": self.folder, "alone": tier.alone})
            self._receive(_START)
        except (Lost, wire.Closed) as error:
            said = self.end()
            raise Lost(said or str(error)) from None

    def ask(self, *messages: dict[str, Any], limits: Limits) -> dict[str, Any]:
        """The answer to one request, in one message or two; raises Lost, and then has ended."""
        bounds = {**asdict(limits)}
        first, *more = messages
        try:
            for message in ({**first, "bounds": bounds}, *more):
                wire.send(self._writes, message)
            answer: dict[str, Any] = self._receive(limits.wall + _GRACE)
            scratch.empty(self.folder)
            return answer
        except (Lost, wire.Closed, OSError) as error:
            said = self.end()
            raise Lost(said or str(error)) from None

    def end(self) -> str:
        """End the process and all it holds, remove its folder; what it wrote to its errors."""
        process = self._process
        if process.poll() is None:
            assert process.stdin and process.stderr
            process.stdin.close()
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    process.wait(timeout=0.5)
                    break
                except subprocess.TimeoutExpired:
                    process.send_signal(number)
            process.wait()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        said = self._errors()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        with suppress(OSError):
            scratch.empty(self.folder)
            os.rmdir(self.folder)
        return said

    def _errors(self) -> str:
        stream = self._process.stderr
        if stream is None or stream.closed:
            return ""
        ready, _, _ = select.select([stream], [], [], 0)
        text = os.read(stream.fileno(), 4096).decode("utf-8", "replace") if ready else ""
        return text.strip().rpartition("\n")[2]

    def _receive(self, seconds: float) -> Any:
        until = time.monotonic() + seconds
        while not select.select([self._reads], [], [], 0.5)[0]:
            if time.monotonic() > until:
                raise Lost(f"no answer in {seconds:.0f} seconds")
        return wire.receive(self._reads)
