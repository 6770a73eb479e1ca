"""Where nobody may ask the verifier, a reader of rows ranks the draws of the control too."""

from typing import Any

import treeseek
from tests.solving.letters import TOY, Letters, Wanted
from treeseek.budget import Budget
from treeseek.result import Candidate
from treeseek.scheduler import Scheduler
from treeseek.solving.trials import Conditions, Trial
from treeseek.strategies import best_of_n
from treeseek.tree import ROOT


class Peak:
    """The largest element of a row."""

    name, version = "peak", "1"

    def read(self, rows: Any) -> list[float]:
        return [float(row.max()) for row in rows]


def candidate(*tokens: int) -> Candidate:
    return Candidate("".join(map(str, tokens)), tokens, -1.0, "limit", 0.0)


def test_candidates_are_ranked_by_what_is_read_after_their_last_token() -> None:
    lm = treeseek.load(TOY)
    on = Conditions(lm, Wanted(), 8, scorer=lambda _: Peak(), shown=False)
    trial = Trial(Letters("d-0", "d"), best_of_n(n=2), Budget(tokens=9), on)
    trial.begin(Scheduler())
    pool = [candidate(0), candidate(1, 2), candidate(3), candidate(1, 2)]
    ranked = trial.ranked(pool)
    assert not trial.failure
    prompt = lm.encode("abc")
    for one in ranked:
        (value,) = lm.hidden([lm.tree.extend(ROOT, [*prompt, *one.token_ids])]).max(axis=1)
        assert one.score == value
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)
    shown = Trial(
        Letters("d-0", "d"), best_of_n(n=2), Budget(tokens=9), Conditions(lm, Wanted(), 8)
    )
    assert shown.ranked(pool) == pool, "a verifier that may be asked needs no scorer"
