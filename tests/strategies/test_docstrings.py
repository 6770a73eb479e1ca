"""What the docstring of every strategy says, for it is the help of the command line as well."""

import inspect
import re
from typing import Any

import pytest

from treeseek import registry

NAMES = [(kind, name) for kind in ("strategies", "allocators") for name in registry.names(kind)]
PLAIN = {"greedy", "sample"}
"""What everything else is compared with: they follow no paper, and say whom to ask instead."""


def lacking(made: Any) -> list[str]:
    """What the docstring of `made` does not say."""
    text = inspect.getdoc(made) or ""
    flat = " ".join(text.split())
    wanted = {
        "what it is, in a line": bool(re.match(r"[^\n]+\.\n\n", text)),
        "three to ten lines": 3 <= len(text.splitlines()) <= 10,
        "its cost": "Cost: " in flat,
    }
    if made.name not in PLAIN:
        keys = ", ".join(made.references)
        wanted |= {
            "when it loses": bool(re.search(r"\bloses?\b", flat)),
            "how it deviates": bool(re.search(r"\. Deviations?: [^.]+", flat)),
            "its references": bool(keys) and flat.endswith(f". Reference: {keys}"),
        }
    return [what for what, said in wanted.items() if not said]


@pytest.mark.parametrize(("kind", "name"), NAMES, ids=[name for _, name in NAMES])
def test_a_strategy_says_what_it_is_what_it_costs_and_when_it_loses(kind: str, name: str) -> None:
    assert lacking(registry.find(kind, name)) == []


def test_what_is_missing_is_seen() -> None:
    """The control: each sentence that is taken out of one is missed."""

    class Made:
        name, references = "made", ("best-of-n",)

    def without(*cut: str) -> list[str]:
        text = inspect.getdoc(registry.find("strategies", "best-of-n")) or ""
        for words in cut:
            assert words in text
            text = text.replace(words, "")
        Made.__doc__ = text
        return lacking(Made)

    assert without() == []
    assert without("Cost:") == ["its cost"]
    assert without("loses") == ["when it loses"]
    assert without("Deviation:") == ["how it deviates"]
    assert without("Reference: best-of-n") == ["its references"]
    assert not any(registry.find("strategies", name).references for name in PLAIN)
