"""The value head: labels are shares of right tries, states are the model's, the AUC is a count."""

import itertools
import json
import random
from dataclasses import replace

import pytest

pytest.importorskip("transformers")

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

from training.recipe import ValueRecipe
from training.value import (
    Beginning,
    ValueHead,
    auc,
    beginnings,
    fit,
    hidden_states,
    in_rows,
    measure,
    store,
    stored_figures,
    to_try,
    value_loss,
)
from treeseek import load
from treeseek.tasks.countdown import is_held_out


def some_texts(noise: random.Random, count: int) -> list[tuple[int, ...]]:
    texts = {tuple(noise.choices(range(3), k=noise.randint(1, 6))) for _ in range(count)}
    return noise.sample(sorted(texts), len(texts))


def test_rows_hold_every_text_once_and_none_for_nothing():
    for seed in range(50):
        texts = some_texts(random.Random(seed), 30)
        rows = in_rows(texts)
        assert sorted(place for row in rows for place in row.texts) == list(range(len(texts)))
        for row in rows:
            assert all(row.tokens[: len(texts[place])] == texts[place] for place in row.texts)
            assert row.tokens in texts
        for one, two in itertools.permutations(rows, 2):
            assert two.tokens[: len(one.tokens)] != one.tokens


def test_states_are_those_of_every_text_alone():
    config = LlamaConfig(
        vocab_size=8,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
    )
    torch.manual_seed(1)
    model = LlamaForCausalLM(config).eval()
    texts = some_texts(random.Random(3), 25)
    states = hidden_states(model, texts, together=4)
    for text, state in zip(texts, states, strict=True):
        with torch.inference_mode():
            alone = model.model(input_ids=torch.tensor([text])).last_hidden_state[0, -1]
        assert torch.allclose(state, alone, atol=1e-5)


def known(*rows: tuple[int, int, int]) -> list[Beginning]:
    return [Beginning("k", problem, (), False, right, tries) for problem, right, tries in rows]


def test_the_auc_counts_pairs_of_tries_within_a_problem():
    noise = random.Random(5)
    chosen = known(*((noise.randint(0, 2), noise.randint(0, 3), 3) for _ in range(20)))
    values = [noise.choice((0.1, 0.2, 0.3)) for _ in chosen]
    tries = [
        (one.problem, right, value)
        for one, value in zip(chosen, values, strict=True)
        for right in [True] * one.right + [False] * (one.tries - one.right)
    ]
    pairs = [
        (a[2] > b[2]) + (a[2] == b[2]) / 2
        for a in tries
        for b in tries
        if a[0] == b[0] and a[1] and not b[1]
    ]
    assert auc(values, chosen) == pytest.approx(sum(pairs) / len(pairs))
    assert auc([0.5] * len(chosen), chosen) == 0.5


def test_problems_are_not_compared_with_one_another():
    chosen = known((1, 1, 1), (2, 0, 1))
    assert auc([0.0, 1.0], chosen) != auc([0.0, 1.0], chosen), "not a number: no pair"
    assert auc([0.1, 0.9, 0.2], known((1, 1, 1), (2, 0, 1), (1, 0, 1))) == 0.0


def test_beginnings_of_other_lengths_are_not_compared():
    one, two = (Beginning("k", 1, (), False, right, 1, step) for right, step in ((1, 1), (0, 2)))
    states = torch.randn(3, 4)
    three = Beginning("k", 1, (), False, 0, 1, 1)
    figures = measure(ValueHead(4, 2), states, [one, two, three])
    assert set(figures) == {"k, 1 step"}


def test_the_loss_is_least_at_the_share_of_right_tries():
    chosen = known((1, 1, 4), (1, 3, 4), (1, 1, 2))
    best = torch.logit(torch.tensor([0.25, 0.75, 0.5])).requires_grad_()
    value_loss(best, chosen).backward()
    assert best.grad is not None
    assert best.grad.abs().max() < 1e-6
    off = torch.zeros(3, requires_grad=True)
    value_loss(off, chosen).backward()
    assert off.grad is not None
    assert off.grad.abs().max() > 1e-2


def test_the_head_learns_what_the_states_tell():
    torch.manual_seed(2)
    states = torch.randn(600, 8)
    chance = torch.sigmoid(3 * states[:, 0] * states[:, 1])
    rights = torch.bernoulli(chance.expand(5, -1)).sum(0).int().tolist()
    chosen = known(*((0, right, 5) for right in rights))
    head = fit(states, chosen, replace(ValueRecipe(), inner=16, epochs=60, batch=64, rate=1e-2))
    with torch.inference_mode():
        values = head(states)
    assert 0 <= values.min() <= values.max() <= 1
    assert (values - chance).abs().mean() < 0.12
    assert (values.mean() - chance).abs().mean() > 0.2, "a constant would be worse"


def test_labels_are_shares_of_the_models_own_tries_on_training_problems():
    recipe = replace(ValueRecipe(), shares={"countdown-3": 0.5, "countdown-5": 0.5})
    tried = to_try(recipe, 8, held_out=False)
    assert [one.kind for one in tried].count("countdown-5") == 4
    assert not any(is_held_out(one.problem.numbers) for one in tried)
    unseen = to_try(recipe, 8, held_out=True)
    assert all(is_held_out(one.problem.numbers) for one in unseen)
    lm = load("embedded")
    made = beginnings(lm, tried[:4], tries=6, seed=3)
    for number, one in enumerate(tried[:4]):
        prompt = tuple(lm.encode(one.problem.prompt))
        mine = [beginning for beginning in made if beginning.problem == number]
        (root,) = (beginning for beginning in mine if beginning.tokens == prompt)
        assert root.tries == 6
        whole = [beginning for beginning in mine if beginning.whole]
        assert sum(beginning.right for beginning in whole) >= root.right
        for beginning in mine:
            assert 0 <= beginning.right <= beginning.tries <= root.tries
            text = lm.text(prompt, beginning.tokens[len(prompt) :])
            assert beginning.whole or text == "" or text.endswith("\n")
            if beginning.whole and not text.endswith("\n"):
                solved = one.verifier.verify(text).solved
                assert beginning.right == solved * beginning.tries


def test_every_kind_of_problem_is_tried_on_both_sides():
    recipe = replace(ValueRecipe(), seed=2)
    sides = [to_try(recipe, 60, held_out=held_out) for held_out in (False, True)]
    assert {one.kind for one in sides[0]} == set(recipe.shares)
    assert {one.kind for one in sides[1]} == set(recipe.shares) - {"countdown-5"}
    prompts = [{one.problem.prompt for one in side} for side in sides]
    assert prompts[0].isdisjoint(prompts[1])
    assert sum(recipe.shares.values()) == pytest.approx(1)


def test_the_stored_head_is_what_its_header_says(tmp_path):
    head = ValueHead(6, 3)
    store(head, tmp_path, {"k": 0.75})
    path = tmp_path / "value.safetensors"
    with safe_open(path, "pt") as stored:
        shape = json.loads(stored.metadata()["shape"])
    assert shape == {"width": 6, "inner": 3, "activation": "gelu"}
    weights = load_file(path)
    state = torch.randn(2, 6)
    inner = torch.nn.functional.gelu(state @ weights["inner.weight"].T + weights["inner.bias"])
    outer = inner @ weights["outer.weight"].T + weights["outer.bias"]
    assert torch.allclose(torch.sigmoid(outer[:, 0]), head(state))
    assert stored_figures(tmp_path) == {"k": 0.75}
