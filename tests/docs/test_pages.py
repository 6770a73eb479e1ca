"""Every block of the README and of docs/ runs, and what is said to be printed is printed."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from tests.docs.pages import LANGUAGES, PAGES, ROOT, Command, appears, blocks, commands

BIN = Path(sys.executable).parent
NAMES = [page.name for page in PAGES]


@pytest.fixture(scope="module")
def shell() -> dict[str, str]:
    """The environment of a user who has activated the virtual environment."""
    if not (BIN / "treeseek").is_file():
        pytest.fail("the treeseek command is not installed: make test installs it")
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1", "OMP_NUM_THREADS": "1"}


def run(line: str, folder: Path, shell: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=folder, env=shell, text=True, timeout=240, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_python_blocks_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One namespace a page, top to bottom; a `#> text` comment after a print is what it prints."""
    monkeypatch.chdir(tmp_path)
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)
    for block in blocks(page, "python"):
        capsys.readouterr()
        exec(compile(block.code(), str(page), "exec"), module.__dict__)
        printed = capsys.readouterr().out
        for shown in re.findall(r"^\s*#> (.*)$", block.text, re.MULTILINE):
            assert appears(shown, printed), f"{block.where} shows {shown!r}, printed: {printed}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_run(page: Path, tmp_path: Path, shell: dict[str, str]) -> None:
    """A treeseek command leaves with 0 and prints the lines shown below it."""
    for block in blocks(page, "console", "bash"):
        for command in commands(block):
            if re.match(r"(make|pip|python3?)\b", command.line):
                check_install(command)
                continue
            assert re.search(r"(^|\| )treeseek\b", command.line), f"{command.where}: not ours"
            done = run(command.line, tmp_path, shell)
            assert done.returncode == 0, f"{command.where}: {command.line}\n{done.stdout}"
            for shown in command.shown:
                assert appears(shown, done.stdout), (
                    f"{command.where} shows {shown!r}, {command.line!r} printed:\n{done.stdout}"
                )


def check_install(command: Command) -> None:
    """make names a target, pip an extra that there is."""
    words = command.line.split()
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        variables = re.findall(r"^([A-Z]+) \?=", (ROOT / "Makefile").read_text(), re.MULTILINE)
        for word in words[1:]:
            name, equals, _ = word.partition("=")
            assert name in (variables if equals else targets), (
                f"{command.where}: make has no {name}"
            )
        return
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for extra in re.findall(r"\[([a-z,]+)\]", command.line):
        for name in extra.split(","):
            assert name in project["optional-dependencies"], f"{command.where}: no extra {name}"
    for _, name in re.findall(r"(-c|-r) (\S+)", command.line):
        assert (ROOT / name).is_file(), f"{command.where}: there is no {name}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_nothing_escapes(page: Path) -> None:
    """Every block has a language of which it is known what happens to it."""
    text = page.read_text(encoding="utf-8")
    assert text.count("\n```") % 2 == 0
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{block.where}: {block.language!r}"
        if block.language == "text":
            assert not re.search(r"^(\$ |import |from )", block.text, re.MULTILINE), block.where


def test_what_is_shown_is_compared() -> None:
    """The comparison can fail: it forgives numbers and dots, not words."""
    printed = "treeseek: beam on toy: 12 tokens charged, 0.31 s\n"
    assert appears("treeseek: beam on toy: 9 tokens charged, 1.5 s", printed)
    assert appears("treeseek: beam ... charged", printed)
    assert not appears("treeseek: greedy on toy: 12 tokens charged", printed)
    assert not appears("beam ... spent", printed)
    assert shutil.which("bash")
