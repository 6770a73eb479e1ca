"""From whatever went wrong to one line and an exit code.

An error of ours says what to do; anything else is a defect and asks to be reported. The traceback
is printed under TREESEEK_DEBUG=1 only. A reader that closed the pipe is no error worth a word.
"""

import os
import sys
import traceback

import click

from treeseek.errors import InvalidOption, OutputError, TreeseekError

FAILED, USAGE, UNFED, INTERRUPTED = 1, 2, 3, 130


def explain(error: BaseException) -> tuple[str, int]:
    """The line a user reads ("" for none) and the exit code."""
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return "interrupted", INTERRUPTED
    pipe = error.__cause__ if isinstance(error, OutputError) else error
    if isinstance(pipe, BrokenPipeError):
        return "", FAILED
    if isinstance(error, InvalidOption):
        return str(error), USAGE
    if isinstance(error, TreeseekError):
        return str(error), FAILED
    if isinstance(error, MemoryError):
        return "out of memory: choose a smaller model, --limit, or strategy width", FAILED
    kind = type(error).__name__
    return (
        f"a defect of treeseek, please report it with the command you ran: {kind}: {error} "
        "(TREESEEK_DEBUG=1 shows where)",
        FAILED,
    )


def report(error: BaseException) -> int:
    """Print the line for `error` on standard error; the exit code."""
    line, code = explain(error)
    if os.environ.get("TREESEEK_DEBUG") == "1":
        traceback.print_exception(error)
    if line:
        say(line)
    return code


def say(line: str) -> None:
    """One line on standard error, headed by our name."""
    click.echo("treeseek: " + " ".join(line.split()), err=True)


def release() -> None:
    """Flush standard output; where nobody takes it, let the interpreter leave without a word."""
    try:
        sys.stdout.flush()
    except OSError as error:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        raise OutputError(f"standard output cannot be written: {error.strerror}") from error
