"""The contest on the embedded model: what was kept is not run again, and counts as if it were."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import contest as benchmark
from treeseek.cli.choice import entered
from treeseek.solving.contest import LEGAL_TOKENS
from treeseek.solving.front import compare

TASK = "countdown(numbers=3)"
WORDS = ("step-beam", "best-first(width=2)")


def ran(keep: Path, words: tuple[str, ...] = WORDS, problems: int = 3) -> Any:
    return benchmark.run(
        TASK, words, problems=problems, budgets=[30, 60], keep=keep, workers=1
    )  # fmt: skip


def test_it_is_compare_and_goes_on_where_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a run, its last line torn; then the whole, and a strategy more."""
    did: list[benchmark.Piece] = []
    work = benchmark.work
    monkeypatch.setattr(benchmark, "work", lambda piece: did.append(piece) or work(piece))
    ran(tmp_path, WORDS[:1], problems=2)
    (file,) = tmp_path.glob("*.jsonl")
    file.write_text(file.read_text()[:-20])
    did.clear()
    found = ran(tmp_path, WORDS)
    task, made = entered(TASK, WORDS, ())
    posed = [problem.id for problem in task.problems(benchmark.SEED, 3)]
    strategies = {problem.id: piece.strategies for piece in did for problem in piece.problems}
    assert sorted(strategies) == sorted(posed)
    assert strategies[posed[0]] == WORDS[1:]
    lm = benchmark._loaded("embedded")
    whole = compare(
        task, strategies=made, budgets=[30, 60], problems=3, seed=benchmark.SEED, model=lm,
        scorer=lambda _: lm.value,
    )  # fmt: skip
    # The contest adds the control of strategies that prune tokens, of which there is none here.
    rows = [row for row in found.rows if row.strategy != LEGAL_TOKENS]
    pairs = [pair for pair in found.pairs if pair.control != LEGAL_TOKENS]
    assert [row.solved for row in rows] == [row.solved for row in whole.rows]
    assert [row.tokens for row in rows] == [row.tokens for row in whole.rows]
    assert [pair.difference for pair in pairs] == [pair.difference for pair in whole.pairs]
    did.clear()
    assert ran(tmp_path, WORDS) == found
    assert not did
