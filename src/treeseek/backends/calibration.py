"""What one call costs on this machine by its number of rows: measured once, remembered.

A search is worth batching as far as c(N) stays flat, and a draft as long as c(n + 1) says; so both
are measured, never assumed. Beside it stand the two bounds of any machine: how fast it reads memory
and how fast it multiplies. Times are the best of a few, since other work only adds to them.
"""

import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import torch

from treeseek.backends.local import LocalBackend
from treeseek.backends.native import NativeLinear
from treeseek.native.build import Unbuilt, cache_folder
from treeseek.tree import ROOT

SIZES = (1, 2, 4, 8, 16, 32, 64)
PROMPT = 16
"""Tokens before the rows that are timed."""
SECONDS = 0.7
"""After this no larger call is tried."""
BYTES = 1 << 27
"""Read to find the bandwidth: more than a cache holds."""


@dataclass(frozen=True)
class Calibration:
    """`milliseconds` of one call by its rows; `bandwidth` in GB/s read, `gflops` in float32."""

    milliseconds: dict[int, float]
    bandwidth: float
    gflops: float

    def enough(self) -> int:
        """Rows from which a call is within a tenth of the least cost a row."""
        costs = {count: spent / count for count, spent in self.milliseconds.items()}
        least = min(costs.values())
        return min(count for count, cost in costs.items() if cost <= 1.1 * least)


def calibrate(backend: LocalBackend) -> Calibration:
    """The calibration of `backend` with the threads in use, from the cache if it is there.

    Takes under a second the first time. Leaves the backend's tree and slots alone. A cache that
    cannot be read or written only costs the measurement.
    """
    file = _file(backend)
    try:
        if file is not None and file.is_file():
            kept = json.loads(file.read_text())
            costs = {int(count): float(spent) for count, spent in kept["milliseconds"].items()}
            return Calibration(costs, float(kept["bandwidth"]), float(kept["gflops"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    found = Calibration(_costs(backend), _bandwidth(), _gflops())
    try:
        if file is not None:
            file.write_text(json.dumps(asdict(found)))
    except OSError:
        pass
    return found


def _costs(backend: LocalBackend) -> dict[int, float]:
    began = time.perf_counter()
    costs: dict[int, float] = {}
    for count in SIZES:
        if costs and time.perf_counter() - began > SECONDS:
            break
        own = LocalBackend(backend.head, backend.route)
        stem = own.tree.extend(ROOT, [i % own.vocabulary for i in range(PROMPT)])
        list(own.expand([stem]))
        leaves = (divmod(i, own.vocabulary) for i in range(count))
        front = [own.tree.extend(stem, leaf) for leaf in leaves]
        list(own.expand(front))
        spent = []
        for _ in range(3):
            front = [own.tree.add(node, 0) for node in front]
            at = time.perf_counter()
            list(own.expand(front))
            spent.append(1e3 * (time.perf_counter() - at))
        costs[count] = round(min(spent), 4)
    return costs


def _bandwidth() -> float:
    # Ones, not zeros: pages nobody wrote are all one page, and read from the cache.
    data = torch.ones(BYTES // 4)
    return round(BYTES / 1e9 / _best(lambda: data.sum()), 2)


def _gflops() -> float:
    left, right = torch.ones(512, 512), torch.ones(512, 512)
    ways: list[Callable[[], object]] = [lambda: left @ right]
    try:
        product = NativeLinear(right, None)
        ways.append(lambda: product(left))
    except Unbuilt:
        pass
    return round(2 * 512**3 / 1e9 / min(map(_best, ways)), 1)


def _best(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(4):
        at = time.perf_counter()
        work()
        spent.append(time.perf_counter() - at)
    return min(spent)


def _file(backend: LocalBackend) -> Path | None:
    """Where the calibration of such a model, route and number of threads is kept."""
    model = backend.head.model
    shape = [
        platform.node(),
        backend.route.name,
        torch.__version__,
        torch.get_num_threads(),
        str(model.dtype),
    ]
    shape += [backend.vocabulary, *sorted(map(str, (p.shape for p in model.parameters())))]
    name = sha256(json.dumps(shape).encode()).hexdigest()[:24]
    try:
        return cache_folder() / f"calibration-{name}.json"
    except Unbuilt:
        return None
