"""Beam search with the meaning it has in transformers."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from treeseek.declare import Search, strategy
from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Expand, Node


class Beam(NamedTuple):
    """A prefix by its accumulated `score`; `paid` is what diversity has taken off it."""

    score: float
    node: Node
    paid: float = 0.0


@strategy("beam-search")
def beam(
    ctx: Context,
    root: Node,
    *,
    width: Annotated[int, Range(low=1), "beams kept at every step"] = 8,
    length_penalty: Annotated[
        float, "power of the length that divides a finished beam's score; above 0 favours long"
    ] = 1.0,
    early_stopping: Annotated[
        bool | Literal["never"],
        "true: stop at width finished beams; never: stop when no beam can improve; false: between",
    ] = False,
) -> Search:
    """Keep the `width` best prefixes of every length.

    Ranked by accumulated score under the search's law, finished ones by score / length **
    length_penalty, the end token counted. Cost: at most `width` charged nodes a step. Exact where
    the width covers every prefix; it loses where a good sequence starts badly, and its beams are
    near-copies of each other. Ends, ties aside, as `generate(num_beams=width)` does. Deviation:
    places are left empty where fewer than `width` sequences exist. Reference: beam-search
    """
    if width < ctx.n:
        raise InvalidOption(f"beam(width={width}) cannot give {ctx.n} answers: widen to {ctx.n}.")
    keep = spare(ctx, width)
    running = [Beam(0.0, root)]
    finished: list[Beam] = []
    try:
        while running and hopeful(
            running, finished, width, length_penalty, early_stopping, ctx.limit
        ):
            replies = yield [Expand(beam.node, k=keep) for beam in running]
            ended, running = divide(ranked(running, replies)[:keep], width)
            finished = merged(finished, ended, width, length_penalty)
    finally:
        for found in finished:
            ctx.finish(found.node, score=found.score)


def spare(ctx: Context, width: int) -> int:
    """Candidates of a step: enough that `width` go on even if every end token is among them."""
    return max(2, 1 + len(ctx.ends)) * width


def ranked(beams: Sequence[Beam], replies: Iterable[Any]) -> list[Beam]:
    """All children with their accumulated scores, best first; ties in order of beam and token."""
    found = [
        Beam(beam.score + child.score, child)
        for beam, reply in zip(beams, replies, strict=True)
        for child in reply.children
    ]
    found.sort(key=lambda beam: -beam.score)
    return found


def divide(candidates: Sequence[Beam], width: int) -> tuple[list[Beam], list[Beam]]:
    """Those that end, of the first `width` only, and the first `width` of those that go on."""
    ended = [beam for beam in candidates[:width] if beam.node.is_end]
    return ended, [beam for beam in candidates if not beam.node.is_end][:width]


def merged(
    finished: Sequence[Beam], ended: Iterable[Beam], width: int, length_penalty: float
) -> list[Beam]:
    """The `width` best finished beams by score / length ** length_penalty, best first."""
    scored = [
        Beam(beam.score / scale, beam.node, beam.paid / scale)
        for beam in ended
        if (scale := beam.node.depth**length_penalty)
    ]
    return sorted([*finished, *scored], key=lambda beam: -beam.score)[:width]


def hopeful(
    running: Sequence[Beam],
    finished: Sequence[Beam],
    width: int,
    length_penalty: float,
    early_stopping: bool | str,
    limit: int,
) -> bool:
    """Whether to go on: a place is empty, or the best running beam may still earn one.

    What it may reach is its score over its present length, or with "never" and a penalty above 0
    over the longest length: a heuristic unless the penalty is 0, or "never" is chosen.
    """
    if len(finished) < width:
        return True
    if early_stopping is True:
        return False
    best = running[0]
    length = limit if early_stopping == "never" and length_penalty > 0 else best.node.depth
    return bool(best.score / length**length_penalty > finished[-1].score)
