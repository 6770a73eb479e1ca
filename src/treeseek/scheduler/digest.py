"""A short name for what was asked, by which a record knows its request again."""

import hashlib
from dataclasses import fields
from typing import Any

from treeseek.requests import How, Node, Request, stable


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
