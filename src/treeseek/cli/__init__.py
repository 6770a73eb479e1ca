"""The command line: one file a verb, and the few nouns that the verbs share.

This room believes that standard output belongs to the answer and standard error to everything
else, that an exit code is part of the answer, and that no user ever sees a traceback. It holds no
search logic: a verb reads words, calls the front door, and prints. Nothing imports it.
"""

import signal
import sys

__all__ = ["main"]


def main() -> None:
    """Entry point of the `treeseek` command; leaves by sys.exit with the code of the verb.

    Codes: 0 ok, 1 failed, 2 wrong usage, 3 budget spent before one token, 130 interrupted.
    """
    if sys.version_info < (3, 11):  # noqa: UP036
        version = ".".join(map(str, sys.version_info[:3]))
        sys.stderr.write("treeseek: Python 3.11 or newer is needed, this is %s\n" % version)  # noqa: UP031
        sys.exit(1)
    try:
        from treeseek.cli.verbs import treeseek
    except KeyboardInterrupt:
        sys.exit(130)
    except ImportError as error:
        sys.stderr.write(f"treeseek: {error}: install it again with pip install treeseek\n")
        sys.exit(1)
    try:
        treeseek.main(prog_name="treeseek")
    finally:  # what is left is leaving: an impatient finger must not make that a traceback
        signal.signal(signal.SIGINT, signal.SIG_IGN)
