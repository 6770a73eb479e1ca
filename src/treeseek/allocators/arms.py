"""Problems as arms: what was drawn for each, and which of them a rule serves next.

This file believes that an allocator is a rule over what was drawn so far, so that the same rule
runs a live search, sits between searches, and is measured on stored draws without a model. It
draws nothing itself.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from treeseek.declare import Strategy
from treeseek.live import Context
from treeseek.requests import Node, Reader, Scorer, Verifier
from treeseek.strategies.posteriors import Rng


def as_said(text: str) -> str:
    """The answer is the text itself, but for the space around it."""
    return text.strip()


@dataclass(frozen=True)
class Posed:
    """A problem: its prompt, who judges answers to it (None: nobody), and what an answer says.

    `answer(text)` gives a key that is equal for equal answers, or None where there is none;
    `scorer` scores answers to it (None: the scorer of the search, if there is one).
    """

    prompt: str
    verifier: Verifier | None = None
    answer: Callable[[str], str | None] = as_said
    scorer: Scorer | Reader | None = None


@dataclass(frozen=True)
class Judging:
    """A strategy on problem number `problem`, judged as `posed` says."""

    strategy: Strategy
    posed: Posed
    problem: int

    @property
    def name(self) -> str:
        """That of the strategy."""
        return self.strategy.name

    def run(self, ctx: Context, root: Node) -> Any:
        """The strategy's generator."""
        return self.strategy.run(judged_by(ctx, self.posed), root)


def judged_by(ctx: Context, posed: Posed) -> Context:
    """`ctx` with the verifier of `posed`, and with its scorer where it has one."""
    own = copy(ctx)
    own.verifier, own.scorer = posed.verifier, posed.scorer or ctx.scorer
    return own


class Draw(NamedTuple):
    """One run of a plan: what its best answer says (None: nothing), its value, and its charge.

    `value` is a verifier's score in [0, 1], else a scorer's, else confidence.
    """

    plan: int
    answer: str | None
    value: float
    solved: bool
    cost: int


@dataclass(slots=True)
class Arm:
    """A problem as a rule sees it: what was drawn for it, in order."""

    draws: list[Draw] = field(default_factory=list)

    @property
    def votes(self) -> list[int]:
        """Draws for each answer, most first."""
        found = Counter(draw.answer for draw in self.draws if draw.answer is not None)
        return [count for _, count in found.most_common()]

    @property
    def agreement(self) -> float:
        """Share of the draws that say what most of them say; 0 where none says anything."""
        return self.votes[0] / len(self.draws) if self.votes else 0.0

    @property
    def value(self) -> float:
        """Mean value of the draws; 0 where there is none."""
        return sum(draw.value for draw in self.draws) / max(1, len(self.draws))

    @property
    def solved(self) -> bool:
        """Whether a draw was solved."""
        return any(draw.solved for draw in self.draws)


class Pick(NamedTuple):
    """Serve `problem` next by `plan`, with at most `budget` tokens (None: what is left)."""

    problem: int
    plan: int = 0
    budget: int | None = None


def lacking(arms: Sequence[Arm], draws: int) -> list[Pick]:
    """A draw by the first plan for everybody who has had fewer than `draws`, fewest first."""
    order = sorted(range(len(arms)), key=lambda at: len(arms[at].draws))
    return [Pick(at) for at in order if len(arms[at].draws) < draws]


class Rule(Protocol):
    """Who is served next: follows from what was drawn and keyed chance. Made anew for each run."""

    def pick(self, arms: Sequence[Arm], rng: Rng) -> list[Pick]:
        """The next draws, the most urgent first; none ends the allocation."""
        ...


def replayed(
    rule: Rule, pools: Sequence[Sequence[Sequence[Draw]]], *, draws: int, rng: Callable[[int], Rng]
) -> list[Arm]:
    """What `rule` would have drawn: `pools[plan][problem]` are stored draws, taken in order.

    At most `draws` in all; a problem whose pool is empty is not served again, and the end comes
    when nobody who is picked has draws left. `rng(round)` gives the chance of a round.
    """
    arms = [Arm() for _ in pools[0]]
    taken: Counter[tuple[int, int]] = Counter()
    left, turn = draws, 0
    while left > 0:
        picks = [
            pick
            for pick in rule.pick(arms, rng(turn))
            if taken[pick.plan, pick.problem] < len(pools[pick.plan][pick.problem])
        ]
        if not picks:
            break
        for pick in picks[:left]:
            at = (pick.plan, pick.problem)
            if taken[at] < len(pools[pick.plan][pick.problem]):
                arms[pick.problem].draws.append(pools[pick.plan][pick.problem][taken[at]])
                taken[at] += 1
                left -= 1
        turn += 1
    return arms
