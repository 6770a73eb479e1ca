"""`treeseek cite`: the BibTeX of the methods a run used."""

import json
from pathlib import Path

import click

from treeseek.cli.choice import factory
from treeseek.cli.recipe import recipe_options
from treeseek.errors import InvalidOption
from treeseek.references import cite as bibtex


@click.command()
@click.argument("sources", nargs=-1, metavar="[RUN.json | KEY]...")
@click.option("-s", "--strategy", multiple=True, metavar="NAME", help="What a strategy rests on.")
@recipe_options
def cite(sources: tuple[str, ...], strategy: tuple[str, ...]) -> None:
    """Print the BibTeX of what a run used.

    RUN.json is what `treeseek run --json` printed, `-` the same on standard input; KEY is a key of
    a reference, as docstrings name it.

    \b
    Examples:
      treeseek run "The cat" -s beam --json > run.json && treeseek cite run.json
      treeseek cite -s stochastic-beam
    """
    if not sources and not strategy:
        raise click.UsageError("name a RUN.json, a key, or a strategy with -s")
    keys: list[str] = []
    for source in sources:
        if source == "-" or source.endswith(".json") or Path(source).is_file():
            keys += _keys_of(source)
        else:
            keys.append(source)
    for name in strategy:
        keys += factory(name).references
    if not keys:
        click.echo("treeseek: nothing to cite: no published method was used", err=True)
        return
    click.echo(bibtex(list(dict.fromkeys(keys))))


def _keys_of(source: str) -> list[str]:
    remedy = "give what `treeseek run --json` printed."
    try:
        with click.open_file(source, encoding="utf-8") as file:
            record = json.load(file)
    except OSError as error:
        raise InvalidOption(f"{source} cannot be read ({error.strerror}): {remedy}") from error
    except ValueError as error:
        raise InvalidOption(f"{source} is no JSON ({error}): {remedy}") from error
    keys = record.get("references") if isinstance(record, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise InvalidOption(f"{source} holds no list of references: {remedy}")
    return keys
