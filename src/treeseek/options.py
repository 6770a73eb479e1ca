"""Options: what a keyword takes, its range, and the words for it.

Strategies and tasks are configured by keyword, checked before anything runs and read from a
command line; what each takes is said once, in the annotations of its parameters.
"""

import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from treeseek.errors import InvalidOption


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
    """One option of a strategy or a task as help texts and the command line see it."""

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
        for kind in kinds(self.kind):
            value = _read(kind, text)
            if value is not None or (kind is type(None) and text.lower() == "none"):
                self.check(strategy, value)
                return value
        raise InvalidOption(f"{strategy}: -o {self.name}={text} is not {self.wanted()}.")


def options_of(function: Callable[..., Any], *, skip: int = 0) -> dict[str, Option]:
    """Options by name, from the annotated parameters of `function` but for the first `skip`."""
    hints = get_type_hints(function, include_extras=True)
    options = {}
    for name, parameter in list(inspect.signature(function).parameters.items())[skip:]:
        kind: Any = hints.get(name, Any)
        notes: list[Any] = []
        if get_origin(kind) is Annotated:
            kind, *notes = get_args(kind)
        bounds = next((note for note in notes if isinstance(note, Range)), None)
        about = next((note for note in notes if isinstance(note, str)), "")
        options[name] = Option(name, kind, parameter.default, bounds, about)
    return options


def checked(owner: str, known: Mapping[str, Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """All options with their values; raises InvalidOption for one unknown, unfit or missing."""
    for name, value in given.items():
        if name not in known:
            listed = ", ".join(known) or "none"
            raise InvalidOption(f"{owner} has no option {name!r}; its options are: {listed}.")
        known[name].check(owner, value)
    values = {name: given.get(name, option.default) for name, option in known.items()}
    missing = [name for name, value in values.items() if value is inspect.Parameter.empty]
    if missing:
        raise InvalidOption(f"{owner} needs {', '.join(missing)}.")
    return values


def validate(owner: Any) -> None:
    """Raise InvalidOption unless the fields of the dataclass `owner` are what they may be."""
    for name, option in options_of(type(owner)).items():
        option.check(owner.name, getattr(owner, name))


def kinds(kind: Any) -> tuple[Any, ...]:
    """The kinds that a union is of; the one itself where it is none."""
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def _is_a(value: Any, kind: Any) -> bool:
    for one in kinds(kind):
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
    for one in kinds(kind):
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
    return text if kind in (str, Any) else None
