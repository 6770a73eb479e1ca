"""Tables of strategies and controls: the same chances for all, and whatever happens is counted."""

from collections.abc import Sequence
from typing import Any

import pytest

import treeseek
from tests.solving.letters import TOY, Letters, Wanted
from treeseek import Sample, strategy
from treeseek.errors import InvalidOption
from treeseek.scorers.judge import Judge
from treeseek.selectors import best, majority
from treeseek.solving.comparison import Comparison, pair_of
from treeseek.solving.contest import BEST, CONTROLS, LEGAL, MAJORITY, RANDOM, Contest
from treeseek.solving.draws import weighed
from treeseek.solving.front import compare, contest, solve
from treeseek.solving.judging import Patient
from treeseek.strategies import (
    beam,
    best_first,
    best_of_n,
    pg_td,
    portfolio,
    puct,
    self_consistency,
)

LETTERS = "dezadb"


def compared(
    letters: str = LETTERS, *, strategies: Sequence[Any] = (), **options: Any
) -> Comparison:
    given: dict[str, Any] = {
        "model": treeseek.load(TOY), "problems": len(letters), "budgets": [20, 60],
        "strategies": strategies or [best_first(), puct(simulations=30)],
    }  # fmt: skip
    return compare(Wanted(letters), **{**given, **options})


def without_clocks(found: Comparison) -> dict[str, Any]:
    record = found.to_json()
    record["cost"] = {**record["cost"], "seconds": 0, "tokens_computed": 0, "forwards": 0}
    return record


class Marks:
    """A scorer that likes one letter, whatever is asked for."""

    name, version = "marks", "1"

    def score(self, texts: list[str]) -> list[float]:
        return [float(text.count("b")) for text in texts]


class Unpaid:
    """A scorer by which another scores for nothing."""

    def __init__(self, scorer: Any) -> None:
        self.name, self.version, self.score = scorer.name, scorer.version, scorer.score


@pytest.mark.parametrize(
    "options",
    [{}, {"verifier": False}, {"verifier": False, "scorer": lambda problem: Marks()},
     {"scorer": lambda problem: Marks()}],
)  # fmt: skip
def test_the_control_is_best_of_n_itself(options: dict[str, Any]) -> None:
    """Entered as a strategy with draws to spare, it ties with its control on every problem."""
    twin = best_of_n(n=60)
    found = compared(strategies=[twin], **options)
    for budget in (20, 60):
        ours, control = found.row(repr(twin), budget), found.row(BEST, budget)
        assert (ours.solved, ours.tokens) == (control.solved, control.tokens)
        pair = next(p for p in found.pairs if (p.control, p.budget) == (BEST, budget))
        assert (pair.only_strategy, pair.only_control, pair.word) == (0, 0, "ties")
    fewer = compared(strategies=[best_of_n(n=1)], **options)
    assert fewer.row(fewer.rows[0].strategy, 60).tokens < fewer.row(BEST, 60).tokens


def test_no_control_gets_fewer_tokens() -> None:
    found = compared(strategies=[best_first(), puct(simulations=30), beam(width=3)])
    for row in found.rows:
        assert row.tokens <= row.budget and row.tokens <= found.row(BEST, row.budget).tokens
        if row.control:
            assert row.tokens == row.budget


def test_windows_change_nothing() -> None:
    every = [without_clocks(compared(window=window)) for window in (1, 7, 500)]
    assert every[0] == every[1] == every[2]


def test_a_row_says_what_each_search_finds_alone() -> None:
    found = compared(strategies=[best_first()])
    task = Wanted(LETTERS)
    solved, tokens = 0, 0
    for problem in task.problems(0, len(LETTERS)):
        judge = Patient(task.verifier(problem))
        alone = treeseek.search(
            problem.prompt, model=treeseek.load(TOY), strategy=best_first(), budget=60, limit=8,
            verifier=judge, key=(problem.id,), step=task.step,
        )  # fmt: skip
        solved += any(judge.judge(one.text).solved for one in alone.candidates)
        tokens += alone.cost.tokens
    row = found.row("best-first", 60)
    assert (row.solved, row.tokens) == (solved, tokens / len(LETTERS))
    assert row.accuracy == solved / len(LETTERS) and 0 < solved < len(LETTERS)


def test_a_search_is_never_told_that_it_may_stop() -> None:
    """With the whole verdict best-first would end at the first solved text."""
    found = compared("dd", strategies=[best_first()])
    assert found.row("best-first", 60).tokens == 60 and found.row("best-first", 60).solved == 2
    (problem, _) = Wanted("dd").problems(0, 2)
    eager = treeseek.search(
        "abc", model=treeseek.load(TOY), budget=60, limit=8, strategy=best_first(),
        verifier=Wanted("d").verifier(problem),
    )  # fmt: skip
    assert eager.cost.tokens < 60


@strategy()
def nosy(ctx: Any, root: Any) -> Any:
    """Draws one; its score tells whether it was shown a verifier."""
    (reply,) = yield [Sample(root)]
    ctx.finish(reply.continuations[0].node, score=float(ctx.verifier is not None))


@pytest.mark.parametrize("shown", [True, False])
def test_a_hidden_verifier_is_hidden(shown: bool) -> None:
    found = solve(
        Wanted("de"),
        model=treeseek.load(TOY),
        strategy=nosy(),
        problems=2,
        verifier=shown,
        budget=30,
    )
    assert [one.answer.score for one in found.side.outcomes] == [float(shown)] * 2
    assert all(one.verdict is not None for one in found.side.outcomes)


def test_selectors_choose_for_all() -> None:
    found = compared(verifier=False, selector=majority(), strategies=[best_of_n(n=60)])
    for budget in (20, 60):
        rows = [found.row(label, budget) for label in (found.rows[0].strategy, BEST, MAJORITY)]
        assert len({(row.solved, row.tokens) for row in rows}) == 1
    marked = compared(
        verifier=False,
        selector=best(),
        scorer=lambda problem: Marks(),
        strategies=[best_of_n(n=60)],
    )
    assert marked.row(BEST, 60).solved == marked.rows[1].solved
    with pytest.raises(InvalidOption, match=r"treeseek\.selectors"):
        compared(selector=max)


def test_where_choosing_takes_tokens_the_control_pays_for_it() -> None:
    """The draws that are scored share a budget with their scores: fewer than those that are not."""
    lm = treeseek.load(TOY)
    judge = Judge(lm, "abc", template="{prompt}{text}c", yes="a", no="b|c")
    given: dict[str, Any] = {"verifier": False, "scorer": lambda problem: judge}
    found = compared(strategies=[weighed()], **given)
    for budget in (20, 60):
        ours, control = found.row("weighed", budget), found.row(BEST, budget)
        assert (ours.solved, ours.tokens) == (control.solved, control.tokens)
        assert control.tokens <= budget and control.control
        assert found.row(MAJORITY, budget).tokens <= budget
    assert {pair.control for pair in found.pairs} == {BEST, MAJORITY, RANDOM}
    free = compared(strategies=[weighed()], verifier=False, scorer=lambda problem: Unpaid(judge))
    assert free.row(BEST, 60).tokens <= 60 and free.rows != found.rows
    alone = solve(
        Wanted(LETTERS), model=lm, strategy=weighed(), budget=60, problems=len(LETTERS), **given
    )
    assert [o.answer.text for o in alone.side.outcomes if o.answer] == [
        o.answer.text for o in alone.control.outcomes if o.answer
    ]
    assert alone.control.cost.tokens == found.row(BEST, 60).tokens * len(LETTERS)
    assert alone.majority.cost.tokens == found.row(MAJORITY, 60).tokens * len(LETTERS)


def test_a_random_candidate_is_one_of_the_draws_and_keyed() -> None:
    rows = [compared(seed=seed).row(RANDOM, 60) for seed in (0, 0, 1, 2, 3)]
    assert rows[0] == rows[1]
    assert len({row.solved for row in rows}) > 1
    best_rows = [compared(seed=seed).row(BEST, 60) for seed in (0, 1, 2, 3)]
    assert all(one.solved <= top.solved for one, top in zip(rows[1:], best_rows, strict=True))


@pytest.mark.parametrize("broken", ["!", "?"])
def test_a_broken_problem_is_a_recorded_failure_and_the_others_go_on(broken: str) -> None:
    """The verifier breaks when it is asked, or already when it is made."""
    good, mixed = compared("dz"), compared(f"d{broken}z")
    labels = {row.strategy for row in mixed.rows}
    assert {one.problem for one in mixed.failures} == {f"{broken}-1"}
    assert {(one.strategy, one.budget) for one in mixed.failures} == {
        (label, budget) for label in labels for budget in (20, 60)
    }
    assert all("broken" in one.reason or "letter" in one.reason for one in mixed.failures)
    for row in mixed.rows:
        assert (row.problems, row.failed) == (3, 1)
        if row.strategy != RANDOM:
            assert row.solved == good.row(row.strategy, row.budget).solved


def test_an_interrupted_table_holds_whole_problems() -> None:
    run: Contest = contest(
        Wanted("deadbeef"), model=treeseek.load(TOY), strategies=[best_first()], budgets=[20, 60],
        problems=8, window=6,
    )  # fmt: skip
    while run.comparison.problems < 4:
        assert run.step()
    run.step()
    run.cut()
    while run.step():
        pass
    found = run.comparison
    assert 4 <= found.problems < 8 and not found.done and found.asked == 8
    assert all(row.problems == found.problems for row in found.rows)
    fewer = compared("deadbeef"[: found.problems], strategies=[best_first()])
    assert [row.solved for row in found.rows] == [row.solved for row in fewer.rows]


def test_pairs_are_counted_problem_by_problem() -> None:
    pair = pair_of("a", "b", 9, [True, True, False, False, True], [True, False, True, False, False])
    assert (pair.only_strategy, pair.only_control, pair.difference) == (2, 1, pytest.approx(0.2))
    assert pair.low < 0.2 < pair.high and pair.word == "leads"
    assert pair_of("a", "b", 9, [True] * 40, [False] * 40).word == "wins"
    assert pair_of("a", "b", 9, [False] * 40, [True] * 40).word == "loses"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"budgets": []}, "at least one"),
        ({"budgets": [10, 10]}, "each once"),
        ({"budgets": [0]}, "at least 1"),
        ({"strategies": ["beam"]}, r"treeseek\.strategies"),
        ({"strategies": [beam(width=2), beam(width=2)]}, "there twice"),
        ({"problems": 0}, "problems=0"),
        ({"limit": 0}, "limit=0"),
    ],
)
def test_refusals(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        compared(**options)
    with pytest.raises(InvalidOption, match=r"treeseek\.tasks"):
        compare(Letters("d", "d"), strategies=[beam()], budgets=[10])  # type: ignore[arg-type]


def test_names_in_the_table_are_told_apart() -> None:
    found = compared("d", strategies=[beam(width=2), beam(width=3), puct(simulations=9)])
    labels = list(dict.fromkeys(row.strategy for row in found.rows))
    assert labels[2:] == ["puct", BEST, MAJORITY, RANDOM, LEGAL]
    assert labels[0].startswith("beam(width=2") and labels[1].startswith("beam(width=3")
    assert found.names["puct"] == repr(puct(simulations=9))


@pytest.mark.parametrize(
    ("strategy", "options", "controls"),
    [
        (best_first(), {}, (BEST, MAJORITY, RANDOM, LEGAL)),
        (best_first(), {"verifier": False}, (BEST, MAJORITY, RANDOM)),
        (self_consistency(), {}, (BEST, MAJORITY, RANDOM, LEGAL)),
        (portfolio(strategies=(pg_td(), puct())), {}, CONTROLS),
        (pg_td(), {"verifier": True, "selector": best()}, CONTROLS),
    ],
    ids=["best-first", "unjudged", "votes", "portfolio", "pg-td"],
)
def test_solve_is_one_row_of_the_table(strategy: Any, options: Any, controls: Any) -> None:
    found = solve(
        Wanted(LETTERS), model=treeseek.load(TOY), strategy=strategy, budget=60,
        problems=len(LETTERS), **options,
    )  # fmt: skip
    rows = compared(strategies=[strategy], budgets=[60], **options)
    assert [side.strategy for side in found.controls] == list(controls)
    for side, label in (
        (found.side, strategy.name),
        *((one, one.strategy) for one in found.controls),
    ):
        row = rows.row(label, 60)
        assert (side.solved, side.accuracy) == (row.solved, row.accuracy)
        assert side.cost.tokens == row.tokens * len(LETTERS)
    assert found.pair.difference == rows.pairs[0].difference
    table = found.table(60, strategy.name)
    assert (table.rows, table.pairs) == (rows.rows, rows.pairs)
    assert set(found.references) == set(rows.references)
