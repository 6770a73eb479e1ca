"""The portfolio: what each arm of the race is given, and told from even shares."""

from collections.abc import Sequence
from typing import Any

import pytest

from treeseek import load, search, strategies, strategy
from treeseek.declare import Strategy
from treeseek.errors import InvalidOption
from treeseek.requests import How, Sample, Spawn, Walk
from treeseek.strategies.answers import judged


@strategy(tier="step")
def says(ctx: Any, root: Any, *, token: int) -> Any:
    """Draw answers that begin by `token` for ever, each a candidate at once."""
    (reply,) = yield [Walk(root, (token,))]
    node = reply.node
    while True:
        (drawn,) = yield [Sample(node, how=How())]
        ctx.finish(drawn.continuations[0].node)


def raced(chosen: Strategy, worth: Sequence[float], budget: int) -> list[float]:
    """The share of `budget` that each of the arms that say a, b, c, ... was charged."""
    letters = "abcdef"[: len(worth)]
    result = search(
        "ab", model=load("toy:hash?vocabulary=6&seed=3"), strategy=chosen, limit=9,
        budget=budget, scorer=First(dict(zip(letters, worth, strict=True))),
    )  # fmt: skip
    paid = {
        one.text[:size]
        for one in result.candidates
        for size in range(1, len(one.text) + (one.finish == "end"))
    }
    assert result.best is not None and result.best.text[0] == letters[worth.index(max(worth))]
    return [sum(text[0] == letter for text in paid) / budget for letter in letters]


# Each round has an equal part of the budget, which those left share; then the winner has one.
ROUNDS = {
    3: [1 / 3 / 3 + 1 / 3 / 2 + 1 / 3, 1 / 3 / 3 + 1 / 3 / 2, 1 / 3 / 3],
    4: [1 / 3 / 4 + 1 / 3 / 2 + 1 / 3, 1 / 3 / 4 + 1 / 3 / 2, 1 / 3 / 4, 1 / 3 / 4],
    5: [
        1 / 4 / 5 + 1 / 4 / 3 + 1 / 4 / 2 + 1 / 4, 1 / 4 / 5 + 1 / 4 / 3 + 1 / 4 / 2,
        1 / 4 / 5 + 1 / 4 / 3, 1 / 4 / 5, 1 / 4 / 5,
    ],
}  # fmt: skip


@pytest.mark.parametrize("arms", ROUNDS)
def test_the_larger_half_of_the_arms_goes_on(arms: int) -> None:
    """3, 2, 1 and 5, 3, 2, 1 as published, wherever in the list the better ones stand."""
    chosen = strategies.portfolio(
        strategies=tuple(says(token=token) for token in range(arms)), first=4
    )
    for first in range(arms):
        places = [(first + nth) % arms for nth in range(arms)]
        worth = [0.9 - 0.1 * places.index(arm) for arm in range(arms)]
        shares = raced(chosen, worth, 900)
        found = [shares[arm] for arm in places]
        assert found == pytest.approx(ROUNDS[arms], abs=0.02), (found, ROUNDS[arms])


def test_halving_gives_the_best_arm_what_even_shares_would_give_the_others() -> None:
    """The nearest neighbour: every arm has the same part of the budget from the start."""
    arms = tuple(says(token=token) for token in range(4))

    @strategy(tier="step")
    def evenly(ctx: Any, root: Any) -> Any:
        """Each arm, once, with its part of 400 tokens."""
        replies = yield [Spawn(arm, root, budget=100) for arm in arms]
        yield from judged(ctx, [one.node for reply in replies for one in reply.found])

    worth = [0.3, 0.9, 0.2, 0.25]
    even = raced(evenly(), worth, 400)
    assert even == pytest.approx([0.25] * 4, abs=0.03)
    halved = raced(strategies.portfolio(strategies=arms, first=8), worth, 400)
    assert halved[1] > 2 * even[1] and min(halved) > 0


class First:
    """Scorer: what a table says of the first letter."""

    name, version = "first", "1"

    def __init__(self, table: dict[str, float]) -> None:
        self.table = table

    def score(self, texts: Sequence[str]) -> list[float]:
        return [self.table.get(text[:1], 0.0) for text in texts]


def test_a_portfolio_takes_what_an_arm_holds_when_it_is_paused() -> None:
    """Best-of-n shows nothing before its end; what it drew is not lost."""
    chosen = strategies.portfolio(
        strategies=(strategies.best_of_n(n=64), strategies.sample()), first=4
    )
    lm = load("toy:hash?vocabulary=6&seed=3")
    result = search("ab", model=lm, strategy=chosen, limit=6, budget=80, n=3)
    assert len(result.candidates) > 8
    with pytest.raises(InvalidOption, match="at least one"):
        strategies.portfolio(strategies=())
