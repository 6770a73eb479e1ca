"""The tokenizer: byte-level, merges learned from our English, every number up to 499 one token, and
so is every word of the tasks and, where capitals follow one another, every letter.

This room believes that a number is learned best when it is one token, and that any text must be
readable: every byte is a token, so nothing is unknown. A begin token comes before every
text, so that the first word of a sentence has a probability too. It does not cover other languages
well: they fall back to bytes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from itertools import chain, islice, repeat

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from training.data import LARGEST_RESULT, english_documents
from treeseek.tasks.lists import LISTS
from treeseek.tasks.strings import STRINGS

BEGIN, END, PAD = "<s>", "</s>", "<pad>"
ENGLISH_TOKENS = 1500
TASK_WORDS = (
    "Work",
    "Turn",
    "Map",
    "Fill",
    *(family for language in (STRINGS, LISTS) for family in language.families),
)
"""Words that the tasks begin a line with; they come last in the vocabulary, after the numbers."""
_WORDS = r" ?[A-Z]?[a-z]+| ?[A-Z]|[0-9]{1,3}| ?[^\sA-Za-z0-9]|\n| |\s"


def build_tokenizer(
    seed: int, *, context: int, words: Sequence[str] = TASK_WORDS
) -> PreTrainedTokenizerFast:
    """Learn the merges, put the numbers in and then `words`; `context` is what the model can read.

    Without `words` it is the tokenizer of the first courses.
    """
    english = english_documents(random.Random(f"tokenizer {seed}"))
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = _splitter()  # type: ignore[assignment]
    trainer = trainers.BpeTrainer(
        vocab_size=ENGLISH_TOKENS,
        special_tokens=[BEGIN, END, PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    pages = chain((page.answer for page in islice(english, 20_000)), repeat("Make from.", 2_000))
    learner.train_from_iterator(pages, trainer)
    learned = json.loads(learner.to_str())["model"]
    vocabulary: dict[str, int] = dict(learned["vocab"])
    merges = [tuple(pair) for pair in learned["merges"]]
    for number in range(10, LARGEST_RESULT + 1):
        digits = str(number)
        merges.append((digits[:-1], digits[-1]))
        vocabulary[digits] = len(vocabulary)
    for word in words:
        vocabulary.setdefault(word, len(vocabulary))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=True))
    tokenizer.add_special_tokens([BEGIN, END, PAD])
    tokenizer.pre_tokenizer = _splitter()  # type: ignore[assignment]
    tokenizer.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    tokenizer.post_processor = processors.TemplateProcessing(  # type: ignore[assignment]
        single=f"{BEGIN} $A",
        pair=f"{BEGIN} $A {BEGIN} $B",
        special_tokens=[(BEGIN, vocabulary[BEGIN])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )


def _splitter() -> pre_tokenizers.PreTokenizer:
    """Words with the space before them, up to three digits together, all else alone."""
    return pre_tokenizers.Sequence(  # type: ignore[return-value]
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
