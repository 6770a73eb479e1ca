"""The decorator that makes a strategy of a generator function.

A strategy is a plain generator that yields lists of requests. Decorated, it is a factory: calling
it with options checks them at once and gives a configured strategy, a value that can be compared,
printed, and run any number of times.
"""

import types
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from treeseek.live import Context
from treeseek.options import Option, checked, options_of
from treeseek.paying import paid
from treeseek.requests import Node, Request, stable

Search: TypeAlias = Generator[list[Request], Any, None]


@dataclass(frozen=True, eq=False)
class Strategy:
    """A configured strategy: what `treeseek.search(strategy=...)` takes.

    `name` is its kebab-case name, `options` all of them with their values, `references` the keys
    of what it implements, `tier` what it needs of a backend, `prunes` after what it asks the
    verifier whether all is lost: "steps", if at all, or "tokens".
    """

    name: str
    options: Mapping[str, Any]
    references: tuple[str, ...]
    tier: str
    function: Callable[..., Search] = field(repr=False)
    prunes: str = "steps"

    def run(self, ctx: Context, root: Node) -> Search:
        """The generator."""
        return paid(ctx, self.function(ctx, root, **self.options))

    def having(self, **options: Any) -> "Strategy":
        """The same with `options`, which are some of its own and are not checked."""
        return replace(self, options=types.MappingProxyType({**self.options, **options}))

    def __repr__(self) -> str:
        shown = ", ".join(f"{key}={_shown(value)}" for key, value in self.options.items())
        return f"{self.name}({shown})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Strategy):
            return NotImplemented
        return (self.name, self.options) == (other.name, other.options)

    def __hash__(self) -> int:
        return hash(self.name)


class StrategyFactory:
    """Callable that checks options and configures a strategy."""

    def __init__(
        self,
        function: Callable[..., Search],
        references: tuple[str, ...],
        tier: str,
        check: Callable[..., None] | None = None,
        prunes: str = "steps",
    ) -> None:
        """Read the options from the signature of `function(ctx, root, *, ...)`."""
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.__wrapped__ = function
        self.function = function
        self.name = function.__name__.replace("_", "-")
        self.references = references
        self.tier = tier
        self.check = check
        self.prunes = prunes

    @property
    def options(self) -> dict[str, Option]:
        """Options by name, in the order of the signature."""
        return options_of(self.function, skip=2)

    def __call__(self, **options: Any) -> Strategy:
        """Configure the strategy; raises InvalidOption for an unknown or unfit option."""
        values = checked(self.name, self.options, options)
        if self.check is not None:
            self.check(**values)
        fixed = types.MappingProxyType(values)
        return Strategy(self.name, fixed, self.references, self.tier, self.function, self.prunes)


def strategy(
    *references: str,
    tier: str = "token",
    check: Callable[..., None] | None = None,
    prunes: str = "steps",
) -> Callable[[Callable[..., Search]], StrategyFactory]:
    """Make a strategy of a generator function `f(ctx, root, *, options)`.

    `references` are the keys `treeseek cite` prints; `tier` is "token" (needs exact
    log-probabilities) or "step". Options are keyword-only, annotated with their kind and, by
    `Annotated[int, Range(low=1), "what it is"]`, their range and a word of help; `check` is called
    with all of them and raises InvalidOption where they do not fit each other. One that `prunes`
    "tokens" is compared with draws that may ask as often whether all is lost.
    """

    def decorate(function: Callable[..., Search]) -> StrategyFactory:
        return StrategyFactory(function, references, tier, check, prunes)

    return decorate


def _shown(value: Any) -> str:
    return getattr(value, "__qualname__", None) or stable(value)
