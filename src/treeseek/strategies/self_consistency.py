"""Self-consistency: draw whole answers and let them vote."""

from collections.abc import Callable, Generator
from typing import Annotated, Any

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.requests import Node, Request
from treeseek.strategies.draws import Draws, drawn, elect


def said(text: str) -> str | None:
    """The text without the blanks around it; None where nothing is left."""
    return text.strip() or None


@strategy("self-consistency", tier="step")
def self_consistency(
    ctx: Context,
    root: Node,
    *,
    n: Draws = None,
    answer: Annotated[
        Callable[[str], str | None], "what a text says the answer is; none: it gives none"
    ] = said,
) -> Search:
    """Draw whole answers and put first what most of them say.

    A candidate's score is the share of the draws that give its answer. Cost: one charged node a
    token, shared prefixes once; no verifier and no scorer is asked. Draws are keyed, so a larger
    run begins with a smaller one. It loses where the right answer is rarer than a wrong one, then
    the more surely the more is drawn, and says nothing where no two answers are equal: give it the
    task's own `answer`. Deviations: none. Reference: self-consistency
    """
    held: list[Node] = []

    def hold(nodes: list[Node]) -> Generator[list[Request], Any, None]:
        held.extend(nodes)
        yield from ()

    try:
        yield from drawn(ctx, root, n, hold)
    finally:
        elect(ctx, held, [answer(ctx.text(node)) for node in held])
