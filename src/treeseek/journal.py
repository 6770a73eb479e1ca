"""Where replies are kept, so that a killed run can be resumed: a contract, and one in memory.

A record knows its request again by a short name of what was asked.
"""

import hashlib
from copy import deepcopy
from dataclasses import fields
from typing import Any, Protocol

from treeseek.requests import How, Node, Request, stable


class Journal(Protocol):
    """Stores replies under (place of the search, barrier, index)."""

    def get(self, place: tuple[Any, ...], barrier: int, index: int) -> dict[str, Any] | None:
        """The record, None if there is none."""
        ...

    def put(self, place: tuple[Any, ...], barrier: int, index: int, record: dict[str, Any]) -> None:
        """Store `record`; a later put of the same place is never made."""
        ...


class MemoryJournal(dict[tuple[Any, ...], dict[str, Any]]):
    """A journal that lives as long as the process: a dict of plain records."""

    def get(self, place: Any, barrier: int = 0, index: int = 0) -> Any:  # type: ignore[override]
        """The record, None if there is none."""
        return deepcopy(super().get((*place, barrier, index)))

    def put(self, place: tuple[Any, ...], barrier: int, index: int, record: dict[str, Any]) -> None:
        """Store `record`."""
        self[(*place, barrier, index)] = deepcopy(record)


def digest(request: Request, name: Any) -> str:
    """Short hash of what was asked, the same in every process.

    `name(node)` gives a node's 128-bit name; handles never enter.
    """
    parts: list[Any] = [type(request).__name__]
    for f in fields(request):
        value = getattr(request, f.name)
        if isinstance(value, Node):
            parts.append(name(value))
        elif isinstance(value, How):
            parts.append(value.key())
        elif f.name == "nodes":
            parts.append([name(node) for node in value])
        elif f.name == "spawns":
            parts.append([digest(spawn, name) for spawn in value])
        elif hasattr(value, "version"):
            parts.append((value.name, value.version))
        else:
            parts.append(repr(value) if isinstance(value, str) else stable(value))
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()
