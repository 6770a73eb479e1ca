"""Names at the edge: from what a user types to the object, imported when it is asked for.

The command line looks things up here; code imports what it means. Other packages add names by the
entry-point group "treeseek", each called after its kind and its name: "strategies.my-search".
"""

from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from treeseek.errors import UnknownName

GROUP = "treeseek"

_OWN = {
    "strategies": {
        "adadec": "treeseek.strategies:adadec",
        "beam": "treeseek.strategies:beam",
        "best-first": "treeseek.strategies:best_first",
        "best-of-n": "treeseek.strategies:best_of_n",
        "diverse-beam": "treeseek.strategies:diverse_beam",
        "greedy": "treeseek.strategies:greedy",
        "puct": "treeseek.strategies:puct",
        "sample": "treeseek.strategies:sample",
        "stochastic-beam": "treeseek.strategies:stochastic_beam",
    },
    "tasks": {
        "arithmetic": "treeseek.tasks.arithmetic:Arithmetic",
        "countdown": "treeseek.tasks.countdown:Countdown",
        "lists": "treeseek.tasks.lists:Lists",
        "strings": "treeseek.tasks.strings:Strings",
        "sudoku": "treeseek.tasks.sudoku:Sudoku",
    },
}
"""By kind: where each name lives, as module:attribute."""


@lru_cache(maxsize=1)
def _declared() -> dict[str, dict[str, str]]:
    """What installed packages declare, by kind; our own names are never replaced."""
    found: dict[str, dict[str, str]] = {}
    for point in entry_points(group=GROUP):
        kind, _, name = point.name.partition(".")
        found.setdefault(kind, {})[name] = point.value
    for kind, own in _OWN.items():
        found[kind] = {**found.get(kind, {}), **own}
    return found


def names(kind: str) -> list[str]:
    """Every name of `kind`, sorted; raises UnknownName for a kind nobody declares."""
    return sorted(_kind(kind))


def find(kind: str, name: str) -> Any:
    """The object of `kind` called `name`, imported now.

    Raises UnknownName, with the nearest names, for one nobody declares, and for one that is
    declared but cannot be imported.
    """
    known = _kind(kind)
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.5) or sorted(known)
        raise UnknownName(f"No {name!r} among the {kind}: did you mean {', '.join(near)}?")
    module, _, attribute = known[name].partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UnknownName(
            f"{name!r} is declared as {known[name]}, which cannot be imported ({error}): "
            "reinstall or remove the package that declares it."
        ) from error


def _kind(kind: str) -> dict[str, str]:
    declared = _declared()
    if kind not in declared:
        raise UnknownName(f"No kind {kind!r}: choose from {', '.join(sorted(declared))}.")
    return declared[kind]
