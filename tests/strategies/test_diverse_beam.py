"""Diverse beam search, against a second writing of the published algorithm."""

import numpy as np
import pytest

from treeseek import LM, search
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.errors import InvalidOption
from treeseek.strategies import beam, diverse_beam

VOCABULARY = 12


def toy(seed: int, ends: list[int]) -> LM:
    row = integer_hash(VOCABULARY, seed=seed)
    return LM(ToyBackend(row, VOCABULARY), Letters(), name="toy", ends=ends)


def published(
    lm: LM, width: int, groups: int, penalty: float, limit: int
) -> dict[tuple[int, ...], tuple[float, float, int]]:
    """Sequences without end tokens: log-probability, penalised one and group, by the letter."""
    each = width // groups
    kept: list[dict[tuple[int, ...], tuple[float, float]]] = [{(): (0.0, 0.0)}] * groups
    for _ in range(limit):
        chosen = np.zeros(VOCABULARY)
        for group in range(groups):
            every = {}
            for prefix, (plain, penalised) in kept[group].items():
                logits = lm.backend.row([1, *prefix])
                logprobs = logits - np.log(np.exp(logits).sum())
                for token in range(VOCABULARY):
                    toll = penalty * chosen[token]
                    every[(*prefix, token)] = (
                        plain + logprobs[token],
                        penalised + logprobs[token] - toll,
                    )
            best = sorted(every, key=lambda tokens: -every[tokens][1])[:each]
            kept[group] = {tokens: every[tokens] for tokens in best}
            for tokens in best:
                chosen[tokens[-1]] += 1
    return {
        (group, *tokens): (plain, penalised, group)
        for group, beams in enumerate(kept)
        for tokens, (plain, penalised) in beams.items()
    }


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("width", "groups", "penalty"), [(6, 3, 0.5), (4, 4, 2.0), (8, 2, 0.1)])
def test_it_is_the_published_algorithm(seed: int, width: int, groups: int, penalty: float) -> None:
    lm = toy(seed, [])
    strategy = diverse_beam(width=width, groups=groups, penalty=penalty, length_penalty=0.0)
    found = search([1], model=lm, strategy=strategy, limit=5, n=width)
    wanted = published(lm, width, groups, penalty, 5)
    got = {(int(c.scores["group"]), *c.token_ids): c for c in found.candidates}
    assert set(got) == set(wanted)
    for key, (plain, penalised, _) in wanted.items():
        assert got[key].score == pytest.approx(plain)
        assert got[key].logprob == pytest.approx(plain)
        assert got[key].scores["diverse"] == pytest.approx(penalised)
    ranked = [c.score for c in found.candidates]
    assert ranked == sorted(ranked, reverse=True)


@pytest.mark.parametrize("penalty", [0.0, 0.7])
def test_the_first_group_is_beam_search_of_its_width(penalty: float) -> None:
    lm = toy(3, [4, 9])
    strategy = diverse_beam(width=6, groups=2, penalty=penalty)
    found = search([1], model=lm, strategy=strategy, limit=9)
    plain = search([1], model=lm, strategy=beam(width=3), limit=9)
    for group in (0.0, 1.0):
        own = [(c.token_ids, c.score) for c in found.candidates if c.scores["group"] == group]
        same = own == [(c.token_ids, pytest.approx(c.score)) for c in plain.candidates]
        # Without a penalty every group is the same search.
        assert same == (group == 0.0 or penalty == 0.0)


def test_the_length_penalty_counts_both_scores() -> None:
    lm = toy(1, [4])
    found = search([1], model=lm, strategy=diverse_beam(width=4, groups=2), limit=6)
    for c in found.candidates:
        length = c.tokens + (c.finish == "end")
        assert c.score == pytest.approx(c.logprob / length)
        assert c.scores["diverse"] <= c.score + 1e-12


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(InvalidOption, match="make width a multiple of groups"):
        diverse_beam(width=5, groups=2)
    with pytest.raises(InvalidOption, match="widen to 9"):
        search([1], model=toy(0, []), strategy=diverse_beam(width=8, groups=2), n=9)
