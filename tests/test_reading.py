"""Scores read off rows: charged like expands, the same alone, together and replayed."""

from typing import Any

import numpy as np
import pytest

import treeseek
from treeseek import Expand, MemoryJournal, Sample, Score, start, strategy
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.errors import Incompatible, InvalidOption
from treeseek.model import LM
from treeseek.scheduler import Scheduler
from treeseek.testing import StrategySuite


class Peak:
    """The largest element of a row, less its mean."""

    name, version = "peak", "1"

    def __init__(self) -> None:
        self.rows = 0

    def read(self, rows: Any) -> list[float]:
        self.rows += len(rows)
        return [float(row.max() - row.mean()) for row in rows]


@strategy(tier="token")
def climber(ctx: Any, root: Any) -> Any:
    """Three times: expand, score the children by their rows, go on from the best."""
    at = root
    for _ in range(3):
        (reply,) = yield [Expand(at, k=3)]
        (scored,) = yield [Score(tuple(reply.children), ctx.scorer)]
        best = max(range(len(reply.children)), key=scored.values.__getitem__)
        at = reply.children[best]
        ctx.finish(at, score=scored.values[best])
    (reply,) = yield [Sample(at, n=2, limit=3)]
    for run in reply.continuations:
        ctx.finish(run.node)


def model(seed: int = 3, **options: Any) -> LM:
    backend = ToyBackend(integer_hash(5, seed=seed), 5, **options)
    return LM(backend, Letters(), name="toy", ends=[4])


def test_a_score_costs_the_row_it_reads_once() -> None:
    lm, scorer = model(), Peak()
    result = treeseek.search("ab", model=lm, strategy=climber, scorer=scorer, limit=8)
    row = lm.backend.row  # type: ignore[attr-defined]
    assert scorer.rows == 9
    best = result.best
    assert best is not None
    values = np.asarray(row([0, 1, *best.token_ids]))
    assert best.score == pytest.approx(float(values.max() - values.mean()))
    # 9 children; the three that were chosen are expanded, or sampled from, at no further cost.
    samples = {c.token_ids for c in result.candidates if len(c.token_ids) > 3}
    longer = {c[:n] for c in samples for n in range(4, len(c))}
    assert result.cost.tokens == 9 + len(longer)
    assert result.cost.tokens_computed == result.cost.tokens + 2


@pytest.mark.parametrize("budget", range(13))
def test_a_budget_is_never_passed_and_records_rebuild_the_search(budget: int) -> None:
    journal = MemoryJournal()
    options: dict[str, Any] = {"strategy": climber, "budget": budget, "limit": 8}
    first = treeseek.search("ab", model=model(), scorer=Peak(), journal=journal, **options)
    assert first.cost.tokens <= budget
    again = Peak()
    second = treeseek.search("ab", model=model(), scorer=again, journal=journal, **options)
    assert second.candidates == first.candidates
    assert second.cost.tokens == first.cost.tokens
    assert again.rows == 0 and second.cost.tokens_computed == 0


def test_searches_share_the_call_that_computes_the_rows() -> None:
    lm, scheduler = model(), Scheduler()
    runs = [
        start(prompt, model=lm, strategy=climber, scorer=Peak(), limit=8, scheduler=scheduler)
        for prompt in ("a", "b", "ca", "dd")
    ]
    scheduler.run()
    together = [run.result for run in runs]
    alone = [
        treeseek.search(prompt, model=model(), strategy=climber, scorer=Peak(), limit=8)
        for prompt in ("a", "b", "ca", "dd")
    ]
    for one, other in zip(together, alone, strict=True):
        assert one.candidates == other.candidates
        assert one.cost.tokens == other.cost.tokens
    assert lm.backend.spent.forwards == max(one.cost.forwards for one in alone)


def test_eviction_changes_nothing() -> None:
    whole = treeseek.search("ab", model=model(), strategy=climber, scorer=Peak(), limit=8)
    tight = treeseek.search("ab", model=model(slots=12), strategy=climber, scorer=Peak(), limit=8)
    assert tight.candidates == whole.candidates


def test_what_cannot_be_read_is_said() -> None:
    lm = model()
    lm.backend.hidden = None  # type: ignore[attr-defined]
    with pytest.raises(Incompatible, match="hidden states"):
        treeseek.search("ab", model=lm, strategy=climber, scorer=Peak(), limit=8)

    class Silent(Peak):
        def read(self, rows: Any) -> list[float]:
            return []

    with pytest.raises(Incompatible, match="one number a row"):
        treeseek.search("ab", model=model(), strategy=climber, scorer=Silent(), limit=8)

    class Nameless:
        def read(self, rows: Any) -> list[float]:
            return []

    with pytest.raises(InvalidOption, match="version"):
        treeseek.search("ab", model=model(), strategy=climber, scorer=Nameless())


class TestClimber(StrategySuite):
    """Disturbed in every way the suite knows."""

    strategy = climber

    def options(self) -> dict[str, Any]:
        return {"scorer": Peak()}
