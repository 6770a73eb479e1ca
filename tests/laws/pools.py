"""Pools from generators with known truth, on which selectors are held to what their papers say."""

import numpy as np

from treeseek.selectors import Pool, Pooled

RIGHT = "0"


def plausible(run: int, *, programs: int = 10, tests: int = 30) -> Pool:
    """Plausible programs and plausible tests, as B4's own simulation draws them.

    A program is right with .2, a test with .3. A right program passes the right tests and no
    other; a wrong one passes a right test with .4 and a wrong one with .1. Draws without both a
    right and a wrong program are drawn again.
    """
    noise = np.random.default_rng([14, run])
    while True:
        right = noise.random(programs) < 0.2
        good = noise.random(tests) < 0.3
        if 0 < right.sum() < programs:
            break
    chance = np.where(right[:, None], good, np.where(good, 0.4, 0.1))
    passed = noise.random((programs, tests)) < chance
    candidates = (
        Pooled(text=str(i), key=str(i), tests=tuple(map(bool, row))) for i, row in enumerate(passed)
    )
    return Pool(str(run), tuple(candidates), frozenset(map(str, np.flatnonzero(right))))


def paths(problem: int, *, drawn: int = 64, lead: float = 0.45, spread: float = 0.5) -> Pool:
    """200 paths to 12 answers; those to the right one have `lead` nats more, all have noise.

    Paths are drawn by their probability, with replacement, and carry it.
    """
    noise = np.random.default_rng([64, problem])
    answer = noise.integers(12, size=200)
    logits = noise.normal(0.0, spread, 200) + lead * (answer == 0)
    logprobs = logits - np.log(np.exp(logits).sum())
    chosen = noise.choice(200, size=drawn, p=np.exp(logprobs))
    candidates = (Pooled(str(i), str(answer[i]), float(logprobs[i])) for i in chosen)
    return Pool(str(problem), tuple(candidates), frozenset([RIGHT]))


def rewarded(problem: int, *, drawn: int = 256, noise: float = 1.0) -> Pool:
    """The right answer three times in ten, four rivals, and endless rare answers.

    The reward is 1 for right and 0 for wrong, plus noise that is drawn once for each answer: a
    scorer that errs always errs on the same answer in the same way.
    """
    rng = np.random.default_rng([261, problem])
    kinds = rng.choice(6, size=drawn, p=[0.3, 0.2, 0.15, 0.1, 0.05, 0.2])
    keys = [str(kind) if kind < 5 else f"rare {i}" for i, kind in enumerate(kinds)]
    errors = {key: float(rng.normal(0.0, noise)) for key in dict.fromkeys(keys)}
    candidates = (
        Pooled(f"{i}", key, scores={"score": (key == RIGHT) + errors[key]})
        for i, key in enumerate(keys)
    )
    return Pool(str(problem), tuple(candidates), frozenset([RIGHT]))
