"""The three things a forked child can be: a program, a program that answers calls, and its judge.

A judge reads its test itself, so that no process which runs a program ever held it. It executes the
test against stand-ins for the names that the test uses and does not define: the library's modules
are its own, built-in names as well unless the test says that the program defines them.
"""

import ast
import builtins
import importlib
import io
import linecache
import os
import sys
import threading
import traceback
from types import CodeType
from typing import Any

from treeseek.sandbox.inside.remote import Gone, Line, Raised
from treeseek.sandbox.inside.wire import Closed, receive, send

_LONGEST = 500  # characters of a value shown in the evidence


def run(source: str) -> int:
    """Run a program as `python program.py` would; the status it ends with."""
    status = 0
    try:
        exec(_compiled(source), {"__name__": "__main__"})
    except SystemExit as end:
        if end.code is not None:
            status = end.code if isinstance(end.code, int) else 1
        if status == 1 and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
    except BaseException as error:
        status = 1
        _show(error)
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException as error:
        status = status or 1
        _show(error)
    return status & 0xFF


def _compiled(source: str) -> CodeType:
    """The program, its lines where a traceback looks for them."""
    name = "program.py"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    return compile(source, name, "exec")


def _show(error: BaseException) -> None:
    """The traceback, from the program's own lines on; one that cannot be shown is named."""
    frames = error.__traceback__.tb_next if error.__traceback__ else None
    try:
        traceback.print_exception(type(error), error, frames)
    except BaseException:
        os.write(2, f"{type(error).__name__}\n".encode())


def answer(source: str, *, reads: int, writes: int) -> None:
    """Load a program, then answer the calls of its judge until it is gone."""
    names: dict[str, Any] = {"__name__": "program"}
    try:
        exec(_compiled(source), names)
    except Exception as error:
        send(writes, ["failed", f"{type(error).__name__}: {error}"[:_LONGEST]])
        return

    def named(name: str) -> Any:
        if name not in names:
            raise NameError(f"name {name!r} is not defined")
        return names[name]

    line = Line(reads, writes, verbs=_ALL)
    line.tell(named)
    send(writes, ["loaded", ""])
    line.answer_all()


_ALL = frozenset({"call", "get", "set", "iter", "next", "len", "bool", "item", "in", "str"})
_OF_JUDGE = frozenset({"call", "iter", "next"})


def judge(test: str, own: list[str], *, reads: int, writes: int) -> tuple[str, str]:
    """Execute a test against the program at the other end: (reason, evidence).

    `own` are names that the program defines although they are built in. The reason is "ok" only
    when every line of the test was executed here and the program was still there after it.
    """
    line = Line(reads, writes, verbs=_OF_JUDGE)
    try:
        kind, fault = receive(reads)
    except (Closed, ValueError, TypeError):
        return "gone", "the program ended while it was loaded"
    if kind != "loaded":
        return "error", str(fault)
    sides: list[Any] = []
    try:
        tree = _Sides().visit(ast.parse(test))
        names = {"__name__": "tests", "__sides__": sides}
        names.update(_names(tree, own, line))
        exec(compile(ast.fix_missing_locations(tree), "tests.py", "exec"), names)
    except Gone as end:
        return "gone", str(end)
    except AssertionError as error:
        if line.broken:
            return "gone", line.broken
        said = str(error) or (f"{_brief(sides[0])} against {_brief(sides[1])}" if sides else "")
        return "wrong", said[:_LONGEST] or "an assertion failed"
    except BaseException as error:
        name = "" if isinstance(error, Raised) else f"{type(error).__name__}: "
        return ("gone" if line.broken else "error"), f"{name}{error}"[:_LONGEST]
    return ("gone", line.broken) if line.broken else ("ok", "")


class _Sides(ast.NodeTransformer):
    """Keeps what `assert a == b` compared, for the evidence."""

    def visit_Assert(self, node: ast.Assert) -> Any:
        test = node.test
        if not isinstance(test, ast.Compare) or len(test.ops) != 1 or node.msg is not None:
            return node
        keep = ast.parse("__sides__[:] = [0, 0]").body[0]
        assert isinstance(keep, ast.Assign)
        keep.value = ast.List([test.left, test.comparators[0]], ast.Load())
        left, right = (ast.parse(f"__sides__[{at}]", mode="eval").body for at in (0, 1))
        return [keep, ast.Assert(ast.Compare(left, test.ops, [right]))]


def _names(tree: ast.AST, own: list[str], line: Line) -> dict[str, Any]:
    """What the test uses and does not define: modules of the library, and stand-ins."""
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    defined = {node.id for node in used if not isinstance(node.ctx, ast.Load)} | {
        getattr(node, "name", None) or getattr(node, "arg", None) for node in ast.walk(tree)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.alias):
            defined.add((node.asname or node.name).partition(".")[0])
    ask = line.meet(0, "names")
    found: dict[str, Any] = {}
    for name in dict.fromkeys(node.id for node in used):
        if name in defined or name == "__sides__":
            continue
        if name in own:
            found[name] = ask(name)
        elif name in sys.stdlib_module_names:
            found[name] = importlib.import_module(name)
        elif not hasattr(builtins, name):
            found[name] = ask(name)
    return found


def _brief(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _LONGEST // 2 else shown[: _LONGEST // 2] + "..."


def streams() -> None:
    """Fresh text streams over the descriptors 0, 1 and 2."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        raw = io.FileIO(number, "r" if number == 0 else "w", closefd=False)
        buffer: Any = io.BufferedWriter(raw) if number else io.BufferedReader(raw)
        stream = io.TextIOWrapper(
            buffer, encoding="utf-8", errors="backslashreplace", line_buffering=number == 2
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
