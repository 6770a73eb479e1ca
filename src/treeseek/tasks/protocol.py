"""What a task is: problems that follow from a seed, and what is known of their answers."""

from collections.abc import Sequence
from typing import Protocol

from treeseek.decoding.stops import Step
from treeseek.requests import Verifier


class Problem(Protocol):
    """One problem as a search sees it."""

    @property
    def id(self) -> str:
        """Name of the problem, the same wherever it is drawn."""
        ...

    @property
    def prompt(self) -> str:
        """Text that the model continues."""
        ...


class Task(Protocol):
    """A configured task: a frozen dataclass whose fields are its options.

    `name` is its kebab-case name, `step` where a step of an answer ends, `limit` the longest
    answer in tokens that makes sense.
    """

    @property
    def name(self) -> str:
        """Its name at the edge."""
        ...

    @property
    def step(self) -> Step:
        """Where a step of an answer ends."""
        ...

    @property
    def limit(self) -> int:
        """Longest answer in tokens."""
        ...

    def problems(self, seed: int, count: int) -> Sequence[Problem]:
        """Problems nobody trained on, that follow from the seed; a longer list begins alike."""
        ...

    def verifier(self, problem: Problem) -> Verifier:
        """Who judges answers to `problem`; it must not raise on text of any kind.

        Where it holds something hidden, its `shown` is the verifier of what a search may be told.
        """
        ...

    def answer(self, problem: Problem, text: str) -> str | None:
        """What `text` says the answer is, in a form in which equal answers are equal; or None.

        Two answers that vote for each other in a majority have the same key. It sees neither the
        true answer nor a verdict.
        """
        ...
