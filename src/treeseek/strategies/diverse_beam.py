"""Diverse beam search: groups of beams that avoid each other's tokens."""

from collections import Counter
from typing import Annotated, Any

from treeseek.declare import Search, strategy
from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Expand, Node
from treeseek.strategies.beam import Beam, divide, hopeful, merged, spare


def even(*, width: int, groups: int, **_: Any) -> None:
    """Raise InvalidOption unless the groups share the beams evenly."""
    if width % groups:
        raise InvalidOption(
            f"diverse-beam(width={width}, groups={groups}): make width a multiple of groups."
        )


@strategy("diverse-beam", check=even)
def diverse_beam(
    ctx: Context,
    root: Node,
    *,
    width: Annotated[int, Range(low=1), "beams in all"] = 8,
    groups: Annotated[int, Range(low=1), "groups, a divisor of width"] = 4,
    penalty: Annotated[
        float, Range(low=0), "nats taken off a token for each earlier beam that chose it this step"
    ] = 0.5,
    length_penalty: Annotated[float, "power of the length that divides a finished score"] = 1.0,
) -> Search:
    """Beam search in `groups` that take turns at every step.

    Each group pays `penalty` for a token as often as earlier groups chose it at this step (Hamming
    diversity); what it paid stays in its running score. Cost: at most `width` charged nodes a step,
    one barrier for all groups. The first group is beam search of its width. Finished candidates are
    ranked by their score without penalties; `group` and `diverse` (the score with them) are noted.
    It loses to beam where one likely text is wanted: groups are narrow, and the penalty bends the
    text. Deviations: none. Reference: diverse-beam
    """
    if width < ctx.n:
        raise InvalidOption(
            f"diverse-beam(width={width}) cannot give {ctx.n} answers: widen to {ctx.n}."
        )
    each = width // groups
    keep = spare(ctx, each)
    # Every token that can have been penalised, and as many as a group looks at.
    k = keep + width - each
    running = [[Beam(0.0, root)]] * groups
    finished: list[list[Beam]] = [[] for _ in range(groups)]
    try:
        while any(running):
            replies = iter((yield [Expand(beam.node, k=k) for beams in running for beam in beams]))
            chosen: Counter[int] = Counter()
            for group, beams in enumerate(running):
                found = [
                    Beam(beam.score + child.score - toll, child, beam.paid + toll)
                    for beam in beams
                    for child in next(replies).children
                    for toll in [penalty * chosen[child.token]]
                ]
                found.sort(key=lambda beam: -beam.score)
                ended, going = divide(found[:keep], each)
                chosen.update(beam.node.token for beam in [*ended, *going])
                done = finished[group] = merged(finished[group], ended, each, length_penalty)
                more = going and hopeful(going, done, each, length_penalty, False, ctx.limit)
                running[group] = going if more else []
    finally:
        for group, done in enumerate(finished):
            for beam in done:
                plain = beam.score + beam.paid
                ctx.finish(beam.node, score=plain, group=float(group), diverse=beam.score)
