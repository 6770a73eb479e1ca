"""The tokenizer reads every text, keeps numbers whole and cuts a prompt where it ends."""

import random
from itertools import chain, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("transformers")

from training.data import LARGEST_RESULT, TASK_SHARES, pages, problems, task_problems
from training.tokenizer import TASK_WORDS, build_tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(1, context=512)


def test_every_text_comes_back(tokenizer):
    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def round_trip(text):
        if "<s>" in text or "</s>" in text or "<pad>" in text:
            return
        tokens = tokenizer(text, add_special_tokens=False).input_ids
        assert tokenizer.decode(tokens) == text

    round_trip()


def test_a_number_is_one_token(tokenizer):
    for number in range(LARGEST_RESULT + 1):
        assert len(tokenizer(str(number), add_special_tokens=False).input_ids) == 1


def test_a_word_of_the_tasks_is_one_token_and_a_capital_among_capitals_too(tokenizer):
    for text in (*TASK_WORDS, "K"):
        assert len(tokenizer(text, add_special_tokens=False).input_ids) == 1
    capitals = tokenizer("ABBA,KLIF>LA", add_special_tokens=False).input_ids
    assert tokenizer.convert_ids_to_tokens(capitals) == list("ABBA,KLIF>LA")


def test_the_words_of_the_tasks_come_last(tokenizer):
    first = build_tokenizer(1, context=512, words=())
    assert len(tokenizer) - len(TASK_WORDS) <= len(first) < len(tokenizer)
    known = tokenizer.get_vocab()
    assert all(known[token] == number for token, number in first.get_vocab().items())
    for document in chain(islice(problems(2), 100), islice(pages(2), 100)):
        text = document.prompt + document.answer
        assert first(text).input_ids == tokenizer(text).input_ids


def test_prompt_and_answer_are_cut_at_the_prompt(tokenizer):
    tasks = task_problems("2", TASK_SHARES)
    for document in chain(islice(problems(2), 200), islice(pages(2), 100), islice(tasks, 300)):
        prompt = tokenizer(document.prompt).input_ids
        answer = tokenizer(document.answer, add_special_tokens=False).input_ids
        assert prompt[0] == tokenizer.bos_token_id
        assert tokenizer(document.prompt + document.answer).input_ids == prompt + answer


def test_building_twice_gives_the_same(tokenizer):
    again = build_tokenizer(1, context=512)
    assert again.get_vocab() == tokenizer.get_vocab()
    text = random.Random(1).choice(["The cat sat on the table.", "3*12=36:5 36"])
    assert again(text).input_ids == tokenizer(text).input_ids


def test_stored_and_loaded_it_is_the_same(tokenizer, tmp_path):
    from transformers import AutoTokenizer

    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.eos_token == "</s>"
    for document in chain(islice(problems(3), 50), islice(pages(3), 50)):
        text = document.prompt + document.answer
        assert loaded(text).input_ids == tokenizer(text).input_ids
