"""Requests and replies: what may be asked, what answers it, and one codec that loses no bit."""

import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeseek import (
    Continue,
    Expand,
    How,
    Race,
    Sample,
    Spawn,
    Walk,
    Warp,
    drive,
    strategies,
)
from treeseek.errors import InvalidOption, StrategyError
from treeseek.journal import digest
from treeseek.replies import (
    Continuation,
    Derived,
    Expanded,
    Found,
    Raced,
    Sampled,
    Scored,
    Spawned,
    Verified,
    Walked,
    decode,
    encode,
    fit,
)
from treeseek.requests import Derive, Node, Score, Verdict, Verify

ROOT = Node(0, 1, 0.0, 0.0, 0.0, 0, None)
FLOATS = st.floats() | st.sampled_from([math.inf, -math.inf, math.nan, -0.0, 5e-324, 2.0**-1074])
TOKENS = st.integers(0, 2**31)
LISTS = st.lists(FLOATS, max_size=4)
IDS = st.lists(TOKENS, max_size=4)
RUNS = st.builds(Continuation, IDS, LISTS, FLOATS, st.sampled_from(["end", "dead"]), LISTS)
SCORES = st.dictionaries(st.text(max_size=3), FLOATS, max_size=2)
FOUND = st.builds(Found, IDS, LISTS, st.just("open"), FLOATS, SCORES, st.none() | IDS)
REPLIES = st.one_of(
    st.builds(Expanded, IDS, LISTS, st.none() | LISTS, FLOATS, FLOATS, FLOATS, FLOATS, LISTS),
    st.builds(Sampled, st.lists(RUNS, max_size=3)),
    st.builds(Walked, LISTS, st.booleans()),
    st.builds(Scored, LISTS),
    st.builds(Verified, st.builds(Verdict, FLOATS, st.booleans(), st.booleans(), st.text())),
    st.builds(Derived, IDS),
    st.builds(Spawned, st.just("paused"), st.lists(FOUND, max_size=2), TOKENS),
    st.builds(Raced, st.none() | TOKENS, st.lists(FOUND, max_size=2), TOKENS),
)


def bits(value: Any) -> Any:
    """The same value with every float by its bits; JSON writes all NaN alike."""
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    if isinstance(value, float):
        return struct.pack("d", value)
    if isinstance(value, dict):
        return {key: bits(part) for key, part in value.items()}
    return [bits(part) for part in value] if isinstance(value, list) else value


@given(reply=REPLIES, charged=TOKENS, spent=st.none() | FLOATS)
def test_a_reply_survives_the_codec_and_json_bit_for_bit(
    reply: Any, charged: int, spent: float | None
) -> None:
    reply.charged, reply.spent = charged, spent
    record = encode(reply)
    again = decode(json.loads(json.dumps(record)))
    assert type(again) is type(reply)
    assert bits(encode(again)) == bits(record)


@pytest.mark.parametrize(
    "record",
    [
        {},
        None,
        "expanded",
        {"kind": "guessed"},
        {"kind": "expanded"},
        {"kind": "walked", "logprobs": [], "children": []},
        {"kind": "sampled", "continuations": [{"tokens": [1]}]},
        {"kind": "sampled", "continuations": [3]},
        {"kind": "verified", "verdict": {"score": 1.0, "opinion": 2}},
    ],
)
def test_what_is_no_record_of_a_reply_is_refused(record: Any) -> None:
    with pytest.raises(StrategyError, match="reply"):
        decode(record)


def continuation(*tokens: int, reason: str = "end", logprobs: int | None = None) -> Continuation:
    count = len(tokens) if logprobs is None else logprobs
    return Continuation(list(tokens), [-1.0] * count, -1.0, reason)


SCORER = type("Even", (), {"name": "even", "version": "1"})()


@pytest.mark.parametrize(
    ("request_", "reply", "why"),
    [
        (Expand(ROOT), Scored([1.0]), "give a Expanded"),
        (Sample(ROOT), Expanded([1], [-1.0]), "give a Sampled"),
        (Expand(ROOT, k=1), Expanded([1, 2], [-1.0, -2.0]), "at most k=1"),
        (Expand(ROOT), Expanded([1, 2], [-1.0]), "all equal"),
        (Expand(ROOT), Expanded([1], [-1.0], [-1.0, -2.0]), "all equal"),
        (Expand(ROOT), Expanded([1, 1], [-1.0, -1.0]), "twice"),
        (Sample(ROOT, n=2), Sampled([continuation(1)]), "not n=2"),
        (Sample(ROOT), Sampled([continuation(1, reason="bored")]), "reason is one of"),
        (Sample(ROOT), Sampled([continuation(1, logprobs=2)]), "one log-probability a token"),
        (Walk(ROOT, (1, 2)), Walked([-1.0]), "only if abandoned"),
        (Walk(ROOT, (1,)), Walked([-1.0, -1.0]), "walked 2 of 1"),
        (Walk(ROOT, (1,)), Walked([], abandoned=True), "walked 0 of 1"),
        (Score((ROOT, ROOT), SCORER), Scored([1.0]), "1 values for 2 nodes"),
        (Verify(ROOT, SCORER), Scored([1.0]), "give a Verified"),
        (Derive(ROOT, "a"), Derived([]), "no token"),
        (Continue(0), Raced(0, [], 0), "give a Spawned"),
        (Race((Spawn(strategies.sample(), ROOT),)), Raced(1, [], 0), "a winner is below 1"),
    ],
)
def test_a_reply_that_does_not_fit_is_refused_with_the_reason(
    request_: Any, reply: Any, why: str
) -> None:
    with pytest.raises(StrategyError, match=why):
        fit(request_, reply)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Expand(ROOT, k=0),
        lambda: Expand(ROOT, k=2.5),
        lambda: Sample(ROOT, n=0),
        lambda: Sample(ROOT, limit=0),
        lambda: Walk(ROOT, ()),
        lambda: Walk(ROOT, (1,), above=math.nan),
        lambda: Spawn(strategies.sample(), ROOT, budget=-1),
        lambda: Spawn(strategies.sample, ROOT),
        lambda: Continue(0, budget=-2),
        lambda: Race(()),
    ],
)
def test_a_request_out_of_range_is_refused_when_made(make: Any) -> None:
    with pytest.raises(InvalidOption, match="give"):
        make()


def test_a_digest_tells_requests_apart_and_knows_no_handle() -> None:
    other = Node(7, 2, -1.0, -1.0, -1.0, 1, None)
    asked = [
        Expand(ROOT),
        Expand(other),
        Expand(ROOT, k=3),
        Expand(ROOT, how=How(warp=Warp(top_k=2))),
        Expand(ROOT, how=How(tilt={0: {1: -1.0}})),
        Expand(ROOT, how=How(tilt={0: {1: -2.0}})),
        Sample(ROOT),
        Sample(ROOT, stream=1),
        Walk(ROOT, (1, 2)),
        Walk(ROOT, (1, 2), above=3.0),
        Derive(ROOT, "ab"),
        Derive(ROOT, (0, 1)),
        Spawn(strategies.beam(width=2), ROOT),
        Spawn(strategies.beam(width=3), ROOT),
        Race((Spawn(strategies.beam(width=2), ROOT),)),
        Score((ROOT,), SCORER),
        Verify(ROOT, SCORER),
    ]
    names = {ROOT.handle: 11, other.handle: 12}
    found = [digest(request, lambda node: names[node.handle]) for request in asked]
    assert len(set(found)) == len(asked)
    moved = Node(3, 1, -5.0, 0.0, -9.0, 4, None)
    assert digest(Expand(moved), lambda node: 11) == found[0]


def test_tokens_of_a_walk_are_a_tuple_whatever_they_came_as() -> None:
    assert Walk(ROOT, [1, 2]).tokens == (1, 2)  # type: ignore[arg-type]


def test_asking_and_telling_by_plain_records() -> None:
    live = drive(strategies.beam(width=1, length_penalty=0.0), ends=frozenset({9}), limit=3)
    (asked,) = live.ask()
    assert isinstance(asked, Expand)
    live.tell([{"kind": "expanded", "tokens": [4, 9], "logprobs": [-0.1, -3.0]}])
    live.ask()
    live.tell([{"kind": "expanded", "tokens": [9, 5], "logprobs": [-0.2, -4.0]}])
    assert live.ask() is None
    best = max(live.candidates, key=lambda c: c.score)
    assert live.path_tokens(best.node.handle) == [4, 9]
    assert best.score == pytest.approx(-0.3)
