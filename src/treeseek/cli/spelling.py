"""Configured things in words: `beam(width=4)`, several with commas between, and `-o name=value`.

What a user types and what a recipe or a dry run prints are the same words, read by the one reader
here. A text that holds a comma, a bracket or a quote is written in double quotes, as in JSON.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, get_origin

from treeseek import registry
from treeseek.declare import Strategy, StrategyFactory
from treeseek.errors import InvalidOption
from treeseek.loading import shared
from treeseek.options import Option, kinds
from treeseek.requests import How

_WORDS = (str, int, float, type(None))
_SAID = (str, int, float, bool, Any)
_PLAIN = re.compile(r"[\w.+:/~@%-]+")
_WORD = re.compile(r"\s*([A-Za-z][\w.-]*)\s*(?:\((.*)\))?\s*", re.DOTALL)


class Factory(Protocol):
    """What makes a configured thing of options by name."""

    def __call__(self, **options: Any) -> Any:
        """The configured thing."""
        ...


def split(text: str) -> list[str]:
    """`text` cut at its commas outside brackets and quotes; raises InvalidOption where one is open.

    Empty parts are left out.
    """
    parts, depth, quoted, begin = [], 0, False, 0
    skip = False
    for at, sign in enumerate(text):
        if skip:
            skip = False
        elif quoted:
            skip, quoted = sign == "\\", sign != '"'
        elif sign == '"':
            quoted = True
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign == "," and depth == 0:
            parts.append(text[begin:at])
            begin = at + 1
        if depth < 0:
            break
    if depth or quoted:
        raise InvalidOption(f"{text}: a bracket or a quote is open: write name(option=value).")
    return [part.strip() for part in [*parts, text[begin:]] if part.strip()]


def read(text: str) -> tuple[str, dict[str, str]]:
    """The name and the option texts of `name(option=value, ...)`; raises InvalidOption."""
    match = _WORD.fullmatch(text)
    if match is None:
        raise InvalidOption(f"{text!r}: write a name, or name(option=value, option=value).")
    return match[1], dict(map(assignment, split(match[2] or "")))


def assignment(text: str) -> tuple[str, str]:
    """The name (with underscores) and the value of `name=value`; raises InvalidOption."""
    name, equals, value = text.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or not name:
        raise InvalidOption(f"-o {text}: write an option as name=value.")
    value = value.strip()
    if value.startswith('"'):
        try:
            return name, str(json.loads(value))
        except ValueError as error:
            raise InvalidOption(f"{text}: the quoted value is no JSON text ({error}).") from None
    return name, value


def made(name: str, factory: Factory, known: Mapping[str, Option], given: Mapping[str, str]) -> Any:
    """What `factory` makes of the texts `given`; raises InvalidOption for one unknown or unfit."""
    options: dict[str, Any] = {}
    for key, text in given.items():
        if key not in known:
            listed = ", ".join(known) or "none"
            raise InvalidOption(f"{name} has no option {key!r}; its options are: {listed}.")
        options[key] = _parsed(name, known[key], text)
    return factory(**options)


def _parsed(name: str, option: Option, text: str) -> Any:
    """The value that `text` gives to an option; raises InvalidOption where no words can."""
    if Strategy in kinds(option.kind):
        return strategy_of(text)
    if Sequence[Strategy] in kinds(option.kind):
        return tuple(map(strategy_of, split(text)))
    if How in kinds(option.kind):
        if text.lower() != "none":
            return How(model=shared(text))
        return None if type(None) in kinds(option.kind) else How()
    said = any(one in _SAID or get_origin(one) is Literal for one in kinds(option.kind))
    if not said and text.lower() != "none":
        raise InvalidOption(
            f"{name}: no words can give {option.name}, which is {option.wanted()}: set it from "
            "Python, or leave it out."
        )
    return option.parse(name, text)


def strategy_of(words: str) -> Strategy:
    """The strategy in words, as in `beam(width=4)`; raises UnknownName, InvalidOption."""
    name, given = read(words)
    kind: StrategyFactory = registry.find("strategies", name)
    found: Strategy = made(kind.name, kind, kind.options, given)
    return found


def spelled(name: str, options: Mapping[str, Any]) -> str:
    """A configured thing in words that `read` understands; what no words give is left out."""
    words = {key: _told(value) for key, value in options.items()}
    shown = ", ".join(
        f"{key}={_value(value)}" for key, value in words.items() if isinstance(value, _WORDS)
    )
    return f"{name}({shown})" if shown else name


def _told(value: Any) -> Any:
    """Strategies in words, a law by its model; anything else as it is."""
    if isinstance(value, How):
        return None if value.model is None else value.model.name
    several = [value] if isinstance(value, Strategy) else value
    if not isinstance(several, list | tuple) or not several:
        return value
    if not all(isinstance(one, Strategy) for one in several):
        return value
    return ", ".join(spelled(one.name, one.options) for one in several)


def _value(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def routed(
    given: Sequence[str], owners: Sequence[tuple[str, str, Mapping[str, Option]]]
) -> list[dict[str, str]]:
    """Which of `owners` each of the `-o` texts `given` belongs to: option texts for each owner.

    An owner is (kind, name, its options), the kind "task" or "strategy". A bare name goes to
    whoever has it; `task.name`, `strategy.name` and `beam.name` say whom. Raises InvalidOption
    where nobody has it, or where a task and a strategy both do.
    """
    found: list[dict[str, str]] = [{} for _ in owners]
    for text in given:
        path, value = assignment(text)
        whom, _, name = path.rpartition(".")
        places = [
            place
            for place, (kind, own, options) in enumerate(owners)
            if name in options and whom in ("", kind, own.replace("-", "_"))
        ]
        kinds = {owners[place][0] for place in places}
        if not places:
            raise InvalidOption(_unknown(text, whom, name, owners))
        if len(kinds) > 1:
            raise InvalidOption(
                f"-o {text}: the task and the strategy both have {name!r}: write task.{name}= or "
                f"strategy.{name}=."
            )
        for place in places:
            found[place][name] = value
    return found


def _unknown(
    text: str, whom: str, name: str, owners: Sequence[tuple[str, str, Mapping[str, Option]]]
) -> str:
    known = {own: ", ".join(options) or "none" for _, own, options in owners}
    if whom and whom not in ("task", "strategy", *(own.replace("-", "_") for own in known)):
        return f"-o {text}: nothing here is called {whom!r}: write {' or '.join(known)}."
    if len(known) == 1:
        ((own, listed),) = known.items()
        return f"{own} has no option {name!r}; its options are: {listed}."
    listed = "; ".join(f"{own}: {options}" for own, options in known.items())
    return f"No option {name!r} in what is named here; options are: {listed}."
