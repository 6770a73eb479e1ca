"""The papers behind the methods, by key: what `treeseek cite` prints.

Every `Reference: key` of a docstring and every key of a strategy has its entry in references.bib,
where an empty line ends an entry. Entries are our own; a field we were not sure of is left out
rather than guessed.
"""

from collections.abc import Iterable
from importlib.resources import files

from treeseek.errors import UnknownName

_TEXT = files("treeseek").joinpath("references.bib").read_text(encoding="utf-8")

REFERENCES: dict[str, str] = {
    entry.split("{", 1)[1].split(",", 1)[0]: entry.strip() for entry in _TEXT.strip().split("\n\n")
}
"""BibTeX by key."""


def cite(keys: Iterable[str]) -> str:
    """BibTeX of `keys`, each once, in the order given; an empty string for none.

    Raises UnknownName for a key without an entry.
    """
    wanted = dict.fromkeys(keys)
    for key in wanted:
        if key not in REFERENCES:
            raise UnknownName(
                f"No reference {key!r}: the keys are {', '.join(sorted(REFERENCES))}."
            )
    return "\n\n".join(REFERENCES[key] for key in wanted)
