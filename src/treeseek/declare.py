"""The decorator that makes a strategy of a generator function.

A strategy is a plain generator that yields lists of requests. Decorated, it is a factory: calling
it with options checks them at once and gives a configured strategy, a value that can be compared,
printed, and run any number of times.
"""

import inspect
import types
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.requests import Node, Request, stable

Search: TypeAlias = Generator[list[Request], Any, None]


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a number: at least `low`, at most `high`; `above` and `below` exclude the end."""

    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None

    def __contains__(self, value: float) -> bool:
        return not (
            (self.low is not None and value < self.low)
            or (self.high is not None and value > self.high)
            or (self.above is not None and value <= self.above)
            or (self.below is not None and value >= self.below)
            or value != value
        )

    def __str__(self) -> str:
        words = (
            ("at least", self.low),
            ("at most", self.high),
            ("above", self.above),
            ("below", self.below),
        )
        return " and ".join(f"{word} {bound:g}" for word, bound in words if bound is not None)


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a strategy as help texts and the command line see it."""

    name: str
    kind: Any
    default: Any
    bounds: Range | None
    about: str

    def check(self, strategy: str, value: Any) -> None:
        """Raise InvalidOption unless `value` has the right kind and range."""
        bounds = self.bounds or Range()
        number = isinstance(value, int | float)
        if not _is_a(value, self.kind) or (number and value not in bounds):
            raise InvalidOption(f"{strategy}({self.name}={value!r}): give {self.wanted()}.")

    def wanted(self) -> str:
        """What the option takes, in words."""
        return _words(self.kind, self.bounds)

    def parse(self, strategy: str, text: str) -> Any:
        """Read the option from the command line; raises InvalidOption."""
        for kind in _kinds(self.kind):
            value = _read(kind, text)
            if value is not None or (kind is type(None) and text.lower() == "none"):
                self.check(strategy, value)
                return value
        raise InvalidOption(f"{strategy}: -o {self.name}={text} is not {self.wanted()}.")


@dataclass(frozen=True, eq=False)
class Strategy:
    """A configured strategy: what `treeseek.search(strategy=...)` takes.

    `name` is its kebab-case name, `options` all of them with their values, `references` the keys
    of what it implements, `tier` what it needs of a backend.
    """

    name: str
    options: Mapping[str, Any]
    references: tuple[str, ...]
    tier: str
    function: Callable[..., Search] = field(repr=False)

    def run(self, ctx: Context, root: Node) -> Search:
        """The generator."""
        return self.function(ctx, root, **self.options)

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

    @property
    def options(self) -> dict[str, Option]:
        """Options by name, in the order of the signature."""
        hints = get_type_hints(self.function, include_extras=True)
        options = {}
        for name, parameter in list(inspect.signature(self.function).parameters.items())[2:]:
            kind: Any = hints.get(name, Any)
            notes: list[Any] = []
            if get_origin(kind) is Annotated:
                kind, *notes = get_args(kind)
            bounds = next((note for note in notes if isinstance(note, Range)), None)
            about = next((note for note in notes if isinstance(note, str)), "")
            options[name] = Option(name, kind, parameter.default, bounds, about)
        return options

    def __call__(self, **options: Any) -> Strategy:
        """Configure the strategy; raises InvalidOption for an unknown or unfit option."""
        known = self.options
        for name, value in options.items():
            if name not in known:
                listed = ", ".join(known) or "none"
                raise InvalidOption(
                    f"{self.name} has no option {name!r}; its options are: {listed}."
                )
            known[name].check(self.name, value)
        values = {name: options.get(name, option.default) for name, option in known.items()}
        missing = [name for name, value in values.items() if value is inspect.Parameter.empty]
        if missing:
            raise InvalidOption(f"{self.name} needs {', '.join(missing)}.")
        if self.check is not None:
            self.check(**values)
        return Strategy(
            self.name, types.MappingProxyType(values), self.references, self.tier, self.function
        )


def strategy(
    *references: str, tier: str = "token", check: Callable[..., None] | None = None
) -> Callable[[Callable[..., Search]], StrategyFactory]:
    """Make a strategy of a generator function `f(ctx, root, *, options)`.

    `references` are the keys `treeseek cite` prints; `tier` is "token" (needs exact
    log-probabilities) or "step". Options are keyword-only, annotated with their kind and, by
    `Annotated[int, Range(low=1), "what it is"]`, their range and a word of help; `check` is called
    with all of them and raises InvalidOption where they do not fit each other.
    """

    def decorate(function: Callable[..., Search]) -> StrategyFactory:
        return StrategyFactory(function, references, tier, check)

    return decorate


def _kinds(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def _is_a(value: Any, kind: Any) -> bool:
    for one in _kinds(kind):
        origin = get_origin(one)
        if one is Any or (origin is Literal and value in get_args(one)):
            return True
        if origin is get_origin(Callable[..., Any]):
            if callable(value):
                return True
            continue
        wanted = origin or one
        if wanted is Literal:
            continue
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            return True
        if isinstance(wanted, type):
            protocol = getattr(wanted, "_is_protocol", False)
            if protocol or (
                isinstance(value, wanted) and (wanted is bool) == isinstance(value, bool)
            ):
                return True
    return False


def _words(kind: Any, bounds: Range | None) -> str:
    names = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "text",
        type(None): "none",
    }
    words = []
    for one in _kinds(kind):
        if get_origin(one) is Literal:
            words.append(" or ".join(map(str, get_args(one))))
        elif get_origin(one) is Callable:
            words.append("a function")
        elif one in (int, float) and bounds is not None:
            words.append(f"{names[one]} {bounds}")
        else:
            words.append(names.get(one, getattr(one, "__name__", str(one))))
    return " or ".join(words)


def _read(kind: Any, text: str) -> Any:
    if get_origin(kind) is Literal:
        return next((choice for choice in get_args(kind) if str(choice) == text), None)
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower())
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            return None
    return text if kind is str else None


def _shown(value: Any) -> str:
    return getattr(value, "__qualname__", None) or stable(value)
