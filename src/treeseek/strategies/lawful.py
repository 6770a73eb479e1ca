"""Draws that the verifier filters: what the control of a search that prunes may know, too.

This file believes that a search which is told what is lost must be compared with draws that are
told so as early. It does not choose among them.
"""

from collections.abc import Generator
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


def lawful(
    ctx: Context, root: Node, n: int | None, *, tokens: bool
) -> Generator[list[Request], Any, None]:
    """Draw `n` answers one after another; None: until the budget is spent, if any.

    One whose step is lost is given up; with `tokens`, a token after which all is lost is drawn
    again instead, which costs no token: the model's law over those that are not. Every answer is
    judged and finished. Raises InvalidOption without a verifier.
    """
    if ctx.verifier is None:
        raise InvalidOption("best-of-n(legal=...): give the search a verifier= of prefixes.")
    by = yield from measure(ctx, root, "confidence")
    draws = free = 0
    while n is None or draws < n:
        if tokens:
            run = yield from _token_by_token(ctx, root, by)
        else:
            run = yield from levels(
                ctx, [Prefix(root)], by, width=1, keep=lambda children: children
            )
        draws += 1
        free = 0 if run.charged else free + 1
        if n is None and run.spent is None:
            n = FIRST
        elif n is None and ((run.spent or 0.0) >= 1.0 or free >= FREE):
            return


def _token_by_token(ctx: Context, root: Node, by: Measure) -> Passing:
    run, node, mark = Pass(), root, None
    while mark is None:
        found = yield from _next(ctx, node, by, run)
        if found is None:
            mark = 0.0
        else:
            node, mark = found
    ctx.finish(node, score=mark)
    return run


def _next(
    ctx: Context, node: Node, by: Measure, run: Pass
) -> Generator[list[Request], Any, tuple[Node, float | None] | None]:
    """A child of `node` that is not lost, with its mark if it is closed; None if none was drawn."""
    assert ctx.verifier is not None
    seen = set[int]()
    for turn in range(TURNS):
        (reply,) = yield [Sample(node, n=1 << turn, limit=1)]
        run.charged, run.spent = run.charged + reply.charged, reply.spent
        for child in (drawn.node for drawn in reply.continuations):
            if cut(child):
                return None
            if child.handle in seen:
                continue
            seen.add(child.handle)
            if not (by.foresees or child.is_end):
                return child, None
            (told,) = yield [Verify(child, ctx.verifier)]
            verdict = told.verdict
            if child.is_end or verdict.solved or not verdict.terminal:
                ended = child.is_end or verdict.terminal
                return child, merit(verdict) if ended else None
    return None
