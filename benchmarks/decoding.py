"""From logits to a token, beside the obvious torch route: `python -m benchmarks.decoding`.

Rows of a 32,000-token vocabulary in float32, eight at a time. Ratios are of CPU time, round by
round; absolute microseconds a row stand beside them for orientation. The last line is one JSON
object.
"""

import argparse
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.arms import Arm, Spread, interleave, ratio
from benchmarks.machine import machine
from treeseek.decoding.gumbel import gumbel_argmax
from treeseek.decoding.samplers import Gumbel
from treeseek.decoding.summary import summarise
from treeseek.decoding.warp import Warp
from treeseek.noise import position_key

N, V, K = 8, 32_000, 16


def torch_summary(rows: torch.Tensor) -> None:
    """Log-probabilities, their top-k and the entropy."""
    logprobs = rows.log_softmax(-1)
    logprobs.topk(K)
    (logprobs.exp() * logprobs).sum(-1)


def torch_gumbel(rows: torch.Tensor) -> None:
    """The Gumbel trick with float64 noise."""
    noise = -torch.empty(rows.shape, dtype=torch.float64).exponential_().log()
    (rows + noise).argmax(-1)


def torch_top_p(rows: torch.Tensor, p: float) -> None:
    """Sort, cumulate, scatter back."""
    order = rows.sort(descending=False)
    gone = order.values.softmax(-1).cumsum(-1) <= 1 - p
    gone[..., -1:] = False
    rows.masked_fill(gone.scatter(1, order.indices, gone), -torch.inf)


def routes(rows: np.ndarray) -> dict[str, tuple[Callable[[], Any], Callable[[], Any]]]:
    """What is compared: our route and torch's."""
    theirs = torch.from_numpy(rows)
    keys = np.array([position_key(1, i) for i in range(N)], np.uint64)
    paths, starts = [[0]] * N, [1] * N
    nucleus, top_k = Warp(top_p=0.9), Warp(top_k=50, temperature=0.8)
    sampler = Gumbel()
    return {
        f"summary, k={K}": (lambda: summarise(rows, K), lambda: torch_summary(theirs)),
        "draw against multinomial": (
            lambda: gumbel_argmax(rows, keys),
            lambda: theirs.softmax(-1).multinomial(1),
        ),
        "draw against float64 Gumbel": (
            lambda: gumbel_argmax(rows, keys),
            lambda: torch_gumbel(theirs),
        ),
        "top-p 0.9": (
            lambda: nucleus.scores(rows, paths, starts),
            lambda: torch_top_p(theirs, 0.9),
        ),
        "top-k 50, T 0.8, draw": (
            lambda: sampler.draw(top_k.scores(rows, paths, starts), keys, [None] * N),
            lambda: (
                (cut := theirs / 0.8)
                .masked_fill(cut < cut.topk(50).values[:, -1:], -torch.inf)
                .softmax(-1)
                .multinomial(1)
            ),
        ),
    }


def main() -> None:
    """Time every pair of routes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--repeat", type=int, default=20, help="calls in one round")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = (np.random.default_rng(0).normal(size=(N, V)) * 3).astype(np.float32)
    report: dict[str, Any] = {"machine": machine(1), "rows": N, "vocabulary": V, "pairs": {}}
    print(f"{'':30} {'torch / ours':>22} {'us a row':>18}")
    for name, (ours, theirs) in routes(rows).items():

        def repeated(call: Callable[[], Any]) -> Callable[[], int]:
            def run() -> int:
                for _ in range(options.repeat):
                    call()
                return options.repeat * N

            return run

        arms = [Arm("torch", repeated(theirs)), Arm("ours", repeated(ours))]
        interleave(arms, rounds=options.rounds)
        times = ratio(arms[0], arms[1])
        micros = Spread.of([1e6 * seconds / (options.repeat * N) for seconds in arms[1].cpu])
        print(f"{name:30} {times!s:>22} {micros!s:>18}")
        report["pairs"][name] = {"ratio": times.median, "us_a_row": micros.median}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
