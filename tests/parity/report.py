"""What every parity test counted, printed after the tests and before the closing line."""

from typing import Any

HEADING = "parity with plain transformers: equal, proved tie, violation"


def note(record_property: Any, what: str, tally: object) -> None:
    """Put a tally into the test's report."""
    record_property("parity", f"{what}: {tally}")


def show(terminalreporter: Any) -> None:
    """Write every tally noted, from whichever process ran its test."""
    lines = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "parity" and report.when == "call"
    ]
    if lines:
        terminalreporter.write_sep("-", HEADING)
        for line in sorted(lines):
            terminalreporter.write_line(line)
