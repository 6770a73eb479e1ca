"""Names at the edge, and the papers behind them."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from treeseek import references, registry, strategies
from treeseek.declare import StrategyFactory
from treeseek.errors import UnknownName
from treeseek.references import REFERENCES, cite

SOURCE = Path(references.__file__).parent


def test_every_public_strategy_has_its_kebab_case_name_and_no_other() -> None:
    public = {getattr(strategies, name).name for name in strategies.__all__}
    assert public == set(registry.names("strategies"))
    for name in public:
        found = registry.find("strategies", name)
        assert found.name == name == found().name


def test_the_public_list_is_sorted_and_complete() -> None:
    assert strategies.__all__ == sorted(strategies.__all__)
    files = {path.stem for path in (SOURCE / "strategies").glob("*.py")} - {"__init__"}
    # Some files hold what strategies share; a strategy that one of them makes is on the list.
    for file in files:
        module = import_module(f"treeseek.strategies.{file}")
        for part in vars(module).values():
            if isinstance(part, StrategyFactory):
                assert getattr(strategies, part.__name__) is part


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("best_first", "best-first"), ("beem", "beam"), ("divers-beam", "diverse-beam")],
)
def test_an_unknown_name_is_answered_with_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(UnknownName, match=meant):
        registry.find("strategies", typed)


def test_a_name_near_nothing_is_answered_with_all_of_them() -> None:
    with pytest.raises(UnknownName) as caught:
        registry.find("strategies", "zzzz")
    assert all(name in str(caught.value) for name in registry.names("strategies"))
    with pytest.raises(UnknownName, match="strategies"):
        registry.find("strategy", "beam")


def test_other_packages_add_names_but_replace_none(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = [
        EntryPoint("strategies.mine", "treeseek.strategies.greedy:greedy", registry.GROUP),
        EntryPoint("strategies.beam", "treeseek.strategies.greedy:greedy", registry.GROUP),
        EntryPoint("strategies.broken", "treeseek_absent:nothing", registry.GROUP),
        EntryPoint("guests.theirs", "math:sqrt", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: declared)
    registry._declared.cache_clear()
    try:
        assert registry.find("strategies", "mine") is strategies.greedy
        assert registry.find("strategies", "beam") is strategies.beam
        assert registry.names("guests") == ["theirs"]
        with pytest.raises(UnknownName, match="treeseek_absent"):
            registry.find("strategies", "broken")
    finally:
        registry._declared.cache_clear()


def test_listing_names_imports_no_strategy() -> None:
    code = (
        "import sys; from treeseek import registry; registry.names('strategies');"
        "sys.exit('treeseek.strategies' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_cite_gives_each_key_once_in_the_order_asked() -> None:
    text = cite(["puct", "adadec", "puct"])
    assert text.count("@") == 2
    assert text.index("{puct,") < text.index("{adadec,")
    assert cite([]) == ""
    with pytest.raises(UnknownName, match="beam-search"):
        cite(["beam"])


def test_every_entry_is_well_formed() -> None:
    assert list(REFERENCES) == sorted(REFERENCES)
    for key, entry in REFERENCES.items():
        assert re.fullmatch(rf"@[a-z]+{{{key},\n(  .*\n( {{4,}}.*\n)*)+}}", entry), key
        assert entry.count("{") == entry.count("}")
        assert all(re.search(rf"^  {field} = {{", entry, re.M) for field in ("title", "author"))
        assert re.search(r"^  year = {(19|20)\d\d},$", entry, re.M), key


def cited() -> set[str]:
    """Keys behind `Reference:` in the docstrings of the package."""
    keys = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = " ".join((ast.get_docstring(node) or "").split())
                for keys_ in re.findall(r"Reference: ((?:[a-z0-9-]+(?:, )?)+)", text):
                    keys.update(keys_.split(", "))
    return keys - {"key"}


def test_every_docstring_and_strategy_cites_an_entry_and_every_entry_is_cited() -> None:
    used = {key for name in strategies.__all__ for key in getattr(strategies, name).references}
    assert used <= set(REFERENCES)
    assert cited() | used == set(REFERENCES)
