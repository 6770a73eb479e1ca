"""Beam search is the beam search of transformers, and brute force where it is wide enough."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from treeseek import LM, search
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.errors import InvalidOption
from treeseek.strategies import beam
from treeseek.testing import scripted

VOCABULARY = 24
PROMPT = [3, 5]


def toy(seed: int, ends: list[int], vocabulary: int = VOCABULARY) -> LM:
    row = integer_hash(vocabulary, seed=seed)
    return LM(ToyBackend(row, vocabulary), Letters(), name="toy", ends=ends)


@pytest.fixture(scope="module")
def generate() -> Any:
    """`generate` of transformers on the same toy: the sequences and their scores."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from transformers import GenerationMixin, LlamaConfig, PreTrainedModel
    from transformers.modeling_outputs import CausalLMOutputWithPast

    class Toy(PreTrainedModel, GenerationMixin):
        config_class = LlamaConfig
        main_input_name = "input_ids"

        def __init__(self, config: Any, row: Any) -> None:
            super().__init__(config)
            self.row, self.anchor = row, torch.nn.Parameter(torch.zeros(1))

        def forward(self, input_ids: Any, **_: Any) -> Any:
            logits = np.stack([self.row(path) for path in input_ids.tolist()])
            return CausalLMOutputWithPast(logits=torch.tensor(logits, dtype=torch.float32)[:, None])

    def run(seed: int, ends: list[int], **options: Any) -> tuple[list[list[int]], list[float]]:
        config = LlamaConfig(
            vocab_size=VOCABULARY, hidden_size=4, num_hidden_layers=1, num_attention_heads=1
        )
        model = Toy(config, integer_hash(VOCABULARY, seed=seed))
        found = model.generate(
            torch.tensor([PROMPT]),
            use_cache=False,
            do_sample=False,
            num_return_sequences=options["num_beams"],
            eos_token_id=ends or None,
            pad_token_id=0,
            return_dict_in_generate=True,
            output_scores=True,
            **options,
        )
        texts = []
        for path, beams in zip(found.sequences.tolist(), found.beam_indices.tolist(), strict=True):
            tokens = path[len(PROMPT) :][: sum(index >= 0 for index in beams)]
            texts.append(tokens[:-1] if tokens[-1] in ends else tokens)
        return texts, found.sequences_scores.tolist()

    return run


ENDS = [[7], [7, 11, 2], []]
CASES = [
    (stopping, penalty, ENDS[(row + column) % 3])
    for row, stopping in enumerate([False, True, "never"])
    for column, penalty in enumerate([1.0, 0.0, -0.7, 2.5])
]


@pytest.mark.parametrize(("stopping", "penalty", "ends"), CASES)
def test_it_gives_what_transformers_gives(
    generate: Any, stopping: bool | str, penalty: float, ends: list[int]
) -> None:
    finishes = set()
    for seed, width, limit in [(0, 2, 9), (1, 3, 12), (2, 6, 7), (3, 8, 14), (4, 2, 1)]:
        strategy = beam(width=width, length_penalty=penalty, early_stopping=stopping)
        found = search(
            PROMPT, model=toy(seed, ends), strategy=strategy, limit=limit, n=width
        ).candidates
        texts, scores = generate(
            seed,
            ends,
            num_beams=width,
            length_penalty=penalty,
            early_stopping=stopping,
            max_new_tokens=limit,
        )
        assert [list(candidate.token_ids) for candidate in found] == texts
        assert np.allclose([candidate.score for candidate in found], scores, rtol=1e-5)
        finishes |= {candidate.finish for candidate in found}
    assert finishes == ({"end", "limit"} if ends else {"limit"})


def test_as_wide_as_the_leaves_it_is_brute_force() -> None:
    lm = toy(5, [3], vocabulary=4)
    found = search([0], model=lm, strategy=beam(width=64, early_stopping="never"), limit=3, n=64)
    leaves = {}
    for length in range(4):
        for tokens in product(range(3), repeat=length):
            total, path = 0.0, [0]
            for token in (*tokens, 3)[:3]:
                logits = lm.backend.row(path)
                total += logits[token] - np.log(np.exp(logits).sum())
                path.append(token)
            leaves[tokens] = total / min(length + 1, 3)
    wanted = sorted(leaves, key=lambda tokens: -leaves[tokens])
    assert [candidate.token_ids for candidate in found.candidates] == wanted
    assert np.allclose([c.score for c in found.candidates], [leaves[t] for t in wanted])


def test_the_end_token_counts_towards_the_length() -> None:
    lm = scripted({"": {"a": 0.5, ".": 0.5}, "a": {".": 0.5, "b": 0.5}})
    found = search("^", model=lm, strategy=beam(width=3), n=3)
    assert [c.score / np.log(0.5) for c in found.candidates] == pytest.approx([2 / 3, 1.0, 1.0])


def test_fewer_beams_than_answers_are_refused() -> None:
    with pytest.raises(InvalidOption, match="widen to 4"):
        search("ab", model="toy:hash", strategy=beam(width=3), n=4)


def test_the_budget_leaves_what_was_finished() -> None:
    lm = scripted({"": {".": 0.6, "a": 0.4}, "a": {"a": 0.9, ".": 0.1}, "aa": {"b": 1.0}})
    found = search("^", model=lm, strategy=beam(width=2, early_stopping="never"), budget=1)
    assert found.budget_spent
    assert [(c.text, c.finish) for c in found.candidates] == [
        ("", "end"),
        ("a", "end"),
        ("aa", "budget"),
    ]
