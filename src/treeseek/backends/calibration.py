"""What one call costs on this machine by its number of rows: measured once, remembered.

A search is worth batching as far as c(N) stays flat, and a draft as long as c(n + 1) says; so both
are measured, never assumed. Beside it stand the two bounds of any machine: how fast it reads memory
and how fast it multiplies. Times are the best of a few, since other work only adds to them.
"""

import json
import math
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import torch

from treeseek.backends.local import LocalBackend
from treeseek.backends.native import NativeLinear
from treeseek.native.build import Unbuilt, cache_folder
from treeseek.native.kernels import kernels
from treeseek.tree import ROOT

T = TypeVar("T")

SIZES = (1, 16, 4, 8, 2, 32, 64)
"""Rows of the calls that are timed, those first that tell most if time runs out."""
WIDE = (16, 64, 256)
"""Rows at which two ways to compute them are compared."""
PROMPT, DEEPER = 16, 5
"""Tokens before the rows that are timed, and from there to the deepest of them."""
SECONDS = 0.8
"""After this no larger call is tried."""
SIDE = 1024
"""Rows and columns of the matrices that are multiplied to find the speed of arithmetic."""
BYTES = 1 << 28
"""Read to find the bandwidth: more than a cache holds."""


@dataclass(frozen=True)
class Calibration:
    """`milliseconds` of one call by its rows; `bandwidth` in GB/s read, `gflops` in float32."""

    milliseconds: dict[int, float]
    bandwidth: float
    gflops: float

    def enough(self) -> int:
        """Rows from which a call is within a tenth of the least cost a row; 1 if none was timed."""
        if not self.milliseconds:
            return 1
        costs = {count: spent / count for count, spent in self.milliseconds.items()}
        least = min(costs.values())
        return min(count for count, cost in costs.items() if cost <= 1.1 * least)

    def most(self) -> int:
        """Rows of one call: what a call costs whatever its rows is a fortieth of it by then."""
        return max(128, 4 * self.enough())


def calibrate(backend: LocalBackend) -> Calibration:
    """The calibration of `backend` with the threads in use, from the cache if it is there.

    Takes under a second the first time. Leaves the backend's tree and slots alone. A cache that
    cannot be read or written only costs the measurement.
    """

    def measured() -> dict[str, Any]:
        return {
            "milliseconds": _costs(backend, SIZES),
            "bandwidth": bandwidth(),
            "gflops": gflops(),
        }

    return _remembered(backend, "calibration", measured, _calibration)


def crossover(ours: LocalBackend, theirs: LocalBackend) -> int | None:
    """Fewest rows from which `theirs` takes a twentieth less time than `ours`; None: never.

    Measured once, as `calibrate` does; takes some seconds for a large model.
    """

    def measured() -> dict[str, Any]:
        return {"ours": _costs(ours, WIDE), "theirs": _costs(theirs, WIDE)}

    def read(kept: Any) -> int | None:
        found = None
        for count in reversed(WIDE):
            key = str(count)
            if key not in kept["ours"] or key not in kept["theirs"]:
                continue
            if float(kept["theirs"][key]) > 0.95 * float(kept["ours"][key]):
                break
            found = count
        return found

    return _remembered(ours, "crossover", measured, read)


def _calibration(kept: Any) -> Calibration:
    costs = {int(count): float(spent) for count, spent in kept["milliseconds"].items()}
    if not all(count > 0 and 0 < spent < math.inf for count, spent in costs.items()):
        raise ValueError("no time of a call")
    return Calibration(costs, float(kept["bandwidth"]), float(kept["gflops"]))


def _remembered(
    backend: LocalBackend,
    what: str,
    measured: Callable[[], dict[str, Any]],
    read: Callable[[Any], T],
) -> T:
    """What `read` makes of the file kept for `backend`, or of what is `measured` now."""
    file = kept_in(backend, what)
    try:
        if file is not None and file.is_file():
            return read(json.loads(file.read_text()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    text = json.dumps(measured())
    try:
        if file is not None:
            file.write_text(text)
    except OSError:
        pass
    return read(json.loads(text))


def _costs(backend: LocalBackend, sizes: Sequence[int]) -> dict[str, float]:
    alone = backend.device.type == "cpu" and torch.get_num_threads() == 1
    clock = time.process_time if alone else time.perf_counter  # one thread is not paid by others
    began = clock()
    costs: dict[int, float] = {}
    room = PROMPT if backend.context is None else min(PROMPT, backend.context - DEEPER)
    if room < 1:
        return {}  # so short a context that there are no such calls
    own = LocalBackend(backend.head, backend.route)
    size = own.vocabulary
    stem = own.tree.extend(ROOT, [i % size for i in range(room)])
    list(own.expand([stem]))
    for fresh, count in enumerate(sizes):
        if (costs and clock() - began > SECONDS) or fresh >= size:
            break
        if count > size**2:
            continue
        front = [own.tree.extend(stem, divmod(i, size)) for i in range(count)]
        list(own.expand(front))
        spent = []
        for _ in range(3):
            front = [own.tree.add(node, fresh) for node in front]
            at = clock()
            list(own.expand(front))
            spent.append(1e3 * (clock() - at))
        costs[count] = round(min(spent), 4)
    return {str(count): costs[count] for count in sorted(costs)}


def bandwidth() -> float:
    """GB/s read by the threads in use: the better of torch and a loop over vectors."""
    # Ones, not zeros: pages nobody wrote are all one page, and read from the cache.
    data = torch.ones(BYTES // 4)
    ways: list[Callable[[], object]] = [data.sum]
    try:
        run, threads = kernels(), torch.get_num_threads()
        ways.append(lambda: run.probe_read(data.data_ptr(), len(data), threads))
    except Unbuilt:
        pass
    return round(BYTES / 1e9 / min(map(_best, ways)), 2)


def gflops(side: int = SIDE) -> float:
    """GFLOP/s in float32 by the threads in use: the better of torch and our kernel."""
    left, right = torch.ones(side, side), torch.ones(side, side)
    ways: list[Callable[[], object]] = [lambda: left @ right]
    try:
        product = NativeLinear(right, None)
        ways.append(lambda: product(left))
    except Unbuilt:
        pass
    return round(2 * side**3 / 1e9 / min(map(_best, ways)), 1)


def _best(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(4):
        at = time.perf_counter()
        work()
        spent.append(time.perf_counter() - at)
    return min(spent)


def kept_in(backend: LocalBackend, what: str = "calibration") -> Path | None:
    """The file of `what` was measured of such a model, route and number of threads; None: none."""
    model = backend.head.model
    shape = [
        platform.node(),
        backend.route.name,
        getattr(backend.route, "eight", False),
        torch.__version__,
        torch.get_num_threads(),
        str(model.dtype),
        model.config.to_json_string(),
        SIZES,
    ]
    name = sha256(json.dumps(shape).encode()).hexdigest()[:24]
    try:
        return cache_folder() / f"{what}-{name}.json"
    except Unbuilt:
        return None
