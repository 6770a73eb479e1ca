"""From last hidden states to logits, the way the model itself does it.

A causal model is a decoder and what follows it. What follows is mostly one matrix, but families
scale, cap or shift what comes out, so the truth is the model's own forward with its decoder set
aside; the bare matrix is used where a trial shows that it gives the same numbers.
"""

from collections.abc import Callable
from copy import copy
from typing import Any

import torch
from torch import Tensor

from treeseek.backends.product import Product
from treeseek.errors import NotAModel


def decoder_of(model: Any) -> Any:
    """The part of a causal language model that ends in the last hidden state."""
    found = [model.get_decoder() if hasattr(model, "get_decoder") else None, model.base_model]
    found += [getattr(model, name, None) for name in ("model", "transformer", "backbone")]
    inner = next((part for part in found if part is not None and part is not model), None)
    if inner is None:
        raise NotAModel(
            f"{type(model).__name__} has no decoder that could be told from its output layer: "
            "it cannot be served."
        )
    return inner


class Head:
    """Logits [n, V] of hidden states [n, width]; only these rows are computed."""

    def __init__(self, model: Any, decoder: Any) -> None:
        """Try the output matrix alone against the whole forward, on eight random rows."""
        self.model, self.decoder = model, decoder
        self.matrix: Any = None
        self.exact = False
        """Whether a row's bits do not depend on the other rows."""
        with torch.inference_mode():
            first = torch.zeros((1, 1), dtype=torch.long, device=next(model.parameters()).device)
            self.kind = type(decoder(input_ids=first, use_cache=False))
        matrix = model.get_output_embeddings()
        weight = getattr(matrix, "weight", None)
        if weight is None or weight.ndim != 2:
            return
        generator = torch.Generator().manual_seed(0)
        trial = torch.randn(8, weight.shape[1], generator=generator)
        trial = trial.to(device=weight.device, dtype=weight.dtype)
        with torch.inference_mode():
            if torch.equal(matrix(trial), self.whole(trial)):
                self.matrix = Product(weight, getattr(matrix, "bias", None))

    def __call__(self, hidden: Tensor) -> Tensor:
        """Logits of `hidden`."""
        return self.matrix(hidden) if self.matrix is not None else self.whole(hidden)

    def by(self, matrix: Callable[[Tensor], Tensor], *, exact: bool = True) -> "Head":
        """The same head with another way to multiply by its matrix."""
        other = copy(self)
        other.matrix, other.exact = matrix, exact
        return other

    def whole(self, hidden: Tensor) -> Tensor:
        """The model's own forward with its decoder giving `hidden` as its answer."""
        given = self.kind(last_hidden_state=hidden[None])
        tokens = torch.zeros((1, len(hidden)), dtype=torch.long, device=hidden.device)
        self.decoder.forward = lambda *_, **__: given
        try:
            logits: Tensor = self.model(input_ids=tokens, use_cache=False).logits[0]
        finally:
            del self.decoder.forward
        return logits
