"""Law 9 in memory: recorded replies, cut anywhere, rebuild candidates, scores and charge."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.wild import HOWS, SEEDS, V, gone_wild, same, toy, wild
from treeseek import (
    Budget,
    Expand,
    Gumbel,
    How,
    MemoryJournal,
    Mirostat,
    Sample,
    Score,
    Spawn,
    Verdict,
    Verify,
    Warp,
    start,
    strategies,
    strategy,
)
from treeseek.errors import ReplayMismatch
from treeseek.scheduler import Scheduler


def recorded(seed: int, **options: Any) -> tuple[list, object]:
    """The records of a wild run, in the order they were made, and its outcome."""
    journal = MemoryJournal()
    outcome = same(gone_wild(seed, toy(seed % 7), journal=journal, **options).run())
    return list(journal.items()), outcome


def through_json(records: list) -> MemoryJournal:
    return MemoryJournal((place, json.loads(json.dumps(record))) for place, record in records)


@settings(max_examples=80)
@given(seed=SEEDS, where=st.floats(0, 1), noise=SEEDS)
def test_cut_anywhere_and_resumed_it_ends_the_same(seed: int, where: float, noise: int) -> None:
    records, outcome = recorded(seed)
    kept = through_json(records[: round(where * len(records))])
    busy = toy(seed % 7)
    gone_wild(noise, busy).run()
    assert same(gone_wild(seed, busy, journal=kept).run()) == outcome
    assert set(kept) == {place for place, _ in records}


@settings(max_examples=25)
@given(seed=SEEDS, where=st.floats(0, 1))
def test_states_of_samplers_and_second_models_are_rebuilt(seed: int, where: float) -> None:
    second = toy(9)
    hows = (*HOWS, How(sampler=Mirostat(target=1.0)), How(model=second, warp=Warp(top_k=2)))
    records, outcome = recorded(seed, hows=hows)
    kept = through_json(records[: round(where * len(records))])
    second.clear()
    assert same(gone_wild(seed, toy(seed % 7), hows=hows, journal=kept).run()) == outcome


@settings(max_examples=15)
@given(seed=SEEDS)
def test_a_whole_journal_asks_the_model_for_nothing(seed: int) -> None:
    records, outcome = recorded(seed, strategy=wild(seed=seed, depth=0))
    lm = toy(seed % 7)
    again = gone_wild(seed, lm, strategy=wild(seed=seed, depth=0), journal=through_json(records))
    assert same(again.run()) == outcome
    assert lm.backend.spent.computed == 0


def timed(seed: int, seconds: int, now: int, journal: MemoryJournal) -> Any:
    """A wild run whose rounds take a second each, or none at all on a clock that stands still."""
    reads = [now]
    clock = Scheduler(clock=lambda: float(reads[0]))
    strategy, budget = wild(seed=seed, depth=0), Budget(seconds=seconds)
    run = gone_wild(
        seed, toy(1), strategy=strategy, journal=journal, budget=budget, scheduler=clock
    )
    while not run.ended:
        run.step()
        reads[0] += now == 0
    return run.result


@settings(max_examples=60)
@given(seed=SEEDS, seconds=st.integers(0, 6), where=st.floats(0, 1))
def test_what_the_clock_ended_stays_ended(seed: int, seconds: int, where: float) -> None:
    """A resumed run believes its records, whatever the time, and goes on from their clock."""
    journal = MemoryJournal()
    first = timed(seed, seconds, 0, journal)
    assert first.exempt
    assert same(timed(seed, seconds, 10**6, through_json(list(journal.items())))) == same(first)
    kept = through_json(list(journal.items())[: round(where * len(journal))])
    before = dict(kept)
    assert timed(seed, seconds, 0, kept).cost.tokens >= sum(
        record["reply"]["charged"] for record in before.values() if "reply" in record
    )
    assert {place: kept[place] for place in before} == before


def mismatch(journal: MemoryJournal, **changed) -> str:
    options = {"strategy": strategies.sample, "n": 2, "limit": 4, "seed": 1} | changed
    with pytest.raises(ReplayMismatch) as caught:
        start([0, 1], model=toy(1), journal=journal, **options).run()
    return str(caught.value)


def test_another_request_seed_or_law_is_a_mismatch_that_names_both() -> None:
    journal = MemoryJournal()
    start(
        [0, 1], model=toy(1), journal=journal, strategy=strategies.sample, n=2, limit=4, seed=1
    ).run()
    said = mismatch(journal, strategy=strategies.beam(width=3))
    assert "Sample(" in said and "Expand(" in said and "barrier 0, request 0" in said
    said = mismatch(journal, seed=5)
    assert "seed 1" in said and "seed 5" in said
    for changed in ({"warp": Warp(top_k=2)}, {"limit": 3}, {"stop": "ab"}, {"n": 3}):
        assert "Resume with the strategy" in mismatch(journal, **changed)


class Bare:
    """A constraint, scorer and verifier that prints as Python prints any object."""

    key, name, version = "bare", "bare", "1"

    def start(self) -> int:
        return 0

    def mask(self, state: int) -> np.ndarray:
        return np.arange(V) != state

    def accept(self, state: int, token: int) -> int:
        return token

    def score(self, texts: Any) -> list[float]:
        return [float(len(text)) for text in texts]

    def verify(self, text: str) -> Verdict:
        return Verdict(0.5, False)


class Draws(Gumbel):
    """A sampler that prints as Python prints any object."""

    __repr__ = object.__repr__


def with_bare_objects(journal: MemoryJournal | None = None) -> Any:
    """The journal of a run that asks with objects made for it, and its result."""

    @strategy()
    def bare(ctx: Any, root: Any, *, like: Any, depth: int = 1) -> Any:
        how = How(constraint=Bare(), sampler=Draws())
        (row, runs) = yield [Expand(root, k=3, how=how), Sample(root, n=2, how=how)]
        nodes = (*row.children, *(run.node for run in runs.continuations))
        yield [Score(nodes, Bare()), *(Verify(node, Bare()) for node in nodes)]
        for taste in (like, Bare(), [lambda node: 0.0]):
            if depth:
                yield [Spawn(bare(like=taste, depth=0), row.children[0], budget=3)]

    journal = MemoryJournal() if journal is None else journal
    options = {"limit": 4, "seed": 3, "budget": 30, "constraint": Bare(), "sampler": Draws()}
    run = start([0, 1], model=toy(1), strategy=bare(like=print), journal=journal, **options)
    return journal, run.run()


def test_two_runs_leave_the_same_journal_and_it_names_no_address() -> None:
    """What a journal holds is the same in every process, whatever objects the requests carried."""
    (first, result), keep, (second, again) = with_bare_objects(), Bare(), with_bare_objects()
    assert list(first.items()) == list(second.items()) and keep.key
    text = json.dumps(list(first.values())) + result.strategy
    assert "Bare object" in text and "<lambda>" in text and "Draws object" in text
    assert "0x" not in text and again.strategy == result.strategy == "bare(like=print, depth=1)"


def test_a_run_is_resumed_with_objects_made_again() -> None:
    journal, first = with_bare_objects()
    half = MemoryJournal(list(journal.items())[: len(journal) // 2])
    assert half and same(with_bare_objects(half)[1]) == same(first)
    assert list(half.items()) == list(journal.items())


def test_a_record_that_was_changed_changes_the_run() -> None:
    """Negative control: replay really reads the records."""
    records, outcome = recorded(8, strategy=wild(seed=8, depth=0))
    for _, record in records:
        if record.get("reply", {}).get("kind") == "expanded":
            record["reply"]["entropy"] += 1e-12
    lm = toy(8 % 7)
    again = gone_wild(8, lm, strategy=wild(seed=8, depth=0), journal=through_json(records))
    assert same(again.run()) != outcome
