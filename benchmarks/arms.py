"""Two or more ways to do the same work, timed in turn, so that a drifting machine hurts all alike.

One round runs every arm once. CPU time (of the process, all threads) and wall time are kept for
each round; ratios are taken round by round, so a slow minute cancels out.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Arm:
    """One way to do the work; `run()` returns how many tokens it produced."""

    name: str
    run: Callable[[], int]
    prepare: Callable[[], object] = lambda: None
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    tokens: int = 0


@dataclass(frozen=True)
class Spread:
    """Median with its quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """Quartiles of `values` (the value itself where there is only one)."""
        if len(values) < 2:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)

    def __str__(self) -> str:
        return f"{self.median:.3g} [{self.low:.3g}, {self.high:.3g}]"


def interleave(arms: list[Arm], *, rounds: int, warmup: int = 1) -> None:
    """Run all `arms` in turn, `warmup` rounds uncounted, then `rounds` counted ones.

    Asserts that every arm produces the same number of tokens in every round.
    """
    for turn in range(warmup + rounds):
        order = arms if turn % 2 == 0 else arms[::-1]
        for arm in order:
            arm.prepare()
            cpu, wall = time.process_time(), time.perf_counter()
            tokens = arm.run()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            assert arm.tokens in (0, tokens), f"{arm.name}: {tokens} tokens after {arm.tokens}"
            arm.tokens = tokens
            if turn >= warmup:
                arm.cpu.append(cpu)
                arm.wall.append(wall)
    counts = {arm.name: arm.tokens for arm in arms}
    assert len(set(counts.values())) == 1, f"the arms differ in tokens: {counts}"


def ratio(peer: Arm, ours: Arm, clock: str = "cpu") -> Spread:
    """How many times as fast `ours` is: peer's time over ours, round by round."""
    pairs = zip(getattr(peer, clock), getattr(ours, clock), strict=True)
    return Spread.of([theirs / mine for theirs, mine in pairs])
