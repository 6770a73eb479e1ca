"""The last course: it grows the vocabulary, reads all tasks, and goes on where it was cut short."""

from dataclasses import replace
from itertools import islice

import pytest

pytest.importorskip("transformers")

import torch

from tests.training.test_train import TINY
from training.last import WORKERS, grown, last_batches, run_last, tried_rows
from training.tokenizer import build_tokenizer
from training.train import IGNORED, build_model
from training.value import Beginning

RECIPE = replace(
    TINY, last=8, last_problems=4, fives_from=2, cool=3, warm_up=2, value_from=4, tried=2
)
KNOWN = [
    Beginning("k", 0, (0, 5, 6, 7), True, 1, 2),
    Beginning("k", 0, (0, 5), False, 1, 3),
    Beginning("k", 1, (0, 8), True, 0, 2),
]


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(1, context=TINY.context)


def test_new_words_get_rows_and_old_ones_keep_theirs(tokenizer):
    small = build_model(TINY, tokenizer, 1990)
    before = small.get_input_embeddings().weight.detach().clone()
    model = grown(small, tokenizer)
    after = model.get_input_embeddings().weight
    assert len(after) == len(tokenizer) > len(before)
    assert torch.equal(after[: len(before)], before)
    assert after is model.get_output_embeddings().weight
    again = grown(build_model(TINY, tokenizer, 1990), tokenizer)
    assert torch.equal(again.get_input_embeddings().weight, after)


def test_workers_read_different_problems_and_the_same_ones_again(tokenizer):
    one, two, again = (
        list(islice(last_batches(RECIPE, tokenizer, worker), 9)) for worker in (0, 1, 0)
    )
    for batch, same in zip(one, again, strict=True):
        assert all(torch.equal(a[0], b[0]) for a, b in zip(batch, same, strict=True))
    assert not torch.equal(one[0][-1][0], two[0][-1][0])
    for batch in one:
        for tokens, targets in batch:
            kept = targets[..., 0] != IGNORED
            assert torch.equal(tokens[kept], targets[kept][:, 0])
    lengths = [batch[-1][0].shape[1] for batch in one]
    assert lengths == [TINY.context // 2 + 1] * 7 + [TINY.context + 1, TINY.context // 2 + 1]


def test_rows_of_tries_are_whole():
    texts = [one.tokens for one in KNOWN]
    rows = next(tried_rows(RECIPE, texts, 0))
    assert {row.tokens for row in rows} == {(0, 5, 6, 7), (0, 8)}
    assert sorted(place for row in rows for place in row.texts) == [0, 1, 2]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_course_that_was_cut_short_goes_on_as_if_it_had_not_been(tokenizer, tmp_path, capfd):
    def ran(folder: str, *stops: int) -> dict[str, torch.Tensor]:
        for stop in stops:
            model = build_model(RECIPE, tokenizer, len(tokenizer))
            run_last(model, RECIPE, tokenizer, tmp_path / folder, until=stop, known=KNOWN)
        return model.state_dict()

    whole, halves, short = ran("whole", 8), ran("halves", 5, 8), ran("short", 5)
    assert all(torch.equal(whole[name], halves[name]) for name in whole)
    assert not all(torch.equal(whole[name], short[name]) for name in whole)
    assert WORKERS == 2
