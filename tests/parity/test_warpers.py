"""Sampling warpers leave the scores that `generate(do_sample=True)` leaves, on real rows.

Which tokens a cut leaves may hang on the last bit of a sum; a token on such an edge is one whose
fate changes when the setting is moved by a part in 100,000, and only those may differ.
"""

from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import pytest

import treeseek
from tests.parity.report import note
from tests.parity.sides import Prompt, Sides, translated
from tests.parity.ties import TOLERANCE, Tally
from treeseek import Range, Sample, strategy
from treeseek.tree import ROOT

STEPS = 12
CUTS = ("top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff")
WARPERS: dict[str, dict[str, Any]] = {
    "temperature": {"temperature": 0.7},
    "hot": {"temperature": 1.8},
    "top-k": {"top_k": 7},
    "top-p": {"top_p": 0.9},
    "narrow top-p": {"top_p": 0.4},
    "min-p": {"min_p": 0.05},
    "typical": {"typical_p": 0.8},
    "epsilon": {"epsilon_cutoff": 0.01},
    "eta": {"eta_cutoff": 0.02},
    "temperature+top-k+top-p": {"temperature": 0.8, "top_k": 40, "top_p": 0.95},
    "penalties+top-p": {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2, "top_p": 0.9},
    "all": {
        "repetition_penalty": 1.2,
        "no_repeat_ngram_size": 3,
        "bad_words_ids": [[426], [261, 268]],
        "min_new_tokens": 6,
        "suppress_tokens": [269],
        "temperature": 1.3,
        "top_k": 60,
        "top_p": 0.95,
        "min_p": 0.002,
        "typical_p": 0.95,
        "epsilon_cutoff": 1e-3,
        "eta_cutoff": 2e-3,
    },
}


def law(sides: Sides, options: dict[str, Any], prompt: Prompt) -> treeseek.Warp:
    """The warp that a search under these options of `generate` works with."""
    told = translated(options, len(prompt))
    ends = tuple(sorted(sides.lm.ends))
    return replace(told["warp"], min_tokens=told["min_tokens"], ends=ends)


def on_the_edge(warp: treeseek.Warp, row: np.ndarray, path: Prompt, start: int) -> np.ndarray:
    """Tokens whose fate changes when a cut moves by a part in 100,000."""
    fates = []
    for name in CUTS:
        value = getattr(warp, name)
        for factor in (1 - 1e-5, 1 + 1e-5):
            moved = replace(warp, **{name: min(1.0, value * factor)}) if value else warp
            scores = moved.scores(row[None].astype(np.float64), [path], [start])[0]
            fates.append(np.isneginf(scores))
    return np.any(fates != fates[0], axis=0)


def rows_of(sides: Sides, paths: list[Prompt]) -> np.ndarray:
    """The rows after `paths` as treeseek's own backend computes them, over one tree."""
    tree = sides.lm.tree
    places = [tree.extend(ROOT, path) for path in paths]
    distinct = list(dict.fromkeys(places))
    found: dict[int, np.ndarray] = {}
    for block in sides.lm.backend.expand(distinct):
        for row, at in enumerate(block.index):
            found[distinct[at]] = block.logits[row].copy()
    return np.stack([found[place] for place in places])


def compared(tally: Tally, ours: np.ndarray, theirs: np.ndarray, edge: Any, what: str) -> None:
    """One row: the same tokens left, the same scores on them."""
    left, other = ~np.isneginf(ours), ~np.isneginf(theirs)
    both = left & other
    scale = np.abs(theirs[both]).max(initial=1.0)
    same = np.array_equal(left, other)
    near = bool((np.abs(ours[both] - theirs[both]) <= 1e-5 * scale).all())
    tally.add(same and near, lambda: near and not ((left != other) & ~edge()).any(), lambda: what)


@pytest.mark.parametrize("name", WARPERS)
def test_processed_scores_equal_generates(small: Sides, name: str, record_property: Any) -> None:
    """Once on the very rows that `generate` saw, once on treeseek's own rows of its texts."""
    import torch

    options, given, own, cuts = WARPERS[name], Tally(), Tally(), 0
    sides = small.some(4)
    for prompts in sides.groups:
        torch.manual_seed(7)
        out = sides.plain.sampled(prompts, limit=STEPS, **options)
        sides.lm.clear()
        for step, (raw, scores) in enumerate(zip(out.logits, out.scores, strict=True)):
            start = len(prompts[0])
            paths = out.sequences[:, : start + step].tolist()
            warp = law(sides, options, prompts[0])
            for rows, tally in ((raw.float().numpy(), given), (rows_of(sides, paths), own)):
                warped = warp.scores(rows, paths, [start] * len(paths))
                for i, path in enumerate(paths):
                    compared(
                        tally, warped[i], scores[i].numpy(),
                        lambda: on_the_edge(warp, rows[i], path, start),  # noqa: B023
                        f"{name}, row after {path}",
                    )  # fmt: skip
            cuts += int(torch.isneginf(scores).sum())
    note(record_property, f"scores on generate's rows, {name}", given)
    note(record_property, f"scores on treeseek's rows, {name}", own)
    assert not given.violations, given.violations[0]
    assert not own.violations, own.violations[0]
    assert given.equal + given.tie >= 20 * STEPS * 0.7
    assert given.tie + own.tie <= 0.02 * (given.equal + own.equal)
    assert (cuts > 0) == (name not in ("temperature", "hot"))


@pytest.mark.parametrize("name", WARPERS)
def test_the_comparison_is_not_blind(small: Sides, name: str) -> None:
    """Settings that are a little off are violations."""
    import torch

    options = WARPERS[name]
    torch.manual_seed(7)
    prompts = small.groups[1]
    out = small.plain.sampled(prompts, limit=STEPS, **options)
    off = {
        key: value * (0.7 if key in CUTS else 1.05) if isinstance(value, float) else value + 3
        for key, value in options.items()
        if not isinstance(value, list)
    }
    warp, tally = law(small, off, prompts[0]), Tally()
    for step, (raw, scores) in enumerate(zip(out.logits, out.scores, strict=True)):
        paths = out.sequences[:, : len(prompts[0]) + step].tolist()
        rows = raw.float().numpy()
        warped = warp.scores(rows, paths, [len(prompts[0])] * len(paths))
        for i, path in enumerate(paths):
            compared(
                tally, warped[i], scores[i].numpy(),
                lambda: on_the_edge(warp, rows[i], path, len(prompts[0])),  # noqa: B023
                str(path),
            )  # fmt: skip
    assert len(tally.violations) >= 4


@strategy()
def proposed(ctx: Any, root: Any, *, runs: Annotated[int, Range(low=1), "draws"] = 4) -> Any:
    """Draws, each with its log-probability under the law it was drawn from."""
    (reply,) = yield [Sample(root, n=runs)]
    for rank, run in enumerate(reply.continuations):
        ctx.finish(run.node, score=float(-rank), proposal=run.proposal)


@pytest.mark.parametrize("name", WARPERS)
def test_a_search_draws_from_the_law_of_generate(
    small: Sides, name: str, record_property: Any
) -> None:
    """Every drawn token is one that generate's processors leave, and as likely as they make it."""
    import torch

    options, tally = WARPERS[name], Tally()
    for prompt in [group[0] for group in small.groups[:4]]:
        processors = small.plain.processors(
            prompt, ends=small.plain.ends, do_sample=True, **{"top_k": 0, **options}
        )
        result = treeseek.search(
            prompt, model=small.lm, strategy=proposed(), n=4, limit=STEPS, seed=5,
            **translated(options, len(prompt)),
        )  # fmt: skip
        warp = law(small, options, prompt)
        for found in result.candidates:
            if found.finish != "limit":
                continue
            total, edges = 0.0, False
            rows = small.plain.along(prompt, found.token_ids)
            for at, token in enumerate(found.token_ids):
                path, raw = [*prompt, *found.token_ids[:at]], rows[at : at + 1]
                scores = processors(torch.tensor([path]), raw.clone()).double().log_softmax(-1)
                total += float(scores[0, token])
                edges |= bool(on_the_edge(warp, raw[0].numpy(), path, len(prompt)).any())
            gap = abs(total - found.scores["proposal"])
            tally.add(gap < TOLERANCE, lambda: edges, lambda: f"{found}: off by {gap}")  # noqa: B023
    note(record_property, f"drawn from generate's law, {name}", tally)
    assert not tally.violations, tally.violations[0]
    assert tally.equal >= 10
