"""Greedy and beam search equal `generate` on other families than Llama's, with random weights."""

import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

import treeseek
from tests.backends.families import FAMILIES, VOCABULARY, build
from tests.parity.plain import Plain
from tests.parity.report import note
from tests.parity.sides import Sides
from tests.parity.ties import Answer
from treeseek.backends.hf import TreeWarning

LIMIT, WIDTH = 20, 8
ENDS = [2, 11, 29]
CHECKED = ["llama-gqa", "gpt2", "gemma2", "mistral-sliding", "gpt-neo"]


class Ids:
    """A tokenizer for models without words: text is token ids, spaced."""

    eos_token_id = 2

    def __call__(self, text: str) -> dict[str, list[int]]:
        return {"input_ids": [int(word) for word in text.split()]}

    def decode(self, tokens: Sequence[int], **options: Any) -> str:
        return " ".join(map(str, tokens))


@lru_cache(maxsize=1)
def sides(name: str) -> Sides:
    """Two copies of one random model, and twelve prompts after which it says enough.

    A model that says the same whatever it reads would pass any comparison: fails where six prompts
    of a length are not found after which `generate` goes on with at least five distinct tokens.
    """
    family = next(family for family in FAMILIES if family.name == name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TreeWarning)
        held = treeseek.load(build(family), tokenizer=Ids())
    assert held.backend.capabilities.path in family.routes
    plain, random, groups = Plain(build(family), ENDS), np.random.default_rng(5), []
    for length in (5, 14):
        prompts = random.integers(3, VOCABULARY, (40, length)).tolist()
        answers = plain.generate(prompts, limit=LIMIT, ends=ENDS)
        groups.append([p for p, (a,) in zip(prompts, answers, strict=True) if varied(a)][:6])
        assert len(groups[-1]) == 6, "the model says too little to be compared"
    return Sides(name, held, plain, groups).ending(ENDS)


def varied(answer: Answer) -> bool:
    """Whether an answer is long and holds five distinct tokens."""
    return len(answer.tokens) >= LIMIT / 2 and len(set(answer.tokens)) >= 5


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, {}),
        ({"repetition_penalty": 1.3, "no_repeat_ngram_size": 2}, {}),
        ({"min_new_tokens": 8}, {"length_penalty": 0.0, "early_stopping": "never"}),
        ({"suppress_tokens": [11]}, {"length_penalty": -1.0, "early_stopping": True}),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", CHECKED)
def test_a_random_model_equals_generate(
    name: str, options: dict, shape: dict, record_property: Any
) -> None:
    for width in (1, WIDTH):
        tally = sides(name).compare(width=width, limit=LIMIT, shape=shape, **options)
        note(record_property, f"{name}, width {width}, {options} {shape}", tally)
        assert not tally.violations, tally.violations[0]
        assert len({str(answers) for answers in tally.ours}) == len(tally.ours)
