"""How many simulations a tree search makes where nobody says it: what the budget pays for."""

from typing import Any

import pytest

from treeseek import LM, search
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.declare import Strategy
from treeseek.decoding.stops import Step
from treeseek.strategies import mcts, pg_td, puct, rest_mcts, rstar

SEARCHES = {
    "puct": puct(value="confidence"), "pg-td": pg_td(), "mcts": mcts(value="confidence", width=1),
    "rest-mcts": rest_mcts(width=1), "rstar": rstar(width=1),
}  # fmt: skip


def cost(strategy: Strategy, size: int = 6, limit: int = 7, **budget: Any) -> int:
    lm = LM(ToyBackend(integer_hash(size, seed=2), size), Letters(), name="toy")
    found = search(
        [0], model=lm, strategy=strategy, limit=limit, n=10**6, step=Step((), tokens=1), **budget
    )  # fmt: skip
    return found.cost.tokens


@pytest.mark.parametrize("name", SEARCHES)
def test_the_budget_is_spent(name: str) -> None:
    alone = cost(SEARCHES[name])
    assert cost(SEARCHES[name], budget=3 * alone) == 3 * alone


@pytest.mark.parametrize("name", SEARCHES)
def test_a_budget_that_cannot_be_spent_ends(name: str) -> None:
    """The whole tree has 2 + 4 + 8 nodes below the root."""
    assert cost(SEARCHES[name], size=2, limit=3, budget=10**6) <= 14
