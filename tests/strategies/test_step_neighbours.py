"""Each strategy over steps beside the one most like it, where the two choose differently."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.strategies.test_neighbours import texts
from treeseek import LM, search, strategies
from treeseek.declare import Strategy
from treeseek.decoding.stops import Step
from treeseek.requests import Verdict
from treeseek.testing import scripted


class Worths:
    """Scorer: a number for each text listed, 0 for any other."""

    name, version = "worths", "1"

    def __init__(self, **worths: float) -> None:
        self.worths = {text.replace("_", "|"): worth for text, worth in worths.items()}

    def score(self, texts: Sequence[str]) -> list[float]:
        return [self.worths.get(text, 0.0) for text in texts]


BAR = Step(("|",))
FORK = {
    "": {"a": 0.5, "b": 0.5},
    "a": {"|": 1.0},
    "b": {"|": 0.5, ".": 0.5},
    "a|": {"c": 0.5, "d": 0.5},
    "b|": {"c": 0.5, "d": 0.5},
}


def stepwise(lm: LM, strategy: Strategy, **options: Any) -> list[str]:
    return texts(lm, strategy, **{"step": BAR, **options})


def test_self_consistency_takes_the_answer_most_give_and_best_of_n_the_likeliest_text() -> None:
    # One way to say c, likely as a text; many ways to say d, each of them unlikely.
    lm = scripted(
        {
            "": {"a": 0.3, "e": 0.25, "f": 0.25, "g": 0.2},
            "a": {"c": 1.0},
            **{x: {"d": 0.5, "h": 0.5} for x in "efg"},
            **{f"{x}h": {"d": 1.0} for x in "efg"},
        }
    )
    votes = strategies.self_consistency(n=40, answer=lambda text: text[-1])
    assert texts(lm, votes)[0][-1] == "d"
    assert texts(lm, strategies.best_of_n(n=40))[0] == "ac"
    # By their whole texts the votes scatter, and the one way to say c leads.
    assert texts(lm, strategies.self_consistency(n=40))[0] == "ac"


class Sum:
    """Executor: the sum of the digits of a text; fails where there is none."""

    name, version = "sum", "1"

    def run(self, text: str) -> str | None:
        digits = [int(letter) for letter in text if letter.isdigit()]
        return str(sum(digits)) if digits else None


def test_pal_votes_by_what_programs_print_and_self_consistency_by_what_they_say() -> None:
    lm = scripted({"": {"5": 0.4, "1": 0.2, "2": 0.2, "x": 0.2}, "1": {"2": 1.0}, "2": {"1": 1.0}})
    assert texts(lm, strategies.self_consistency(n=60))[0] == "5"
    pal = search("^", model=lm, strategy=strategies.pal(n=60, executor=Sum()))
    votes = {candidate.text: candidate.score for candidate in pal.candidates}
    assert votes["12"] == votes["21"] and votes["x"] == 0
    assert pal.best is not None and pal.best.score == max(votes["5"], votes["12"])
    # The control: where both print the same nothing is gained.
    assert votes["12"] > 0.3


def test_step_beam_drops_early_what_best_of_n_only_judges_at_the_end() -> None:
    lm = scripted(FORK)
    judge = Worths(a_=1.0, a_c=0.5, b_d=3.0)
    assert stepwise(lm, strategies.best_of_n(n=40), scorer=judge)[0] == "b|d"
    assert stepwise(lm, strategies.step_beam(width=9, restarts=0), scorer=judge)[0] == "a|c"


def test_an_answer_takes_a_place_in_step_beam_and_none_in_prm_beam() -> None:
    lm, judge = scripted(FORK), Worths(b=2.0, a_=1.0, a_c=3.0)
    step = strategies.step_beam(beams=1, width=9, restarts=0)
    assert {text for text in stepwise(lm, step, scorer=judge)} == {"b"}
    prm = strategies.prm_beam(beams=9, width=9, restarts=0)
    assert stepwise(lm, prm, scorer=judge)[0] == "a|c"


def test_prm_beam_crowds_where_dvts_keeps_its_subtrees_apart() -> None:
    lm, judge = scripted({**FORK, "b": {"|": 1.0}}), Worths(a_=2.0, b_=1.0, b_c=9.0)
    right = {}
    for chosen in (
        strategies.prm_beam(beams=8, width=2, distinct=False, restarts=0),
        strategies.dvts(beams=8, width=2, restarts=0),
    ):
        drawn = [stepwise(lm, chosen, scorer=judge, seed=seed)[0] for seed in range(30)]
        right[chosen.name] = drawn.count("b|c")
    assert right["dvts"] > right["prm-beam"] + 5


def test_dvts_of_one_subtree_is_a_step_beam_of_one() -> None:
    lm, judge = scripted(FORK), Worths(a_=2.0, b_=1.0, a_c=4.0)
    one = strategies.dvts(beams=3, width=3, restarts=2)
    same = strategies.step_beam(beams=1, width=3, restarts=2)
    other = strategies.dvts(beams=6, width=3, restarts=2)
    for seed in range(5):
        found = stepwise(lm, one, scorer=judge, seed=seed)
        assert found == stepwise(lm, same, scorer=judge, seed=seed)
        assert found != stepwise(lm, other, scorer=judge, seed=seed)


# What a and b are worth after one step and after two; where each reduction goes on from b.
PAIRS = {
    "late": ((0.1, 0.9), (0.4, 0.5), {"min", "prod"}),
    "even": ((0.1, 0.6), (0.5, 0.5), {"min", "prod", "mean"}),
    "one low": ((0.4, 0.4), (0.3, 0.9), {"last", "prod", "mean"}),
    "early": ((0.9, 0.4), (0.5, 0.5), {"last", "min"}),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_reductions_look_at_other_steps(pair: str) -> None:
    """Two places, two different steps after each of a and b: the four prefixes compete for them."""
    lm = scripted({"": {"a": 0.5, "b": 0.5}, **{x: {"|": 1.0} for x in "ab"},
                   **{f"{x}|": {"c": 0.5, "d": 0.5} for x in "ab"},
                   **{f"{x}|{y}": {"|": 1.0} for x in "ab" for y in "cd"},
                   **{f"{x}|{y}|": {x: 1.0} for x in "ab" for y in "cd"}})  # fmt: skip
    a, b, to_b = PAIRS[pair]
    judge = Worths(a_=a[0], b_=b[0], a_c_=a[1], a_d_=a[1], b_c_=b[1], b_d_=b[1])
    for reduce in ("last", "min", "prod", "mean"):
        chosen = strategies.prm_beam(beams=16, width=8, reduce=reduce, restarts=0)
        kept = {text[0] for text in stepwise(lm, chosen, scorer=judge)}
        assert kept == {"b" if reduce in to_b else "a"}, reduce


def test_lookahead_sees_the_step_that_disappoints() -> None:
    lm = scripted(
        {
            **FORK,
            "b": {"|": 1.0},
            **{x: {"c": 1.0} for x in ("a|", "b|")},
            **{x: {"|": 1.0} for x in ("a|c", "b|c")},
        },
        default={"e": 0.5, ".": 0.5},
    )
    judge = Worths(a_=2.0, b_=1.0, a_c_=0.0, b_c_=3.0)
    for lookahead, first in ((0, "a"), (1, "b")):
        chosen = strategies.prm_beam(beams=8, width=8, lookahead=lookahead, restarts=0)
        assert {text[0] for text in stepwise(lm, chosen, scorer=judge)} == {first}


def test_every_answer_kept_narrows_a_step_beam() -> None:
    lm = scripted(
        {"": {"b": 0.5, "a": 0.5}, "a": {"|": 1.0}, "a|": {"c": 0.5, "d": 0.5},
         "a|c": {"|": 1.0}, "a|d": {"|": 1.0}}
    )  # fmt: skip
    judge = Worths(b=9.0, a_=1.0, a_c_=1.0, a_d_=1.0)
    ends = stepwise(lm, strategies.step_beam(beams=2, width=9, restarts=0), scorer=judge)
    # Once b has its place, one is left: nine draws a level, and the last level has one prefix.
    assert len({text[:3] for text in ends if text != "b"}) == 1
    wide = stepwise(lm, strategies.step_beam(beams=3, width=9, restarts=0), scorer=judge)
    assert len({text[:3] for text in wide if text != "b"}) == 2


def test_a_prm_beam_ends_when_it_has_as_many_answers_as_beams() -> None:
    lm = scripted({"": {"b": 0.5, "a": 0.5}, "a": {"|": 1.0}, "a|": {"b": 0.5, "a": 0.5},
                   "a|a": {"|": 1.0}})  # fmt: skip
    few = stepwise(lm, strategies.prm_beam(beams=4, width=2, restarts=0), seed=2)
    assert 4 <= len(few) < 8
    deep = [len(stepwise(lm, strategies.prm_beam(beams=4, width=2, restarts=0), seed=seed))
            for seed in range(20)]  # fmt: skip
    assert max(deep) <= 7


def test_tot_proposes_what_sampling_repeats() -> None:
    lm = scripted({"": {"a": 0.9, "b": 0.1}, "a": {"|": 1.0}, "b": {"|": 1.0}})
    judge = Worths(b_=1.0)
    met = {
        generate: sum(
            stepwise(
                lm, strategies.tot(width=4, generate=generate, beams=1, restarts=0),
                scorer=judge, seed=seed,
            )[0] == "b|"
            for seed in range(20)
        )
        for generate in ("sample", "propose")
    }  # fmt: skip
    assert met["sample"] < met["propose"]


def test_tot_goes_on_after_an_answer_that_ends_a_step_beam() -> None:
    lm, judge = scripted(FORK), Worths(b=2.0, a_=1.0, a_c=3.0)
    on = strategies.tot(beams=1, width=9, generate="sample", restarts=0)
    over = strategies.step_beam(beams=1, width=9, restarts=0)
    assert {"b", "a|c"} <= set(stepwise(lm, on, scorer=judge))
    assert set(stepwise(lm, over, scorer=judge)) == {"b"}


def test_deep_first_comes_back_where_a_level_was_cut() -> None:
    lm, judge = scripted({**FORK, "b": {"|": 1.0}}), Worths(a_=2.0, b_=1.0, b_d=9.0)
    wide = strategies.tot(beams=1, width=2, restarts=0)
    assert not any(text.startswith("b|") for text in stepwise(lm, wide, scorer=judge))
    deep = strategies.tot(search="dfs", beams=2, width=2, restarts=0)
    ends = stepwise(lm, deep, scorer=judge)
    assert ends[0] == "b|d" and any(text.startswith("a|") for text in ends)
    pruned = strategies.tot(search="dfs", beams=2, width=2, restarts=0, prune=1.0)
    assert not any(text.startswith("b|") for text in stepwise(lm, pruned, scorer=judge))


def test_votes_choose_what_the_ballot_says_and_values_do_not() -> None:
    # The ballot is "^v": whoever is asked it names the second choice.
    lm = scripted({**FORK, "b": {"|": 1.0}, "v": {"2": 1.0}, "z": {"v": 1.0}})
    shown: list[Sequence[str]] = []

    def ask(prompt: str, texts: Sequence[str]) -> str:
        shown.append(list(texts))
        return prompt + "v"

    judge = Worths(a_=2.0, b_=1.0)
    options: dict[str, Any] = {"beams": 1, "width": 2, "restarts": 0, "ask": ask}
    valued = stepwise(lm, strategies.tot(**options), scorer=judge, seed=4)
    voted = stepwise(lm, strategies.tot(evaluate="vote", **options), scorer=judge, seed=4)
    assert {text[0] for text in valued} == {"a"}
    assert {text[0] for text in voted} == {shown[0][1][0]} == {"b"}


def test_agent_best_first_comes_back_to_a_state_where_a_step_beam_cannot() -> None:
    lm = scripted({**FORK, "b": {"|": 1.0}})
    judge = Worths(a_=2.0, a_c=-1.0, a_d=-1.0, b_=1.0, b_c=5.0)
    agent = strategies.agent_best_first(values=12, restarts=0)
    assert stepwise(lm, agent, scorer=judge)[0] == "b|c"
    beam = strategies.step_beam(width=9, restarts=0)
    assert "b|c" not in stepwise(lm, beam, scorer=judge)


def test_an_action_waits_with_the_value_of_the_state_it_is_taken_in() -> None:
    lm = scripted({**FORK, "b": {"|": 1.0}})

    class Noting(Worths):
        def __init__(self, **worths: float) -> None:
            super().__init__(**worths)
            self.asked: list[str] = []

        def score(self, texts: Sequence[str]) -> list[float]:
            self.asked += texts
            return super().score(texts)

    judge = Noting(a_=5.0, b_=1.0)
    stepwise(lm, strategies.agent_best_first(values=7, restarts=0), scorer=judge)
    # Whatever follows a| has its worth, 5, and so comes before what follows b|, and after b| itself
    # only if that was met first.
    first = judge.asked.index("a|")
    after = judge.asked[first + 1 : first + 3]
    assert {text for text in after} == {"a|c", "a|d"}


def test_dfsdt_dives_where_agent_best_first_goes_by_worth() -> None:
    lm = scripted({**FORK, "b": {"|": 1.0}})
    judge = Worths(a_=-5.0, b_=5.0)
    orders = []
    for chosen in (strategies.dfsdt(restarts=0), strategies.agent_best_first(restarts=0)):
        firsts = set()
        for seed in range(8):
            found = search(
                "^", model=lm, strategy=chosen, scorer=judge, step=BAR, seed=seed, budget=4
            )
            firsts |= {c.text[0] for c in found.candidates if c.finish == "end"}
        orders.append(firsts)
    assert orders[0] == {"a", "b"} and orders[1] <= {"b"}


def test_tot_may_draw_what_greedy_selection_never_takes() -> None:
    lm, judge = scripted({**FORK, "b": {"|": 1.0}}), Worths(a_=2.0, b_=1.0)
    met = {}
    for select in ("greedy", "sample"):
        chosen = strategies.tot(width=9, generate="sample", beams=1, select=select, restarts=0)
        firsts = [
            {text[0] for text in stepwise(lm, chosen, scorer=judge, seed=seed)}
            for seed in range(60)
        ]
        met[select] = sum(first == {"b"} for first in firsts)
    assert met["greedy"] == 0
    # In proportion to their worth: one in three, give or take three standard deviations.
    assert 9 <= met["sample"] <= 31


class Same:
    """Verifier: every prefix that ends a step is in the state of its last step."""

    name, version = "same", "1"

    def __init__(self, known: bool) -> None:
        self.known = known

    def verify(self, text: str) -> Verdict:
        state = text[-2:] if self.known and text.endswith("|") else ""
        return Verdict(0.5, False, False, state=state)


def test_an_agent_goes_on_from_a_state_once() -> None:
    rows = {text: {"|": 1.0} for text in ("a", "b", "a|c", "b|c")}
    lm = scripted({"": {"a": 0.5, "b": 0.5}, "a|": {"c": 1.0}, "b|": {"c": 1.0}, **rows})
    agent = strategies.agent_best_first(restarts=0)
    ends = [stepwise(lm, agent, verifier=Same(known)) for known in (True, False)]
    assert sorted(ends[1]) == ["a|c|", "b|c|"] and len(ends[0]) == 1


def test_an_agent_tries_what_is_drawn_most_often() -> None:
    lm = scripted({"": {"a": 0.7, "b": 0.2, "c": 0.1}})
    for width, wanted in ((1, {"a"}), (2, {"a", "b"})):
        agent = strategies.agent_best_first(width=width, restarts=0)
        met = [frozenset(stepwise(lm, agent, seed=seed)) for seed in range(10)]
        assert max(met, key=met.count) == wanted


def test_dfsdt_goes_back_where_an_action_is_a_surrender() -> None:
    rows = {text: {"|": 1.0} for text in ("a", "b")}
    lm = scripted({"": {"a": 0.5, "b": 0.5}, "a|": {"c": 1.0}, "b|": {"d": 1.0}, **rows})
    free = {text[0] for seed in range(6) for text in stepwise(lm, strategies.dfsdt(), seed=seed)}
    bound = strategies.dfsdt(give_up="a")
    kept = {text[0] for seed in range(6) for text in stepwise(lm, bound, seed=seed)}
    assert free == {"a", "b"} and kept == {"b"}


def test_dfsdt_does_otherwise_and_shows_what_was_tried() -> None:
    lm = scripted({"": {"a": 0.98, "b": 0.02}, "w": {"b": 1.0}, "z": {"w": 1.0}})
    shown: list[tuple[str, ...]] = []

    def ask(prompt: str, tried: Sequence[str]) -> str:
        shown.append(tuple(tried))
        return prompt + "w"

    plain = strategies.dfsdt(width=2, restarts=0)
    asking = strategies.dfsdt(width=2, ask=ask, restarts=0)
    ends = stepwise(lm, plain, seed=1)
    assert ends == ["a"]  # drawn again it was the same each time, and the same is not tried twice
    assert sorted(stepwise(lm, asking, seed=1)) == ["a", "b"] and shown == [("a",)]
