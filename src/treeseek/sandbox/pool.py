"""The sandbox itself: workers of one tier, and programs shared out among them.

Results come back in the order in which programs were given, whoever ran them. A worker that is
lost is replaced; the program that it ran is tried once more in a fresh one, so that a failure of
the machine is not taken for one of the program.
"""

import os
import queue
import weakref
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

from treeseek.errors import InvalidOption, NoSandbox
from treeseek.sandbox.limits import Limits, Ran, Test, Tested
from treeseek.sandbox.tiers import SUBPROCESS, TIERS, Tier
from treeseek.sandbox.worker import Lost, Worker

_T = TypeVar("_T")


class Sandbox:
    """Runs Python programs that are not trusted, in the strongest tier that this machine has.

    `tier` is the name of one tier to take and no other; the last one, "subprocess", is taken only
    with `allow_weak`. `workers` run side by side. A program gets the standard library and a scratch
    folder that nothing survives. The first program costs the start of a worker, up to a second; one
    more costs milliseconds. Threads may share a sandbox. `tier` is the tier in use: its name, what
    it stops and what it leaves open.

    Raises NoSandbox where no tier can be started, InvalidOption for what is no tier.
    """

    def __init__(
        self,
        tier: str | None = None,
        *,
        workers: int = 0,
        limits: Limits | None = None,
        allow_weak: bool = False,
    ) -> None:
        if workers < 0:
            raise InvalidOption(f"workers={workers}: give 1 or more, or 0 for one a processor.")
        self.limits = limits or Limits()
        self.workers = workers or os.cpu_count() or 1
        self._idle: queue.LifoQueue[Worker | None] = queue.LifoQueue()
        self._held: set[Worker] = set()
        self.tier, first = _strongest(_candidates(tier, allow_weak))
        for _ in range(self.workers - 1):
            self._idle.put(None)
        self._held.add(first)
        self._idle.put(first)
        self.close = weakref.finalize(self, _end_all, self._held, os.getpid())

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, program: str, *, stdin: str = "", limits: Limits | None = None) -> Ran:
        """Run one program to its end or to a limit; never raises for what the program does."""
        request = {"kind": "run", "program": program, "stdin": stdin}
        answer = self._ask(request, limits=limits)
        lost = {"stdout": "", "stderr": "", "status": -9}
        return Ran(**{**lost, **answer, "tier": self.tier.name})

    def run_all(
        self, programs: Sequence[str], *, stdin: str = "", limits: Limits | None = None
    ) -> list[Ran]:
        """Run many programs side by side; results in their order."""
        return self._share(lambda one: self.run(one, stdin=stdin, limits=limits), programs)

    def check(self, program: str, test: Test, *, limits: Limits | None = None) -> Tested:
        """Whether a program passes a test, which is executed where the program cannot reach."""
        request = {"kind": "check", "program": program}
        own = {"test": test.code, "own": list(test.own)}
        answer = self._ask(request, own, limits=limits)
        return Tested(**{"fault": "", **answer, "tier": self.tier.name})

    def check_all(
        self, pairs: Iterable[tuple[str, Test]], *, limits: Limits | None = None
    ) -> list[Tested]:
        """Check many (program, test) side by side; results in their order."""
        return self._share(lambda pair: self.check(*pair, limits=limits), list(pairs))

    def _share(self, work: Callable[[Any], _T], items: Sequence[Any]) -> list[_T]:
        with ThreadPoolExecutor(self.workers) as threads:
            return list(threads.map(work, items))

    def _ask(self, *messages: dict[str, Any], limits: Limits | None) -> dict[str, Any]:
        for _ in range(2):
            worker = self._idle.get()
            try:
                if worker is None:
                    worker = Worker(self.tier)
                    self._held.add(worker)
                answer = worker.ask(*messages, limits=limits or self.limits)
            except BaseException as error:
                if worker is not None:
                    self._held.discard(worker)
                    worker.end()
                self._idle.put(None)
                if not isinstance(error, Lost):
                    raise
            else:
                self._idle.put(worker)
                return answer
        return {"reason": "killed", "seconds": 0.0}


def standing(*, allow_weak: bool = False) -> Sandbox:
    """One sandbox for all who bring none of their own; it ends with the process."""
    return _standing(os.getpid(), allow_weak)


@lru_cache(maxsize=4)
def _standing(process: int, allow_weak: bool) -> Sandbox:
    return Sandbox(allow_weak=allow_weak)


def _candidates(name: str | None, allow_weak: bool) -> list[Tier]:
    known = {tier.name: tier for tier in TIERS}
    if name is not None and name not in known:
        raise InvalidOption(f"No tier {name!r}: choose from {', '.join(known)}.")
    if name == SUBPROCESS.name and not allow_weak:
        raise NoSandbox(
            f"The tier {name!r} does not stop {'; '.join(SUBPROCESS.leaves)}. "
            "Give allow_weak=True to take it all the same."
        )
    wanted = TIERS if name is None else (known[name],)
    return [tier for tier in wanted if allow_weak or tier is not SUBPROCESS]


def _strongest(tiers: Sequence[Tier]) -> tuple[Tier, Worker]:
    faults = []
    for tier in tiers:
        fault = tier.lacks()
        if not fault:
            try:
                return tier, Worker(tier)
            except Lost as error:
                fault = f"it does not start ({error})"
        faults.append(f"{tier.name}: {fault}")
    raise NoSandbox(
        f"Programs are only run where something holds them. {'; '.join(faults)}. Install one, or "
        "give allow_weak=True (--allow-weak) to run them with limits on resources alone."
    )


def _end_all(workers: set[Worker], owner: int) -> None:
    """End the workers of this process; a forked one holds copies that are not its own."""
    while workers and os.getpid() == owner:
        workers.pop().end()
