"""Every selector at every size: `python -m benchmarks.selectors [--write]`.

Pools that GPT-4 and GPT-3 left behind (found through TREESEEK_SHARED), and pools from generators
with known truth. No model is called. With --write the tables and the picture of docs/selectors.md
are made anew, and a section of RESULTS.md; all of it follows from the recorded answers and a seed.
"""

import argparse
import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import recorded
from benchmarks.curves import Panel, svg
from benchmarks.machine import machine
from benchmarks.report import machine_line, write_section
from tests.laws.pools import paths, rewarded
from treeseek.selectors import (
    Choice,
    Pool,
    Pooled,
    Selector,
    at_every_size,
    b4,
    best,
    best_of_majority,
    codet,
    complexity,
    majority,
    max_pass,
    mbr_exec,
    pass_at_k,
    rpc,
    selector,
    weighted,
)

ROOT = Path(__file__).parents[1]
PAGE, PICTURE = ROOT / "docs" / "selectors.md", ROOT / "docs" / "selectors.svg"


@selector("rpc")
def counted_rpc(candidates: Sequence[Pooled]) -> list[Choice]:
    """rpc where no log-probability was recorded: a path's is how often its text was drawn."""
    often = Counter(one.text for one in candidates)
    share = [math.log(often[one.text] / len(candidates)) for one in candidates]
    known = [
        replace(one, logprob=logprob, tokens=1)
        for one, logprob in zip(candidates, share, strict=True)
    ]
    return list(rpc()(known, k=len(known)))


EVERY: dict[str, Selector] = {
    "majority": majority(),
    "complexity": complexity(),
    "rpc by count": counted_rpc(),
    "weighted": weighted(),
    "best": best(),
    "best-of-majority": best_of_majority(),
    "max-pass": max_pass(),
    "codet": codet(),
    "mbr-exec": mbr_exec(),
    "b4": b4(),
}


@dataclass(frozen=True)
class Case:
    """How its pools are had, the sizes and orders they are replayed at, and by which selectors."""

    name: str
    heading: str
    pools: Callable[[], Sequence[Pool]]
    sizes: tuple[int, ...]
    orders: int
    rules: Mapping[str, Selector]

    def lines(self) -> dict[str, list[float]]:
        """The mean over the pools, by selector; first what any and a single candidate reach."""
        total = {name: np.zeros(len(self.sizes)) for name in self.rules}
        reach = np.zeros(len(self.sizes))
        single = 0.0
        pools = self.pools()
        for pool in pools:
            drawn = len(pool.candidates)
            right = sum(one.key in pool.right for one in pool.candidates)
            reach += [pass_at_k(drawn, right, k=size) for size in self.sizes]
            single += right / drawn
            found = at_every_size(pool, self.rules, sizes=self.sizes, orders=self.orders)
            for name, hits in found.items():
                total[name] += hits
        count = len(pools)
        return {
            "any": (reach / count).tolist(),
            "a random one": [single / count] * len(self.sizes),
            **{name: (hits / count).tolist() for name, hits in total.items()},
        }


def _many(make: Callable[[int], Pool], problems: int) -> list[Pool]:
    return [make(problem) for problem in range(problems)]


def cases(shared: Path, *, quick: bool = False) -> list[Case]:
    """The recorded pools and the generators; `quick` takes few orders and problems."""
    orders, problems = (2, 40) if quick else (16, 300)
    doubling = (1, 2, 4, 8, 16, 32, 64)
    return [
        Case(
            "game24", "Game of 24, GPT-4 sampled", partial(recorded.game24_samples, shared),
            (1, 2, 5, 10, 20, 50, 100), orders, EVERY,
        ),
        Case(
            "leaves", "Game of 24, leaves of a tree of thoughts",
            partial(recorded.game24_leaves, shared), (1, 2, 3, 4, 5), orders, EVERY,
        ),
        Case(
            "gsm8k", "GSM8K, four GPT-3 models", partial(recorded.gsm8k, shared),
            (1, 2, 3, 4), orders // 2, EVERY,
        ),
        Case(
            "paths", "Generated: 200 paths, 12 answers", partial(_many, paths, problems),
            doubling, 1,
            {"majority": majority(), "rpc unpruned": rpc(prune=False), "rpc": rpc()},
        ),
        Case(
            "rewards", "Generated: a noisy reward", partial(_many, rewarded, problems),
            (*doubling, 128, 256), 1,
            {"majority": majority(), "best": best(), "best-of-majority": best_of_majority()},
        ),
    ]  # fmt: skip


def table(case: Case, lines: Mapping[str, Sequence[float]]) -> str:
    """Accuracy by selector and size, as a table of Markdown."""
    head = "| " + " | ".join(["candidates", *map(str, case.sizes)]) + " |"
    rule = "|---|" + "---|" * len(case.sizes)
    rows = [
        "| " + " | ".join([name, *(f"{value:.3f}".lstrip("0") for value in values)]) + " |"
        for name, values in lines.items()
    ]
    return "\n".join([head, rule, *rows])


def written(page: str, tables: Mapping[str, str]) -> str:
    """`page` with each table between its two marks."""
    for name, text in tables.items():
        mark = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
        page, found = re.subn(mark, lambda m: f"{m[1]}\n{text}\n\n{m[2]}", page, flags=re.S)  # noqa: B023
        if not found:
            raise SystemExit(f"{PAGE.name} has no mark for {name!r}")
    return page


def main() -> None:
    """Print the tables and a line of JSON; with --write put them where they are shown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few orders and problems")
    parser.add_argument("--write", action="store_true", help="docs/selectors.md, RESULTS.md")
    options = parser.parse_args()
    shared = Path(os.environ.get("TREESEEK_SHARED", ROOT / "../shared"))
    made = cases(shared, quick=options.quick)
    found = {case.name: case.lines() for case in made}
    tables = {case.name: table(case, found[case.name]) for case in made}
    for case in made:
        print(f"\n{case.heading}\n\n{tables[case.name]}")
    if options.write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")
        panels = [
            Panel(case.heading, case.sizes, found[case.name]) for case in made
            if case.name != "leaves"
        ]  # fmt: skip
        PICTURE.write_text(svg(panels, title="Accuracy of selectors by number of candidates"))
        shown = (f"{case.heading}\n\n{tables[case.name]}\n" for case in made)
        write_section("selectors", [machine_line(machine(1)), "", *shown])
    sizes = {case.name: case.sizes for case in made}
    print(json.dumps({"benchmark": "selectors", "sizes": sizes, "accuracy": found}))


if __name__ == "__main__":
    main()
