"""A language model as a judge: the probability of a word of approval after a question."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Annotated, Any

from treeseek.asking import parted, read
from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.options import validate
from treeseek.paying import Asking
from treeseek.requests import Derive, How, Node, Walk

TEMPLATE = "Question:\n{prompt}\nAnswer:\n{text}\nIs this answer right so far? (yes or no):"


@dataclass(frozen=True)
class Judge:
    """P(yes) against P(no) after a question about the text, in [0, 1].

    `template` names {prompt} and {text}; `yes` and `no` are words separated by |, each as the model
    would write it after the question, blanks included, and the probabilities of all spellings are
    added. No text is drawn, so a judgement is exact and costs one pass over the question, which a
    search is charged for. It is as good as the judge knows the task: a small model says yes to what
    is likely. .5 where the model gives neither word any probability. Raises ContextOverflow for a
    question that is too long, Incompatible for a judge of another vocabulary than the search's.
    Deviation: one probability instead of a sampled verdict. Reference: llm-judge, p-true
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
        found = read(self.lm, self._asked(texts))
        return self._approvals([math.fsum(one.logprobs.tolist()) for one in found])

    def ask(self, ctx: Context, nodes: Sequence[Node]) -> Asking:
        """The same of nodes: a prompt derived for each question, and a walk along each word."""
        parts = parted(self.lm, self._asked([ctx.text(node) for node in nodes]))
        starts = list(dict.fromkeys(tuple(start) for start, _ in parts))
        derived = yield [Derive(nodes[0], start) for start in starts]
        roots = {start: reply.root for start, reply in zip(starts, derived, strict=True)}
        how = How(model=self.lm)
        walked = yield [Walk(roots[tuple(start)], tuple(word), how=how) for start, word in parts]
        return self._approvals([reply.total for reply in walked])

    def _asked(self, texts: Sequence[str]) -> list[tuple[str, str]]:
        """Every text's question, with each word after it."""
        words = [*self.yes.split("|"), *self.no.split("|")]
        return [(question, word) for question in map(self._question, texts) for word in words]

    def _approvals(self, logprobs: Sequence[float]) -> list[float]:
        yes, words = len(self.yes.split("|")), len(self.yes.split("|") + self.no.split("|"))
        judged = []
        for start in range(0, len(logprobs), words):
            chances = [math.exp(logprob) for logprob in logprobs[start : start + words]]
            whole = math.fsum(chances)
            judged.append(math.fsum(chances[:yes]) / whole if whole else 0.5)
        return judged

    def _question(self, text: str) -> str:
        parts = self.template.split("{text}")
        return text.join(part.replace("{prompt}", self.prompt) for part in parts)
