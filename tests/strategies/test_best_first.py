"""Best-first: exact by total log-probability, and it always ends."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeseek import LM, Node, Verdict, search
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.strategies import best_first
from treeseek.testing import scripted

V, END, LIMIT = 4, 3, 4


def toy(seed: int) -> LM:
    return LM(ToyBackend(integer_hash(V, seed=seed), V), Letters(), name="toy", ends=[END])


def likeliest(lm: LM) -> list[tuple[tuple[int, ...], float]]:
    """Every sequence of at most LIMIT tokens, without its end token, by log-probability."""
    found = {}
    for length in range(LIMIT + 1):
        for tokens in product(range(END), repeat=length):
            total, path = 0.0, [0]
            for token in (*tokens, END)[:LIMIT]:
                logits = lm.backend.row(path)
                total += logits[token] - np.log(np.exp(logits).sum())
                path.append(token)
            found[tokens] = total
    return sorted(found.items(), key=lambda item: -item[1])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 9))
def test_by_total_it_gives_the_likeliest_sequences_in_order(seed: int, n: int) -> None:
    lm = toy(seed)
    strategy = best_first(width=V, priority="total")
    found = search([0], model=lm, strategy=strategy, limit=LIMIT, n=n).candidates[:n]
    wanted = likeliest(lm)[:n]
    assert [c.token_ids for c in found] == [tokens for tokens, _ in wanted]
    assert np.allclose([c.score for c in found], [total for _, total in wanted])


def test_by_total_it_opens_no_prefix_less_likely_than_its_answer() -> None:
    for seed in range(20):
        lm = toy(seed)
        found = search([0], model=lm, strategy=best_first(width=V, priority="total"), limit=LIMIT)
        (_, best), *_ = likeliest(lm)
        above = {
            tokens[:size]
            for tokens, _ in likeliest(lm)
            for size in range(1, len(tokens) + 1)
            if prefix_total(lm, tokens[:size]) >= best and size < LIMIT
        }
        assert found.cost.tokens <= len(above)


def prefix_total(lm: LM, tokens: Sequence[int]) -> float:
    total, path = 0.0, [0]
    for token in tokens:
        logits = lm.backend.row(path)
        total += float(logits[token] - np.log(np.exp(logits).sum()))
        path.append(token)
    return total


@pytest.mark.parametrize("leaves", [1, 3, 64])
def test_where_nothing_ends_it_stops_at_its_expansions_and_completes(leaves: int) -> None:
    lm = LM(ToyBackend(np.zeros(8), 8), Letters(), name="flat")
    strategy = best_first(expansions=50, leaves=leaves, priority="total")
    found = search([0], model=lm, strategy=strategy, limit=40, n=3)
    assert [c.finish for c in found.candidates] == ["limit"] * 3
    assert 49 <= found.cost.tokens <= 49 + 3 * 40


def test_a_function_of_the_node_is_a_priority() -> None:
    lm = scripted({"": {"a": 0.9, "b": 0.1}, "b": {"c": 0.5, "d": 0.5}})

    def latest(node: Node) -> float:
        return float(node.token)

    found = search("^", model=lm, strategy=best_first(priority=latest))
    assert found.best is not None and found.best.text == "bd"


class Has:
    """Verifier: solved by a text with both letters."""

    name, version = "has", "1"

    def __init__(self, letters: str) -> None:
        self.letters = set(letters)
        self.seen: list[str] = []

    def verify(self, text: str) -> Verdict:
        self.seen.append(text)
        return Verdict(len(self.letters & set(text)) / 2, solved=self.letters <= set(text))


def test_with_a_verifier_it_searches_until_enough_are_solved() -> None:
    lm = scripted(
        {"": {"a": 0.8, "b": 0.2}, "a": {".": 0.9, "c": 0.1}, "b": {".": 0.5, "c": 0.5}},
    )
    verifier = Has("bc")
    found = search("^", model=lm, strategy=best_first(), verifier=verifier)
    assert found.best is not None and found.best.text == "bc"
    assert set(verifier.seen) == {"a", "b", "ac", "bc"}
    # Without one it takes the model's word.
    alone = search("^", model=lm, strategy=best_first())
    assert alone.best is not None and alone.best.text == "a"


def test_ends_in_the_queue_stand_when_the_budget_ends() -> None:
    lm = scripted({"": {"a": 0.7, ".": 0.3}, "a": {"b": 1.0}, "ab": {"c": 1.0}, "abc": {"d": 1.0}})
    found = search("^", model=lm, strategy=best_first(), budget=2)
    assert [(c.text, c.finish) for c in found.candidates] == [("", "end"), ("abc", "budget")]
