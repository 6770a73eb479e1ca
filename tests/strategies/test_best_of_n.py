"""Best of n: what ranks the draws, and what a budget leaves of them."""

from collections import Counter
from collections.abc import Sequence

import pytest

from treeseek import Verdict, search
from treeseek.errors import InvalidOption
from treeseek.strategies import best_of_n, sample
from treeseek.strategies.measures import merit

MODEL = "toy:hash?vocabulary=6&seed=5"


class Count:
    """Scorer and verifier of one letter; it notes how much it was asked."""

    name, version = "count", "1"

    def __init__(self, letter: str) -> None:
        self.letter, self.asked = letter, 0

    def score(self, texts: Sequence[str]) -> list[float]:
        self.asked += len(texts)
        return [float(text.count(self.letter)) for text in texts]

    def verify(self, text: str) -> Verdict:
        self.asked += 1
        return Verdict(min(1.0, text.count(self.letter) / 4), solved="ca" in text)


def test_solved_comes_first_then_the_score_then_the_mean() -> None:
    found = search("ab", model=MODEL, strategy=best_of_n(n=40), limit=7, verifier=Count("a"))

    def key(text: str, logprob: float, length: int) -> tuple[float, ...]:
        verdict = Count("a").verify(text)
        return (-verdict.solved, -verdict.score, -logprob / length)

    order = [key(c.text, c.logprob, c.tokens + (c.finish == "end")) for c in found.candidates]
    assert order == sorted(order)
    assert {solved for solved, *_ in order} == {-1, 0}
    assert found.cost.verifier_calls == len({c.token_ids for c in found.candidates})


def test_any_solved_verdict_beats_any_that_is_not() -> None:
    assert merit(Verdict(0.0, solved=True)) > merit(Verdict(1.0, solved=False))
    assert merit(Verdict(0.4, solved=False)) > merit(Verdict(0.3, solved=False))


def test_the_verifier_is_asked_before_the_scorer_and_the_scorer_before_the_model() -> None:
    for verifier, scorer in ((Count("a"), Count("b")), (None, Count("b"))):
        found = search(
            "ab", model=MODEL, strategy=best_of_n(n=12), limit=6, verifier=verifier, scorer=scorer
        )
        judge, idle = (verifier, scorer) if verifier else (scorer, verifier)
        assert judge is not None and judge.asked > 0
        assert idle is None or idle.asked == 0
        if verifier is None:
            counts = [c.text.count("b") for c in found.candidates]
            assert counts == sorted(counts, reverse=True) and counts[0] > counts[-1]


@pytest.mark.parametrize("rank", ["mean", "total"])
def test_without_either_the_model_ranks(rank: str) -> None:
    found = search("ab", model=MODEL, strategy=best_of_n(n=30, rank=rank), limit=6)
    scores = []
    for c in found.candidates:
        length = c.tokens + (c.finish == "end")
        scores.append(c.logprob / length if rank == "mean" else c.logprob)
    assert scores == sorted(scores, reverse=True)
    assert [c.score for c in found.candidates] == scores


def test_eight_are_a_prefix_of_sixty_four() -> None:
    def drawn(strategy: object, n: int = 1) -> list[tuple[int, ...]]:
        found = search("ab", model=MODEL, strategy=strategy, limit=6, n=n)
        return [c.token_ids for c in found.candidates]

    order = drawn(sample(), n=64)
    for n in (1, 8, 64):
        assert Counter(drawn(best_of_n(n=n))) == Counter(order[:n])


def test_a_budget_of_scores_leaves_the_unjudged_last() -> None:
    verifier = Count("a")
    found = search(
        "ab", model=MODEL, strategy=best_of_n(n=9), limit=6, verifier=verifier, budget="scores=3"
    )
    assert verifier.asked == 3
    assert len(found.candidates) == 9
    judged = [c.score >= 0 for c in found.candidates]
    assert judged == sorted(judged, reverse=True) and not all(judged)
    assert len({c.token_ids for c in found.candidates if c.score >= 0}) == 3


def test_what_the_budget_cut_is_not_judged() -> None:
    verifier = Count("a")
    found = search(
        "ab", model=MODEL, strategy=best_of_n(n=9), limit=6, verifier=verifier, budget=12
    )
    whole = [c for c in found.candidates if c.finish != "budget"]
    assert 0 < len(whole) < 9
    assert verifier.asked == len({c.token_ids for c in whole})
    assert found.candidates[: len(whole)] == tuple(whole)


def test_more_answers_than_draws_are_refused() -> None:
    with pytest.raises(InvalidOption, match="set n=5"):
        search("ab", model=MODEL, strategy=best_of_n(n=4), n=5)
