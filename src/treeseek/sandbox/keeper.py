"""The process that starts and watches a process held by sandlock.

It stands between, because sandlock supervises with threads of its own and forks, and a process that
computes with a model should do neither. It passes its standard streams on and does nothing else.
"""

import ctypes
import json
import os
import signal
import sys
from importlib import import_module

_SET_DEATH_SIGNAL = 1


def main() -> int:
    """Hold the command of the settings until it ends; its status."""
    settings = json.loads(sys.argv[1])
    if settings["package"] not in sys.path:
        sys.path.append(settings["package"])
    sandlock = import_module("sandlock")
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        return 1
    folder = settings["writable"][0]
    held = sandlock.Sandbox(
        fs_readable=settings["readable"],
        fs_writable=settings["writable"],
        env=settings["environment"],
        clean_env=True,
        cwd=folder,
    )
    process = held.popen(settings["command"])
    signal.signal(signal.SIGTERM, lambda *_: process.kill())
    return int(process.wait().exit_code)


if __name__ == "__main__":
    sys.exit(main())
