"""What holds for every selector: options, order, ties, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeseek import registry
from treeseek.errors import InvalidOption, TreeseekError
from treeseek.references import REFERENCES
from treeseek.selectors import Pooled, Selector, best_of_majority, majority, selector, weighted
from treeseek.selectors.selector import SelectorFactory

NAMES = registry.names("selectors")
SEEDS = st.integers(0, 10_000)


def pool(seed: int, *, drawn: int = 12) -> list[Pooled]:
    """Candidates in which no two scores, lengths or probabilities tie."""
    noise = np.random.default_rng(seed)
    return [
        Pooled(
            text=f"path {i}",
            key="abcd"[noise.integers(4)],
            logprob=float(-noise.random()),
            tokens=1,
            scores={"score": float(noise.random())},
            tests=tuple(map(bool, noise.integers(2, size=4))),
            steps=i,
        )
        for i in range(drawn)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_registry_knows_a_selector_by_its_name(name: str) -> None:
    factory = registry.find("selectors", name)
    assert isinstance(factory, SelectorFactory) and factory.name == name
    assert set(factory.references) <= set(REFERENCES)
    assert all(f"{key}" in (factory.__doc__ or "") for key in factory.references)
    made = factory()
    assert made == factory() and hash(made) == hash(factory()) and repr(made).startswith(name)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(seed=SEEDS, k=st.integers(1, 6))
def test_answers_are_ranked_and_a_shorter_list_begins_the_longer(
    name: str, seed: int, k: int
) -> None:
    rule, candidates = registry.find("selectors", name)(), pool(seed)
    every = rule(candidates, k=99)
    assert rule(candidates, k=k) == every[:k]
    assert all(0 <= choice.weight <= 1 for choice in every)
    assert sum(choice.weight for choice in every) <= 1 + 1e-9
    assert all(candidates[choice.index].key == choice.key for choice in every)
    assert rule([]) == ()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(seed=SEEDS)
def test_the_order_of_the_pool_decides_ties_only(name: str, seed: int) -> None:
    rule, candidates = registry.find("selectors", name)(), pool(seed)
    first = rule(candidates, k=99)
    order = np.random.default_rng(seed).permutation(len(candidates))
    shuffled = [candidates[index] for index in order]
    found = rule(shuffled, k=99)
    scores = [choice.score for choice in found]
    assert scores == pytest.approx([choice.score for choice in first])
    if len({round(score, 9) for score in scores}) == len(scores):
        assert [said(name, shuffled[choice.index]) for choice in found] == [
            said(name, candidates[choice.index]) for choice in first
        ]


def said(name: str, candidate: Pooled) -> object:
    """What a selector takes for the same answer."""
    by_tests = name in ("b4", "codet", "mbr-exec", "max-pass")
    return candidate.tests if by_tests else candidate.key


def test_of_a_tie_the_first_drawn_wins() -> None:
    candidates = [Pooled("x", "b"), Pooled("y", "a"), Pooled("z", None)]
    assert [choice.key for choice in majority()(candidates, k=3)] == ["b", "a"]
    assert [choice.key for choice in majority()(candidates[1::-1], k=3)] == ["a", "b"]


@pytest.mark.parametrize("name", ["best", "weighted", "best-of-majority", "rpc", "b4", "codet"])
def test_what_a_rule_needs_is_asked_for(name: str) -> None:
    with pytest.raises(InvalidOption, match=r"give|scores are|run all"):
        registry.find("selectors", name)()([Pooled("x", "a"), Pooled("y", "b")])


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(InvalidOption, match="at least 0"):
        weighted()([Pooled("x", "a", scores={"score": -1.0})])


@pytest.mark.parametrize("options", [{"threshold": 1.5}, {"tau": 0.1}, {"by": 3}])
def test_options_are_checked_when_it_is_made(options: dict[str, object]) -> None:
    with pytest.raises(TreeseekError):
        best_of_majority(**options)


@pytest.mark.parametrize("k", [0, -1, 1.5, True])
def test_at_least_one_answer_is_asked_for(k: object) -> None:
    with pytest.raises(InvalidOption, match="at least 1"):
        majority()([Pooled("x", "a")], k=k)  # type: ignore[arg-type]


def test_a_rule_of_yours_is_one_function() -> None:
    @selector()
    def shortest(candidates, *, wanted: str = "a"):  # type: ignore[no-untyped-def]
        """The candidates that say what is wanted."""
        return [choice for choice in majority()(candidates, k=9) if choice.key == wanted]

    made = shortest(wanted="b")
    assert isinstance(made, Selector) and repr(made) == "shortest(wanted='b')"
    assert made([Pooled("x", "a"), Pooled("y", "b")])[0].index == 1
    assert made != shortest()
