"""Each strategy beside the one most like it, on a model where the two choose differently."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from treeseek import LM, search, strategies
from treeseek.declare import Strategy
from treeseek.decoding.stops import Step
from treeseek.requests import Verdict
from treeseek.testing import scripted

# Greedy walks into "a", where nothing is certain; "b" is nearly as likely and certain after.
GARDEN = {
    "": {"a": 0.4, "b": 0.35, "c": 0.25},
    "a": {"d": 0.25, "e": 0.25, "f": 0.25, "g": 0.25},
    "b": {"d": 1.0},
    "bd": {"e": 1.0},
}


def texts(lm: LM, strategy: Strategy, **options: Any) -> list[str]:
    return [c.text for c in search("^", model=lm, strategy=strategy, **options).candidates]


def test_beam_keeps_what_greedy_drops() -> None:
    lm = scripted(GARDEN)
    assert texts(lm, strategies.greedy())[0] == "ad"
    assert texts(lm, strategies.beam(width=2))[0] == "bde"


def test_beam_of_one_is_greedy() -> None:
    lm = scripted(GARDEN)
    assert texts(lm, strategies.beam(width=1)) == texts(lm, strategies.greedy())


def test_diverse_beam_leaves_the_prefix_that_beam_crowds_into() -> None:
    lm = scripted({"": {"a": 0.7, "b": 0.3}, "a": {"c": 0.5, "d": 0.5}, "b": {"c": 1.0}})
    assert sorted(texts(lm, strategies.beam(width=2))) == ["ac", "ad"]
    diverse = strategies.diverse_beam(width=2, groups=2, penalty=1.0)
    assert texts(lm, diverse) == ["ac", "bc"]


def test_stochastic_beam_never_repeats_itself_and_sample_does() -> None:
    lm = scripted({"": {"a": 0.9, "b": 0.06, "c": 0.04}})
    drawn = texts(lm, strategies.sample(), n=3, seed=1)
    assert len(set(drawn)) < 3
    assert sorted(texts(lm, strategies.stochastic_beam(width=3), n=3, seed=1)) == ["a", "b", "c"]


def test_stochastic_beam_is_random_where_beam_is_not() -> None:
    lm = scripted({"": {"a": 0.5, "b": 0.3, "c": 0.2}})
    firsts = {texts(lm, strategies.stochastic_beam(width=2), seed=seed)[0] for seed in range(30)}
    assert firsts == {"a", "b", "c"}
    assert {texts(lm, strategies.beam(width=2), seed=seed)[0] for seed in range(3)} == {"a"}


def test_limited_discrepancy_leaves_the_greedy_path_where_that_is_likeliest() -> None:
    """Answers come in the order of their departures; best-first meets its ends by confidence."""
    lm = scripted({
        "": {"a": 0.6, "b": 0.25, "c": 0.15}, "a": {"d": 0.7, "e": 0.3},
        "b": {"d": 0.5, "e": 0.5}, "c": {"d": 1.0},
    })  # fmt: skip
    met: list[str] = []

    class Listens:
        name, version = "listens", "1"

        def verify(self, text: str) -> Verdict:
            met.extend([text] if len(text) == 2 else [])
            return Verdict(0.0, False, text == "ae")

    ordered = strategies.limited_discrepancy()
    search("^", model=lm, strategy=ordered, verifier=Listens(), limit=2, budget=99)
    ends = list(dict.fromkeys(met))
    # Ends are judged where they are met: the row of a gives two of them, then b is left, then c.
    assert ends == ["ad", "ae", "bd", "be", "cd"]
    by_confidence = strategies.best_first(width=3, priority="total")
    met.clear()
    search("^", model=lm, strategy=by_confidence, verifier=Listens(), limit=2, budget=99, n=2)
    assert list(dict.fromkeys(met)) == ["ad", "ae", "bd", "be", "cd"]
    deeper = scripted({
        "": {"a": 0.6, "b": 0.4}, "a": {"d": 0.9, "e": 0.1}, "ad": {"f": 0.5, "g": 0.5},
        "adf": {"h": 0.5, "i": 0.5}, "b": {"d": 1.0}, "bd": {"f": 1.0}, "bdf": {"h": 1.0},
    })  # fmt: skip
    assert texts(deeper, strategies.greedy())[0] == "adfh"
    first = search("^", model=deeper, strategy=ordered, limit=4, budget=4).candidates
    assert "adfh" in {candidate.text for candidate in first}, "a whole answer comes first"
    waits = search("^", model=deeper, strategy=by_confidence, limit=4, budget=4).candidates
    assert all(len(candidate.text) < 4 or candidate.text == "bdfh" for candidate in waits)


def test_limited_discrepancy_goes_on_from_a_state_once() -> None:
    """ab and ba are one state: what follows the second is not asked for."""
    after = {"c": 0.5, "d": 0.5}
    lm = scripted({
        "": {"a": 0.6, "b": 0.4}, "a": {"b": 1.0}, "b": {"a": 1.0}, "ab": after, "ba": after,
    })  # fmt: skip

    class Sorted:
        name, version = "sorted", "1"

        def verify(self, text: str) -> Verdict:
            return Verdict(0.0, False, False, "", "".join(sorted(text)))

    def found(merge: bool) -> set[str]:
        how = strategies.limited_discrepancy(merge=merge)
        return set(texts(lm, how, verifier=Sorted(), limit=3, budget=99))

    assert found(True) == {"abc", "abd"}
    assert found(False) == {"abc", "abd", "bac", "bad"}


def test_best_first_comes_back_where_beam_cannot() -> None:
    lm = scripted(GARDEN)
    assert texts(lm, strategies.beam(width=1))[0] == "ad"
    back = search("^", model=lm, strategy=strategies.best_first(width=4))
    assert back.best is not None and back.best.text == "bde"
    # And it looks at fewer prefixes than the beam that finds the same.
    wide = search("^", model=lm, strategy=strategies.beam(width=2))
    assert wide.best is not None and wide.best.text == "bde"
    assert back.cost.tokens < wide.cost.tokens


def test_adadec_looks_ahead_where_greedy_does_not() -> None:
    lm = scripted(GARDEN)
    assert texts(lm, strategies.greedy()) == ["ad"]
    assert texts(lm, strategies.adadec(threshold=1.0)) == ["bde"]
    # No row here has more than log 4 nats: above that it is greedy, and costs as little.
    calm = search("^", model=lm, strategy=strategies.adadec(threshold=1.4))
    plain = search("^", model=lm, strategy=strategies.greedy())
    assert calm.best is not None and calm.best.text == "ad"
    assert calm.cost.tokens == plain.cost.tokens


class Gs:
    """Scorer: the text is worth its letters g."""

    name, version = "gs", "1"

    def score(self, texts: Sequence[str]) -> list[float]:
        return [float(text.count("g")) for text in texts]


def test_puct_follows_the_value_where_best_first_follows_the_model() -> None:
    lm = scripted(GARDEN)
    puct = strategies.puct(simulations=40, parallel=1)
    assert texts(lm, puct, scorer=Gs())[0] == "ag"
    assert texts(lm, strategies.best_first(), scorer=Gs())[0] == "bde"


def test_puct_returns_to_a_disappointing_value_less_often() -> None:
    lm = scripted({"": {"a": 0.6, "b": 0.4}, "a": {"d": 1.0}, "b": {"g": 1.0}})
    few = search("^", model=lm, strategy=strategies.puct(simulations=3, parallel=1), scorer=Gs())
    many = search("^", model=lm, strategy=strategies.puct(simulations=9, parallel=1), scorer=Gs())
    assert few.best is not None and few.best.text == "ad"
    assert many.best is not None and many.best.text == "bg"


def test_best_of_n_chooses_among_what_sample_draws() -> None:
    lm = scripted({"": {"a": 0.3, "b": 0.7}, "b": {"c": 0.9, "d": 0.1}})
    firsts = set()
    for seed in range(12):
        drawn = texts(lm, strategies.sample(), n=6, seed=seed)
        chosen = texts(lm, strategies.best_of_n(n=6), seed=seed)
        assert sorted(drawn) == sorted(chosen)
        assert chosen[0] == ("bc" if "bc" in drawn else "a" if "a" in drawn else "bd")
        firsts.add((drawn[0], chosen[0]))
    assert {("a", "bc"), ("bc", "bc")} <= firsts


TRAP = {
    "": {"a": 0.5, "b": 0.5}, "a": {"c": 0.5, "d": 0.5}, "b": {"c": 0.5, "d": 0.5},
    **{first + then: {".": 1.0} for first in "ab" for then in "cd"},
}  # fmt: skip
LETTER = Step((), 1)


class Traps:
    """Scorer: a looks better than b, and all that follows it is bad."""

    name, version = "traps", "1"

    def score(self, texts: Sequence[str]) -> list[float]:
        worth = {"a": 0.6, "b": 0.5, "bc": 0.9, "bd": 0.7}
        return [worth.get(text, 0.0) for text in texts]


def test_mcts_comes_back_where_a_beam_over_steps_cannot() -> None:
    lm, options = scripted(TRAP), {"scorer": Traps(), "step": LETTER}
    beam = strategies.step_beam(beams=1, width=8, restarts=0)
    assert {text[0] for text in texts(lm, beam, **options)} == {"a"}
    assert texts(lm, strategies.mcts(simulations=12, width=8), **options)[0] == "bc"


def test_rest_mcts_looks_ahead_where_mcts_does_not() -> None:
    """Two simulations: the first shows rest-mcts where a leads, so that its second goes to b."""
    lm, options = scripted(TRAP), {"scorer": Traps(), "step": LETTER}
    ahead = strategies.rest_mcts(simulations=2, width=8, enough=None, parallel=1)
    plain = strategies.mcts(simulations=2, width=8, widening=0.0, parallel=1)
    assert "bc" in texts(lm, ahead, **options)
    assert {text[0] for text in texts(lm, plain, **options)} == {"a"}


def test_rstar_stays_where_mcts_with_uct_goes_round() -> None:
    """A child that nobody visited scores 0 for one, and comes first for the other."""
    lm = scripted({"": {"a": 0.4, "b": 0.3, "c": 0.3}}, default={"d": 0.5, "e": 0.5})

    class Content:
        name, version = "content", "1"

        def verify(self, text: str) -> Verdict:
            return Verdict(1.0, solved=False, terminal=False)

    firsts = {}
    for strategy in (
        strategies.rstar(simulations=3, width=12, exploration=0.5, parallel=1),
        strategies.mcts(simulations=4, width=12, rule="uct", value="rollouts", parallel=1),
    ):
        found = texts(lm, strategy, verifier=Content(), step=LETTER, limit=5, n=99)
        firsts[strategy.name] = {text[0] for text in found}
    assert len(firsts["rstar"]) == 1 and firsts["mcts"] == {"a", "b", "c"}


# What the likelier of two steps may be worth less, and still be taken after one visit of each: the
# formulas at N = 2, n = 1, for priors .6 and .4.
LEAST = {
    "uct": 0.0,
    "puct": 1.25 * 0.2 * math.sqrt(2) / 2,
    "alphazero": (1.25 + math.log((2 + 19652 + 1) / 19652)) * 0.2 * math.sqrt(2) / 2,
    "uct-prior": math.sqrt(2) * 0.2 * math.sqrt(math.log(2)),
    "p-ucb": 4 * 0.2 * math.sqrt(math.log(2)) / 2,
    "var-p-ucb": (4 + math.log((2 + 10 + 1) / 10)) * 0.2 * math.sqrt(math.log(2)) / 2,
}


@pytest.mark.parametrize(("bold", "shy"), list(pairwise(LEAST)))
def test_each_rule_of_mcts_turns_where_the_next_one_does_not(bold: str, shy: str) -> None:
    """Between the two thresholds one search goes on from the better step, one from the likelier."""
    lm = scripted({"": {"a": 0.4, "b": 0.6}}, default={"d": 0.5, "e": 0.5})
    gap = (LEAST[bold] + LEAST[shy]) / 2

    class Gap:
        name, version = "gap", "1"

        def verify(self, text: str) -> Verdict:
            return Verdict(gap if text == "a" else 0.0, solved=False, terminal=False)

    def second(rule: str) -> set[str]:
        chosen = strategies.mcts(
            simulations=2, width=12, rule=rule, value="verifier", widening=0.0, parallel=1
        )
        ends = texts(lm, chosen, verifier=Gap(), step=LETTER, limit=2, n=99)
        return {text[0] for text in ends}

    assert (second(bold), second(shy)) == ({"a"}, {"b"})
