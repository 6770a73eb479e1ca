"""A model of which every prefix's value is known, and a process reward as good as is asked for.

This file believes that a search is best judged where the truth can be summed up: answers are a few
letters long, each letter has a quality, an answer is worth the mean of its letters' and the best
share of all answers is right. Values are exact, by summing over every continuation; a process
reward errs by noise that belongs to the text, so that asking twice tells nothing new.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product
from math import exp
from statistics import NormalDist

from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.decoding.stops import Step
from treeseek.errors import InvalidOption
from treeseek.model import LM
from treeseek.noise import Purpose, Rng, stream_key
from treeseek.requests import Verdict

_MOST = 200_000


class Synthetic:
    """A problem: the model `lm`, its `prompt`, and answers of `limit` letters, a letter a step.

    `width` letters follow each other; the share `right` of all answers, the best, is right;
    `spread` says how decided the model is, 0: not at all. Making it and reading all values costs
    width**depth once. Raises InvalidOption for more than 200,000 answers.
    """

    prompt = "a"
    step = Step((), 1)

    def __init__(
        self,
        *,
        width: int = 4,
        depth: int = 5,
        seed: int = 0,
        right: float = 0.05,
        spread: float = 1.5,
    ) -> None:
        """Draw the qualities and the model from `seed`."""
        if not 1 < width <= 26 or depth < 1 or width**depth > _MOST:
            raise InvalidOption(
                f"Synthetic(width={width}, depth={depth}): give 2 to 26 letters, a depth of 1 "
                f"or more, and at most {_MOST:,} answers."
            )
        if not 0.0 < right <= 1.0:
            raise InvalidOption(f"Synthetic(right={right}): give a share above 0, at most 1.")
        self.letters, self.limit, self.seed = Letters().decode(range(width)), depth, seed
        row = self._row = integer_hash(width, seed=seed, spread=spread)
        self.lm = LM(ToyBackend(row, width), Letters(), name=f"synthetic-{width}-{depth}-{seed}")
        answers = ("".join(letters) for letters in product(self.letters, repeat=depth))
        worths = sorted(map(self.worth, answers), reverse=True)
        self.bar = worths[max(1, round(right * len(worths))) - 1]
        self.value = lru_cache(maxsize=None)(self._value)
        self.best = lru_cache(maxsize=None)(self._best)

    def worth(self, text: str) -> float:
        """Mean quality of the letters of `text`, in [0, 1); 0 for no text."""
        qualities = [self._quality(text[: end + 1]) for end in range(len(text))]
        return sum(qualities) / len(text) if text else 0.0

    def is_right(self, text: str) -> bool:
        """Whether `text` is an answer, and a right one."""
        return len(text) == self.limit and self.worth(text) >= self.bar

    def proposal(self, text: str) -> dict[str, float]:
        """The model's probability of each letter after `text`."""
        logits = self._row([0, *Letters().encode(text)])
        weights = [exp(logit) for logit in logits - logits.max()]
        total = sum(weights)
        return {
            letter: weight / total for letter, weight in zip(self.letters, weights, strict=True)
        }

    def _value(self, text: str) -> float:
        """Probability that the model's own continuation of `text` is right."""
        if len(text) == self.limit:
            return float(self.is_right(text))
        return sum(p * self.value(text + letter) for letter, p in self.proposal(text).items())

    def _best(self, text: str) -> float:
        """Worth of the best answer that begins with `text`."""
        if len(text) == self.limit:
            return self.worth(text)
        return max(self.best(text + letter) for letter in self.letters)

    def _quality(self, text: str) -> float:
        name = int.from_bytes(text.encode(), "little")
        return Rng(stream_key(self.seed, Purpose.RNG, ("quality",), name, 0, 0)).random()

    def verifier(self) -> "Answers":
        """Judge of whole answers: 1 for a right one, else 0."""
        return Answers(self)

    def reward(self, auc: float, *, seed: int = 0) -> "ProcessReward":
        """A process reward that tells a prefix with a right answer below from one without."""
        return ProcessReward(lambda text: self.best(text) >= self.bar, auc, seed=seed)


class Answers:
    """Verifier of a Synthetic problem; a prefix is neither right nor beyond mending."""

    version = "1"

    def __init__(self, problem: Synthetic) -> None:
        """Judge by `problem`."""
        self.problem = problem
        self.name = f"answers of {problem.lm.name}"

    def verify(self, text: str) -> Verdict:
        """1 and solved for a right answer."""
        right = self.problem.is_right(text)
        return Verdict(float(right), right, terminal=len(text) >= self.problem.limit)


class ProcessReward:
    """Scorer in (0, 1) whose area under the ROC curve is `auc` for the labels of `good`.

    A text of the good kind draws a normal number of mean sqrt(2) * z(auc), the other kind one of
    mean 0; the score is the share of the other kind below it. The noise belongs to (seed, text).
    Raises InvalidOption for an `auc` outside 0.5 to 1; at 1 the score is the label.
    """

    version = "1"

    def __init__(self, good: Callable[[str], bool], auc: float, *, seed: int = 0) -> None:
        """Score by `good` and noise."""
        if not 0.5 <= auc <= 1.0:
            raise InvalidOption(f"ProcessReward(auc={auc}): give an area from 0.5 to 1.")
        self.good, self.auc, self.seed = good, auc, seed
        self.name = f"process-reward-{auc}-{seed}"
        self._shift = 2.0**0.5 * NormalDist().inv_cdf(auc) if auc < 1.0 else 0.0

    def score(self, texts: Sequence[str]) -> list[float]:
        """One number a text, in order."""
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> float:
        good = self.good(text)
        if self.auc == 1.0:
            return float(good)
        name = int.from_bytes(text.encode(), "little")
        noise = Rng(stream_key(self.seed, Purpose.RNG, ("reward",), name, 0, 0)).normal()
        return NormalDist().cdf(noise + good * self._shift)
