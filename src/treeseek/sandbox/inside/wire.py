"""Messages between processes: a length, then JSON; and values that cross as data alone.

What comes over is built from the plain types below and can hold no code, so a process that is not
trusted can say whatever it likes and do nothing by it. What is no data stays where it is and
crosses as a number that stands for it. Lost on the way: which objects are the same object.
"""

import json
import os
import struct
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from types import NoneType
from typing import Any

MOST = 64 << 20
"""Bytes of the longest message."""
_EXACT = 1 << 53

Tell = Callable[[Any], int]
"""Names an object that stays here."""
Meet = Callable[[int, str], Any]
"""What stands here for an object of the other side, from its number and the name of its type."""
Find = Callable[[int], Any]
"""An object of this side by its number."""


class Closed(Exception):
    """The other end is gone, or says what is no message."""


def send(fd: int, message: Any) -> None:
    """Write one message; raises Closed when nobody reads."""
    body = json.dumps(message).encode()
    if len(body) > MOST:
        raise ValueError("too much data in one call")
    view = memoryview(struct.pack("=I", len(body)) + body)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except OSError as error:
        raise Closed(str(error)) from error


def receive(fd: int) -> Any:
    """Read one message; raises Closed at the end of the stream or on what is no message."""
    (length,) = struct.unpack("=I", _exactly(fd, 4))
    if length > MOST:
        raise Closed("a message that is too long")
    try:
        return json.loads(_exactly(fd, length))
    except (ValueError, RecursionError) as error:
        raise Closed(str(error)) from error


def _exactly(fd: int, length: int) -> bytes:
    parts = []
    while length:
        try:
            part = os.read(fd, min(length, 1 << 20))
        except OSError as error:
            raise Closed(str(error)) from error
        if not part:
            raise Closed("the end")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


_SEQUENCES: dict[type[Any], str] = {
    list: "list",
    tuple: "tuple",
    set: "set",
    frozenset: "frozenset",
    deque: "deque",
}
_MAPPINGS: dict[type[Any], str] = {OrderedDict: "ordered", Counter: "counter", dict: "dict"}
_TEXTS: dict[type, tuple[str, Callable[[Any], Any]]] = {
    bytes: ("bytes", bytes.hex),
    bytearray: ("bytearray", bytearray.hex),
    complex: ("complex", lambda value: [value.real, value.imag]),
    range: ("range", lambda value: [hex(value.start), hex(value.stop), hex(value.step)]),
    Fraction: ("fraction", lambda value: [hex(value.numerator), hex(value.denominator)]),
    Decimal: ("decimal", str),
    datetime: ("datetime", datetime.isoformat),
    date: ("date", date.isoformat),
    time: ("time", time.isoformat),
    timedelta: ("timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
}
_TYPES = {
    kind.__name__: kind
    for kind in (*_SEQUENCES, *_MAPPINGS, bool, int, float, complex, str, bytes, bytearray)
}
_BUILD: dict[str, Callable[[Any], Any]] = {
    "type": _TYPES.__getitem__,
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "deque": deque,
    "ordered": OrderedDict,
    "counter": lambda pairs: Counter(dict(pairs)),
    "dict": dict,
    "int": lambda text: int(text, 16),
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "complex": lambda parts: complex(*parts),
    "range": lambda parts: range(*(int(part, 16) for part in parts)),
    "fraction": lambda parts: Fraction(*(int(part, 16) for part in parts)),
    "decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda parts: timedelta(*parts),
}


def pack(value: Any, tell: Tell) -> Any:
    """A value as JSON; what is no data is named by `tell`.

    A subclass of a plain type crosses as that type. Raises RecursionError for what holds itself.
    """
    kind = type(value)
    if kind in (NoneType, bool, str, float):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < _EXACT else ["int", hex(value)]
    if isinstance(value, str | float):
        return str.__str__(value) if isinstance(value, str) else float(value)
    for plain, name in _SEQUENCES.items():
        if isinstance(value, plain):
            return [name, [pack(item, tell) for item in value]]
    for plain, name in _MAPPINGS.items():
        if isinstance(value, plain):
            return [name, [[pack(key, tell), pack(item, tell)] for key, item in value.items()]]
    if kind in _TEXTS:
        name, write = _TEXTS[kind]
        return [name, write(value)]
    if isinstance(value, type) and _TYPES.get(kind_name := value.__name__) is value:
        return ["type", kind_name]
    return ["other", [tell(value), kind.__name__]]


def unpack(packed: Any, meet: Meet, find: Find) -> Any:
    """The value again; raises Closed for what `pack` does not write.

    An object that belongs to this side comes back as itself, by `find`.
    """
    if not isinstance(packed, list):
        return packed
    try:
        name, inner = packed
        if name == "other":
            number, kind = inner
            return meet(int(number), str(kind))
        if name == "yours":
            return find(int(inner))
        if name in _SEQUENCES.values():
            inner = [unpack(item, meet, find) for item in inner]
        elif name in _MAPPINGS.values():
            inner = [(unpack(key, meet, find), unpack(item, meet, find)) for key, item in inner]
        return _BUILD[name](inner)
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
        raise Closed(f"no value: {error}") from error
