"""Depth-first search-based decision tree of an agent: try, give up, go back, try otherwise."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node, Request
from treeseek.strategies.acting import Turns, View, action, actions
from treeseek.strategies.levels import Pass, Passing
from treeseek.strategies.measures import measure
from treeseek.strategies.prefixes import Same
from treeseek.strategies.restarts import Restarts, repeated
from treeseek.strategies.steps import worth


@dataclass(slots=True)
class Standing:
    """A node of the path, the turns that led there, and the actions tried after it."""

    node: Node
    turns: Turns
    tried: list[str] = field(default_factory=list)
    draws: int = 0


def differ(prompt: str, tried: Sequence[str]) -> str:
    """A prompt that shows what was tried in this state and asks for something else."""
    listed = "".join(f"- {text}\n" for text in tried)
    return f"{prompt}Tried before, without success:\n{listed}Do something different.\n"


@strategy("dfsdt")
def dfsdt(
    ctx: Context,
    root: Node,
    *,
    width: Annotated[int, Range(low=1), "different actions tried in a state"] = 2,
    depth: Annotated[int, Range(low=1), "actions in a row at most"] = 12,
    give_up: Annotated[str, "words that make an action a surrender"] = "give up",
    ask: Annotated[
        Callable[[str, Sequence[str]], str] | None,
        "the prompt for another action, of the prompt so far and those tried; none: drawn again",
    ] = None,
    view: View = None,
    restarts: Restarts = None,
) -> Search:
    """Act until an end, a refusal, a surrender or `depth`; then go back and do otherwise.

    Pre-order and without sorting, so no value is asked: the verifier says what an action met. Cost:
    one charged node a token, with a prompt (`ask`, `view`) its tokens and those of the walk too. It
    loses to best-first where states differ in worth: an early mistake is undone last. Deviation:
    the paper shows the actions tried before and asks for a different one, ask=differ; by default
    actions are drawn until they differ, three times `width` in a state. Reference: dfsdt
    """
    by = yield from measure(ctx, root, "auto" if ctx.verifier is None else "confidence")

    def tried(at: Standing, run: Pass) -> Generator[list[Request], Any, Node | None]:
        prompt = None if view is None else view(ctx.prompt, at.turns)
        if ask is not None and at.tried:
            prompt = ask(prompt or ctx.prompt + ctx.text(at.node), at.tried)
        drawn = yield from actions(ctx, at.node, run, n=1, prompt=prompt)
        at.draws += 1
        done = [action(ctx, at.node, node) for node in drawn]
        if not drawn or done[0] in at.tried:
            return None
        at.tried.append(done[0])
        return drawn[0]

    def once(taken: Mapping[Same, int]) -> Passing:
        run, path = Pass(), [Standing(root, ())]
        while path and len(set(run.solved)) < ctx.n:
            at = path[-1]
            over = len(at.tried) >= width or at.draws >= 3 * width
            if over or len(at.turns) >= depth:
                path.pop()
                continue
            node = yield from tried(at, run)
            if node is None:
                continue
            (found,) = yield from worth(ctx, [node], by)
            if found.solved:
                run.solved.append(ctx.text(node))
            turns = (*at.turns, (at.tried[-1], found.feedback))
            if len(turns) >= depth and not found.closed and not found.lost:
                ctx.finish(node, score=found.mark)
            if not found.closed and not found.lost and give_up not in at.tried[-1].lower():
                path.append(Standing(node, turns))
        return run

    yield from repeated(ctx, once, restarts=restarts)
