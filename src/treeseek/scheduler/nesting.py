"""Nested searches: their slices, which of them run, and what they give back.

All budgets of a list are fixed when it is settled for the first time. A nested search that comes
to the end of its slice is paused; a race is served one search at a time, the least charged first.
"""

from collections.abc import Sequence

from treeseek.errors import InvalidOption, StrategyError
from treeseek.live import Finished
from treeseek.replies import Found, Raced, Spawned
from treeseek.requests import Continue, Race, Spawn
from treeseek.scheduler.entry import Entry
from treeseek.scheduler.seat import Seat


def slices(seat: Seat, late: bool) -> bool:
    """Fix the budgets of all nested searches of a new list, and seat them.

    False if nothing is left to give.
    """
    asked: list[tuple[Entry, Spawn | Continue, tuple[int, ...]]] = []
    for index, entry in enumerate(seat.entries):
        if isinstance(entry.request, Spawn | Continue):
            asked.append((entry, entry.request, (seat.live.barrier, index)))
        elif isinstance(entry.request, Race):
            for nth, spawn in enumerate(entry.request.spawns):
                asked.append((entry, spawn, (seat.live.barrier, index, nth)))
    left = seat.ledger.left
    if late or (left is not None and left <= 0 and any(r.budget != 0 for _, r, _ in asked)):
        return False
    named = sum(request.budget or 0 for _, request, _ in asked)
    unnamed = sum(request.budget is None for _, request, _ in asked)
    equal = iter(_shares(None if left is None else max(0, left - named), unnamed))
    scores = _shares(seat.ledger.scores_left, len(asked))
    for (entry, request, place), scored in zip(asked, scores, strict=True):
        share = next(equal) if request.budget is None else request.budget
        if left is not None and share is not None:
            share = min(share, max(0, left))
            left -= share
        if isinstance(request, Spawn):
            child = _spawn(seat, request, share, place)
        else:
            child = _continued(seat, request, share)
        child.ledger.allow_scores(scored)
        child.set_clock(seat.elapsed)
        entry.children.append(child)
    return True


def _shares(left: int | None, count: int) -> list[int | None]:
    """`left` in `count` equal parts, what does not divide to the earlier ones."""
    if left is None or not count:
        return [None] * count
    return [left // count + (nth < left % count) for nth in range(count)]


def _spawn(seat: Seat, request: Spawn, share: int | None, place: tuple[int, ...]) -> Seat:
    live, handle = seat.live, request.node.handle
    tokens = live.path_tokens(handle)
    prompt = [*live.origin(handle), *tokens]
    settings = live.settings.nested(live.limit(handle) - len(tokens))
    child = Seat(
        request.strategy,
        prompt,
        seat.lm,
        settings=settings,
        ledger=seat.ledger.slice(share),
        journal=seat.journal,
        parent=seat,
        path=(*live.path, place),
        base=handle,
    )
    if len(place) == 2:
        seat.children.append(child)
    return child


def _continued(seat: Seat, request: Continue, share: int | None) -> Seat:
    if not 0 <= request.child < len(seat.children):
        raise InvalidOption(f"Continue({request.child}): no nested search has that number.")
    child = seat.children[request.child]
    if any(child in entry.children for entry in seat.entries):
        raise StrategyError(f"Continue({request.child}) stands twice in one list: ask once.")
    if request.budget == 0:
        child.closing = True
    elif share is None:
        child.ledger.limit = None
    else:
        child.ledger.limit = child.ledger.tokens + share
    child.paused = False
    return child


def running(entry: Entry) -> Sequence[Seat]:
    """The nested searches that may go on now; of a race the least charged, a whole list each."""
    going = [child for child in entry.children if not child.live.ended and not child.paused]
    if isinstance(entry.request, Race) and going:
        open_ = [child for child in going if child.entries]
        return open_ or [min(going, key=lambda child: child.ledger.tokens)]
    return going


def is_over(entry: Entry) -> bool:
    """Whether a nested search has ended or paused, or a race has its winner."""
    going = running(entry)
    if not going or not isinstance(entry.request, Race):
        return not going
    ended = [_standing(entry, child) for child in entry.children if child.live.ended]
    (ahead,) = going
    return not ahead.entries and bool(ended) and min(ended) < _standing(entry, ahead)


def _standing(entry: Entry, child: Seat) -> tuple[int, int]:
    return child.ledger.tokens, entry.children.index(child)


def settle(seat: Seat, entry: Entry) -> bool:
    """Settle a nested search once it has ended or paused; False while it runs."""
    if not is_over(entry):
        return False
    children = entry.children
    for child in children:
        seat.cost.take(child.cost)
        entry.charged += seat.ledger.charge(child.ledger.charged)
        seat.ledger.take_scores(child.ledger)
    seat.set_clock(max(seat.elapsed, *(child.elapsed for child in children)))
    if isinstance(entry.request, Race):
        ended = [_standing(entry, child) for child in children if child.live.ended]
        winner = min(ended)[1] if ended else None
        for child in children:
            child.live.close()
        found = [] if winner is None else found_by(children[winner])
        entry.answer(Raced(winner, found, sum(child.ledger.tokens for child in children)))
        return True
    (child,) = children
    status = "finished" if child.live.ended else "paused"
    entry.answer(Spawned(status, found_by(child), child.ledger.tokens))
    return True


def found_by(seat: Seat) -> list[Found]:
    """The candidates of a search by their tokens, finished ones first, then best first.

    Where the budget ended before anything was finished, the best open leaf stands.
    """
    live = seat.live
    found, candidates = [], live.candidates
    if live.ended and live.spent and not candidates:
        candidates = [Finished(leaf, None, {}, "budget") for leaf in live.leaves(1)]
    for candidate in candidates:
        handle = candidate.node.handle
        tokens = live.path_tokens(handle)
        logprobs = live.path_logprobs(handle)
        score = candidate.node.total if candidate.score is None else candidate.score
        origin = live.origin(handle)
        prompt = None if origin is live.roots[0] else origin
        scores = dict(candidate.scores)
        found.append(Found(tokens, logprobs, candidate.finish, score, scores, prompt))
    return sorted(found, key=lambda f: (f.finish in ("budget", "dead"), -f.score))
