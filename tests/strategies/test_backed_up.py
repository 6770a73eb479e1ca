"""What searches of the family back up: outcomes of whole answers, and by which formula."""

from collections import Counter
from itertools import pairwise
from typing import Any, ClassVar

import pytest

from tests.strategies.test_mcts import LETTER, Worths, every
from treeseek import Verdict, search
from treeseek.strategies import family, mcts
from treeseek.strategies.descents import Descents
from treeseek.strategies.tallies import Tally
from treeseek.testing import Synthetic


class Told(Descents):
    """Remembers what was backed up along which path."""

    made: ClassVar[list["Told"]] = []

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.told: list[tuple[list[Tally], float]] = []
        self.made.append(self)

    def note(self, path: list[Tally], value: float) -> None:
        self.told.append((list(path), value))
        super().note(path, value)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Told]:
    """The trees of the searches that follow."""
    monkeypatch.setattr(family, "Descents", Told)
    Told.made.clear()
    return Told.made


def test_without_a_scorer_of_prefixes_every_simulation_is_played_to_its_end(
    told: list[Told],
) -> None:
    """Elsewhere a search by this name plays nothing out: the value of the leaf is all it backs up.

    Whole answers are verified, and nothing but them and the root, which is worth their mean.
    """
    problem = Synthetic(width=3, depth=5, seed=4, right=0.4)

    class Whole:
        name, version = "whole", "1"

        def __init__(self) -> None:
            self.asked: list[str] = []

        def verify(self, text: str) -> Verdict:
            self.asked.append(text)
            return Verdict(float(problem.is_right(text)), False, terminal=True)

    def met(value: Any) -> tuple[list[str], Told]:
        judge, simulations = Whole(), 12
        search(
            problem.prompt, model=problem.lm, limit=problem.limit, step=LETTER, n=10**6,
            strategy=mcts(simulations=simulations, width=3, value=value), verifier=judge,
        )  # fmt: skip
        return judge.asked[1:], told.pop()

    asked, tree = met("auto")
    outcomes = [float(problem.is_right(text)) for text in asked]
    assert len(asked) > 6 and all(len(text) == 5 for text in asked)
    assert 0 < sum(outcomes) < len(outcomes)
    assert sorted(value for _, value in tree.told) == sorted(outcomes)
    assert tree.root.value == pytest.approx(sum(outcomes) / len(outcomes))
    # The control: by the score of its leaf alone it asks of prefixes, and nothing is played out.
    asked, tree = met("verifier")
    assert any(len(text) < 5 for text in asked)


@pytest.mark.parametrize("rate", [1.0, 0.3])
def test_a_value_moves_by_the_rate_towards_its_childrens(told: list[Told], rate: float) -> None:
    """Q becomes (1 - rate) Q + rate * gamma * sum(n Q) / sum(n), written a second time."""
    problem, gamma = Synthetic(width=3, depth=4, seed=2), 0.9
    chosen = mcts(
        simulations=60, width=3, rule="unled", backup="weighted", gamma=gamma, rate=rate,
        parallel=1,
    )  # fmt: skip
    search(
        problem.prompt, model=problem.lm, strategy=chosen, limit=4, step=LETTER, n=10**6,
        scorer=Worths(problem),
    )  # fmt: skip
    tree = told.pop()

    def textbook(rate: float) -> dict[int, float]:
        n, w, q = Counter[int](), Counter[int](), dict[int, float]()
        below: dict[int, dict[int, None]] = {}
        for path, value in tree.told:
            ids = [id(tally) for tally in path]
            for above, child in pairwise(ids):
                below.setdefault(above, {})[child] = None
            for at in reversed(ids):
                n[at], w[at] = n[at] + 1, w[at] + value
                kids = below.get(at, {})
                if at == ids[-1] or not kids:
                    q[at] = w[at] / n[at]
                    continue
                mean = sum(n[kid] * q[kid] for kid in kids) / sum(n[kid] for kid in kids)
                q[at] = (1 - rate) * q[at] + rate * gamma * mean if at in q else gamma * mean
        return q

    wanted = textbook(rate)
    for tally in every(tree):
        assert tally.value == pytest.approx(wanted[id(tally)])
    assert tree.root.value != pytest.approx(textbook(1.3 - rate)[id(tree.root)])
