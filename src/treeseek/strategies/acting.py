"""Actions of an agent: drawn after what was done so far, or after a prompt that tells of it.

This file believes that an agent's answer is the text of its actions, whatever it was shown to find
them: an action drawn under another prompt is walked after the actions before it, so that a
candidate can be judged by playing it. It does not cover worlds that cannot be started anew.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Annotated, Any, TypeAlias

from treeseek.live import Context
from treeseek.requests import Derive, Node, Request, Walk
from treeseek.strategies.levels import Pass
from treeseek.strategies.steps import cut, steps

Turns: TypeAlias = tuple[tuple[str, str], ...]
"""The actions so far, each with what the verifier said to it."""
View: TypeAlias = Annotated[
    Callable[[str, Turns], str] | None,
    "the prompt for an action, of the problem's and the turns so far; none: actions alone",
]


def transcript(prompt: str, turns: Turns) -> str:
    """A view: the problem, then every action with what was observed after it, a line each."""
    return prompt + "".join(f"{action}\n[{observed}]\n" for action, observed in turns)


def actions(
    ctx: Context, node: Node, run: Pass, *, n: int, prompt: str | None = None
) -> Generator[list[Request], Any, list[Node]]:
    """`n` drawn actions after `node`, as often as each was drawn; what a budget cut is left out.

    With a `prompt` they are drawn after it and walked after `node`. Cost: one charged node a token;
    with a prompt its tokens as well, and the walk's.
    """
    root = node
    if prompt is not None:
        (derived,) = yield [Derive(node, prompt)]
        root = derived.root
        run.charged += derived.charged
    (reply,) = yield [steps(ctx, root, n)]
    run.charged, run.spent = run.charged + reply.charged, reply.spent
    runs = [new for new in reply.continuations if new.tokens and not cut(new.node)]
    if prompt is None:
        return [new.node for new in runs]
    walks = [Walk(node, tuple(new.tokens)) for new in runs]
    replies: Sequence[Any] = (yield [*walks]) if walks else []
    run.charged += sum(walked.charged for walked in replies)
    return [walked.node for walked in replies]


def action(ctx: Context, before: Node, after: Node) -> str:
    """What was done between two nodes of one path."""
    return ctx.text(after)[len(ctx.text(before)) :].strip()
