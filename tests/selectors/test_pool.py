"""A pool survives being stored, and refuses what no rule could use."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import treeseek
from treeseek.errors import InvalidOption
from treeseek.selectors import Pool, Pooled, majority, pooled

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.lists(
        max_size=6,
        elements=st.builds(
            Pooled,
            text=st.text(),
            key=st.none() | st.text(),
            logprob=st.none() | NUMBERS,
            tokens=st.integers(0, 9),
            scores=st.dictionaries(st.text(), NUMBERS),
            tests=st.lists(st.booleans()).map(tuple),
            steps=st.integers(0, 9),
        ),
    ),
    st.frozensets(st.text()),
)
def test_a_line_holds_all_of_it(candidates: list[Pooled], right: frozenset[str]) -> None:
    pools = [Pool("one", tuple(candidates), right), Pool("two", (), frozenset())]
    lines = [pool.to_line() for pool in pools]
    assert list(Pool.read([*lines, "\n"])) == pools
    assert all("\n" not in line and json.loads(line) for line in lines)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_numbers_are_finite(number: float) -> None:
    with pytest.raises(InvalidOption, match="reward"):
        Pooled("a", scores={"reward": number})
    with pytest.raises(InvalidOption, match="logprob"):
        Pooled("a", logprob=number)


@pytest.mark.parametrize(
    "line",
    ["", "[]", "{}", '{"id": 1, "right": [], "candidates": [{"txt": "a"}]}', '{"id": "a"}', "7"],
)
def test_a_damaged_line_is_named(line: str) -> None:
    with pytest.raises(InvalidOption, match="No pool"):
        Pool.from_line(line)


def test_candidates_of_a_result_become_a_pool() -> None:
    result = treeseek.search(
        "a",
        model="toy:hash?vocabulary=5&seed=1",
        strategy=treeseek.strategies.best_of_n(n=16),
        limit=4,
    )
    pool = [pooled(one, one.text[:1] or None, tests=[1, 0]) for one in result.candidates]
    assert [one.text for one in pool] == [one.text for one in result.candidates]
    first, candidate = pool[0], result.candidates[0]
    assert first.logprob == candidate.logprob and first.score("score") == candidate.score
    assert first.tests == (True, False)
    assert first.steps == bool(candidate.text)
    assert majority()(pool)[0].key in {one.key for one in pool}
