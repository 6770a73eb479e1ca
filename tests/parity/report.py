"""What the parity tests counted, printed after the tests and before the closing line."""

from collections import Counter
from typing import Any

from tests.parity.ties import Tally


def note(record_property: Any, what: str, tally: Tally) -> None:
    """Put a tally into the test's report; what stands before the first comma is summed over."""
    record_property("parity", [what, tally.equal, tally.tie, len(tally.violations)])


def show(terminalreporter: Any) -> None:
    """Write the sums, from whichever process ran a test, and by name whatever was not equal."""
    totals: dict[str, Counter[str]] = {}
    apart = []
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "parity" and report.when == "call":
                    what, equal, tie, violation = value
                    counts = {"equal": equal, "tie": tie, "violation": violation}
                    totals.setdefault(what.partition(",")[0], Counter()).update(counts)
                    if tie or violation:
                        apart.append(f"  {what}: {counts}")
    if totals:
        terminalreporter.write_sep("-", "parity with plain transformers")
    for what, counts in sorted(totals.items()):
        words = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        terminalreporter.write_line(f"{what}: {words}")
    for line in sorted(apart):
        terminalreporter.write_line(line)
