"""Reward models as scorers: one number for a text, or one for each of its steps."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from treeseek.asking import reward_model
from treeseek.decoding.stops import Step
from treeseek.options import validate
from treeseek.scorers.steps import Reduction, pieces, reduced


class Rates(Protocol):
    """A loaded reward model; see treeseek.backends.reward."""

    name: str

    def outcomes(self, prompt: str, texts: Sequence[str]) -> list[float]:
        """One number a text."""
        ...

    def processes(self, prompt: str, texts: Sequence[Sequence[str]]) -> list[list[float]]:
        """One number in [0, 1] for each step of each text."""
        ...


@dataclass(frozen=True)
class Reward:
    """What an outcome reward model gives the text as an answer to the prompt.

    `model` is a folder or hub id with a sequence-classification head, or a loaded model. Its logit
    where the head has one label (any real number), the probability of the last label where it has
    several. Costs one forward of the reward model over prompt and text. It loses as N grows where
    the model errs: see best-of-majority. Raises NotAModel, BrokenWeights, MissingExtra.
    Reference: reward-model
    """

    model: Any
    prompt: str
    name: str = field(default="reward", init=False)

    def __post_init__(self) -> None:
        validate(self)
        object.__setattr__(self, "model", reward_model(self.model, process=False))

    @property
    def version(self) -> str:
        """What else the numbers depend on."""
        return f"1 {self.model.name}"

    def score(self, texts: Sequence[str]) -> list[float]:
        """The reward of each text."""
        loaded: Rates = self.model
        return loaded.outcomes(self.prompt, texts)


@dataclass(frozen=True)
class ProcessReward:
    """What a process reward model gives the steps of the text, reduced to one number in [0, 1].

    `model` has a token-classification head, read at the last token of each step; `reduction` is
    last (the default: the newest step, right for prefixes), min (as weak as the weakest step), prod
    (the chance that all are right, were they independent) or mean. 0 for a text without a step.
    Costs one forward over prompt and text. Raises NotAModel, BrokenWeights, MissingExtra.
    Reference: process-reward
    """

    model: Any
    prompt: str
    reduction: Annotated[Reduction, "one number from those of the steps"] = "last"
    step: Step = field(default_factory=Step)
    name: str = field(default="process-reward", init=False)

    def __post_init__(self) -> None:
        validate(self)
        object.__setattr__(self, "model", reward_model(self.model, process=True))

    @property
    def version(self) -> str:
        """What else the numbers depend on."""
        return f"1 {self.model.name} {self.reduction} {self.step}"

    def score(self, texts: Sequence[str]) -> list[float]:
        """The reduced reward of each text."""
        loaded: Rates = self.model
        steps = loaded.processes(self.prompt, [pieces(text, self.step) for text in texts])
        return [reduced(values, self.reduction) for values in steps]
