"""Processes that judge symbolic answers, reused from one question to the next.

This file believes that a worker may hang, crash or answer nonsense at any time, and that none of it
may reach the caller: such a worker is replaced, and what it was asked has a fault for an answer.
Workers are started when they are first needed and end with this process. It covers POSIX only.
"""

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

START = 60.0
"""Seconds that a worker may take to load its library."""
ENDED = "the worker ended while it judged"


@dataclass(frozen=True, slots=True)
class Question:
    """A true answer, what a text states as its own, the whole text, and the seconds to judge."""

    gold: str
    stated: str
    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether the two are equal, or the fault that kept a worker from saying so."""

    equal: bool
    fault: str = ""


class Worker:
    """One process; `ask` waits for at most the seconds of the question, then ends it."""

    def __init__(self) -> None:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "treeseek.verifiers.judge"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path}, start_new_session=True,
        )  # fmt: skip
        self._heard = b""
        self._ready = False

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked again."""
        return self._process.poll() is None

    def ask(self, question: Question) -> Finding:
        """The finding on one question; after a fault of the worker itself it is not alive."""
        assert self._process.stdin is not None
        values = [question.gold, question.stated, question.text, question.seconds]
        try:
            if not self._ready:
                self._line(START)
                self._ready = True
            self._process.stdin.write(json.dumps(values).encode() + b"\n")
            self._process.stdin.flush()
            found = json.loads(self._line(question.seconds))
        except TimeoutError:
            return self._lost(f"the worker gave no judgement within {question.seconds:g} s")
        except (EOFError, OSError):
            return self._lost(ENDED if self._ready else "the worker did not start")
        return Finding(bool(found["equal"]), found.get("fault", ""))

    def close(self) -> None:
        """End the process."""
        if self.alive:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was written last never arrived
                    pipe.close()

    def _lost(self, why: str) -> Finding:
        self.close()
        return Finding(False, why)

    def _line(self, seconds: float) -> bytes:
        """The next line it writes; raises EOFError if it ends and TimeoutError if the time does."""
        assert self._process.stdout is not None
        end = time.monotonic() + seconds
        while b"\n" not in self._heard:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise TimeoutError
            part = os.read(self._process.stdout.fileno(), 1 << 16)
            if not part:
                raise EOFError
            self._heard += part
        line, _, self._heard = self._heard.partition(b"\n")
        return line


class Workers:
    """At most `count` workers, lent to one thread at a time."""

    def __init__(self, count: int) -> None:
        self._free: list[Worker] = []
        self._room = threading.BoundedSemaphore(count)
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._count = count

    def ask(self, question: Question) -> Finding:
        """The finding on one question; waits for a free worker. Never raises for what it reads."""
        with self._room:
            with self._lock:
                if self._owner != os.getpid():  # the pipes belong to the process we forked from
                    self._free, self._owner = [], os.getpid()
                worker = self._free.pop() if self._free else None
            finding = None if worker is None else worker.ask(question)
            if worker is None or finding is None or finding.fault == ENDED:  # it died unasked
                worker = Worker()
                finding = worker.ask(question)
            if worker.alive:
                with self._lock:
                    self._free.append(worker)
            return finding

    def ask_all(self, questions: list[Question]) -> list[Finding]:
        """The findings on many, in order, all workers busy."""
        if len(questions) < 2:
            return [self.ask(question) for question in questions]
        with ThreadPoolExecutor(self._count) as threads:
            return list(threads.map(self.ask, questions))

    def close(self) -> None:
        """End the workers that are free."""
        with self._lock:
            free, self._free = self._free, []
        if self._owner == os.getpid():
            for worker in free:
                worker.close()


@lru_cache(maxsize=1)
def shared() -> Workers:
    """The workers of this process, as many as processors but at most four."""
    workers = Workers(min(4, os.cpu_count() or 1))
    atexit.register(workers.close)
    return workers
