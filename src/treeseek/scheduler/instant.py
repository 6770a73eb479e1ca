"""Requests that need no row: scores, verdicts, derived prompts."""

from typing import Any

from treeseek.errors import Incompatible
from treeseek.replies import Derived, Scored, Verified
from treeseek.requests import Reader, Score, Verify
from treeseek.scheduler.entry import Entry
from treeseek.scheduler.jobs import Ready
from treeseek.scheduler.seat import Seat
from treeseek.tree import child_name, path_name


def judge(seat: Seat, entry: Entry) -> bool:
    """Answer a Score or Verify; False if the book of scores has no room for it."""
    request, told = entry.request, entry.outcome
    assert isinstance(request, Score | Verify)
    by: Any = request.scorer if isinstance(request, Score) else request.verifier
    nodes = request.nodes if isinstance(request, Score) else (request.node,)
    keys = [(type(request), n.handle, by.name, by.version) for n in nodes]
    fresh = [key for key in dict.fromkeys(keys) if key not in seat.verdicts]
    if not seat.ledger.score(len(fresh)):
        return False
    known = seat.verdicts
    if isinstance(told, Scored):
        known.update(zip(keys, told.values, strict=True))
    elif isinstance(told, Verified):
        known[keys[0]] = told.verdict
    elif fresh:
        texts = [seat.live.text(handle) for _, handle, _, _ in fresh]
        known.update(zip(fresh, _judged(seat, request, texts), strict=True))
    if isinstance(request, Score):
        entry.answer(Scored([known[key] for key in keys]))
    else:
        entry.answer(Verified(known[keys[0]]))
    return True


def _judged(seat: Seat, request: Score | Verify, texts: list[str]) -> list[Any]:
    if isinstance(request, Verify):
        seat.cost.verifier_calls += len(texts)
        return [request.verifier.verify(text) for text in texts]
    assert not isinstance(request.scorer, Reader)
    values = [float(value) for value in request.scorer.score(texts)]
    if len(values) != len(texts):
        raise Incompatible(
            f"Scorer {request.scorer.name!r} gave {len(values)} values for {len(texts)} texts: "
            "return one number a text, in order."
        )
    return values


def derive(seat: Seat, entry: Entry) -> bool:
    """Charge a derived prompt; False if it does not fit."""
    job = entry.jobs[0]
    assert isinstance(job, Ready) and isinstance(job.outcome, Derived)
    tokens = job.outcome.tokens
    own = seat.live.roots[0]
    shared = 0
    while shared < min(len(own), len(tokens)) and own[shared] == tokens[shared]:
        shared += 1
    names = [path_name(tokens[:shared])]
    for token in tokens[shared:]:
        names.append(child_name(names[-1], token))
    left = seat.ledger.left
    if left is not None and seat.ledger.new(names[1:]) > left:
        return False
    entry.charged = seat.ledger.charge(names[1:])
    seat.at += 1
    entry.answer(job.outcome)
    return True
