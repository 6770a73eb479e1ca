"""Laws of values that cross between processes, of calls, and of the filter of system calls."""

import os
import platform
import random
import threading
from collections import Counter, OrderedDict, deque, namedtuple
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeseek.sandbox.inside import calls
from treeseek.sandbox.inside.child import _ALL, _OF_JUDGE
from treeseek.sandbox.inside.remote import Gone, Line, StandIn
from treeseek.sandbox.inside.wire import Closed, pack, receive, send, unpack

plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.complex_numbers(allow_nan=False, allow_infinity=False),
    st.fractions(),
    st.decimals(allow_nan=False),
    st.dates(),
    st.datetimes(),
    st.timedeltas(),
)
keys = st.one_of(st.text(), st.integers(), st.tuples(st.integers(), st.text()))
values = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.lists(inner).map(deque),
        st.sets(keys),
        st.frozensets(keys),
        st.dictionaries(keys, inner),
        st.dictionaries(keys, inner).map(OrderedDict),
        st.dictionaries(keys, st.integers(0, 9)).map(Counter),
    ),
    max_leaves=12,
)


def refuse(*_: Any) -> Any:
    raise AssertionError("data alone was expected")


@given(values)
def test_data_arrives_as_it_left(value: Any) -> None:
    arrived = unpack(pack(value, refuse), refuse, refuse)
    assert arrived == value
    assert type(arrived) is type(value)


@given(st.recursive(st.one_of(st.none(), st.text(), st.integers(), st.floats()), st.lists))
def test_whatever_is_said_becomes_data_or_an_end(said: Any) -> None:
    try:
        arrived = unpack(said, lambda number, kind: None, lambda number: None)
    except Closed:
        return
    assert not callable(arrived) or isinstance(arrived, type)


def test_a_subclass_crosses_as_what_it_extends() -> None:
    class Liar(int):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = int.__hash__

    class Words(list[str]):
        pass

    point = namedtuple("point", "x y")
    for value, kind in ((Liar(3), int), (Words(["a"]), list), (point(1, 2), tuple)):
        arrived = unpack(pack(value, refuse), refuse, refuse)
        assert type(arrived) is kind
    assert unpack(pack(Liar(3), refuse), refuse, refuse) != 4
    assert unpack(["type", "int"], refuse, refuse) is int
    with pytest.raises(Closed):
        unpack(["type", "eval"], refuse, refuse)


@pytest.fixture
def line() -> Iterator[tuple[Line, dict[str, Any]]]:
    """The judge's end, and the names that the other end answers for."""
    names: dict[str, Any] = {}
    (a, b), (c, d) = os.pipe(), os.pipe()
    there = Line(a, d, verbs=_ALL)
    there.tell(names.__getitem__)

    def answer() -> None:
        try:
            there.answer_all()
        except (Closed, SystemExit):
            os.close(d)

    thread = threading.Thread(target=answer)
    thread.start()
    yield Line(c, b, verbs=_OF_JUDGE), names
    os.close(b)
    thread.join()
    for fd in (a, c):
        os.close(fd)


def test_calls_give_what_they_would_give_here(line: tuple[Line, dict[str, Any]]) -> None:
    end, names = line

    class Box:
        def __init__(self, x: int) -> None:
            self.x = x

        def __len__(self) -> int:
            return self.x

        def __getitem__(self, key: int) -> int:
            return key + self.x

        def __str__(self) -> str:
            return f"Box {self.x}"

    names.update(
        add=lambda x, y=1: x + y,
        sort=lambda items: items.sort(),
        count=lambda n: (i for i in range(n)),
        twice=lambda f, x: f(f(x)),
        fails=lambda: {}["k"],
        Box=Box,
        swap=lambda d: d.update({v: k for k, v in list(d.items())}),
    )
    ask = end.meet(0, "names")
    assert ask("add")(2) == 3
    assert ask("add")(2, y=5) == 7
    items, pairs = [3, 1, 2], {1: 2}
    assert ask("sort")(items) is None
    assert items == [1, 2, 3]
    ask("swap")(pairs)
    assert pairs == {1: 2, 2: 1}
    assert list(ask("count")(4)) == [0, 1, 2, 3]
    assert next(iter(ask("count")(4))) == 0
    assert ask("twice")(lambda x: x * x, 3) == 81
    with pytest.raises(KeyError):
        ask("fails")()
    with pytest.raises(TypeError):
        ask("add")()
    box = ask("Box")(4)
    assert isinstance(box, StandIn)
    assert (box.x, len(box), bool(box), box[2], str(box)) == (4, 4, True, 6, "Box 4")
    box.x = 0
    assert not box
    assert box == box
    assert box != ask("Box")(0)
    assert list(map(type, [ask("Box")(1) for _ in range(2)])) == [StandIn, StandIn]


def test_the_end_of_a_program_cannot_be_caught_by_exception(
    line: tuple[Line, dict[str, Any]],
) -> None:
    end, names = line

    def leave() -> None:
        raise SystemExit

    names["leave"] = leave
    with pytest.raises(Gone):
        end.meet(0, "names")("leave")()
    assert end.broken
    assert not issubclass(Gone, Exception)


def test_a_program_can_only_call_what_it_was_handed() -> None:
    """A judge answers no other question, whatever it told of."""
    (a, b), (c, d) = os.pipe(), os.pipe()
    judge = Line(a, d, verbs=_OF_JUDGE)
    secret = {"test": 1}
    number = judge.tell(lambda: secret["test"])
    for verb, target in (("get", number), ("item", number), ("call", number + 1), ("call", -1)):
        send(b, ["ask", verb, target, ["__globals__"], {}])
        with pytest.raises(Closed):
            judge.answer_all()
    send(b, ["ask", "call", number, [], {}])
    os.close(b)
    with pytest.raises(Closed, match="the end"):
        judge.answer_all()
    assert receive(c) == ["value", 1, []]
    for fd in (a, c, d):
        os.close(fd)


def follow(
    program: list[calls.Instruction], number: int, machine: int, first: int, second: int
) -> int:
    """What a filter says to a call: a second opinion on the few instructions it is made of."""
    held = {0: number, 4: machine, 16: first, 24: second}
    at = value = 0
    while True:
        code, yes, no, constant = program[at]
        if code == 0x06:
            return constant
        if code == 0x20:
            value = held[constant]
            at += 1
            continue
        true = {
            0x15: value == constant,
            0x35: value >= constant,
            0x45: bool(value & constant),
        }[code]
        at += 1 + (yes if true else no)


ALLOW, KILL, REFUSE, ABSENT = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
FREE = {  # read, write, close, mmap, brk, exit_group, openat, getpid, futex, socketpair
    "x86_64": (0, 1, 3, 9, 12, 231, 257, 39, 202, 53),
    "aarch64": (63, 64, 57, 222, 214, 94, 56, 172, 98, 199),
}


@pytest.mark.parametrize("machine", calls.MACHINES)
def test_the_filter_refuses_what_is_listed_and_nothing_else(
    machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    column, number = calls.MACHINES[machine]
    own = 4321
    program = calls.program(own)
    assert len(program) < 4096

    def says(call: int, first: int = 0, second: int = 0, kind: int = number) -> int:
        return follow(program, call, kind, first, second)

    listed = {numbers[column] for numbers in calls._REFUSED.values()} - {None}
    for call in listed:
        assert says(call) == REFUSE
    assert all(says(call) == ALLOW for call in FREE[machine])
    special = {numbers[column] for numbers in calls._OWN.values()}
    special |= {numbers[column] for numbers, _, _ in calls._BY_ARGUMENT.values()}
    special |= {calls._CLONE[column], calls._CLONE3[column]}
    noise = random.Random(0)
    for call in set(range(520)) - listed - special:
        assert says(call, noise.getrandbits(32), noise.getrandbits(32)) == ALLOW
    clone = calls._CLONE[column]
    assert says(clone, 0x3D0F00) == ALLOW, "a thread"
    assert says(clone, 17) == REFUSE, "a process"
    assert says(calls._CLONE3[column]) == ABSENT
    for name, numbers in calls._OWN.items():
        call = numbers[column]
        assert call is not None
        assert says(call, own) == ALLOW
        assert says(call, own + 1) == says(call, 1) == says(call, 0xFFFFFFFF) == REFUSE
        assert says(call, 0) == (ALLOW if name in calls._ZERO_IS_SELF else REFUSE)
    for numbers, place, refused in calls._BY_ARGUMENT.values():
        for value in range(64):
            first, second = (value, 0) if place == 0 else (0, value)
            wanted = REFUSE if value in refused else ALLOW
            assert says(numbers[column], first, second) == wanted
    assert says(0, kind=0x40000003) == KILL, "another architecture"
    if machine == "x86_64":
        assert says(0x40000000 + 57) == KILL, "another interface"


def test_fractions_and_dates_are_themselves() -> None:
    for value in (Fraction(1, 3), Decimal("1.10"), date(2020, 2, 29), datetime(1, 1, 1)):
        assert unpack(pack(value, refuse), refuse, refuse) == value
    assert unpack(pack(timedelta(days=-1), refuse), refuse, refuse) == timedelta(days=-1)
