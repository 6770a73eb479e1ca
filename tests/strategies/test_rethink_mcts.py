"""RethinkMCTS: what is rewritten, where it stands, and what it costs."""

from typing import Any

from treeseek import Verdict, search
from treeseek.declare import Strategy
from treeseek.decoding.stops import Step
from treeseek.strategies import mcts, rethink_mcts, rstar
from treeseek.testing import scripted

LETTER = Step((), 1)
THOUGHTS = {
    "": {"a": 1.0}, "a": {"x": 1.0}, "b": {"y": 1.0}, "ax": {".": 1.0}, "az": {".": 1.0},
    # What follows when it is asked again: after the thought "a" or "x" and the feedback "n".
    "an": {"b": 1.0}, "xn": {"z": 1.0}, "n": {"n": 1.0},
}  # fmt: skip


class Wants:
    """Verifier: content with some texts, else it says n; strict: nothing mends an x."""

    version = "1"

    def __init__(self, *wanted: str, strict: bool = False) -> None:
        self.wanted, self.strict, self.name = wanted, strict, f"wants {wanted}"

    def verify(self, text: str) -> Verdict:
        right = text in self.wanted
        return Verdict(float(right), False, self.strict and text.endswith("x"), feedback="n")


def asked(prompt: str, before: str, thought: str, feedback: str) -> str:
    return f"{prompt}{thought}{feedback}"


def thoughts(how: Strategy, verifier: Wants, **options: Any) -> list[str]:
    found = search(
        "^", model=scripted(THOUGHTS), strategy=how, limit=9, step=LETTER, verifier=verifier,
        **options,
    )  # fmt: skip
    return [c.text for c in found.candidates]


def test_rethink_rewrites_the_thought_that_failed() -> None:
    how = rethink_mcts(simulations=1, width=1, rethink=asked)
    # The first thought of the rollout, judged by how it ended.
    assert thoughts(how, Wants("by")) == ["by", "ax"]
    # The thought that the verifier called past mending, where no end was met.
    assert thoughts(how, Wants("az", strict=True)) == ["az", "ax"]
    # Where it was content nothing is rewritten; and nobody else would have found the others.
    assert thoughts(how, Wants("ax")) == ["ax"]
    for other in (rstar(simulations=9, width=1), mcts(simulations=9, width=1)):
        assert set(thoughts(other, Wants("by"))) == {"ax"}


def test_rethink_puts_the_new_thought_in_the_place_of_the_old() -> None:
    seen: list[tuple[str, ...]] = []

    def spy(*given: str) -> str:
        seen.append(given)
        return asked(*given)

    found = thoughts(rethink_mcts(simulations=2, width=1, rethink=spy, restarts=False), Wants())
    # The only child of the root was replaced, once a rollout; below the new one all is explored.
    assert seen == [("^", "", "a", "n")] and found == ["ax", "by"]


def test_rethink_pays_for_what_it_asks() -> None:
    found = search(
        "^", model=scripted(THOUGHTS), limit=9, step=LETTER, verifier=Wants("by"),
        strategy=rethink_mcts(simulations=1, width=1, rethink=asked),
    )  # fmt: skip
    # Rows of a and ax, of the other prompt's n (its a is known), of b and by.
    assert found.cost.tokens == 5
