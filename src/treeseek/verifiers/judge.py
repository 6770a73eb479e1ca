"""The program of a worker that judges symbolic answers: pairs come in, verdicts go out.

Run as `python -m treeseek.verifiers.judge`, it reads one JSON list [true answer, stated answer,
whole text, seconds] a line and writes one JSON object. This file believes that algebra on untrusted
text may take for ever or all memory: the worker ends itself when its time is over, should nobody
else do it, and its address space is limited. It does not believe that it can always answer.
"""

import contextlib
import json
import resource
import signal
import sys
from importlib import import_module
from typing import Any

MEMORY = 2 << 30
"""Bytes of address space."""


def main() -> int:
    """Answer lines until the input ends."""
    heard, said = sys.stdin, sys.stdout
    sys.stdout = sys.stderr  # what a library prints is not an answer
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    equal("1", "2", "2")  # loading the library is not taken from the first answer's seconds

    print("ready", file=said, flush=True)
    for line in heard:
        gold, stated, text, seconds = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, 2 * seconds + 1)
        try:
            found: dict[str, Any] = {"equal": equal(gold, stated, text)}
        except Exception as error:
            found = {"equal": False, "fault": f"{type(error).__name__}: {error}"[:200]}
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(json.dumps(found), file=said, flush=True)
    return 0


def equal(gold: str, stated: str, text: str) -> bool:
    """Whether an answer means what the true one does; the library's own timeouts are off."""
    library = import_module("math_verify")  # it has no types
    true = library.parse(rf"\boxed{{{gold}}}", parsing_timeout=None)
    for said in (rf"\boxed{{{stated}}}", text):
        given = library.parse(said, parsing_timeout=None)
        if given and true:
            return bool(library.verify(true, given, timeout_seconds=None))
    return False


if __name__ == "__main__":
    sys.exit(main())
