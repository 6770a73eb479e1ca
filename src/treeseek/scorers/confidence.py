"""A model's confidence in a text, as pure numbers and as scorers made of a model and a prompt.

This file believes that confidence is a baseline and never a quality: it ranks what the model finds
likely. The numbers are functions of log-probabilities alone; the scorers read them off a model. A
text does not say whether it ended or was cut, so the end token is in none of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from treeseek.asking import Reading, read
from treeseek.options import validate


def mean(values: Sequence[float]) -> float:
    """The mean, 0 for none."""
    return math.fsum(values) / len(values) if len(values) else 0.0


def perplexity_of(logprobs: Sequence[float]) -> float:
    """e to the mean negative log-probability; 1 for no token, infinite for an impossible one."""
    loss = -mean(logprobs)
    return math.exp(loss) if loss < 700.0 else math.inf


def _read(scorer: Any, texts: Sequence[str]) -> list[Reading]:
    return read(scorer.lm, [(scorer.prompt, text) for text in texts])


@dataclass(frozen=True)
class Likelihood:
    """The model's log-probability of the text after the prompt, in nats.

    per="token" is the mean (0 for an empty text), per="text" the sum, which falls with length.
    Costs one row a token, most of them in the tree already; charged to no budget. It loses wherever
    likely is not right: on verifiable tasks the majority and any real score beat it.
    """

    lm: Any
    prompt: str
    per: Annotated[Literal["token", "text"], "mean a token, or sum over the text"] = "token"
    name: str = field(default="likelihood", init=False)

    def __post_init__(self) -> None:
        validate(self)

    @property
    def version(self) -> str:
        """What else the numbers depend on."""
        return f"1 {self.lm.name} {self.per}"

    def score(self, texts: Sequence[str]) -> list[float]:
        """Log-probability of each text, in nats; raises ContextOverflow."""
        reduce = mean if self.per == "token" else math.fsum
        return [float(reduce(one.logprobs.tolist())) for one in _read(self, texts)]


@dataclass(frozen=True)
class Perplexity:
    """Minus the model's perplexity of the text after the prompt, so that higher is better.

    In [-inf, -1]. It ranks as the mean log-probability does, but means and votes feel the unlikely
    texts far more. Least perplexity is least perplexity, no quality. Costs one row a token.
    """

    lm: Any
    prompt: str
    name: str = field(default="perplexity", init=False)

    def __post_init__(self) -> None:
        validate(self)

    @property
    def version(self) -> str:
        """What else the numbers depend on."""
        return f"1 {self.lm.name}"

    def score(self, texts: Sequence[str]) -> list[float]:
        """Minus the perplexity of each text; raises ContextOverflow."""
        return [-perplexity_of(one.logprobs.tolist()) for one in _read(self, texts)]


@dataclass(frozen=True)
class SelfCertainty:
    """How far the model's rows are from uniform, on average over the tokens of the text.

    The mean over tokens of KL(uniform || p) = -mean over V of log(V p), in nats, at least 0, 0 for
    an empty text; a log-probability counts at least -100. It looks at all of a row, not at the
    token drawn, so a long unlikely text may score well. Costs one row a token.
    Reference: self-certainty
    """

    lm: Any
    prompt: str
    name: str = field(default="self-certainty", init=False)

    def __post_init__(self) -> None:
        validate(self)

    @property
    def version(self) -> str:
        """What else the numbers depend on."""
        return f"1 {self.lm.name}"

    def score(self, texts: Sequence[str]) -> list[float]:
        """Self-certainty of each text, in nats; raises ContextOverflow."""
        return [mean(one.certainty.tolist()) for one in _read(self, texts)]
