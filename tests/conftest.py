"""Where shared inputs are, and a count, by name, of what was skipped for want of them."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.parity.report import show

SHARED = Path(os.environ.get("TREESEEK_SHARED", Path(__file__).parents[1] / "../shared"))

# Other work shares the machine: an example may take its time, a test may not (pytest's timeout).
settings.register_profile("treeseek", deadline=None, print_blob=True)
settings.load_profile("treeseek")


@pytest.fixture
def shared() -> Callable[[str], Path]:
    """The path of a shared input by its name, such as "models/stories260K"; skips without it."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"needs {name} under TREESEEK_SHARED")
        return path

    return find


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter,
) -> Iterator[None]:
    yield
    missing = Counter[str]()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if "TREESEEK_SHARED" in reason:
            missing[reason.removeprefix("Skipped: ")] += 1
    for reason, count in sorted(missing.items()):
        terminalreporter.write_line(f"{count} skipped: {reason}")
    show(terminalreporter)
