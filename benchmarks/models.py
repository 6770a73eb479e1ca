"""The models that are timed: two random-weight Llamas, stories260K, the embedded model.

A (15 M parameters) and B (110 M) have random weights: their speed is that of a trained model of
the same shape, their text means nothing. Each comes twice, once for treeseek and once, untouched,
for transformers.
"""

import copy
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import torch

import treeseek
from treeseek.backends import selftest
from treeseek.backends.eight import round_weights
from treeseek.loading import EMBEDDED, Words

SHAPES = {"A": (288, 6, 6, 768), "B": (768, 12, 12, 2048)}
"""Width, layers, heads, width of the feed-forward."""


@dataclass
class Pair:
    """One model twice: `lm` for treeseek, `network` for transformers, and a prompt in ids."""

    name: str
    lm: treeseek.LM
    network: Any
    prompt: list[int]
    route: str
    counted: int = 0

    def mark(self) -> None:
        """Count computed tokens from here."""
        self.counted = self.lm.backend.spent.computed

    def generate(self, length: int, **how: Any) -> torch.Tensor:
        """transformers' own continuation(s) [n, length] of the prompt."""
        ids = torch.tensor([self.prompt])
        with torch.inference_mode():
            out: torch.Tensor = self.network.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=length,
                min_new_tokens=length,
                **how,
            )
        return out[:, ids.shape[1] :]


class NoWords:
    """A tokenizer for models without words."""

    eos_token_id = None

    def __call__(self, text: str) -> dict[str, list[int]]:
        """No text is ever given."""
        raise ValueError("these models are prompted by token ids")

    def decode(self, tokens: Sequence[int], **_: object) -> str:
        """Nothing to read."""
        return ""


def shared() -> Path:
    """Folder of shared models and data."""
    return Path(os.environ.get("TREESEEK_SHARED", "../shared"))


def folder_of(name: str) -> Path:
    """Where the model `name`, which has no random weights, lies."""
    return EMBEDDED if name == "embedded" else shared() / "models" / name


def pair(name: str, *, prompt: int = 64, route: str | None = None) -> Pair | None:
    """The model called `name` with a prompt of that many tokens; None if its files are absent.

    `route`: how treeseek serves it (native, fused, tree), as it chooses itself without; "int8" is
    native with weights in eight bits, and then transformers computes with the rounded ones.
    """
    if route is None:
        return _made(name, prompt)
    eight = route == "int8"
    with mock.patch.object(selftest, "ROUTES", ("native" if eight else route,)):
        made = _made(name, prompt, eight=eight)
    assert made is None or made.lm.backend.capabilities.path == ("native" if eight else route)
    return made


def _made(name: str, prompt: int, *, eight: bool = False) -> Pair | None:
    if name in SHAPES:
        return _pair(name, random_network(name), prompt, eight)
    folder = folder_of(name)
    if not (folder / "model.safetensors").exists():
        return None
    from transformers import AutoModelForCausalLM

    network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return _pair(name, network, min(prompt, 64), eight)


def random_network(name: str) -> Any:
    """Model A or B, the same weights every time."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    width, layers, heads, inner = SHAPES[name]
    config = LlamaConfig(
        vocab_size=32000,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        initializer_range=0.05,
        eos_token_id=None,
        bos_token_id=None,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
    )
    return LlamaForCausalLM(config).eval()


def _pair(name: str, network: Any, prompt: int, eight: bool) -> Pair:
    network.generation_config.eos_token_id = None
    network.generation_config.pad_token_id = 0
    if eight:
        round_weights(network)
    backend = selftest.serve(copy.deepcopy(network), eight=eight)
    lm = treeseek.LM(backend, Words(NoWords()), name=name)
    generator = torch.Generator().manual_seed(2)
    vocabulary = network.config.vocab_size
    ids = torch.randint(3, vocabulary, (prompt,), generator=generator).tolist()
    return Pair(name, lm, network, ids, "int8" if eight else backend.capabilities.path)
