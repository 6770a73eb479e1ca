"""Calling what lives in another process, with data for arguments and data for answers.

The judge of a test holds stand-ins for the functions of the program under test. It trusts no
answer: a stand-in is equal to nothing but itself, whatever the other side says of it. Arguments
that a function changes in place are changed here too. It does not cover classes of the program as
bases, in isinstance() or in except clauses.
"""

import builtins
import operator
from collections.abc import Callable, Iterator
from typing import Any

from treeseek.sandbox.inside.wire import Closed, pack, receive, send, unpack


class Gone(BaseException):
    """The program ended while it was asked for an answer; no test may catch it by Exception."""


class Raised(Exception):
    """The program raised an exception of its own making."""


class StandIn:
    """An object of the other process: it can be called, iterated, indexed and asked for names."""

    def __init__(self, line: "Line", number: int, kind: str) -> None:
        self.__dict__.update(_line=line, _number=number, _kind=kind)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._line.ask("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._line.ask("set", self, name, value)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call it there."""
        return self._line.ask("call", self, *arguments, **named)

    def __iter__(self) -> "StandIn | Iterator[Any]":
        own = self._line.ask("iter", self)
        return own if isinstance(own, StandIn) else iter(own)

    def __next__(self) -> Any:
        try:
            return self._line.ask("next", self)
        except StopIteration:
            raise StopIteration from None

    def __len__(self) -> int:
        return operator.index(self._line.ask("len", self))

    def __bool__(self) -> bool:
        return self._line.ask("bool", self) is True

    def __getitem__(self, key: Any) -> Any:
        return self._line.ask("item", self, key)

    def __contains__(self, key: Any) -> bool:
        return self._line.ask("in", self, key) is True

    def __repr__(self) -> str:
        return f"<{self._kind} of the program>"

    def __str__(self) -> str:
        return str(self._line.ask("str", self))


_VERBS: dict[str, Callable[..., Any]] = {
    "call": lambda target, *arguments, **named: target(*arguments, **named),
    "get": getattr,
    "set": setattr,
    "iter": iter,
    "next": next,
    "len": len,
    "bool": bool,
    "item": operator.getitem,
    "in": operator.contains,
    "str": str,
}
_CHANGEABLE = (list, dict, set, bytearray)


class Line:
    """One end of a line between two processes: asks, and answers while it waits.

    `verbs` are what the other end may do to the objects that it was told of here: all for the
    program under test, only calling what it was handed for its judge.
    """

    def __init__(self, reads: int, writes: int, *, verbs: frozenset[str]) -> None:
        self.reads, self.writes, self.verbs = reads, writes, verbs
        self.broken = ""
        self._mine: list[Any] = []
        self._met: dict[int, StandIn] = {}

    def ask(self, verb: str, target: StandIn, *arguments: Any, **named: Any) -> Any:
        """What the other end's object answers; raises what it raised, or Gone."""
        before = [self._pack(argument) for argument in arguments]
        names = {name: self._pack(value) for name, value in named.items()}
        try:
            send(self.writes, ["ask", verb, target._number, before, names])
            while (message := receive(self.reads))[0] == "ask":
                self._answer(message)
            kind, inner, changed = message
            for place, packed in changed:
                _restore(arguments[place], self._unpack(packed))
            if kind == "value":
                return self._unpack(inner)
            name, text = inner
        except (Closed, ValueError, TypeError, IndexError, KeyError) as error:
            self.broken = f"{verb}: {error}"
            raise Gone(self.broken) from None
        raised = getattr(builtins, str(name), None)
        if isinstance(raised, type) and issubclass(raised, Exception):
            raise Raised(str(text)) if raised in _SPECIAL else raised(str(text))
        raise Raised(f"{name}: {text}")

    def answer_all(self) -> None:
        """Answer until the other end is gone."""
        while True:
            self._answer(receive(self.reads))

    def _answer(self, message: Any) -> None:
        _, verb, number, arguments, named = message
        if verb not in self.verbs:
            raise Closed(f"{verb} is not allowed")
        target = self._find(number)
        given = [self._unpack(argument) for argument in arguments]
        names = {name: self._unpack(value) for name, value in named.items()}
        try:
            value = _VERBS[verb](target, *given, **names)
            reply = ["value", self._pack(value)]
        except Exception as error:
            reply = ["raised", [type(error).__name__, str(error)[:2000]]]
        changed = []
        for place, (was, value) in enumerate(zip(arguments, given, strict=True)):
            if isinstance(value, _CHANGEABLE) and (now := self._pack(value)) != was:
                changed.append([place, now])
        send(self.writes, [*reply, changed])

    def tell(self, value: Any) -> int:
        """The number that stands for an object that stays here."""
        self._mine.append(value)
        return len(self._mine) - 1

    def meet(self, number: int, kind: str) -> StandIn:
        """What stands here for an object of the other end."""
        return self._met.setdefault(number, StandIn(self, number, kind))

    def _find(self, number: int) -> Any:
        if not 0 <= number < len(self._mine):
            raise Closed("no such object")
        return self._mine[number]

    def _pack(self, value: Any) -> Any:
        if isinstance(value, StandIn) and value._line is self:
            return ["yours", value._number]
        return pack(value, self.tell)

    def _unpack(self, packed: Any) -> Any:
        return unpack(packed, self.meet, self._find)


_SPECIAL = frozenset(
    {UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError, ExceptionGroup}
)


def _restore(held: Any, now: Any) -> None:
    """Make a changeable argument what the other end made of its copy."""
    if isinstance(held, list | bytearray):
        held[:] = now
    elif isinstance(held, dict | set):
        held.clear()
        held.update(now)
