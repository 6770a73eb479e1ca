"""Reward models: transformers with a head that rates a text, or each of its steps.

This file believes that a head with random weights is worse than none, so a folder whose head is
missing is refused; and that a rating must not depend on what is rated beside it, so only texts of
the same length share a forward and nothing is padded. It covers sequence classification (one rating
a text) and token classification (one a step). A reward model that answers with a word is a judge.
"""

from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

from treeseek.backends.hf import config_of, libraries, place_of, quiet, tokenizer_of, weights
from treeseek.errors import BrokenWeights, ContextOverflow, NotAModel

BATCH = 32
"""Texts of one forward."""


class RewardModel:
    """A loaded reward model; `name` is what the caller asked for."""

    def __init__(self, name: str, network: Any, tokenizer: Any) -> None:
        """Put `network` (a classification model) and its tokenizer together."""
        self.name = name
        self.network = network.eval()
        self.tokenizer = tokenizer
        self.context: int | None = getattr(network.config, "max_position_embeddings", None)
        self._lock = Lock()

    def outcomes(self, prompt: str, texts: Sequence[str]) -> list[float]:
        """One number a text: the logit of a head with one label, else P(last label)."""
        encoded = [self._encode(prompt, text)[0] for text in texts]
        found: list[float] = [0.0] * len(texts)
        for at, logits in self._forward(encoded):
            found[at] = float(logits[0] if len(logits) == 1 else logits.softmax(-1)[-1])
        return found

    def processes(self, prompt: str, texts: Sequence[Sequence[str]]) -> list[list[float]]:
        """One number in [0, 1] for each step of each text, read at the step's last token.

        The sigmoid of a head with one label, else P(last label).
        """
        encoded, places = [], []
        for steps in texts:
            tokens, spans, (start, stop) = self._encode(prompt, "".join(steps))
            encoded.append(tokens)
            ends = []
            for step in steps:
                start += len(step)
                last = min(start, stop)
                ends.append(max(i for i, (a, b) in enumerate(spans) if a < last and a < b))
            places.append(ends)
        found: list[list[float]] = [[] for _ in texts]
        for at, logits in self._forward(encoded):
            rows = logits[places[at]].float()
            chance = rows.sigmoid() if rows.shape[-1] == 1 else rows.softmax(-1)
            found[at] = [float(row[-1]) for row in chance]
        return found

    def _encode(
        self, prompt: str, text: str
    ) -> tuple[list[int], list[tuple[int, int]], tuple[int, int]]:
        """Tokens of prompt and text, the characters each stands for, and those of the text.

        A model with a chat template sees a turn of the user and one of the assistant, which the
        template may trim.
        """
        chat = bool(getattr(self.tokenizer, "chat_template", None))
        whole = prompt + text
        span = (len(prompt), len(whole))
        if chat:
            turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": text}]
            whole = self.tokenizer.apply_chat_template(turns, tokenize=False)
            body = text.strip()
            at = whole.rfind(body)
            span = (at - text.find(body), at + len(body))
        found = self.tokenizer(whole, add_special_tokens=not chat, return_offsets_mapping=True)
        tokens = list(found["input_ids"])
        if self.context is not None and len(tokens) > self.context:
            raise ContextOverflow(
                f"A text of {len(tokens)} tokens does not fit the {self.context} of {self.name}: "
                "shorten limit=, or take a reward model with a longer context."
            )
        return tokens, list(found["offset_mapping"]), span

    def _forward(self, encoded: Sequence[Sequence[int]]) -> list[tuple[int, Any]]:
        """(index, logits) for each of `encoded`; texts of one length go together."""
        import torch

        lengths: dict[int, list[int]] = {}
        for at, tokens in enumerate(encoded):
            lengths.setdefault(len(tokens), []).append(at)
        done: list[tuple[int, Any]] = []
        with self._lock, torch.inference_mode():
            for alike in lengths.values():
                for start in range(0, len(alike), BATCH):
                    some = alike[start : start + BATCH]
                    ids = torch.tensor([encoded[at] for at in some], device=self.network.device)
                    logits = self.network(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
                    done += zip(some, logits.float().cpu(), strict=True)
        return done


def load_reward(name: str, *, process: bool = False, device: str | None = None) -> RewardModel:
    """Load the reward model in folder or hub id `name`: a sequence-classification head.

    `process=True` asks for a token-classification head. float32 on a CPU, else the stored dtype.
    Code inside the folder is never run. Raises MissingExtra, NotAModel, BrokenWeights (also for a
    head that the weights do not hold), InvalidOption.
    """
    torch = libraries()
    from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

    auto = AutoModelForTokenClassification if process else AutoModelForSequenceClassification
    place = place_of(torch, device)
    with quiet():
        config = config_of(name)
        tokenizer = tokenizer_of(name)
        if not tokenizer.is_fast:
            raise NotAModel(
                f"The tokenizer of {name} does not say which characters a token stands for: "
                "give one with a tokenizer.json."
            )
        if config.get_text_config().pad_token_id is None:
            # Nothing is padded: a padding token that no text holds leaves the last token the last.
            config.pad_token_id = -1
        dtype = torch.float32 if place.type == "cpu" else "auto"
        try:
            network = weights(auto, name, config, dtype)
        except BrokenWeights as error:
            kind = "token" if process else "sequence"
            raise BrokenWeights(
                f"{error} A reward model has a {kind}-classification head."
            ) from error
    return RewardModel(name, network.to(place), tokenizer)


_loading = Lock()


def shared_reward(name: str, *, process: bool) -> RewardModel:
    """The reward model that scorers given only a name share within this process."""
    with _loading:
        return _loaded(name, process)


@lru_cache(maxsize=4)
def _loaded(name: str, process: bool) -> RewardModel:
    return load_reward(name, process=process)
