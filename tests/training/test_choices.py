"""What is right in a place: all of it is known, and a model may settle on any."""

import random
from itertools import islice

import pytest

pytest.importorskip("transformers")

import torch
from torch import nn

from training.data import LARGEST_RESULT, any_way, countdown_documents, fives
from training.tokenizer import build_tokenizer
from training.train import IGNORED, encoded, gradients, padded
from treeseek.tasks.countdown import Problem, solve, steps_from, verify, write_step


def reachable(numbers: tuple[int, ...], target: int, begun: str) -> set[str]:
    """What may follow `begun` in the first step of an answer, by looking at every step there is."""
    steps = (pair for pair in steps_from(numbers) if pair[0][3] <= LARGEST_RESULT)
    good = [write_step(step, left) for step, left in steps if solve(left, target)]
    return {line for line in good if line.startswith(begun)}


@pytest.mark.parametrize("seed", range(6))
def test_choices_are_all_that_keeps_the_target_in_reach(seed):
    noise = random.Random(seed)
    for document in islice(countdown_documents(noise, 3), 12):
        target, numbers = _read(document.prompt)
        answer, choices = document.answer, document.choices
        first = [place for place in choices if place < answer.index("=")]
        for place in first:
            lines = reachable(numbers, target, answer[:place])
            heads = {line[place:] for line in lines}
            for other in choices[place]:
                assert any(head.startswith(other) for head in heads), (answer, place, other)
            assert all(head.startswith(choices[place]) for head in heads)


def test_choices_of_five_numbers_stand_where_they_are_said_to():
    for problem, answer, choices in islice(fives(random.Random(1)), 20):
        assert verify(problem, answer).solved
        for place, others in choices.items():
            assert answer[place:].startswith(others)


def test_a_drawn_way_is_among_its_choices():
    answer, choices = any_way(random.Random(0), (2, 4, 6, 12), 24)
    assert verify(Problem("", (2, 4, 6, 12), 24), answer).solved
    assert len(choices) == 9
    assert all(answer[place:].startswith(others) for place, others in choices.items())
    assert any(len(others) > 1 for others in choices.values())


class Fixed(nn.Module):
    """A model whose row is the same everywhere."""

    def __init__(self, row):
        super().__init__()
        self.row = nn.Parameter(torch.tensor(row))
        self.model, self.lm_head = self._hidden, lambda hidden: hidden

    def _hidden(self, input_ids, use_cache):
        rows = self.row.expand(*input_ids.shape, -1)
        return type("Out", (), {"last_hidden_state": rows})


def test_any_right_token_satisfies_the_loss():
    tokens = torch.tensor([[0, 1]])
    targets = torch.tensor([[[IGNORED, IGNORED], [1, 2]]])
    sure = Fixed([0.0, 0.0, 30.0])  # of token 2, where token 1 was drawn
    assert gradients(sure, [(tokens, targets)], any_right=True) < 1e-6
    assert sure.row.grad.abs().max() < 1e-6
    sure.row.grad = None
    assert gradients(sure, [(tokens, targets)]) > 29
    split = Fixed([0.0, 1.0, 2.0])
    loss = gradients(split, [(tokens, targets)], any_right=True)
    mass = torch.softmax(split.row.detach(), 0)[1:].sum()
    assert loss == pytest.approx(-float(mass.log()), abs=1e-6)


def test_encoded_choices_are_the_tokens_of_the_answer():
    tokenizer = build_tokenizer(1, context=64)
    document = next(countdown_documents(random.Random(3), 4))
    read, right = encoded(document, tokenizer)
    learned = [(token, alike) for token, alike in zip(read, right, strict=True) if alike[0] >= 0]
    assert all(token == alike[0] and len(set(alike)) == len(alike) for token, alike in learned)
    widths = [len(alike) for _, alike in learned]
    assert sum(width > 1 for width in widths) == sum(len(c) > 1 for c in document.choices.values())
    tokens, targets = padded([(read, right)], tokenizer)
    assert targets.shape == (*tokens.shape, max(widths))


def _read(prompt: str) -> tuple[int, tuple[int, ...]]:
    words = prompt.strip(".\n").split()
    return int(words[1]), tuple(map(int, words[3:]))
