"""The other side: a transformers model used as its own library uses it, and its own processors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from tests.parity.ties import END, Answer, Rows, Tokens

DETAIL = {"return_dict_in_generate": True}


class Plain:
    """A model that only `generate` and its plain forward touch."""

    def __init__(self, model: Any, ends: Sequence[int]) -> None:
        self.model = model.eval()
        self.ends = tuple(ends)

    def generate(
        self, prompts: Sequence[Sequence[int]], *, limit: int, ends: Sequence[int], **options: Any
    ) -> list[list[Answer]]:
        """What `generate` answers to prompts of one length, in its order, without padding."""
        beams = options.get("num_beams", 1)
        each = options.get("num_return_sequences", 1)
        out = self._generate(
            prompts, limit, ends, do_sample=False, output_scores=True, **DETAIL, **options
        )
        scores = out.sequences_scores.tolist() if beams > 1 else [0.0] * len(out.sequences)
        answers = [
            Answer(cut(row, ends), score)
            for row, score in zip(out.sequences[:, len(prompts[0]) :].tolist(), scores, strict=True)
        ]
        return [answers[i : i + each] for i in range(0, len(answers), each)]

    def sampled(self, prompts: Sequence[Sequence[int]], *, limit: int, **options: Any) -> Any:
        """`generate(do_sample=True)` with every processed row and every raw one."""
        options = {"top_k": 0, **options}
        return self._generate(
            prompts, limit, self.ends, do_sample=True, output_scores=True, output_logits=True,
            **DETAIL, **options,
        )  # fmt: skip

    def processors(self, prompt: Sequence[int], *, ends: Sequence[int], **options: Any) -> Any:
        """The list of processors that `generate` itself makes for these options."""
        caught: list[Any] = []
        own = self.model._get_logits_processor

        def spy(*args: Any, **kwargs: Any) -> Any:
            caught.append(own(*args, **kwargs))
            return caught[-1]

        self.model._get_logits_processor = spy
        try:
            self._generate([prompt], 1 + options.get("min_new_tokens", 0), ends, **options)
        finally:
            del self.model._get_logits_processor
        (found,) = caught
        return found

    def logits(self, paths: Sequence[Sequence[int]]) -> torch.Tensor:
        """Last row [n, V] of the plain forward over each whole path, all of one length."""
        with torch.inference_mode():
            out = self.model(input_ids=torch.tensor(paths), use_cache=False)
        return out.logits[:, -1].float()

    def rows(self, prompt: Sequence[int], processors: Any, *, logs: bool) -> Rows:
        """Teacher-forced scores after continuations of `prompt`, as processors see them.

        `logs`: processors are applied to log-probabilities, as in beam search.
        """
        known: dict[Tokens, np.ndarray] = {}

        def rows(continuations: Sequence[Tokens]) -> np.ndarray:
            fresh = [tokens for tokens in continuations if tokens not in known]
            if fresh:
                paths = [[*prompt, *tokens] for tokens in fresh]
                scores = self.logits(paths)
                scores = scores.log_softmax(-1) if logs else scores.clone()
                found = processors(torch.tensor(paths), scores).numpy()
                known.update(zip(fresh, found, strict=True))
            return np.stack([known[tokens] for tokens in continuations])

        return rows

    def along(self, prompt: Sequence[int], tokens: Sequence[int]) -> torch.Tensor:
        """The row [n, V] that each of n `tokens` after `prompt` was chosen from, in one forward."""
        with torch.inference_mode():
            out = self.model(input_ids=torch.tensor([[*prompt, *tokens]]), use_cache=False)
        return out.logits[0, len(prompt) - 1 : -1].float()

    def logprob(self, prompt: Sequence[int], tokens: Sequence[int]) -> float:
        """Sum of the model's own log-probabilities of `tokens` after `prompt`."""
        logs = self.along(prompt, tokens).double().log_softmax(-1)
        return float(logs[torch.arange(len(tokens)), torch.tensor(tokens)].sum())

    def _generate(
        self, prompts: Sequence[Sequence[int]], limit: int, ends: Sequence[int], **options: Any
    ) -> Any:
        ids = torch.tensor([list(prompt) for prompt in prompts])
        return self.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=limit,
            pad_token_id=0,
            eos_token_id=list(ends),
            **options,
        )


def cut(row: Sequence[int], ends: Sequence[int]) -> Tokens:
    """Tokens up to the first end token, which is written END."""
    at = next((i for i, token in enumerate(row) if token in ends), None)
    return tuple(row) if at is None else (*row[:at], END)
