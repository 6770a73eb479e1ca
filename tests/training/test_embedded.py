"""The stored model: small, bfloat16, English that reads well, Countdown with more to win."""

from pathlib import Path

import pytest

pytest.importorskip("transformers")

import safetensors
import torch

from training.__main__ import HOME as MODELS
from training.evaluate import Measurement
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
    } <= set(files)
    assert sum(files.values()) <= 8_000_000


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
