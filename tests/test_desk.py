"""Searches from anywhere, batched by one thread a model: as alone, and none hurts another."""

import asyncio
import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.wild import SEEDS, V, Vowels, same, toy, wild
from treeseek import Expand, How, Sample, Verdict, Walk, asearch, search, strategies, strategy
from treeseek.desk import desk
from treeseek.errors import InvalidOption


def options(seed: int, budget: int | None = 40) -> dict[str, Any]:
    judge = Vowels()
    chosen = wild(seed=seed, depth=seed % 3)
    return {
        "strategy": chosen, "seed": seed, "budget": budget, "limit": 8,
        "scorer": judge, "verifier": judge,
    }  # fmt: skip


async def gathered(lm: Any, *calls: dict[str, Any]) -> list[Any]:
    return await asyncio.gather(
        *(asearch([0, 1], model=lm, **call) for call in calls), return_exceptions=True
    )


def at_rest(lm: Any) -> bool:
    """Whether the desk of `lm` has put its thread away."""
    place = desk(lm)
    for _ in range(2000):
        with place._lock:
            if not place._running:
                return not place._futures and not place._waiting
        time.sleep(0.005)
    return False


@settings(max_examples=15)
@given(seeds=st.lists(SEEDS, min_size=2, max_size=5))
def test_searches_awaited_together_give_what_they_give_alone(seeds: list[int]) -> None:
    alone = [same(search([0, 1], model=toy(1), **options(seed))) for seed in seeds]
    lm = toy(1)
    together = asyncio.run(gathered(lm, *map(options, seeds)))
    assert [same(result) for result in together] == alone
    assert at_rest(lm)


class Gate:
    """A verifier that holds the desk at its first text until it is opened."""

    name, version = "gate", "1"

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def verify(self, text: str) -> Verdict:
        self.reached.set()
        assert self.open.wait(60)
        return Verdict(1.0, True)


@strategy()
def gated(ctx: Any, root: Any) -> Any:
    """Wait for the gate, then sample."""
    from treeseek import Verify

    yield [Verify(root, ctx.verifier)]
    (reply,) = yield [Sample(root, n=3)]
    for run in reply.continuations:
        ctx.finish(run.node, score=run.logprob)


def test_searches_that_wait_for_each_other_share_forwards() -> None:
    lm, gate = toy(1), Gate()
    call = {"strategy": strategies.sample, "n": 2, "limit": 6}

    async def all_at_once() -> list[Any]:
        first = asyncio.create_task(asearch([0], model=lm, strategy=gated, verifier=gate))
        await asyncio.to_thread(gate.reached.wait, 60)
        rest = [
            asyncio.create_task(asearch([0, 1], model=lm, seed=seed, **call)) for seed in range(8)
        ]
        while len(desk(lm)._waiting) < 8:
            await asyncio.sleep(0.001)
        gate.open.set()
        return await asyncio.gather(first, *rest)

    found = asyncio.run(all_at_once())[1:]
    alone = [search([0, 1], model=toy(1), seed=seed, **call) for seed in range(8)]
    assert [same(result) for result in found] == [same(result) for result in alone]
    assert sum(result.cost.forwards for result in alone) > 20
    longest = max(c.tokens + 1 for result in alone for c in result.candidates)
    rounds_of_first = 8 + 1
    assert lm.backend.spent.forwards <= longest + rounds_of_first


@strategy()
def broken(ctx: Any, root: Any) -> Any:
    """Ask for a token that does not exist, after one that does."""
    yield [Expand(root)]
    yield [Walk(root, (V + 1,))]


@strategy()
def buggy(ctx: Any, root: Any) -> Any:
    """Fail by itself."""
    yield [Expand(root)]
    raise ZeroDivisionError("a bug of the strategy")


def test_one_that_fails_fails_alone() -> None:
    lm = toy(1)
    calls = [options(5), {"strategy": broken}, options(6), {"strategy": buggy}, options(7)]
    found = asyncio.run(gathered(lm, *calls))
    assert isinstance(found[1], InvalidOption) and "vocabulary" in str(found[1])
    assert isinstance(found[3], ZeroDivisionError)
    for at, seed in ((0, 5), (2, 6), (4, 7)):
        assert same(found[at]) == same(search([0, 1], model=toy(1), **options(seed)))
    assert at_rest(lm)


@strategy()
def endless(ctx: Any, root: Any) -> Any:
    """Sample without end."""
    while True:
        yield [Sample(root, n=1, limit=2)]


def test_a_cancelled_search_is_forgotten_and_the_desk_goes_on() -> None:
    lm = toy(1)

    async def cancel() -> Any:
        task = asyncio.create_task(asearch([0, 1], model=lm, strategy=endless))
        other = asyncio.create_task(asearch([0, 1], model=lm, **options(4)))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await other, await asearch([0, 1], model=lm, **options(8))

    for result, seed in zip(asyncio.run(cancel()), (4, 8), strict=True):
        assert same(result) == same(search([0, 1], model=toy(1), **options(seed)))
    assert at_rest(lm)


def test_a_timeout_of_the_caller_is_a_cancellation_too() -> None:
    lm = toy(1)

    async def hurry() -> None:
        async with asyncio.timeout(0.05):
            await asearch([0, 1], model=lm, strategy=endless)

    for _ in range(5):
        with pytest.raises(TimeoutError):
            asyncio.run(hurry())
    assert at_rest(lm)


def test_the_model_can_be_cleared_while_searches_are_awaited() -> None:
    lm, done = toy(1), threading.Event()

    def clears() -> None:
        while not done.is_set():
            lm.clear()
            time.sleep(0.001)

    thread = threading.Thread(target=clears)
    thread.start()
    try:
        found = asyncio.run(gathered(lm, *(options(seed) for seed in range(6))))
    finally:
        done.set()
        thread.join()
    alone = [same(search([0, 1], model=toy(1), **options(seed))) for seed in range(6)]
    assert [same(result) for result in found] == alone


def test_threads_and_loops_take_turns_on_one_model() -> None:
    lm, found = toy(1), {}

    def here(seed: int) -> None:
        found[seed] = same(search([0, 1], model=lm, **options(seed)))

    def there(seed: int) -> None:
        found[seed] = same(asyncio.run(asearch([0, 1], model=lm, **options(seed))))

    threads = [
        threading.Thread(target=there if seed % 2 else here, args=(seed,)) for seed in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {s: same(search([0, 1], model=toy(1), **options(s))) for s in range(8)}


@strategy()
def two_models(ctx: Any, root: Any, *, other: Any) -> Any:
    """Sample under this model and another in turn."""
    for step in range(6):
        lists = [Sample(root, n=2, stream=step), Sample(root, n=2, how=How(model=other))]
        for reply in (yield lists):
            for run in reply.continuations:
                ctx.finish(run.node, score=run.logprob)


def test_searches_that_cross_two_models_from_two_threads_neither_block_nor_mix() -> None:
    pair, found = (toy(1), toy(2)), {}

    def cross(seed: int, pair: Any) -> Any:
        own, other = pair if seed % 2 else pair[::-1]
        return same(search([0, 1], model=own, strategy=two_models(other=other), seed=seed, limit=8))

    def run(seed: int) -> None:
        found[seed] = cross(seed, pair)

    threads = [threading.Thread(target=run, args=(seed,), daemon=True) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {seed: cross(seed, (toy(1), toy(2))) for seed in range(8)}


def test_a_name_loads_one_model_however_many_ask_at_once() -> None:
    name = "toy:hash?vocabulary=7&seed=99"

    async def many() -> list[Any]:
        from treeseek.loading import shared

        return await asyncio.gather(*(asyncio.to_thread(shared, name) for _ in range(8)))

    assert len(set(map(id, asyncio.run(many())))) == 1
