"""Law 4 over every strategy there is: under liars and under every real drafter, as alone."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from treeseek import registry
from treeseek.drafters import Drafting, Model, Suffix, drafting
from treeseek.testing import Liar, StrategySuite

HOMES = (
    "tests.allocators.test_allocated",
    "tests.scorers.test_paying",
    "tests.sequences.test_optimise",
    "tests.sequences.test_prompts",
    "tests.sequences.test_repair",
    "tests.sequences.test_screens",
    "tests.strategies.test_answer_level",
    "tests.strategies.test_conformance",
    "tests.strategies.test_two_models",
    "tests.test_reading",
)
LIARS = 12
TOY = "toy:hash?vocabulary=6&seed=3"
TRUE = ("suffix", "recycle", "suffix(scope=run,follow=last)", "suffix+recycle")


def _below(kind: type[StrategySuite]) -> Iterator[type[StrategySuite]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def suites() -> list[type[StrategySuite]]:
    """Every suite of the tests that names a strategy."""
    for home in HOMES:
        importlib.import_module(home)
    found = {f"{one.__module__}.{one.__name__}": one for one in _below(StrategySuite)}
    return [
        one
        for name, one in sorted(found.items())
        if name.startswith("tests.") and "<locals>" not in one.__qualname__
        if hasattr(one, "strategy")
    ]


SUITES = suites()


def test_every_strategy_of_the_registry_has_a_suite() -> None:
    known = {getattr(one.strategy, "name", "") for one in SUITES}
    assert not set(registry.names("strategies")) - known


def unlike(suite: StrategySuite, drafter: Drafting, **options: Any) -> list[Any]:
    """Budgets under which a drafter changes what is found or charged."""
    return [
        budget
        for budget, alone in suite.budgets()
        if suite.outcome(suite.start(suite.model(), budget=budget, drafter=drafter, **options))
        != alone
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", SUITES, ids=lambda one: f"{one.__module__[6:]}.{one.__name__}")
def test_no_drafter_changes_anything(kind: type[StrategySuite]) -> None:
    drafters: list[Any] = [Liar(seed, "run" if seed % 2 else "search") for seed in range(LIARS)]
    drafters += [drafting(words) for words in TRUE]
    if kind().model().vocabulary == 6:
        drafters.append(Model(TOY))
    assert {repr(one): unlike(kind(), one) for one in drafters} == {
        repr(one): [] for one in drafters
    }


@pytest.mark.parametrize("kind", SUITES[::9], ids=lambda one: one.__name__)
def test_a_liar_and_a_drafter_change_nothing(kind: type[StrategySuite]) -> None:
    """The same on some suites, fast."""
    assert not unlike(kind(), Liar(99)) and not unlike(kind(), Suffix())


def test_a_drafter_that_decides_is_found_out() -> None:
    """The control: under the rule of coins a drafted text is another one."""
    from tests.strategies import test_conformance as room

    suite = room.TestSample()
    assert any(unlike(suite, Model(TOY), draft_rule="reject", seed=seed) for seed in (7, 8, 9))
