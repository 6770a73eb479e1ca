"""Names that say nothing and left-overs are found, wherever they stand."""

import pytest

from tools import names


def test_the_project_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert names.main() == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/treeseek/utils.py", ""),
        ("src/treeseek/helpers/text.py", ""),
        ("src/treeseek/tree.py", "class AbstractTree: ..."),
        ("src/treeseek/tree.py", "class _TreeBase: ..."),
        ("src/treeseek/tree.py", "def grow():\n    class SlotManager: ..."),
        ("src/treeseek/tree.py", "# TODO: grow"),
        ("src/treeseek/tree.py", "folder = '/home/me/models'"),
    ],
)
def test_each_fault_is_found_once(path: str, text: str) -> None:
    assert len(list(names.faults(path, text))) == 1


def test_honest_names_pass() -> None:
    text = "class Based: ...\nclass Manages: ...\nbase = 2  # the base of the logarithm\n"
    assert list(names.faults("src/treeseek/database.py", text)) == []
