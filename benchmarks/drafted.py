"""The arms of the benchmark of speculation: our searches and those of transformers.

A model of random weights says nothing worth drafting, so what it would say is replayed: `Replay` is
a sampler that says a recorded answer whatever the rows, `Said` does the same to `generate`.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import treeseek
from benchmarks.models import Pair
from treeseek.decoding.plan import Plan
from treeseek.decoding.samplers import Draw, Greedy
from treeseek.drafters import Drafting, Site
from treeseek.scheduler.drafting import Drafts


@dataclass(frozen=True)
class Replay(Greedy):
    """Says `answer`, whatever the rows: the state is how much of it was said."""

    answer: tuple[int, ...] = ()

    def initial(self) -> Hashable:
        """Nothing was said."""
        return 0

    def draw(self, scores: Any, keys: Any, states: Sequence[Any], lse: Any = None) -> Draw:
        """The next tokens of the answer."""
        tokens = np.array([self.answer[state] for state in states])
        return Draw(tokens, np.zeros(len(tokens)), [state + 1 for state in states])

    def observe(self, scores: Any, token: int, state: Any) -> Hashable:
        """One more was said."""
        return state + 1


_UNLIKELY = -1e4
"""Not -inf: transformers drops lookups that hold tokens of no probability, so would be told."""


class Said:
    """The same for `generate`: the next token of the answer is by far the likeliest."""

    def __init__(self, start: int, answer: Sequence[int]) -> None:
        self.start, self.answer = start, answer

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores of the tokens behind `ids`."""
        at = ids.shape[1] - self.start
        scores = torch.full_like(scores, _UNLIKELY)
        scores[:, self.answer[at] if at < len(self.answer) else 0] = 0.0
        return scores


class Fixed(Plan):
    """As many nodes a step, always."""

    def rests(self) -> bool:
        """Never."""
        return False

    def most(self, rows: int, texts: int) -> int:
        """That many."""
        return self.budget

    def choose(self, rows: int, trees: Sequence[Any]) -> list[list[int]]:
        """All of them."""
        return [list(range(len(tree.tokens))) for tree in trees]


class Ours:
    """One of our arms: searches with a drafter, or without; keeps what they said and cost."""

    def __init__(
        self, made: Pair, prompts: Sequence[Sequence[int]], drafter: Drafting | None, **options: Any
    ) -> None:
        """Search on `prompts`; `fixed` nodes a step, or as many as planned."""
        self.made, self.prompts, self.drafter = made, prompts, drafter
        self.fixed: int | None = options.pop("fixed", None)
        self.each: Callable[[int], dict[str, Any]] = options.pop("each", lambda at: {})
        self.options = options
        self.texts: list[Any] = []
        self.costs: list[treeseek.Cost] = []

    def __call__(self) -> int:
        """Run all, one after another, on an empty tree each."""
        self.texts, self.costs = [], []
        for at, prompt in enumerate(self.prompts):
            self.made.lm.clear()
            planned = self.drafter if self.fixed is None else None
            options = {**self.options, **self.each(at)}
            search = treeseek.start(prompt, model=self.made.lm, drafter=planned, **options)
            if self.fixed is not None and self.drafter is not None:
                site = Site(self.made.lm.vocabulary, frozenset(), lambda name: None)
                search.seat.drafts = Drafts(self.drafter.start(site), Fixed(budget=self.fixed))
            result = search.run()
            self.texts += [candidate.token_ids for candidate in result.candidates]
            self.costs.append(result.cost)
        return sum(map(len, self.texts))

    def total(self, name: str) -> int:
        """A count over all searches."""
        return sum(getattr(cost, name) for cost in self.costs)

    @property
    def rate(self) -> float:
        """Tokens per step."""
        return 1 + self.total("accepted") / self.total("steps")

    @property
    def size(self) -> float:
        """Drafted nodes a step."""
        return self.total("drafted") / self.total("steps")


class Theirs:
    """An arm of transformers; counts its calls."""

    def __init__(
        self, made: Pair, prompts: Sequence[Sequence[int]], answers: Any, length: int, **how: Any
    ) -> None:
        """Generate behind `prompts`, greedily or what `answers` say."""
        self.made, self.prompts, self.answers, self.how = made, prompts, answers, how
        self.length, self.calls, self.texts = length, 0, list[Any]()

    def __call__(self) -> int:
        """Run all, one after another."""
        self.texts, self.calls, network = [], 0, self.made.network
        hook = network.register_forward_pre_hook(self._count)
        for at, prompt in enumerate(self.prompts):
            ids, how = torch.tensor([prompt]), dict(self.how)
            if self.answers is not None:
                how["logits_processor"] = [Said(len(prompt), self.answers[at])]
            with torch.inference_mode():
                out = network.generate(
                    ids, attention_mask=torch.ones_like(ids), do_sample=False,
                    max_new_tokens=self.length, min_new_tokens=self.length, **how,
                )  # fmt: skip
            self.texts.append(tuple(out[0, ids.shape[1] :].tolist()))
        hook.remove()
        return sum(map(len, self.texts))

    def _count(self, *_: Any) -> None:
        self.calls += 1

    @property
    def rate(self) -> float:
        """Tokens per step."""
        return sum(map(len, self.texts)) / self.calls
