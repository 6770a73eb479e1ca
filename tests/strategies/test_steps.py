"""Steps and levels: what is asked of whom, what enters the pool, and what a budget buys."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from treeseek import Result, Verdict, search, start
from treeseek.declare import Search, Strategy, strategy
from treeseek.decoding.stops import Step
from treeseek.errors import InvalidOption
from treeseek.journal import MemoryJournal
from treeseek.live import Context
from treeseek.replies import BudgetSpent
from treeseek.requests import Node
from treeseek.strategies import (
    best_of_n,
    dvts,
    mcts,
    prm_beam,
    rstar,
    self_consistency,
    step_beam,
    tot,
)
from treeseek.strategies.measures import measure
from treeseek.strategies.prefixes import Prefix, best, merged
from treeseek.strategies.steps import PARAGRAPH, SENTENCE, segment, steps, worth
from treeseek.testing import scripted

HASH = "toy:hash?vocabulary=6&seed=5"
BAR = Step(("|",))
# Two steps, then the end; every step is a letter and a bar.
TREE = {
    "": {"a": 0.5, "b": 0.3, "c": 0.2},
    **{x: {"|": 1.0} for x in "abc"},
    **{f"{x}|": {"a": 0.5, "b": 0.3, "c": 0.2} for x in "abc"},
    **{f"{x}|{y}": {"|": 1.0} for x in "abc" for y in "abc"},
}


class Table:
    """Scorer by text, 0 for what is not listed; it notes what it was asked."""

    name, version = "table", "1"

    def __init__(self, values: Mapping[str, float]) -> None:
        self.values, self.asked = values, list[str]()

    def score(self, texts: Sequence[str]) -> list[float]:
        self.asked += texts
        return [self.values.get(text, 0.0) for text in texts]


class Judge:
    """Verifier: `lost` prefixes are beyond mending; the state is what `state` makes of a text."""

    name, version = "judge", "1"

    def __init__(self, lost: str = "", *, solved: str = "-", whole: bool = False) -> None:
        self.lost, self.solved, self.whole = lost, solved, whole
        self.asked: list[str] = []

    def verify(self, text: str) -> Verdict:
        self.asked.append(text)
        lost = bool(self.lost) and text.startswith(self.lost)
        solved = text == self.solved
        return Verdict(float(solved), solved, lost or solved or self.whole)


def found(chosen: Strategy, *, model: Any = None, **options: Any) -> Result:
    options = {"step": BAR, "limit": 8, **options}
    return search("^", model=model or scripted(TREE), strategy=chosen, **options)


def texts(result: Result) -> list[str]:
    return [candidate.text for candidate in result.candidates]


@pytest.mark.parametrize(
    ("step", "text", "tokens"),
    [(Step(), "a\nb", 2), (PARAGRAPH, "a\n\nb", 3), (SENTENCE, "a. b", 3), (segment(2), "abcd", 2)],
)
def test_a_step_ends_where_its_splitter_says(step: Step, text: str, tokens: int) -> None:
    lm = scripted({text[:at]: {text[at]: 1.0} for at in range(len(text))}, ends="$")

    @strategy()
    def one(ctx: Context, root: Node) -> Search:
        (reply,) = yield [steps(ctx, root)]
        (whole,) = yield [steps(ctx, root, whole=True)]
        ctx.finish(reply.continuations[0].node, score=1)
        ctx.finish(whole.continuations[0].node, score=0)

    assert texts(found(one(), model=lm, step=step)) == [text[:tokens], text]


@pytest.mark.parametrize(
    "chosen",
    [step_beam(restarts=0), mcts(simulations=4), rstar(simulations=3)],
    ids=lambda chosen: chosen.name,
)
def test_a_verifier_of_whole_answers_is_not_asked_of_prefixes(chosen: Strategy) -> None:
    blind, seeing = Judge(whole=True), Judge()
    for judge in (blind, seeing):
        assert found(chosen, verifier=judge).candidates
    assert blind.asked[0] == seeing.asked[0] == ""
    assert all(text.count("|") == 2 for text in blind.asked[1:])
    assert any(text.count("|") == 1 for text in seeing.asked)


def test_what_is_lost_is_not_gone_on_from_and_stands_as_a_candidate() -> None:
    result = found(tot(width=3, beams=3, restarts=0), verifier=Judge("a"), seed=3)
    ends = texts(result)
    assert "a|" in ends
    assert not any(text.startswith("a|") and len(text) > 2 for text in ends)
    free = found(tot(width=3, beams=3, restarts=0), verifier=Judge(), seed=3)
    assert any(text.startswith("a|") and len(text) > 2 for text in texts(free))


def test_the_scorer_leads_the_verifier_marks_and_neither_gives_confidence() -> None:
    values = {"c|": 9.0, "c|a|": 1.0, "c|b|": 5.0}
    scorer = Table(values)
    led = found(step_beam(width=12, restarts=0), scorer=scorer)
    assert led.best is not None and led.best.text == "c|b|" and led.best.score == 5.0
    assert {text[0] for text in texts(led)} == {"c"}
    both = found(
        step_beam(width=12, restarts=0), scorer=Table(values), verifier=Judge(solved="c|a|")
    )
    assert both.best is not None and both.best.text == "c|a|" and both.best.score > 1
    assert both.best.scores["value"] == 1.0
    alone = found(step_beam(width=12, restarts=0))
    assert alone.best is not None and alone.best.text == "a|a|"


def test_a_value_that_nobody_gives_is_refused() -> None:
    with pytest.raises(InvalidOption, match="value='scorer'"):
        found(step_beam(value="scorer"))
    led = found(step_beam(width=12, restarts=0, value=lambda node: -node.total))
    assert led.best is not None and led.best.text == "c|c|"


@pytest.mark.parametrize(
    "chosen",
    [step_beam(beams=2), prm_beam(beams=4, width=2), dvts(beams=4, width=2), tot(beams=2)],
    ids=lambda chosen: chosen.name,
)
def test_every_answer_drawn_is_a_candidate(chosen: Strategy) -> None:
    for budget in (None, 30, 90):
        journal = MemoryJournal()
        run = start(
            "ab", model=HASH, strategy=chosen, step=segment(2), limit=6, budget=budget,
            journal=journal, scorer=Table({}),
        )  # fmt: skip
        result = run.run()
        drawn = [
            part["reason"]
            for record in journal.values()
            for part in record.get("reply", {}).get("continuations", ())
        ]
        ends = Counter(c.finish for c in result.candidates if c.finish != "budget")
        live = run.seat.live
        whole = [node for node in live.candidates if node.node.is_end]
        assert len(whole) == sum(ends.values()) > 0
        # An answer ends by its end token, or by the limit of the search: never by a step alone.
        assert drawn.count("end") == ends["end"]
        assert ends["limit"] == sum(len(c.token_ids) == 6 for c in result.candidates)


@pytest.mark.parametrize(
    "chosen",
    [
        step_beam,
        prm_beam,
        dvts,
        tot,
        tot(search="dfs", beams=2),
        self_consistency,
        best_of_n(n=None),
    ],
)
def test_a_budget_is_spent_to_the_end(chosen: Any) -> None:
    result = search("ab", model=HASH, strategy=chosen, step=segment(2), limit=9, budget=300)
    assert result.cost.tokens == 300
    assert len(result.candidates) > 8


@pytest.mark.parametrize("chosen", [step_beam, dvts, tot, self_consistency, best_of_n(n=None)])
def test_a_budget_nobody_can_spend_does_not_keep_it(chosen: Any) -> None:
    # Three sequences in all: six rows. It gives up once it meets nothing new.
    lm = scripted({"": {"a": 0.4, "b": 0.3, "c": 0.3}})
    result = found(chosen, model=lm, budget=1000)
    assert result.cost.tokens == 3
    assert set(texts(result)) == {"a", "b", "c"}


def test_restarts_are_counted() -> None:
    few, many = (found(step_beam(width=1, restarts=restarts, fresh=False)) for restarts in (0, 5))
    assert len(few.candidates) == 1 and len(many.candidates) == 6


def test_a_later_run_goes_elsewhere_and_an_unaware_one_does_not() -> None:
    scorer = {"a|": 3.0, "b|": 2.0, "c|": 1.0}
    for fresh, met in ((True, {"a", "b", "c"}), (False, {"a"})):
        result = found(step_beam(width=24, restarts=2, fresh=fresh), scorer=Table(scorer))
        assert {text[0] for text in texts(result)} == met, fresh


def test_prefixes_that_are_one_take_one_place() -> None:
    node = Node(0, 0, 0.0, 0.0, 0.0, 0, None)
    one, two, other = (
        Prefix(node, (value,), same=("state", state), group=group)
        for value, state, group in ((1.0, "x", 0), (2.0, "x", 0), (0.0, "x", 1))
    )
    assert merged([one, two, other]) == [two, other]
    assert best([one, two, other], 2) == [two, one]
    assert best([one, two, other], 2, taken={("state", "x"): 1}) == [two, one]
    # A state is shared by texts that differ, and then only one of them goes on.

    class Last(Judge):
        def verify(self, text: str) -> Verdict:
            return Verdict(0.0, False, False, state="same" if text.count("|") == 1 else "")

    wide = tot(width=20, generate="sample", beams=9, restarts=0)
    assert len({text[0] for text in texts(found(wide, verifier=Last()))}) == 1
    assert len({text[0] for text in texts(found(wide, verifier=Judge()))}) == 3


def test_ends_that_the_scores_did_not_reach_come_last() -> None:
    verifier = Judge()
    result = found(prm_beam(beams=6, width=6, depth=1), verifier=verifier, budget="scores=3")
    assert len(result.candidates) == 6
    judged = [candidate.score >= 0 for candidate in result.candidates]
    assert judged == sorted(judged, reverse=True) and 0 < sum(judged) < 6
    assert len(verifier.asked) == 3


def test_it_stops_when_the_answers_wanted_are_solved() -> None:
    solved = found(step_beam(width=6), verifier=Judge(solved="a|a|"), budget=5000)
    assert solved.best is not None and solved.best.text == "a|a|"
    patient = found(step_beam(width=6), verifier=Judge(), budget=5000)
    assert len(patient.candidates) > len(solved.candidates)


def test_worth_is_aligned_with_what_it_was_asked() -> None:
    told = []

    @strategy()
    def asks(ctx: Context, root: Node) -> Search:
        by = yield from measure(ctx, root)
        (reply,) = yield [steps(ctx, root, 12)]
        nodes = [run.node for run in reply.continuations]
        try:
            told.extend(zip(map(ctx.text, nodes), (yield from worth(ctx, nodes, by)), strict=True))
        except BudgetSpent:
            told.append("spent")

    scorer = Table({"a|": 1.0, "b|": 2.0, "c|": 3.0})
    found(asks(), scorer=scorer, verifier=Judge("c"))
    assert {text for text, _ in told} == {"a|", "b|", "c|"}
    for text, new in told:
        assert new.lost == new.closed == (text == "c|")
        assert text == "c|" or new.value == scorer.values[text]
    assert "c|" not in scorer.asked


def test_legal_draws_are_given_up_at_the_first_illegal_step() -> None:
    judge = Judge("a")
    result = found(best_of_n(n=30, legal="steps"), verifier=judge)
    assert len(result.candidates) == 30
    given_up = [text for text in texts(result) if text.startswith("a")]
    assert given_up and set(given_up) == {"a|"}
    plain = found(best_of_n(n=30), verifier=Judge("a"))
    assert any(text.startswith("a|") and len(text) > 2 for text in texts(plain))
    # Legal ones are drawn as the model draws them: a draw without illegal steps is any other draw.
    legal = Counter(text[0] for text in texts(result))
    assert legal["a"] > legal["c"]


def test_legal_tokens_are_the_law_over_what_is_not_lost_and_others_cost_nothing() -> None:
    result = found(best_of_n(n=400, legal="tokens"), verifier=Judge("a"))
    drawn = Counter(texts(result))
    assert sum(drawn.values()) == 400 and not any(text.startswith("a") for text in drawn)
    share = sum(count for text, count in drawn.items() if text.startswith("b")) / 400
    assert abs(share - 0.3 / 0.5) < 0.08
    # Rows below a were never asked for: b and c have a bar, three letters and their bars each.
    assert result.cost.tokens <= 2 * (1 + 1 + 3 + 3)
    steps_only = found(best_of_n(n=400, legal="steps"), verifier=Judge("a"))
    assert steps_only.cost.tokens > result.cost.tokens


def test_a_place_where_all_is_lost_ends_the_draw() -> None:
    class Dead(Judge):
        """Nothing that begins with b can go on, and b itself does not say so."""

        def verify(self, text: str) -> Verdict:
            return Verdict(0.0, False, len(text) > 1 and text[0] == "b")

    result = found(best_of_n(n=40, legal="tokens"), verifier=Dead())
    whole = Counter(text[0] for text in texts(result) if len(text) > 2)
    assert set(whole) == {"a", "c"}


def test_legal_draws_need_a_verifier() -> None:
    with pytest.raises(InvalidOption, match="give the search a verifier"):
        found(best_of_n(legal="steps"))


def test_a_budget_leaves_one_legal_draw_unfinished_at_most() -> None:
    for budget in range(5, 40, 7):
        run = start(
            "ab", model=HASH, strategy=best_of_n(n=None, legal="steps"), step=segment(2), limit=9,
            verifier=Judge(), budget=budget,
        )  # fmt: skip
        result = run.run()
        assert result.cost.tokens == budget
        assert sum(candidate.finish == "budget" for candidate in result.candidates) <= 1


def test_without_a_number_it_draws_what_a_number_would() -> None:
    some = search("ab", model=HASH, strategy=best_of_n(n=None), limit=6, budget=120)
    all_ = search("ab", model=HASH, strategy=best_of_n(n=400), limit=6, budget=120)
    ids = [
        [c.token_ids for c in result.candidates if c.finish != "budget"] for result in (some, all_)
    ]
    assert set(ids[0]) <= set(ids[1]) and some.cost.tokens == all_.cost.tokens == 120
    assert len(search("ab", model=HASH, strategy=best_of_n(n=None), limit=6).candidates) == 8
