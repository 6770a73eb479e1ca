"""What leaves a verb beside plain text: strict JSON, and the file of a picture."""

import json
import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from treeseek.errors import OutputError


def output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--html`, refused at once where its folder is not there, `--json` and `-q`."""
    for option in (
        click.option("-q", "--quiet", is_flag=True, help="Nothing but answers and errors."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        click.option(
            "--html", type=click.Path(path_type=Path, dir_okay=False), callback=checked,
            help="Draw the grown tree into this file; only the SVG if it ends in .svg.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def checked(ctx: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """Callback of an option that names a file: refused where its folder is not there."""
    if path is not None and not path.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {str(path.parent)!r}: make it first")
    return path


def as_text(value: Any) -> str:
    """`value` as one line of strict JSON; a number that is not finite becomes null."""
    return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def save(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all; a device is written as it is."""
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}): choose another file; the search is "
            "done and its answer was printed"
        ) from error
