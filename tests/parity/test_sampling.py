"""Samples of a real model: their law, and that neither number nor neighbours change them."""

from typing import Any

import numpy as np
import pytest

import treeseek
from tests.parity.report import note
from tests.parity.sides import Prompt, Sides, answer
from tests.parity.ties import Tally, Tokens, tied_choice, tied_path
from treeseek import Warp
from treeseek.decoding.gumbel import gumbel
from treeseek.noise import Purpose, position_key, stream_key
from treeseek.scheduler.rounds import Scheduler
from treeseek.strategies import beam, best_of_n, greedy, sample
from treeseek.tree import path_name

LIMIT = 24


def misfit(counts: np.ndarray, law: np.ndarray) -> float:
    """P-value of Pearson's chi-square, tokens expected fewer than five times put together."""
    from scipy.stats import chisquare

    expected = law * counts.sum()
    rare = expected < 5
    seen = np.append(counts[~rare], counts[rare].sum())
    wanted = np.append(expected[~rare], expected[rare].sum())
    kept = wanted > 0
    assert seen[~kept].sum() == 0
    return float(chisquare(seen[kept], wanted[kept] / wanted[kept].sum() * seen.sum()).pvalue)


def entropy(sides: Sides, prompt: Prompt) -> float:
    """How open the plain model leaves the next token, in nats."""
    logs = sides.plain.logits([prompt]).double().log_softmax(-1)
    return -float((logs.exp() * logs).sum())


@pytest.mark.parametrize("options", [{}, {"temperature": 1.5}, {"top_p": 0.9}], ids=str)
def test_first_tokens_fit_the_models_probabilities(small: Sides, options: dict) -> None:
    import torch

    draws, prompt = 4000, max(small.groups[0], key=lambda prompt: entropy(small, prompt))
    result = treeseek.search(
        prompt, model=small.lm, strategy=sample(), n=draws, limit=1, seed=11, warp=Warp(**options)
    )
    closed = sorted(small.lm.ends)
    counts = np.bincount(
        [(*c.token_ids, closed[0])[0] for c in result.candidates], minlength=small.lm.vocabulary
    )

    def law(**settings: Any) -> np.ndarray:
        processors = small.plain.processors(
            prompt, ends=closed, do_sample=True, **{"top_k": 0, **settings}
        )
        row = processors(torch.tensor([prompt]), small.plain.logits([prompt]))
        found = row.double().softmax(-1)[0].numpy()
        found[closed[0]] += found[closed[1]]
        found[closed[1]] = 0.0
        return found

    assert counts.sum() == draws
    assert misfit(counts, law(**options)) > 1e-3
    # The test has the power to see a law that is a little another one.
    near = {"temperature": options.get("temperature", 1.0) * 1.1}
    assert misfit(counts, law(**{**options, **near})) < 1e-3


def tied_draw(
    sides: Sides, prompt: Prompt, ours: Tokens, theirs: Tokens, seed: int, ordinal: int
) -> bool:
    """Whether two draws with one noise part first where noise and model hold two tokens equal."""
    stream = stream_key(seed, Purpose.TOKEN, (), path_name(prompt), 0, ordinal)
    plain = sides.plain.rows(prompt, lambda _, scores: scores, logs=True)

    def noisy(continuations: Any) -> np.ndarray:
        key = position_key(stream, len(continuations[0]))
        return plain(continuations) + gumbel(np.array([key], np.uint64), sides.lm.vocabulary)

    return tied_path(noisy, ours, theirs, ends=sides.plain.ends, limit=LIMIT)


def drawn(sides: Sides, prompt: Prompt, n: int, **options: Any) -> list[Tokens]:
    sides.lm.clear()
    result = treeseek.search(
        prompt, model=sides.lm, strategy=sample(), n=n, limit=LIMIT, seed=3, **options
    )
    return [answer(candidate).tokens for candidate in result.candidates]


def test_eight_draws_are_the_first_of_sixty_four(small: Sides, record_property: Any) -> None:
    tally, chosen = Tally(), Tally()
    for prompt in [group[0] for group in small.groups]:
        few, many = drawn(small, prompt, 8), drawn(small, prompt, 64)
        assert len(set(many)) > 32
        for ordinal, (a, b) in enumerate(zip(few, many, strict=False)):
            tally.add(
                a == b,
                lambda: tied_draw(small, prompt, a, b, 3, ordinal),  # noqa: B023
                lambda: f"{prompt}, draw {ordinal}: {a} != {b}",  # noqa: B023
            )
        # The same draws stand behind best-of-n.
        small.lm.clear()
        best = treeseek.search(
            prompt, model=small.lm, strategy=best_of_n(n=8), n=8, limit=LIMIT, seed=3
        )
        same = sorted(answer(c).tokens for c in best.candidates) == sorted(few)
        chosen.add(same, lambda: False, lambda: str(prompt))  # noqa: B023
    note(record_property, "8 draws of 64", tally)
    note(record_property, "best of 8 from the same draws", chosen)
    assert not tally.violations, tally.violations[0]
    assert not chosen.violations, chosen.violations[0]


def test_a_draw_under_another_seed_is_no_tie(small: Sides) -> None:
    prompt = small.groups[0][0]
    (a,), (b,) = drawn(small, prompt, 1), drawn(small, prompt, 2)[1:]
    assert a != b
    assert not tied_draw(small, prompt, a, b, 3, 0)


def test_the_noise_is_what_the_search_used(small: Sides) -> None:
    """Else no tie could be proved: each drawn token is the best of model plus noise."""
    prompt = small.groups[1][0]
    (tokens,) = drawn(small, prompt, 1)
    stream = stream_key(3, Purpose.TOKEN, (), path_name(prompt), 0, 0)
    rows = small.plain.along(prompt, [token for token in tokens if token >= 0])
    logs = rows.double().log_softmax(-1).numpy()
    for position, (token, row) in enumerate(zip(tokens, logs, strict=False)):
        key = np.array([position_key(stream, position)], np.uint64)
        values = row + gumbel(key, small.lm.vocabulary)[0]
        assert tied_choice(values, token, int(values.argmax()))


BRIEF = 16
SEARCHES: dict[str, dict[str, Any]] = {
    "greedy": {"strategy": greedy()},
    "greedy, penalty": {"strategy": greedy(), "warp": Warp(repetition_penalty=1.3)},
    "beam": {"strategy": beam(width=8), "n": 8},
    "sample": {"strategy": sample(), "n": 4, "seed": 3},
}


@pytest.mark.parametrize("name", SEARCHES)
def test_company_changes_nothing(small: Sides, name: str, record_property: Any) -> None:
    """A search alone, and beside seven others of every kind on prompts of every length."""
    tally, options = Tally(), SEARCHES[name]
    others = list(SEARCHES.values())
    for place, prompt in enumerate([prompt for group in small.groups for prompt in group[:2]]):
        small.lm.clear()
        alone = treeseek.search(prompt, model=small.lm, limit=BRIEF, **options)
        small.lm.clear()
        scheduler = Scheduler()
        for i in range(7):
            mate, law = small.groups[(place + i) % 5][4 + i % 3], others[i % 4]
            treeseek.start(mate, model=small.lm, limit=BRIEF - i, scheduler=scheduler, **law)
        run = treeseek.start(prompt, model=small.lm, limit=BRIEF, scheduler=scheduler, **options)
        scheduler.run()
        a, b = ([answer(c) for c in r.candidates] for r in (alone, run.result))
        tally.add(
            [x.tokens for x in a] == [x.tokens for x in b],
            lambda: part(small, prompt, name, a, b),  # noqa: B023
            lambda: f"{name}, {prompt}: {a} != {b}",  # noqa: B023
        )
        assert run.result.cost.forwards > 0
        assert alone.cost.tokens == run.result.cost.tokens or tally.tie
    note(record_property, f"alone and beside seven, {name}", tally)
    assert not tally.violations, tally.violations[0]


def part(sides: Sides, prompt: Prompt, name: str, a: list, b: list) -> bool:
    """Whether answers of a search to one prompt are a proved tie."""
    if name == "sample":
        return all(
            x.tokens == y.tokens or tied_draw(sides, prompt, x.tokens, y.tokens, 3, ordinal)
            for ordinal, (x, y) in enumerate(zip(a, b, strict=True))
        )
    options = {"repetition_penalty": 1.3} if "penalty" in name else {}
    return bool(sides.judge(prompt, 8 if name == "beam" else 1, BRIEF, {}, options)(a, b))
