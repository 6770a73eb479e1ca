"""Draws that the verifier filters: what the control of a search that prunes may know, too.

This file believes that a search which is told what is lost must be compared with draws that are
told so as early. It does not choose among them.
"""

from collections.abc import Generator, Sequence
from typing import Any

from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.requests import Node, Request, Sample, Verify
from treeseek.strategies.draws import FIRST, FREE
from treeseek.strategies.levels import Pass, Passing, levels
from treeseek.strategies.measures import Measure, measure, merit
from treeseek.strategies.prefixes import Prefix
from treeseek.strategies.steps import cut

TURNS = 6
"""How often a token is drawn at a place before it is given up: once, then two more, four more."""
SIDE_BY_SIDE = 64
"""Draws at most that go on together."""


def lawful(
    ctx: Context, root: Node, n: int | None, *, tokens: bool
) -> Generator[list[Request], Any, None]:
    """Draw `n` answers; None: until the budget is spent, if any.

    One whose step is lost is given up; with `tokens`, a token after which all is lost is drawn
    again instead, which costs no token: the model's law over those that are not. Every answer is
    judged and finished. As many are drawn side by side as the budget can end. Raises InvalidOption
    without a verifier.
    """
    if ctx.verifier is None:
        raise InvalidOption("best-of-n(legal=...): give the search a verifier= of prefixes.")
    by = yield from measure(ctx, root, "confidence")
    draws = free = charged = 0
    count = 1
    while n is None or draws < n:
        if tokens:
            run = yield from _token_by_token(ctx, [root] * count, by)
        else:
            run = yield from levels(
                ctx, [Prefix(root)], by, width=1, keep=lambda children: children
            )
        draws, charged = draws + count, charged + run.charged
        free = 0 if run.charged else free + count
        if n is None and run.spent is None:
            n = FIRST
        elif n is None and ((run.spent or 0.0) >= 1.0 or free >= FREE):
            return
        if tokens and n is not None:
            count = min(n - draws, SIDE_BY_SIDE)
        elif tokens and run.spent:
            left = charged / run.spent - charged
            count = max(1, min(int(left / ctx.limit), SIDE_BY_SIDE))


def _token_by_token(ctx: Context, nodes: list[Node], by: Measure) -> Passing:
    run = Pass()
    while nodes:
        found = yield from _next(ctx, nodes, by, run)
        going = []
        for node, new in zip(nodes, found, strict=True):
            child, mark = new or (node, 0.0)
            if mark is None:
                going.append(child)
            else:
                ctx.finish(child, score=mark)
        nodes = going
    return run


def _next(
    ctx: Context, nodes: Sequence[Node], by: Measure, run: Pass
) -> Generator[list[Request], Any, list[tuple[Node, float | None] | None]]:
    """A child of each of `nodes` that is not lost, with its mark if it is closed; None: none."""
    assert ctx.verifier is not None
    found: list[tuple[Node, float | None] | None] = [None] * len(nodes)
    seen: list[dict[int, Node]] = [{} for _ in nodes]
    missing = list(range(len(nodes)))
    for turn in range(TURNS):
        replies = yield [Sample(nodes[at], n=1 << turn, limit=1) for at in missing]
        run.charged += sum(reply.charged for reply in replies)
        run.spent = replies[-1].spent
        new: list[tuple[int, Node]] = []
        over = set[int]()
        for at, reply in zip(missing, replies, strict=True):
            for child in (drawn.node for drawn in reply.continuations):
                if cut(child):
                    over.add(at)
                elif child.handle not in seen[at]:
                    seen[at][child.handle] = child
                    new.append((at, child))
        asked = [child for _, child in new if by.foresees or child.is_end]
        told = iter((yield [Verify(child, ctx.verifier) for child in asked]) if asked else [])
        for at, child in new:
            verdict = next(told).verdict if by.foresees or child.is_end else None
            if found[at] is not None:
                continue
            if verdict is None or not (child.is_end or verdict.terminal):
                found[at] = child, None
            elif child.is_end or verdict.solved:
                found[at] = child, merit(verdict)
        missing = [at for at in missing if found[at] is None and at not in over]
        if not missing:
            break
    return found
