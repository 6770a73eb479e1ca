"""A short course learns, is the same twice, and leaves a folder that transformers loads."""

from dataclasses import replace
from itertools import islice

import pytest

pytest.importorskip("transformers")

import torch
from transformers import AutoModelForCausalLM

from training.card import write_card
from training.evaluate import TASKS, evaluate
from training.recipe import Recipe, ValueRecipe
from training.tokenizer import build_tokenizer
from training.train import IGNORED, batches, save, train

TINY = replace(
    Recipe(),
    width=32,
    layers=1,
    heads=2,
    feed_forward=64,
    context=64,
    steps=60,
    again=10,
    warm_up=5,
    problems=8,
    rate=1e-2,
    threads=1,
)


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(1, context=TINY.context)


def losses(printed: str) -> list[float]:
    lines = [line.split() for line in printed.splitlines() if line.startswith("step")]
    return [float(words[words.index("loss") + 1]) for words in lines]


def test_batches_learn_answers_and_not_prompts(tokenizer):
    shapes = []
    for (tokens, targets), (prose, learned) in islice(batches(TINY, tokenizer), 8):
        assert tokens.shape[0] == TINY.problems
        for row, kept in zip(tokens, targets[..., 0] != IGNORED, strict=True):
            start, end = tokenizer.bos_token_id, tokenizer.eos_token_id
            assert row[0] == start
            line = tokenizer.convert_tokens_to_ids("\u010a")
            assert torch.equal(row[kept][-1:], torch.tensor([end]))
            assert line == row[int(kept.int().argmax()) - 1]
            assert (row[int(kept.nonzero().max()) + 1 :] == tokenizer.pad_token_id).all()
            assert kept[int(kept.int().argmax()) : int(kept.nonzero().max())].all()
        first, learned = targets[..., 0], learned[..., 0]
        assert torch.equal(tokens[first != IGNORED], first[first != IGNORED])
        assert torch.equal(prose[learned != IGNORED], learned[learned != IGNORED])
        assert (prose[learned == IGNORED] == tokenizer.bos_token_id).all()
        shapes.append(tuple(prose.shape))
    half, whole = (2, TINY.context // 2 + 1), (1, TINY.context + 1)
    assert shapes == [half, half, half, whole] * 2


def test_a_short_course_learns_and_is_the_same_twice(tokenizer, capsys):
    first = train(TINY, tokenizer)
    course = losses(capsys.readouterr().out)
    assert course[-1] < course[0] - 1
    second = train(TINY, tokenizer)
    for one, two in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, two)


def test_the_folder_loads_and_is_measured(tokenizer, tmp_path):
    model = train(replace(TINY, steps=3, again=2), tokenizer)
    save(model, tokenizer, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    for mine, theirs in zip(model.parameters(), loaded.parameters(), strict=True):
        assert torch.equal(mine.to(torch.bfloat16).float(), theirs)
    figures = evaluate(tmp_path, problems=5, tried=3, threads=1)
    assert set(figures.tasks) == set(TASKS)
    assert figures.english_nats_per_token > 1
    write_card(tmp_path, TINY, figures, value=ValueRecipe(), aucs={"countdown-4": 0.625})
    card = (tmp_path / "README.md").read_text()
    assert f"{figures.parameters:,} parameters" in card
    line = figures.tasks["Countdown, 3 numbers"]
    assert f"| Countdown, 3 numbers | 5 | {line.greedy:.3f} | {line.any_of_16:.3f} |" in card
    assert "| countdown-4 | 0.625 |" in card
