"""What a search sees of a verifier through Patient: how good a text is, never that it is solved."""

from typing import Any

import pytest

from treeseek import LM, Verdict, search
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.declare import Strategy
from treeseek.decoding.stops import Step
from treeseek.solving.judging import Patient
from treeseek.strategies import mcts, pg_td, step_beam, tot

SEARCHES = {
    "pg-td": pg_td(width=4), "mcts": mcts(), "step-beam": step_beam(width=6),
    "tot": tot(search="dfs", width=4),
}  # fmt: skip


class Early:
    """Solved by "ab" and by nothing else; a text that is no beginning of it is lost."""

    name, version = "early", "1"

    def verify(self, text: str) -> Verdict:
        solved, begun = text == "ab", "abcd".startswith(text)
        return Verdict(len(text) / 4 if begun else 0.0, solved, solved or not begun)


def texts(strategy: Strategy, verifier: Any) -> set[str]:
    lm = LM(ToyBackend(integer_hash(4, seed=2), 4), Letters(), name="toy")
    found = search(
        [0], model=lm, strategy=strategy, limit=4, step=Step((), 1), verifier=verifier, budget=400,
        n=5,
    )  # fmt: skip
    return {candidate.text for candidate in found.candidates}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_goes_on_from_what_is_solved_before_its_end(name: str) -> None:
    """A text that is right and goes on is no lost one: what follows it is seen, too."""
    assert "abcd" in texts(SEARCHES[name], Patient(Early()))
    assert not any(text.startswith("b") and len(text) > 2 for text in texts(mcts(), Early()))


def test_it_says_of_what_is_solved_what_it_says_of_what_is_as_good() -> None:
    told = Patient(Early()).verify("ab")
    assert not told.solved and not told.terminal and told.score == 0.5
    assert Patient(Early()).verify("b").terminal
