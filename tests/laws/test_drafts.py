"""Law 4: whatever was drafted, the same candidates, scores and charge under the same seed."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.wild import HOWS, SEEDS, NoTwice, gone_wild, same, toy
from treeseek import LM, How, MemoryJournal, Mirostat, search, start, strategies
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.decoding.samplers import Greedy
from treeseek.drafters import DraftTree, Recycle, Rows, Site, Suffix, Tip, drafting, prompts
from treeseek.errors import InvalidOption
from treeseek.scheduler import Scheduler, serving
from treeseek.scheduler.drafting import lands
from treeseek.testing import Liar, Shuffled
from treeseek.testing.strategy_suite import written

LAWS = (*HOWS, How(sampler=Mirostat(target=1.0)), How(sampler=Greedy()))
DRAFTERS = (Suffix(), Suffix(scope="run", follow="last"), Recycle(), drafting("suffix+recycle"))


@dataclass(frozen=True)
class Seer:
    """A drafter that knows what will be said: the greedy or the seeded text, and a sibling."""

    lm: Any
    scope = "search"
    name = "seer"

    def start(self, site: Site) -> Any:
        return _Seeing(self.lm)


class _Seeing:
    name, sees = "seer", 0

    def __init__(self, lm: Any) -> None:
        self.lm, self.texts = lm, {}

    def begin(self, sequence: int, tokens: Sequence[int], *, known: int = 0, search: int = 0):
        self.texts[sequence] = list(tokens)

    def extend(self, sequence: int, tokens: Sequence[int]) -> None:
        self.texts[sequence] += tokens

    def end(self, sequence: int) -> None:
        del self.texts[sequence]

    def propose(self, tips: Sequence[Tip], budgets: Sequence[int]) -> list[DraftTree]:
        return [self._seen(tip, budget) for tip, budget in zip(tips, budgets, strict=True)]

    def _seen(self, tip: Tip, budget: int) -> DraftTree:
        from treeseek.decoding.gumbel import gumbel

        path, tokens, parents, at = list(self.texts[tip.sequence]), [], [], -1
        while len(tokens) + 2 <= budget:
            row = self.lm.backend.row
            row = np.array(row(path) if callable(row) else row) / tip.temperature
            if tip.keys is not None:
                row += gumbel(np.array([tip.keys(len(path) - len(self.texts[tip.sequence]))],
                                       np.uint64), len(row))[0]  # fmt: skip
            token = int(row.argmax())
            tokens += [(token + 1) % len(row), token]
            parents += [at, at]
            at = len(tokens) - 1
            path.append(token)
        return DraftTree(tokens, parents, [0.5] * len(tokens))

    def observe(self, rows: Rows) -> None:
        raise AssertionError("it sees no rows")

    def memory(self) -> int:
        return 0


@settings(max_examples=100)
@given(seed=SEEDS, lie=SEEDS, flat=st.booleans())
def test_a_liar_changes_nothing(seed: int, lie: int, flat: bool) -> None:
    alone = same(gone_wild(seed, toy(1, flat=flat), hows=LAWS).run())
    run = gone_wild(seed, toy(1, flat=flat), hows=LAWS, drafter=Liar(lie))
    assert same(run.run()) == alone


@settings(max_examples=60)
@given(seed=SEEDS, which=st.sampled_from(DRAFTERS))
def test_a_drafter_changes_nothing(seed: int, which: Any) -> None:
    alone = same(gone_wild(seed, toy(1), hows=LAWS).run())
    assert same(gone_wild(seed, toy(1), hows=LAWS, drafter=which).run()) == alone


@settings(max_examples=60)
@given(seeds=st.lists(SEEDS, min_size=2, max_size=4), order=SEEDS, scope=st.booleans())
def test_batches_that_join_leave_and_are_evicted(seeds: list[int], order: int, scope: bool) -> None:
    """Searches join late, in any order, with and without drafts, in few slots, some are left."""
    alone = [same(gone_wild(seed, toy(1)).run()) for seed in seeds]
    lm, scheduler, dice = toy(1, slots=40), Scheduler(), random.Random(order)
    if order % 2:
        lm.backend = Shuffled(lm.backend, seed=order)
    liar = Liar(order, "run" if scope else "search")
    waiting, runs = list(range(len(seeds))), {}
    left = gone_wild(order, lm, scheduler=scheduler, drafter=liar)
    while waiting or any(not run.ended for run in runs.values()):
        if waiting and dice.random() < 0.5:
            at = waiting.pop(dice.randrange(len(waiting)))
            own = liar if dice.random() < 0.7 else None
            runs[at] = gone_wild(seeds[at], lm, scheduler=scheduler, drafter=own)
            dice.shuffle(scheduler.seats)
        if dice.random() < 0.1:
            left.cut()
        scheduler.step()
    assert [same(runs[at].result) for at in range(len(seeds))] == alone


@settings(max_examples=60)
@given(seed=SEEDS, where=st.floats(0, 1), lie=SEEDS)
def test_killed_and_resumed_with_other_drafts(seed: int, where: float, lie: int) -> None:
    journal = MemoryJournal()
    outcome = same(gone_wild(seed, toy(1), journal=journal, drafter=Liar(lie)).run())
    plain = MemoryJournal()
    assert same(gone_wild(seed, toy(1), journal=plain).run()) == outcome
    assert written(journal) == written(plain)
    records = list(journal.items())
    kept = MemoryJournal(
        (place, json.loads(json.dumps(record)))
        for place, record in records[: round(where * len(records))]
    )
    assert same(gone_wild(seed, toy(1), journal=kept, drafter=Liar(lie + 1)).run()) == outcome


@pytest.mark.parametrize("how", LAWS)
@pytest.mark.parametrize("budget", [None, 0, 1, 5, 17])
@pytest.mark.parametrize("strategy", [strategies.greedy, strategies.sample, strategies.best_of_n])
def test_a_seer_saves_calls_and_changes_nothing(strategy: Any, budget: Any, how: Any) -> None:
    """A drafter that is right saves most calls; charged, said and cut as without it."""
    given = {name: getattr(how, name) for name in ("warp", "constraint", "sampler") if how}
    if given.get("constraint"):
        given["constraint"] = NoTwice(12, closed=True)
    options = {"strategy": strategy, "n": 3, "limit": 24, "seed": 5, "budget": budget, **given}
    lm = toy(6, vocabulary=12)
    lm.backend.costs = lambda: {1: 50.0, 64: 50.0}
    alone = search([0, 1], model=toy(6, vocabulary=12), **options)
    told = search([0, 1], model=lm, drafter=Seer(lm), **options)
    assert same(told) == same(alone)
    assert alone.cost.tokens_per_step == 1.0 and alone.cost.drafted == 0
    if alone.cost.steps > 20 and how is None:
        assert told.cost.tokens_per_step > 1.8, told.cost
        assert told.cost.forwards < 0.75 * alone.cost.forwards
    assert told.cost.steps + told.cost.accepted == alone.cost.steps


def test_a_walk_that_takes_what_was_drafted_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: let a continuation take the drafted child whatever its row says."""
    from treeseek.scheduler import drafting as room

    plant = room._plant

    def biased(draw: Any, tree: Any, nodes: Any, wanted: Any) -> None:
        plant(draw, tree, nodes, wanted)
        if nodes:
            draw.key ^= tree.tokens[nodes[0]] + 1

    monkeypatch.setattr(room, "_plant", biased)
    assert not _equal()


def test_a_walk_past_the_budget_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: let a continuation draw on where it may ask for no more."""

    def greedy(draw: Any, drafted: Any, several: bool) -> bool:
        if draw.done or draw.address not in drafted:
            return False
        limit, draw.seat.ledger.limit = draw.seat.ledger.limit, None
        found = lands(draw, drafted, several)
        draw.seat.ledger.limit = limit
        return found

    monkeypatch.setattr(serving, "lands", greedy)
    assert not _equal()


def _equal() -> bool:
    for seed in range(40):
        alone = same(gone_wild(seed, toy(1), hows=(None, HOWS[1])).run())
        lm = toy(1)
        try:
            told = same(gone_wild(seed, lm, hows=(None, HOWS[1]), drafter=Seer(lm)).run())
        except Exception:
            return False
        if told != alone:
            return False
    return True


def test_the_controls_are_controls() -> None:
    assert _equal()


def test_drafted_rows_are_counted_and_nothing_is_computed_twice() -> None:
    """Law 1: rows computed = distinct nodes asked for by strategies or drafters."""
    lm = toy(3, vocabulary=8)
    run = start([0, 1], model=lm, strategy=strategies.sample(), n=4, limit=20, drafter=Liar(1))
    result = run.run()
    assert result.cost.tokens_computed == lm.backend.spent.computed
    assert lm.backend.spent.computed == len(lm.tree)
    assert result.cost.drafted > 0


def test_a_bounded_tree_holds_no_guesses() -> None:
    lm = toy(3, nodes=40)
    result = search([0, 1], model=lm, strategy=strategies.sample, limit=20, drafter=Liar(1))
    assert result.cost.drafted == 0


def test_a_drafter_must_be_one() -> None:
    with pytest.raises(InvalidOption, match="drafter"):
        search([0], model=toy(), drafter="sufix")
    with pytest.raises(InvalidOption, match="draft_budget"):
        search([0], model=toy(), drafter=Suffix(), draft_budget=0)


@settings(max_examples=40)
@given(seed=SEEDS, lie=SEEDS, slots=st.sampled_from([None, 40]))
def test_prompts_that_are_read_again_change_nothing(seed: int, lie: int, slots: Any) -> None:
    alone = same(gone_wild(seed, toy(1)).run())
    with mock.patch.object(prompts, "SHARE", 1e6):
        for drafter in (Liar(lie), Recycle()):
            lm = toy(1, slots=slots)
            result = gone_wild(seed, lm, drafter=drafter).run()
            assert same(result) == alone
            if slots is None:
                assert result.cost.tokens_computed == lm.backend.spent.computed


def test_rows_of_a_prompt_are_learnt_as_time_is_saved() -> None:
    """A prompt that the model says itself: its rows draft what follows, unread they do not."""
    row = integer_hash(12, seed=11, spread=30.0, order=2)
    prompt = [0, 1]
    for _ in range(80):
        prompt.append(int(row(prompt).argmax()))
    rates = []
    for share in (1e6, 0.0):
        lm = LM(ToyBackend(row, 12), Letters(), name="again")
        lm.backend.costs = lambda: {1: 50.0, 64: 50.0}
        with mock.patch.object(prompts, "SHARE", share):
            found = search(prompt, model=lm, drafter=Recycle(), limit=12, draft_budget=4)
        rates.append(found.cost.tokens_per_step)
        assert found.best.token_ids == search(prompt, model=lm, limit=12).best.token_ids
    assert rates[0] > 1.5 * rates[1], rates
