"""What a figure was measured on: processor, versions, threads, date."""

import datetime
import platform
from importlib.metadata import version
from pathlib import Path


def machine(threads: int) -> dict[str, str]:
    """Plain facts to print beside every table."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        if names:
            cpu = f"{len(names)} x {names[0].partition(':')[2].strip()}"
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": cpu,
        "python": platform.python_version(),
        "torch": version("torch"),
        "transformers": version("transformers"),
        "threads": str(threads),
    }
