"""From a model's name to a loaded model.

`embedded` is the small model inside this package, `embedded-small` its sibling of a tenth of the
size with the same tokens; `toy:hash?vocabulary=8&seed=1` an enumerable one; anything else is a
Hugging Face id or a folder, with or without `hf:` before it.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.errors import InvalidOption, UnknownName
from treeseek.model import LM
from treeseek.scorers.value import ValueHead

EMBEDDED = Path(__file__).parent / "models" / "embedded"
_PACKAGED = {"embedded": EMBEDDED, "embedded-small": EMBEDDED.parent / "sibling"}


class Words:
    """A transformers tokenizer as treeseek uses it: `tokenizer(prompt)` in, plain text out."""

    def __init__(self, tokenizer: Any) -> None:
        """Wrap `tokenizer`."""
        self.tokenizer = tokenizer

    def encode(self, text: str) -> list[int]:
        """Token ids as `tokenizer(text)` gives them."""
        return list(self.tokenizer(text)["input_ids"])

    def decode(self, tokens: Sequence[int]) -> str:
        """Text of `tokens`, special tokens left out."""
        text = self.tokenizer.decode(
            list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return str(text)


def load(
    model: Any = "embedded",
    *,
    tokenizer: Any = None,
    dtype: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    deterministic: bool | None = None,
    slots: int | None = None,
    nodes: int | None = None,
) -> LM:
    """Load `model` and check that its tree gives the same logits as its plain forward.

    `model` is a name (see above) or a transformers causal LM with its `tokenizer`; such a model
    belongs to treeseek from then on. `dtype` is float32 (the default on a CPU), bfloat16, float16
    or int8; `device` cpu or cuda; `threads` what torch may use; these three go with the name of a
    Hugging Face model. `deterministic` asks for logits that are the same to the last bit whatever
    else is computed in a call: True or refuse, False where torch is no faster, None (the default)
    wherever it is possible. `slots` is how many tokens the cache holds, `nodes` how many the tree
    may name before `lm.clear()`. Warns (TreeWarning) of a model that a slower route serves.

    Raises NotAModel, BrokenWeights, VocabularyMismatch, MissingExtra, InvalidOption, Incompatible.
    """
    if deterministic not in (True, False, None):
        raise InvalidOption(f"deterministic={deterministic!r}: give True, False or None.")
    for name, value in (("threads", threads), ("slots", slots), ("nodes", nodes)):
        whole = isinstance(value, int) and not isinstance(value, bool)
        if value is not None and not (whole and value >= 1):
            raise InvalidOption(f"{name}={value!r}: give a whole number of at least 1.")
    placed: dict[str, Any] = {"dtype": dtype, "device": device, "threads": threads}
    if not isinstance(model, str | Path):
        _refuse(placed, "a model object stays as it was made", _REMEDIES)
        return _adopt(model, tokenizer, slots=slots, nodes=nodes, deterministic=deterministic)
    model = str(model)
    if tokenizer is not None:
        raise InvalidOption("tokenizer= goes with a model object; a name brings its own.")
    if model.startswith("toy:"):
        _refuse(placed, f"{model} has no weights and runs without torch", {})
        return _toy(model, slots, nodes)
    from treeseek.backends.hf import load_hf, value_weights

    source = str(_PACKAGED.get(model, model.removeprefix("hf:")))
    backend, words = load_hf(
        source, **placed, slots=slots, nodes=nodes, deterministic=deterministic
    )
    ends, weights = ends_of(backend, words), value_weights(source)
    head = None if weights is None else ValueHead(weights)
    return LM(backend, Words(words), name=model, ends=ends, value=head)


_REMEDIES = {
    "dtype": "call model.to(dtype) before load()",
    "device": "call model.to(device) before load()",
    "threads": "call torch.set_num_threads(n)",
}


def _refuse(placed: dict[str, Any], why: str, remedies: dict[str, str]) -> None:
    """Refuse options that only a model loaded from its files can follow."""
    for name, value in placed.items():
        if value is not None:
            remedy = remedies.get(name, f"leave {name}= out")
            raise InvalidOption(f"{name}={value!r}: {why}; {remedy}.")


def _adopt(network: Any, tokenizer: Any, **options: Any) -> LM:
    if tokenizer is None or not hasattr(network, "get_output_embeddings"):
        raise InvalidOption(
            f"load({type(network).__name__}): give a model's name, or a transformers causal LM "
            "together with tokenizer=."
        )
    from treeseek.backends.hf import announce
    from treeseek.backends.selftest import serve

    backend = serve(network.eval(), **options)
    announce(backend)
    name = network.config.name_or_path or type(network).__name__
    return LM(backend, Words(tokenizer), name=name, ends=ends_of(backend, tokenizer))


def ends_of(backend: Any, tokenizer: Any) -> list[int]:
    """End tokens in order: the generation configuration's, else the tokenizer's."""
    settings = getattr(backend.head.model, "generation_config", None)
    ends = getattr(settings, "eos_token_id", None)
    if ends is None:
        ends = tokenizer.eos_token_id
    if ends is None:
        return []
    return [int(end) for end in ends] if isinstance(ends, list | tuple) else [int(ends)]


_loading = Lock()


def shared(model: str) -> LM:
    """The model that searches given only a name share within this process."""
    with _loading:
        return _loaded(model)


@lru_cache(maxsize=4)
def _loaded(model: str) -> LM:
    return load(model)


def _toy(model: str, slots: int | None, nodes: int | None) -> LM:
    kind, _, query = model.removeprefix("toy:").partition("?")
    if kind != "hash":
        raise UnknownName(f"Unknown toy model {model!r}: write toy:hash?vocabulary=8&seed=0.")
    values = {"vocabulary": 8, "seed": 0, "context": 0}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in values or not text.isdecimal():
            raise InvalidOption(f"{model!r}: toy:hash takes {', '.join(values)} as whole numbers.")
        values[name] = int(text)
    if values["vocabulary"] < 2:
        raise InvalidOption(f"{model!r}: vocabulary is at least 2 (the last token ends a text).")
    row = integer_hash(values["vocabulary"], seed=values["seed"])
    backend = ToyBackend(
        row, values["vocabulary"], context=values["context"] or None, slots=slots, nodes=nodes
    )
    return LM(backend, Letters(), name=model, ends=[values["vocabulary"] - 1])
