"""Rollout values are what enumeration says, and a function of seed and text."""

import math

import pytest

import treeseek
from treeseek.errors import InvalidOption
from treeseek.requests import Verdict
from treeseek.scorers.outcomes import PassShare, RolloutValue
from treeseek.testing import PROMPT, scripted

LM = scripted(
    {"": {"a": 0.5, "b": 0.5}, "a": {"a": 0.8, "b": 0.2}, "b": {"a": 0.3, "b": 0.7}},
    default={".": 1.0},
)
VALUES = {"": 0.4, "a": 0.8, "b": 0.0, "aa": 1.0, "ab": 0.0}


class TwoLike:
    """Solved by "aa"; graded by the share of a; hides `solved` where asked."""

    name, version = "two", "1"

    def __init__(self, *, hidden: bool = False) -> None:
        self.hidden, self.calls = hidden, 0

    def verify(self, text: str) -> Verdict:
        self.calls += 1
        body = text.rstrip(".")
        solved = body == "aa"
        share = body.count("a") / 2
        return Verdict(share, solved and not self.hidden, len(body) >= 2 or body[:1] == "b")


@pytest.mark.parametrize("hidden", [False, True])
def test_the_value_is_the_chance_of_success(hidden: bool) -> None:
    scorer = RolloutValue(LM, PROMPT, TwoLike(hidden=hidden), k=2000, limit=3)
    for text, found in zip(VALUES, scorer.score(list(VALUES)), strict=True):
        error = math.sqrt(VALUES[text] * (1 - VALUES[text]) / 2000)
        assert abs(found - VALUES[text]) <= 4 * error, text


def test_scores_may_be_averaged_instead() -> None:
    scorer = RolloutValue(LM, PROMPT, TwoLike(), k=2000, limit=3, by="score")
    (value,) = scorer.score(["a"])
    assert value == pytest.approx(0.9, abs=0.02)


def test_what_is_judged_terminal_is_not_completed() -> None:
    verifier = TwoLike()
    assert RolloutValue(LM, PROMPT, verifier, k=50).score(["aa", "b"]) == [1.0, 0.0]
    assert verifier.calls == 2


def test_it_is_a_function_of_seed_and_text() -> None:
    texts = ["", "a"]
    value = RolloutValue(LM, PROMPT, TwoLike(), k=7)
    assert value.score(texts) == value.score(texts[::-1])[::-1]
    assert [value.score([text])[0] for text in texts] == value.score(texts)
    many = {RolloutValue(LM, PROMPT, TwoLike(), k=7, seed=seed).score([""])[0] for seed in range(9)}
    assert len(many) > 1


def test_a_search_may_use_it() -> None:
    result = treeseek.search(
        PROMPT, model=LM, strategy=treeseek.strategies.best_of_n(n=8), limit=2,
        scorer=RolloutValue(LM, PROMPT, TwoLike(), k=4),
    )  # fmt: skip
    assert result.best is not None and result.best.text == "aa"


def test_tests_passed_is_the_score_of_the_verdict() -> None:
    assert PassShare(TwoLike()).score(["", "a", "aa"]) == [0.0, 0.5, 1.0]
    assert PassShare(TwoLike()).version == "1 two 1"


@pytest.mark.parametrize("options", [{"k": 0}, {"limit": 0}, {"by": "luck"}])
def test_options_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(InvalidOption):
        RolloutValue(LM, PROMPT, TwoLike(), **options)  # type: ignore[arg-type]
