"""Confidence as a scorer is what the rows of an enumerable model say."""

import math
from itertools import product

import numpy as np
import pytest

import treeseek
from treeseek.asking import read
from treeseek.errors import InvalidOption, TreeseekError
from treeseek.scorers.confidence import (
    Likelihood,
    Perplexity,
    SelfCertainty,
    perplexity_of,
)
from treeseek.testing import PROMPT, scripted

LETTERS = "abc"
LM = scripted(
    {"": {"a": 0.5, "b": 0.3, "c": 0.1, ".": 0.1}, "a": {"b": 0.9, ".": 0.1}},
    default={"a": 0.2, "b": 0.2, "c": 0.5, ".": 0.1},
)
TEXTS = ["", *("".join(text) for size in (1, 2, 3) for text in product(LETTERS, repeat=size))]


def rows(text: str) -> list[dict[str, float]]:
    """The rows that a text passes, from the table."""
    default = {"a": 0.2, "b": 0.2, "c": 0.5, ".": 0.1}
    known = {
        "": {"a": 0.5, "b": 0.3, "c": 0.1, ".": 0.1},
        "a": {"a": 0.0, "b": 0.9, "c": 0.0, ".": 0.1},
    }
    return [known.get(text[:at], default) for at in range(len(text))]


@pytest.fixture(autouse=True)
def empty() -> None:
    LM.clear()


def chances(text: str) -> list[float]:
    return [row[letter] for row, letter in zip(rows(text), text, strict=True)]


def test_likelihood_and_perplexity_are_those_of_the_table() -> None:
    possible = [text for text in TEXTS if all(chances(text))]
    total = [math.fsum(map(math.log, chances(text))) for text in possible]
    mean = [value / max(1, len(text)) for value, text in zip(total, possible, strict=True)]
    assert Likelihood(LM, PROMPT, per="text").score(possible) == pytest.approx(total)
    assert Likelihood(LM, PROMPT).score(possible) == pytest.approx(mean)
    wanted = [-math.exp(-value) for value in mean]
    assert Perplexity(LM, PROMPT).score(possible) == pytest.approx(wanted)


def test_an_impossible_text_is_worst_and_no_error() -> None:
    assert Likelihood(LM, PROMPT).score(["ac"]) == [-math.inf]
    assert Perplexity(LM, PROMPT).score(["ac"]) == [-math.inf]
    assert SelfCertainty(LM, PROMPT).score(["ac"])[0] > 0
    assert perplexity_of([-1e6]) == math.inf


def test_self_certainty_is_the_divergence_from_uniform() -> None:
    """KL(uniform || p) of each row, by its definition; five letters, the prompt's is impossible."""

    def divergence(row: dict[str, float]) -> float:
        logs = [max(-100.0, math.log(chance)) if chance else -100.0 for chance in row.values()]
        return -sum([*logs, -100.0]) / 5 - math.log(5)

    for text, found in zip(TEXTS, SelfCertainty(LM, PROMPT).score(TEXTS), strict=True):
        wanted = [divergence(row) for row in rows(text)]
        assert found == pytest.approx(sum(wanted) / max(1, len(wanted)))
    uniform = scripted({"": dict.fromkeys("^ab.", 1.0)}, default=dict.fromkeys("^ab.", 1.0))
    assert SelfCertainty(uniform, "a").score(["ab"]) == pytest.approx([0.0])


def test_shared_prefixes_are_computed_once() -> None:
    before = LM.backend.spent.computed
    Likelihood(LM, PROMPT).score(TEXTS)
    prefixes = {text[:at] for text in TEXTS for at in range(len(text))}
    assert LM.backend.spent.computed - before == LM.backend.warm() == len(prefixes)
    before = LM.backend.spent.forwards
    Likelihood(LM, PROMPT).score(TEXTS)
    assert LM.backend.spent.forwards == before


def test_a_scorer_reads_in_the_midst_of_a_search() -> None:
    """The search that asks it goes on, and what it draws is what it draws without a scorer."""
    options = {"strategy": treeseek.strategies.best_of_n(n=12), "limit": 4, "seed": 3}
    plain = treeseek.search(PROMPT, model=LM, **options)
    scored = treeseek.search(PROMPT, model=LM, scorer=Likelihood(LM, PROMPT, per="text"), **options)
    assert sorted(one.text for one in scored.candidates) == sorted(
        one.text for one in plain.candidates
    )
    assert scored.cost.tokens == plain.cost.tokens
    for one in scored.candidates:
        text = one.text.rstrip(".")
        assert one.score == pytest.approx(math.fsum(map(math.log, chances(text))))


def test_a_real_model_reads_what_a_walk_reads() -> None:
    """The embedded model, where prompt and text are several tokens each."""
    lm = treeseek.load("embedded")
    prompt, text = "Make 24 from 3 5 12.\n", "12-5=7:3 7\n"
    (reading,) = read(lm, [(prompt, text)])
    result = treeseek.search(prompt, model=lm, strategy=treeseek.strategies.greedy, limit=24)
    (again,) = read(lm, [(prompt, result.best.text)] if result.best else [])
    assert len(reading.logprobs) >= 3 and np.isfinite(reading.logprobs).all()
    if result.best and result.best.finish != "end":
        assert again.logprobs.sum() == pytest.approx(result.best.logprob, abs=1e-4)
    assert (again.certainty > 0).all()


def test_versions_tell_settings_apart() -> None:
    one, two = Likelihood(LM, PROMPT), Likelihood(LM, PROMPT, per="text")
    assert one.name == two.name and one.version != two.version
    with pytest.raises(InvalidOption, match="token or text"):
        Likelihood(LM, PROMPT, per="word")  # type: ignore[arg-type]
    with pytest.raises(TreeseekError):
        Likelihood(LM, PROMPT).score(["outside"])
