"""The synthetic problem says the truth, and its process reward is as good as asked."""

from itertools import product

import pytest

from treeseek import search, strategies
from treeseek.errors import InvalidOption
from treeseek.testing import ProcessReward, Synthetic


def area(reward: ProcessReward, texts: list[str]) -> float:
    """Chance that a good text scores above one that is not, ties half."""
    scores = reward.score(texts)
    good = [s for s, text in zip(scores, texts, strict=True) if reward.good(text)]
    bad = [s for s, text in zip(scores, texts, strict=True) if not reward.good(text)]
    wins = sum((g > b) + (g == b) / 2 for g in good for b in bad)
    return wins / (len(good) * len(bad))


@pytest.mark.parametrize("auc", [0.5, 0.55, 0.8, 0.95, 1.0])
def test_the_reward_has_the_area_asked_for(auc: float) -> None:
    texts = ["".join(letters) for letters in product("abcde", repeat=5)]
    reward = ProcessReward(lambda text: text < "b", auc, seed=3)
    assert area(reward, texts[:2500]) == pytest.approx(auc, abs=0.025)
    assert reward.score(texts[:9]) == reward.score(texts[:9])


def test_a_better_reward_is_not_a_worse_one() -> None:
    texts = ["".join(letters) for letters in product("abcd", repeat=5)]
    low, high = (ProcessReward(lambda text: text < "b", auc) for auc in (0.6, 0.9))
    assert area(high, texts) > area(low, texts) + 0.2


def test_values_are_what_the_model_does() -> None:
    problem = Synthetic(width=3, depth=4, seed=5, right=0.2)
    drawn = search(
        problem.prompt, model=problem.lm, strategy=strategies.sample(), n=4000,
        limit=problem.limit, seed=1,
    )  # fmt: skip
    right = sum(problem.is_right(c.text) for c in drawn.candidates) / 4000
    assert right == pytest.approx(problem.value(""), abs=0.025)
    first = max(problem.proposal("").items(), key=lambda pair: pair[1])
    share = sum(c.text.startswith(first[0]) for c in drawn.candidates) / 4000
    assert share == pytest.approx(first[1], abs=0.025)


def test_the_best_share_is_right() -> None:
    problem = Synthetic(width=3, depth=4, seed=2, right=0.1)
    answers = ["".join(letters) for letters in product("abc", repeat=4)]
    right = [text for text in answers if problem.is_right(text)]
    assert len(right) == 8
    assert min(map(problem.worth, right)) > max(
        problem.worth(text) for text in answers if text not in right
    )
    assert problem.best("") == max(map(problem.worth, answers))
    assert problem.value(right[0]) == 1.0 and not problem.is_right(right[0][:3])
    verdict = problem.verifier().verify(right[0])
    assert verdict.solved and verdict.terminal and not problem.verifier().verify("").terminal


@pytest.mark.parametrize("wrong", [{"width": 1}, {"width": 9, "depth": 9}, {"right": 0.0}])
def test_what_cannot_be_summed_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidOption, match="give"):
        Synthetic(**wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidOption, match="an area from"):
        ProcessReward(bool, 0.3)
