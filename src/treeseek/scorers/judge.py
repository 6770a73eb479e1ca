"""A language model as a judge: the probability of a word of approval after a question."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Annotated, Any

from treeseek.asking import read
from treeseek.errors import InvalidOption
from treeseek.options import validate

TEMPLATE = "Question:\n{prompt}\nAnswer:\n{text}\nIs this answer right so far? (yes or no):"


@dataclass(frozen=True)
class Judge:
    """P(yes) against P(no) after a question about the text, in [0, 1].

    `template` names {prompt} and {text}; `yes` and `no` are words separated by |, each as the model
    would write it after the question, blanks included, and the probabilities of all spellings are
    added. No text is drawn, so a judgement is exact and costs one pass over the question. It is
    as good as the judge knows the task: a small model says yes to what is likely. .5 where the
    model gives neither word any probability. Raises ContextOverflow for a question that is too
    long. Deviation: one probability instead of a sampled verdict. Reference: llm-judge, p-true
    """

    lm: Any
    prompt: str
    template: Annotated[str, "question with {prompt} and {text}"] = TEMPLATE
    yes: Annotated[str, "words of approval, separated by |"] = " yes| Yes"
    no: Annotated[str, "words of refusal, separated by |"] = " no| No"
    name: str = field(default="judge", init=False)

    def __post_init__(self) -> None:
        validate(self)
        if "{text}" not in self.template:
            raise InvalidOption(
                f"template={self.template!r} shows no answer: write {{text}} in it."
            )
        for name, words in (("yes", self.yes), ("no", self.no)):
            if not all(words.split("|")):
                raise InvalidOption(f"{name}={words!r}: give words separated by |, none empty.")

    @property
    def version(self) -> str:
        """What else the numbers depend on."""
        words = "\0".join((self.template, self.yes, self.no))
        return f"1 {self.lm.name} {blake2b(words.encode(), digest_size=6).hexdigest()}"

    def score(self, texts: Sequence[str]) -> list[float]:
        """P(yes) / (P(yes) + P(no)) for each text."""
        yes, words = len(self.yes.split("|")), [*self.yes.split("|"), *self.no.split("|")]
        questions = [self._question(text) for text in texts]
        found = read(self.lm, [(question, word) for question in questions for word in words])
        chances = [math.exp(math.fsum(one.logprobs.tolist())) for one in found]
        judged = []
        for start in range(0, len(chances), len(words)):
            approval = math.fsum(chances[start : start + yes])
            whole = math.fsum(chances[start : start + len(words)])
            judged.append(approval / whole if whole else 0.5)
        return judged

    def _question(self, text: str) -> str:
        parts = self.template.split("{text}")
        return text.join(part.replace("{prompt}", self.prompt) for part in parts)
