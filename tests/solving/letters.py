"""A task that a toy can solve: continuations of "abc" with a wanted letter in them."""

from dataclasses import dataclass, field
from typing import Annotated

from treeseek.decoding.stops import Step
from treeseek.options import Range
from treeseek.requests import Verdict

TOY = "toy:hash?vocabulary=6&seed=3"


@dataclass(frozen=True)
class Letters:
    """The letter wanted; "!" breaks the verifier."""

    id: str
    letter: str
    prompt: str = "abc"


class LetterVerifier:
    name, version = "letter", "1"

    def __init__(self, problem: Letters) -> None:
        self.problem = problem

    def verify(self, text: str) -> Verdict:
        if self.problem.letter == "!":
            raise RuntimeError("this verifier is broken")
        solved = self.problem.letter in text
        return Verdict(1.0 if solved else 0.1, solved, True, f"{self.problem.letter} in {text}")


@dataclass(frozen=True)
class Wanted:
    """A problem for each of `letters`, over and over; a "?" breaks while its verifier is made."""

    letters: Annotated[str, "the letters wanted"] = "dez"
    width: Annotated[int, Range(low=1), "an option that a strategy has too"] = 1
    name: str = field(default="letters", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=8, init=False)

    def problems(self, seed: int, count: int) -> list[Letters]:
        wanted = (self.letters[place % len(self.letters)] for place in range(count))
        return [Letters(f"{letter}-{place}", letter) for place, letter in enumerate(wanted)]

    def verifier(self, problem: Letters) -> LetterVerifier:
        if problem.letter == "?":
            raise ValueError("there is no such letter")
        return LetterVerifier(problem)

    def answer(self, problem: Letters, text: str) -> str | None:
        return text[-1:] or None
