"""A scorer that takes tokens is charged to the search that asks it, and says what it says alone."""

import math
from collections.abc import Sequence
from typing import Any

import pytest

import treeseek
from treeseek import strategies
from treeseek.decoding.stops import Step
from treeseek.requests import Verdict
from treeseek.scorers.judge import Judge
from treeseek.scorers.outcomes import RolloutValue
from treeseek.testing import PROMPT, StrategySuite, scripted

NAME = "toy:hash?vocabulary=6&seed=3"
STEP = Step((), 2)


class Cs:
    """Graded by the share of c in six letters; never over."""

    name, version = "cs", "1"

    def verify(self, text: str) -> Verdict:
        return Verdict(min(1.0, text.count("c") / 6), False, False)


class Unpaid:
    """The control: the same scorer, asked as one that costs nothing."""

    def __init__(self, scorer: Any) -> None:
        self.name, self.version, self._scorer = scorer.name, scorer.version, scorer

    def score(self, texts: Sequence[str]) -> list[float]:
        found: list[float] = self._scorer.score(texts)
        return found


def rollouts(lm: Any, **options: Any) -> RolloutValue:
    return RolloutValue(lm, "ab", Cs(), **{"k": 2, "limit": 4, "by": "score", **options})


def judge(lm: Any) -> Judge:
    return Judge(lm, "ab", template="{prompt}{text}c", yes="a", no="b|c")


def found(scorer: Any, lm: Any, strategy: Any, **options: Any) -> Any:
    return treeseek.search(
        "ab", model=lm, strategy=strategy, scorer=scorer, limit=6, step=STEP, **options
    )


class TestRollouts(StrategySuite):
    """Every law of strategies holds for one whose scores are rollouts: it resumes, it is charged
    what it asked for, it is the same beside others."""

    strategy = strategies.step_beam(width=2, beams=1)
    limit = 4

    def options(self) -> dict[str, Any]:
        return {"step": STEP, "scorer": rollouts(treeseek.load(NAME), limit=2)}


class TestRolloutsInTurn(StrategySuite):
    """The same where prefixes are scored one search after another, nested in one."""

    strategy = strategies.portfolio(
        strategies=(strategies.step_beam(width=2, beams=1), strategies.best_of_n(n=2)), first=6
    )
    limit = 4

    def options(self) -> dict[str, Any]:
        return {"step": STEP, "scorer": rollouts(treeseek.load(NAME), limit=2)}


@pytest.mark.parametrize("make", [rollouts, judge])
def test_it_is_charged_and_the_budget_holds(make: Any) -> None:
    lm = treeseek.load(NAME)
    beam = strategies.step_beam(width=3, beams=2, restarts=0)
    paid = found(make(lm), lm, beam).cost.tokens
    assert found(Unpaid(make(lm)), lm, beam).cost.tokens < paid
    for budget in (0, 1, 7, 20, paid - 1, paid, paid + 9):
        cost = found(make(lm), lm, beam, budget=budget).cost
        assert cost.tokens <= min(budget, paid)


def test_the_judge_of_a_node_is_the_judge_of_its_text() -> None:
    lm = treeseek.load(NAME)
    draws = strategies.best_of_n(n=12)
    asked, alone = (found(one, lm, draws) for one in (judge(lm), Unpaid(judge(lm))))
    assert [(c.text, c.score) for c in asked.candidates] == [
        (c.text, pytest.approx(c.score)) for c in alone.candidates
    ]
    assert len({c.score for c in asked.candidates}) > 3


def test_a_judge_may_be_another_model_and_is_charged_as_one() -> None:
    lm, other = treeseek.load(NAME), treeseek.load("toy:hash?vocabulary=6&seed=9")
    draws = strategies.best_of_n(n=12)
    asked, alone = (found(one, lm, draws) for one in (judge(other), Unpaid(judge(other))))
    assert asked.best.score == pytest.approx(alone.best.score)
    assert asked.cost.tokens > found(judge(lm), lm, draws).cost.tokens > alone.cost.tokens


def test_rollouts_in_a_search_have_the_true_value_and_its_draws_are_what_they_were() -> None:
    lm = scripted(
        {"": {"a": 0.5, "b": 0.5}, "a": {"a": 0.8, "b": 0.2}, "b": {"a": 0.3, "b": 0.7}},
        default={".": 1.0},
    )

    class Like:
        name, version = "like", "1"

        def verify(self, text: str) -> Verdict:
            return Verdict(float(text[:2] == "aa"), False, len(text) >= 2)

    k = 2000
    value = RolloutValue(lm, PROMPT, Like(), k=k, limit=3)
    beam = strategies.step_beam(width=12, beams=1, restarts=0, value="auto")
    given: dict[str, Any] = {"model": lm, "strategy": beam, "limit": 2, "step": Step((), 1)}
    shown: dict[str, float] = {}

    class Noted(RolloutValue):
        def ask(self, ctx: Any, nodes: Any) -> Any:
            values = yield from super().ask(ctx, nodes)
            shown.update(zip(map(ctx.text, nodes), values, strict=True))
            return values

    with_rollouts = treeseek.search(PROMPT, **given, scorer=Noted(lm, PROMPT, Like(), k=k, limit=3))
    for text, true in (("a", 0.8), ("b", 0.0)):
        assert abs(shown[text] - true) <= 4 * math.sqrt(0.25 / k), text
    assert value.score(["a"])[0] == pytest.approx(shown["a"], abs=8 * math.sqrt(0.25 / k))
    assert with_rollouts.best.text == "aa"

    draws = strategies.best_of_n(n=20)
    plain = treeseek.search(PROMPT, model=lm, strategy=draws, limit=2)
    scored = treeseek.search(PROMPT, model=lm, strategy=draws, limit=2, scorer=value)
    assert sorted(c.text for c in plain.candidates) == sorted(c.text for c in scored.candidates)


def test_a_node_is_asked_for_once_and_scores_are_booked() -> None:
    lm = treeseek.load(NAME)
    asked: list[int] = []

    class Counted(Judge):
        def ask(self, ctx: Any, nodes: Any) -> Any:
            asked.extend(node.handle for node in nodes)
            return (yield from super().ask(ctx, nodes))

    @treeseek.strategy()
    def twice(ctx: Any, root: Any) -> Any:
        (reply,) = yield [treeseek.Sample(root, n=3)]
        nodes = tuple(run.node for run in reply.continuations)
        first, again = yield [treeseek.Score(nodes, ctx.scorer) for _ in range(2)]
        (third,) = yield [treeseek.Score(nodes[::-1], ctx.scorer)]
        assert first.values == again.values == third.values[::-1]
        ctx.finish(nodes[0], score=first.values[0])

    scorer = Counted(lm, "ab", template="{prompt}{text}c", yes="a", no="b|c")
    assert found(scorer, lm, twice()).best is not None
    assert len(asked) == len(set(asked)) == 3
    short = found(judge(lm), lm, strategies.best_of_n(n=12), budget="scores=5")
    assert short.budget_spent


def test_where_the_budget_ends_within_a_score_what_was_drawn_stands() -> None:
    lm = treeseek.load(NAME)
    draws = strategies.best_of_n(n=2)
    whole = treeseek.search("ab", model=lm, strategy=draws, limit=6).cost.tokens
    ended = found(judge(lm), lm, draws, budget=whole + 2)
    assert ended.cost.tokens <= whole + 2 and len(ended.candidates) >= 2
