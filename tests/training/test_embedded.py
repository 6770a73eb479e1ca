"""The stored model: small, bfloat16, English that reads well, Countdown with more to win."""

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("transformers")

import safetensors
import torch
from safetensors.torch import load_file

from training.__main__ import HOME as MODELS
from training.evaluate import Measurement
from training.recipe import ValueRecipe
from training.value import ValueHead, auc, beginnings, hidden_states, to_try
from treeseek import load
from treeseek.tasks.countdown import Countdown, generate, verify

HOME = MODELS / "embedded"


@pytest.fixture(scope="module")
def measurement():
    return Measurement(HOME, threads=1)


def test_the_folder_is_small_and_complete():
    files = {path.name: path.stat().st_size for path in Path(HOME).iterdir() if path.is_file()}
    assert {
        "README.md",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "value.safetensors",
    } <= set(files)
    everything = [path for path in MODELS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in everything) <= 12_000_000


def test_the_sibling_is_a_tenth_of_the_size_and_has_the_same_tokens(measurement):
    large, small = load("embedded"), load("embedded-small")
    assert small.vocabulary == large.vocabulary
    assert small.ends == large.ends
    for text in ("Make 69 from 2 3 15 19.\n", "The cat sat.", "Turn:ABC>CBA,KL>LK\n"):
        assert small.encode(text) == large.encode(text)
    sibling = Measurement(MODELS / "sibling", threads=1)
    sizes = [sum(p.numel() for p in one.model.parameters()) for one in (sibling, measurement)]
    assert sizes[0] < 350_000 < sizes[1] / 7
    assert sibling.english_loss(3, pages=20) > measurement.english_loss(3, pages=20)


def test_the_value_head_tells_beginnings_of_right_tries_from_those_of_wrong_ones(measurement):
    recipe = replace(ValueRecipe(), shares={"countdown-4": 1.0})
    tried = to_try(recipe, 80, held_out=True)
    made = beginnings(load("embedded"), tried, tries=8, seed=9)
    inner = [one for one in made if one.step]
    states = hidden_states(measurement.model, [one.tokens for one in inner])
    weights = load_file(HOME / "value.safetensors")
    head = ValueHead(states.shape[1], len(weights["inner.bias"]))
    head.load_state_dict(weights)
    values = head(states).tolist()
    right = auc(values, inner)
    assert right > 0.55
    assert auc([-value for value in values], inner) < 0.45


def test_weights_are_bfloat16():
    with safetensors.safe_open(HOME / "model.safetensors", "pt") as stored:
        kinds = {stored.get_tensor(name).dtype for name in stored.keys()}  # noqa: SIM118
    assert kinds == {torch.bfloat16}


def test_every_answer_ends_by_itself(measurement):
    prompts = [problem.prompt for problem in generate(3, numbers=4, count=64)]
    batch = measurement.tokenizer(prompts, return_tensors="pt").input_ids
    made = measurement.model.generate(
        input_ids=batch, attention_mask=torch.ones_like(batch), do_sample=False, max_new_tokens=64
    )
    ended = (made == measurement.tokenizer.eos_token_id).any(dim=1)
    assert ended.float().mean() > 0.95


@pytest.mark.parametrize(("numbers", "low", "high"), [(3, 0.4, 0.8), (4, 0.15, 0.5)])
def test_greedy_solves_some_and_leaves_some(measurement, numbers, low, high):
    problems = generate(11, numbers=numbers, count=500)
    assert low <= measurement.solved(Countdown(numbers=numbers), problems) <= high


@pytest.mark.parametrize("numbers", [3, 4])
def test_sixteen_tries_solve_more_than_one(measurement, numbers):
    torch.manual_seed(0)
    task = Countdown(numbers=numbers)
    problems = task.problems(12, 60)
    greedy = measurement.solved(task, problems)
    assert measurement.solved(task, problems, tries=16, sampled=True) > greedy + 0.1


def test_almost_every_first_step_is_right_even_where_the_end_is_wrong(measurement):
    problems = generate(13, numbers=4, count=100)
    answers = measurement.answers([problem.prompt for problem in problems])
    firsts = [texts[0].partition("\n")[0] + "\n" for texts in answers]
    verdicts = [verify(p, first) for p, first in zip(problems, firsts, strict=True)]
    assert sum(verdict.score > 0 for verdict in verdicts) > 90


def test_english_is_less_perplexing_than_its_shuffled_words(measurement):
    sentences = [
        "The old farmer gave a red apple to the horse.",
        "Lily was sad because she lost her doll in the garden.",
        "There were three birds in the tree.",
        "Did the king open the door?",
    ]
    for sentence in sentences:
        words = sentence.split()
        backwards = " ".join(words[::-1])
        halves = " ".join(words[len(words) // 2 :] + words[: len(words) // 2])
        assert loss(measurement, sentence) < loss(measurement, backwards) - 1
        assert loss(measurement, sentence) < loss(measurement, halves) - 0.3


def loss(measurement: Measurement, text: str) -> float:
    """Mean nats a token of a text."""
    tokens = measurement.tokenizer(text, return_tensors="pt").input_ids
    with torch.no_grad():
        logits = measurement.model(tokens).logits
    return torch.nn.functional.cross_entropy(logits[0, :-1], tokens[0, 1:]).item()
