"""Recipes: a TOML file that mirrors the flags of a verb, and what a dry run says.

A recipe's keys are the verb's arguments and long flags without their dashes, and `options`, a table
for `-o`; a `verb` key, where there is one, must name the verb. Unknown keys are errors, and what is
on the command line wins. A dry run prints the resolved recipe, with every default spelled out and
the estimated cost in comments, so that what it prints is itself a recipe of the same run.
"""

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from treeseek.cli.output import as_text
from treeseek.errors import InvalidOption

_KEPT = "treeseek.recipe.options"
_SILENT = frozenset({"config", "help", "dry_run"})


def recipe_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--config`."""
    return click.option(
        "--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
        is_eager=True, expose_value=False, callback=_load,
        help="A recipe: TOML whose keys are these flags; the command line wins.",
    )(function)  # fmt: skip


def dry_run_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--dry-run`."""
    return click.option(
        "--dry-run", is_flag=True,
        help="Print the resolved recipe and what it may cost at most; run nothing.",
    )(function)  # fmt: skip


def merged(ctx: click.Context, option: click.Parameter, given: Sequence[str]) -> tuple[str, ...]:
    """Callback of `-o`: those of the command line, and the recipe's that they do not name."""
    kept: Mapping[str, str] = ctx.meta.get(_KEPT, {})
    named = {text.partition("=")[0].strip().replace("-", "_") for text in given}
    return (*(f"{name}={text}" for name, text in kept.items() if name not in named), *given)


def _load(ctx: click.Context, option: click.Parameter, path: Path | None) -> None:
    if path is None:
        return
    try:
        recipe = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidOption(f"{path} is no TOML that can be read: {error}.") from error
    verb = recipe.pop("verb", ctx.info_name)
    if verb != ctx.info_name:
        raise InvalidOption(f"{path} is a recipe for {verb}: run treeseek {verb} --config {path}.")
    known = {_key(one): one for one in ctx.command.params if one.name not in _SILENT}
    takes_options = "o" in known
    known.pop("o", None)
    options = recipe.pop("options", None) if takes_options else None
    if options is not None:
        ctx.meta[_KEPT] = dict(_flat(path, options))
    defaults: dict[str, Any] = {}
    for key, value in recipe.items():
        param = known.get(key.replace("_", "-"))
        if param is None or param.name is None:
            listed = ", ".join([*known, *(["options"] if takes_options else [])])
            raise InvalidOption(f"{path}: unknown key {key!r}; the keys of {verb} are: {listed}.")
        defaults[param.name] = _value(path, key, value, param)
    ctx.default_map = defaults


def _key(param: click.Parameter) -> str:
    """The name of a parameter in a recipe."""
    if isinstance(param, click.Argument):
        return (param.name or "").replace("_", "-")
    return max(param.opts, key=len).lstrip("-")


def _value(path: Path, key: str, value: Any, param: click.Parameter) -> Any:
    if isinstance(value, dict):
        raise InvalidOption(f"{path}: {key} is a table: write one value or a list.")
    many = param.nargs == -1 or getattr(param, "multiple", False)
    if many:
        return [str(one) for one in (value if isinstance(value, list) else [value])]
    return ",".join(map(str, value)) if isinstance(value, list) else value


def _flat(path: Path, options: Any, before: str = "") -> list[tuple[str, str]]:
    """The table of options as the names and texts that `-o` takes."""
    if not isinstance(options, dict):
        raise InvalidOption(f"{path}: options is a table: write [options] and name = value.")
    found: list[tuple[str, str]] = []
    for key, value in options.items():
        name = before + key.replace("-", "_")
        if isinstance(value, dict):
            found += _flat(path, value, f"{name}.")
        elif isinstance(value, list):
            raise InvalidOption(f"{path}: {name} is a list: an option takes one value.")
        else:
            found.append((name, json.dumps(value) if isinstance(value, bool) else str(value)))
    return found


def show(
    verb: str, values: Mapping[str, Any], estimate: Mapping[str, Any], *, as_json: bool
) -> None:
    """Print the resolved recipe and, in comments, the estimate; one object under `--json`.

    What is None or empty is what the verb takes without the key, and is left out.
    """
    order = [param.name for param in click.get_current_context().command.params]
    kept: dict[str, Any] = {"verb": verb}
    for name in sorted(values, key=order.index):
        if _said(values[name]):
            kept[name.replace("_", "-")] = values[name]
    if as_json:
        click.echo(as_text({"recipe": kept, "estimate": dict(estimate)}))
        return
    for name, value in kept.items():
        click.echo(f"{name} = {_toml(value)}")
    for name, value in estimate.items():
        number = f"{value:,}" if isinstance(value, int) else value
        click.echo(f"# {name.replace('_', ' ')}: {number}")


def _said(value: Any) -> bool:
    return value is not None and value != () and value != []


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
