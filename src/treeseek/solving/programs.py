"""Strategies whose answers are programs: who runs them, and what is read of an answer then.

This file believes that a strategy says by the kind of an option that it runs programs, itself or
through a strategy it was given. It does not know what holds a program.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from treeseek.declare import Search, Strategy
from treeseek.options import kinds, options_of
from treeseek.solving.judging import as_it_is
from treeseek.strategies.pal import Executor


def unarmed(strategy: Strategy) -> bool:
    """Whether `strategy` runs programs and was given nothing that does so."""
    return any(value is None for value in _executors(strategy))


def armed(strategy: Strategy, executor: Executor) -> Strategy:
    """`strategy`, its programs run by `executor` where it was given nothing that does so."""
    own = {name: executor for name in _names(strategy.function) if strategy.options[name] is None}
    nested = {
        name: armed(part, executor)
        for name, part in strategy.options.items()
        if isinstance(part, Strategy) and unarmed(part)
    }
    return strategy.having(**own, **nested)


def reader(strategy: Strategy) -> Callable[[str], str | None]:
    """What is read of an answer: what it prints where `strategy` makes programs, else itself."""
    given = [one for one in _executors(strategy) if one is not None]
    return given[0].run if given else as_it_is


def _executors(strategy: Strategy) -> list[Any]:
    found = [strategy.options[name] for name in _names(strategy.function)]
    for part in strategy.options.values():
        if isinstance(part, Strategy):
            found += _executors(part)
    return found


@cache
def _names(function: Callable[..., Search]) -> tuple[str, ...]:
    options = options_of(function, skip=2).values()
    return tuple(one.name for one in options if Executor in kinds(one.kind))
