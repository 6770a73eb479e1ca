"""What a text leads to: the verdict on it, and the verdicts on rollouts from it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from treeseek.asking import complete
from treeseek.decoding.stops import Stop
from treeseek.live import Context
from treeseek.options import Range, validate
from treeseek.paying import Asking
from treeseek.requests import Node, Sample, Verdict, Verifier, Verify

_STREAM = 1 << 20
"""Where rollouts draw their noise from, so that they do not change what the search draws."""


@dataclass(frozen=True)
class PassShare:
    """A verifier's score as a number: the share of tests passed, for a verifier by tests.

    In [0, 1]. Give it the public tests only: a scorer that sees the hidden ones picks answers by
    the solution. Costs what the verifier costs. Reference: pg-td
    """

    verifier: Verifier
    name: str = field(default="tests-passed", init=False)

    def __post_init__(self) -> None:
        validate(self)

    @property
    def version(self) -> str:
        """What else the numbers depend on."""
        return f"1 {self.verifier.name} {self.verifier.version}"

    def score(self, texts: Sequence[str]) -> list[float]:
        """The verdict's score for each text."""
        return [self.verifier.verify(text).score for text in texts]


@dataclass(frozen=True)
class RolloutValue:
    """The mean verdict on `k` completions of the text: its Monte-Carlo value, in [0, 1].

    by="solved" counts solved completions, by="score" averages their scores. A text that is judged
    terminal is not completed. Unbiased for what the model makes of the text under plain sampling,
    standard error at most .5 / sqrt(k); too rare successes are all 0. Costs k completions and k + 1
    verdicts a text. A search is charged for them, and draws them by its own law and seed; what its
    budget cuts counts as it stands. Of texts alone the draws are keyed by `seed` and text, so the
    number is a function of both. Reference: math-shepherd
    """

    lm: Any
    prompt: str
    verifier: Verifier
    k: Annotated[int, Range(low=1), "completions a text"] = 8
    limit: Annotated[int, Range(low=1), "longest completion in tokens"] = 128
    by: Annotated[Literal["solved", "score"], "what of a verdict counts"] = "solved"
    seed: Annotated[int, "of the draws"] = 0
    stop: Stop = field(default_factory=Stop)
    name: str = field(default="rollout", init=False)

    def __post_init__(self) -> None:
        validate(self)

    @property
    def version(self) -> str:
        """What else the numbers depend on."""
        judge = f"{self.verifier.name} {self.verifier.version}"
        return f"1 {self.lm.name} {judge} {self.k} {self.limit} {self.by} {self.seed} {self.stop}"

    def score(self, texts: Sequence[str]) -> list[float]:
        """The value of each text; raises what a search raises, such as ContextOverflow."""
        verdicts = [self.verifier.verify(text) for text in texts]
        values = [self._worth(verdict) for verdict in verdicts]
        begun = [at for at, verdict in enumerate(verdicts) if not _is_over(verdict)]
        drawn = complete(
            self.lm, [self.prompt + texts[at] for at in begun],
            n=self.k, limit=self.limit, stop=self.stop, seed=self.seed,
        )  # fmt: skip
        for at, ends in zip(begun, drawn, strict=True):
            worths = [self._worth(self.verifier.verify(texts[at] + end)) for end in ends]
            values[at] = sum(worths) / len(worths)
        return values

    def ask(self, ctx: Context, nodes: Sequence[Node]) -> Asking:
        """The value of each node, by continuations that are drawn from it in the search's tree."""
        found = yield [Verify(node, self.verifier) for node in nodes]
        values = [self._worth(reply.verdict) for reply in found]
        begun = [
            at
            for at, (node, reply) in enumerate(zip(nodes, found, strict=True))
            if not node.is_end and not _is_over(reply.verdict)
        ]
        if not begun:
            return values
        drawn = yield [
            Sample(nodes[at], n=self.k, until=self.stop, limit=self.limit, stream=_STREAM)
            for at in begun
        ]
        ends = [run.node for reply in drawn for run in reply.continuations]
        judged = yield [Verify(node, self.verifier) for node in ends]
        worths = [self._worth(reply.verdict) for reply in judged]
        for place, at in enumerate(begun):
            values[at] = sum(worths[place * self.k : (place + 1) * self.k]) / self.k
        return values

    def _worth(self, verdict: Verdict) -> float:
        return verdict.score if self.by == "score" else float(_is_solved(verdict))


def _is_solved(verdict: Verdict) -> bool:
    return verdict.solved or verdict.score >= 1.0


def _is_over(verdict: Verdict) -> bool:
    return verdict.terminal or _is_solved(verdict)
