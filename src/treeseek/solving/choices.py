"""How the answer is chosen among the candidates of one problem, when the search has ended.

A choice sees texts, log-probabilities, scores and the task's answer keys; only `by_verifier` sees
verdicts. All of them are functions of what is already there, so one pool of draws serves them all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from treeseek.decoding.stops import Step
from treeseek.noise import Purpose, Rng, stream_key
from treeseek.requests import Verdict
from treeseek.result import Candidate
from treeseek.selectors.pool import pooled
from treeseek.selectors.selector import Selector

CUT = ("budget", "dead")


@dataclass(frozen=True)
class Held:
    """What a choice is made of: the `candidates` of one problem, the best by rank first.

    `judge` gives the verdicts on texts, `key` what a text says the answer is (None: nothing),
    `step` where its steps end; `seed` and `place` name the choice for keyed chance.
    """

    candidates: Sequence[Candidate]
    judge: Callable[[Sequence[str]], Sequence[Verdict]]
    key: Callable[[str], str | None]
    step: Step = field(default_factory=Step)
    seed: int = 0
    place: tuple[int | str, ...] = ()

    @property
    def finished(self) -> Sequence[Candidate]:
        """Those that no budget cut; all of them where every one was cut."""
        return [one for one in self.candidates if one.finish not in CUT] or self.candidates


Chooser: TypeAlias = Callable[[Held], Candidate | None]


def by_verifier(held: Held) -> Candidate | None:
    """A solved one if there is one, else the one with the best score; ties to the better rank."""
    best, found = None, (False, float("-inf"))
    verdicts = held.judge([one.text for one in held.candidates])
    for candidate, verdict in zip(held.candidates, verdicts, strict=True):
        if (verdict.solved, verdict.score) > found:
            best, found = candidate, (verdict.solved, verdict.score)
    return best


def by_rank(held: Held) -> Candidate | None:
    """The one that the search itself ranks first."""
    return held.candidates[0] if held.candidates else None


def by_selector(selector: Selector) -> Chooser:
    """The candidate that stands for the first answer of `selector`; the first of all without one.

    A selector is shown what was finished, and what a budget cut only where nothing else is there.
    """

    def choose(held: Held) -> Candidate | None:
        pool = held.finished
        found = selector([pooled(one, held.key(one.text), step=held.step) for one in pool])
        if not found:
            return pool[0] if pool else None
        return pool[found[0].index]

    return choose


def at_random(held: Held) -> Candidate | None:
    """Any of the finished ones, each with the same chance."""
    pool = held.finished
    if not pool:
        return None
    place = (*held.place, "any candidate")
    return Rng(stream_key(held.seed, Purpose.RNG, place, 0, 0, 0)).choice(pool)
