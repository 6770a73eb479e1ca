"""Reward models with heads of random weights, against their own plain forward."""

import shutil
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    LlamaForTokenClassification,
)

from treeseek.backends.reward import load_reward
from treeseek.decoding.stops import Step
from treeseek.errors import BrokenWeights, ContextOverflow, InvalidOption, NotAModel
from treeseek.loading import EMBEDDED
from treeseek.scorers.reward import ProcessReward, Reward

PROMPT = "Make 24 from 3 5 12.\n"
TEXTS = ["12-5=7:3 7\n3*7=21:21", "12*5=60:3 60\n", "12-5=7:3 7\n3+7=10:10", "3+5=8"]
CHAT = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] | trim }}</s>{% endfor %}"


def made(folder: Path, kind: type, *, labels: int = 1, chat: bool = False) -> str:
    """A tiny model with random weights and the embedded tokenizer, on disk."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(EMBEDDED / name, folder / name)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if chat:
        tokenizer.chat_template = CHAT
        tokenizer.save_pretrained(folder)
    torch.manual_seed(labels)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=128,
        num_labels=labels, initializer_range=0.4,
    )  # fmt: skip
    kind(config).save_pretrained(folder)
    return str(folder)


def plain(folder: str, kind: type, text: str, *, special: bool = True) -> torch.Tensor:
    """Logits of one text alone, by transformers."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = kind.from_pretrained(folder).eval()  # type: ignore[attr-defined]
    ids = tokenizer(text, add_special_tokens=special, return_tensors="pt")["input_ids"]
    model.config.pad_token_id = -1
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=ids).logits[0]
    return logits


@pytest.mark.parametrize("labels", [1, 2])
def test_outcomes_are_those_of_the_plain_forward(tmp_path: Path, labels: int) -> None:
    folder = made(tmp_path, LlamaForSequenceClassification, labels=labels)
    found = Reward(folder, PROMPT).score(TEXTS)
    for text, value in zip(TEXTS, found, strict=True):
        logits = plain(folder, LlamaForSequenceClassification, PROMPT + text)
        wanted = logits[0] if labels == 1 else logits.softmax(-1)[-1]
        assert value == pytest.approx(float(wanted), abs=1e-5)
    assert len(set(found)) == len(TEXTS)


def test_a_rating_does_not_depend_on_its_neighbours(tmp_path: Path) -> None:
    folder = made(tmp_path, LlamaForSequenceClassification)
    scorer = Reward(load_reward(folder), PROMPT)
    together = scorer.score(TEXTS * 20)
    alone = [scorer.score([text])[0] for text in TEXTS]
    assert together == pytest.approx(alone * 20, abs=1e-5)


@pytest.mark.parametrize("labels", [1, 2])
@pytest.mark.parametrize("reduction", ["last", "min", "prod", "mean"])
def test_processes_are_read_at_the_last_token_of_each_step(
    tmp_path: Path, labels: int, reduction: str
) -> None:
    """A step is rated as if the text ended there: the model looks back only."""
    folder = made(tmp_path, LlamaForTokenClassification, labels=labels)
    (found,) = ProcessReward(folder, PROMPT, reduction=reduction).score(TEXTS[:1])  # type: ignore[arg-type]
    rates = []
    for prefix in ("12-5=7:3 7\n", TEXTS[0]):
        row = plain(folder, LlamaForTokenClassification, PROMPT + prefix)[-1]
        rates.append(float(row.sigmoid() if labels == 1 else row.softmax(-1)[-1]))
    one, two = rates
    wanted = {"last": two, "min": min(rates), "prod": one * two, "mean": (one + two) / 2}
    assert found == pytest.approx(wanted[reduction], abs=1e-5)
    assert one != pytest.approx(two, abs=1e-3)


def test_a_chat_template_is_kept_to(tmp_path: Path) -> None:
    """The turns of user and assistant, trimmed; the end of the turn is no part of the last step."""
    folder = made(tmp_path, LlamaForTokenClassification, chat=True)
    text = "12-5=7:3 7\n3*7=21:21\n"
    (steps,) = load_reward(folder, process=True).processes(PROMPT, [["12-5=7:3 7\n", text[11:]]])
    whole = f"<user>{PROMPT.strip()}</s><assistant>{text.strip()}"
    row = plain(folder, LlamaForTokenClassification, whole, special=False)[-1]
    assert len(steps) == 2
    assert steps[1] == pytest.approx(float(row.sigmoid()), abs=1e-5)


def test_a_text_without_a_step_is_worth_nothing(tmp_path: Path) -> None:
    folder = made(tmp_path, LlamaForTokenClassification)
    scorer = ProcessReward(folder, PROMPT, step=Step(("\n",)))
    assert scorer.score(["", "\n"]) == [0.0, 0.0]


@pytest.mark.parametrize("process", [False, True])
def test_a_head_that_is_not_there_is_refused(tmp_path: Path, process: bool) -> None:
    """transformers would make one up."""
    folder = made(tmp_path, LlamaForCausalLM)
    with pytest.raises(BrokenWeights, match="classification head"):
        load_reward(folder, process=process)


def test_what_is_no_reward_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAModel):
        Reward(str(tmp_path), PROMPT)
    folder = made(tmp_path, LlamaForSequenceClassification)
    with pytest.raises(InvalidOption, match="device"):
        load_reward(folder, device="nowhere")
    with pytest.raises(ContextOverflow, match="128"):
        Reward(folder, PROMPT).score(["3+5=8\n" * 100])
    with pytest.raises(InvalidOption, match="last or min"):
        ProcessReward(folder, PROMPT, reduction="max")  # type: ignore[arg-type]
