"""Annealing: worse candidates are taken as well, ever more rarely.

This file believes that a temperature is a matter of the space and not of the user, so it is read
off the differences between neighbours; and that time is what was spent, so that what an abandoned
candidate saves lengthens the search. Several temperatures side by side are `tempering`.
"""

import math
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeAlias

from treeseek.options import Range, validate
from treeseek.sequences.choice import By, Choice
from treeseek.sequences.screen import By as ScreenBy
from treeseek.sequences.screen import Screening
from treeseek.sequences.space import Move, Space
from treeseek.sequences.trial import Bench, Cand, Hunt, Rated, Rng, Trial

STEPS = 20_000
"""Steps of a search where no budget says how far it is."""
STUCK = 100
"""Lists in a row that hold nothing new, after which it is heated again."""

Moves: TypeAlias = Annotated[tuple[Move, ...] | None, "moves to take; none: the space's own"]
Chosen: TypeAlias = Annotated[By, "how the next move is chosen"]
Screened: TypeAlias = Annotated[ScreenBy, "what ranks the neighbours drawn"]
Drawn: TypeAlias = Annotated[int, Range(low=1), "neighbours drawn for one scored by a screen"]


@dataclass(frozen=True)
class Annealing:
    """Metropolis steps under a temperature that falls geometrically with the budget spent.

    The first temperature takes an uphill step of median size, among `probes` neighbours of the
    first candidate, with probability `hot`; the last is `cold` times as high; the budget holds
    `passes` such falls. The threshold is drawn before a trial is scored, so hopeless ones are
    abandoned. Where trials are worth asking together, so many neighbours are as one is taken from,
    and the first that passes is taken; with a `screen`, `drawn` times as many are drawn and those
    it likes best come first. Where nothing new was met for `STUCK` lists, the fall begins anew over
    what is left of the budget. Cost: one score a neighbour. Loses where the budget is too short to
    cool. Deviation: T0 is measured, not tuned.
    Reference: simulated-annealing
    """

    hot: Annotated[float, Range(above=0.0, below=1.0), "uphill steps taken at first"] = 0.8
    cold: Annotated[float, Range(above=0.0, high=1.0), "last temperature over the first"] = 0.01
    probes: Annotated[int, Range(low=2), "neighbours scored to set the temperature"] = 32
    passes: Annotated[int, Range(low=1), "times the temperature falls"] = 1
    moves: Moves = None
    choice: Chosen = "even"
    screen: Screened = "none"
    drawn: Drawn = 64

    name: ClassVar[str] = "annealing"
    references: ClassVar[tuple[str, ...]] = ("simulated-annealing",)

    def __post_init__(self) -> None:
        validate(self)

    def run(self, bench: Bench, space: Space) -> Hunt:
        """The generator; it goes on for ever."""
        choice = Choice(self.moves or space.moves, by=self.choice)
        now, near, top = yield from heated(bench, space, choice, self.probes, self.hot)
        screening = Screening(self.screen, bench, now.cand, drawn=self.drawn)
        screening.learn([now, *near], now)
        met = {one.cand for one in (now, *near)}  # what is charged differs by bound, this does not
        taken, step, stuck, spent, began = 1.0, 0, 0, now.spent, 0.0
        while True:
            gone = step / STEPS if spent is None else spent
            if stuck > STUCK:
                stuck, began = 0, gone
            fall = (gone - began) / (1.0 - began) * self.passes if gone < 1.0 else 0.0
            heat = top * self.cold ** (fall % 1.0 if gone < 1.0 else 1.0)
            rng = bench.rng("step", step)
            many = min(bench.width, max(1, round(1.0 / taken)))
            drawn = yield from screening.neighbours(choice, space, now.cand, rng, many)
            trials = [Trial(cand, threshold(now.value, heat, rng), now.cand) for cand in drawn]
            rated = yield trials
            screening.learn(rated, now)
            step += 1
            stuck = stuck + 1 if met.issuperset(drawn) else 0
            met.update(drawn)
            for trial, one, nth in zip(trials, rated, drawn.values(), strict=True):
                choice.learn(nth, now.value - one.value, one.charged)
                passed = trial.above is not None and one.value <= trial.above
                taken = max(1.0 / 64, 0.95 * taken + 0.05 * passed)
                spent = one.spent
                if passed:
                    now = one
                    break
            guest = bench.guest()
            if guest is not None and guest[1] < now.value:
                now = Rated(*guest, spent=spent)


def first(bench: Bench, space: Space) -> Generator[list[Trial], list[Rated], Rated]:
    """The visitor if there is one, else a candidate by chance, scored."""
    guest = bench.guest()
    cand = space.sample(bench.rng("first")) if guest is None else guest[0]
    (now,) = yield [Trial(cand)]
    return now


def probed(
    bench: Bench, space: Space, choice: Choice, now: Rated, many: int
) -> Generator[list[Trial], list[Rated], list[Rated]]:
    """`many` neighbours of `now`, scored without a bound."""
    drawn = choice.draw(space, now.cand, bench.rng("probe"), many)
    return (yield trials_near(drawn, now.cand))


def heated(
    bench: Bench, space: Space, choice: Choice, probes: int, hot: float
) -> Generator[list[Trial], list[Rated], tuple[Rated, list[Rated], float]]:
    """A candidate, neighbours, and the heat that takes a median uphill step as often as `hot`."""
    now = yield from first(bench, space)
    near = yield from probed(bench, space, choice, now, probes)
    return now, near, uphill(now, near) / math.log(1.0 / hot)


def trials_near(drawn: Iterable[Cand], near: Cand, above: float | None = None) -> list[Trial]:
    """A trial for each of `drawn`, made from `near`, abandoned past `above`."""
    return [Trial(cand, above, near) for cand in drawn]


def uphill(now: Rated, near: Sequence[Rated]) -> float:
    """The median of how much worse the worse of `near` are than `now`; 1 where none is."""
    worse = sorted(one.value - now.value for one in near if now.value < one.value < math.inf)
    return worse[len(worse) // 2] if worse else 1.0


def threshold(value: float, heat: float, rng: Rng) -> float:
    """The value up to which a Metropolis step at temperature `heat` is taken."""
    return value - heat * math.log(1.0 - rng.random())
