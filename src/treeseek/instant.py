"""Requests that need no row: scores, verdicts, derived prompts."""

from treeseek.jobs import Ready
from treeseek.replies import Derived, Scored, Verified
from treeseek.requests import Score, Verify
from treeseek.seat import Entry, Seat
from treeseek.tree import child_name, path_name


def judge(seat: Seat, entry: Entry) -> bool:
    """Answer a Score or Verify; False if the book of scores has no room for it."""
    request = entry.request
    live = seat.live
    if entry.outcome is not None:
        entry.reply = entry.outcome
        return True
    if isinstance(request, Verify):
        verifier = request.verifier
        key = (request.node.handle, verifier.name, verifier.version)
        verdict = seat.verdicts.get(key)
        if verdict is None:
            if not seat.ledger.score(1):
                return False
            verdict = seat.verdicts[key] = verifier.verify(live.text(request.node.handle))
            seat.cost.verifier_calls += 1
        entry.reply = Verified(verdict)
    elif isinstance(request, Score):
        scorer = request.scorer
        keys = [(node.handle, scorer.name, scorer.version) for node in request.nodes]
        fresh = [k for k in dict.fromkeys(keys) if k not in seat.verdicts]
        if not seat.ledger.score(len(fresh)):
            return False
        if fresh:
            values = scorer.score([live.text(handle) for handle, _, _ in fresh])
            seat.verdicts.update(zip(fresh, map(float, values), strict=True))
        entry.reply = Scored([seat.verdicts[k] for k in keys])
    return True


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
    entry.reply = job.outcome
    return True
