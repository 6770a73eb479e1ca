"""Steps of an answer: how one is asked for, what a prefix is worth, and which prefixes are one.

This file believes that searches over steps differ in what they keep and in nothing else, so what
they share stands here once. It judges prefixes by what the caller gave, and knows no rule by which
one of them is chosen.
"""

from collections.abc import Generator, Sequence
from typing import Any, NamedTuple

from treeseek.decoding.stops import Step
from treeseek.live import Context
from treeseek.replies import BudgetSpent
from treeseek.requests import How, Node, Request, Sample, Score, Verify, mean_logprob
from treeseek.strategies.measures import Measure, confidence, merit

LINE, PARAGRAPH = Step(), Step(("\n\n",))
SENTENCE = Step((". ", "! ", "? ", "\n"))


def segment(tokens: int) -> Step:
    """Steps of a fixed number of tokens, whatever the text says."""
    return Step((), tokens)


def steps(
    ctx: Context, node: Node, n: int = 1, *, how: How | None = None, whole: bool = False
) -> Sample:
    """The request for `n` continuations of `node` by one step; `whole`: to the answer's end."""
    if whole:
        return Sample(node, n=n, how=how)
    return Sample(node, n=n, until=ctx.step.stop, limit=ctx.step.tokens, how=how)


class Worth(NamedTuple):
    """What a prefix is worth.

    `value` compares prefixes, the higher the better, in any range. `closed`: it stands as a
    candidate, for nothing that follows would change it. `lost`: not worth going on from, and no
    answer's end. `state` is the verifier's, "" where unknown.
    """

    value: float
    closed: bool
    lost: bool
    solved: bool
    state: str


def worth(
    ctx: Context, nodes: Sequence[Node], by: Measure
) -> Generator[list[Request], Any, list[Worth]]:
    """Judge `nodes`, and finish the closed ones: ends, and what the verifier calls terminal.

    A candidate's mark is its merit where there is a verifier, else its value. What a budget or a
    constraint cut is lost, and not judged. Cost: a verdict a node, where the verifier foresees,
    then a score for each that is not lost. When the scores run out, ends that nobody judged are
    finished behind the others, and BudgetSpent is raised again.
    """
    found = [Worth(0.0, not cut(node) and node.is_end, cut(node), False, "") for node in nodes]
    marks: list[float | None] = [None] * len(nodes)
    every = by.foresees or by.source == "verifier"
    replies, spent = list[Any](), None
    if (verifier := ctx.verifier) is not None:
        asked = [at for at, node in enumerate(nodes) if not cut(node) and (every or node.is_end)]
        replies, spent = yield from served([Verify(nodes[at], verifier) for at in asked])
        for at, reply in zip(asked, replies, strict=False):
            verdict, is_end = reply.verdict, nodes[at].is_end
            over = by.foresees and verdict.terminal
            lost = over and not (is_end or verdict.solved)
            marks[at] = merit(verdict)
            found[at] = Worth(verdict.score, is_end or over, lost, verdict.solved, verdict.state)
    going = [at for at, worth in enumerate(found) if not worth.lost]
    values = list[float]()
    if by.source == "scorer" and ctx.scorer is not None:
        score = [Score(tuple(nodes[at] for at in going), ctx.scorer)] if going and not spent else []
        replies, end = yield from served(score)
        spent = spent or end
        values = replies[0].values if replies else []
    elif by.source != "verifier":
        of = confidence if by.source == "confidence" else by.source
        values = [of(nodes[at]) for at in going]
    for at, value in zip(going, values, strict=False):
        found[at] = found[at]._replace(value=value)
        if ctx.verifier is None:
            marks[at] = value
    scored = set(going[: len(values)]) if by.source == "scorer" else ()
    least = min([0.0, *(mark for mark in marks if mark is not None)])
    for at in sorted(range(len(nodes)), key=lambda at: -mean_logprob(nodes[at])):
        if found[at].closed:
            mark = marks[at]
            mark = least + mean_logprob(nodes[at]) if mark is None else mark
            noted = {"value": found[at].value} if at in scored else {}
            ctx.finish(nodes[at], score=mark, **noted)
    if spent is not None:
        raise spent
    return found


def cut(node: Node) -> bool:
    """Whether a budget or a constraint ended it, and no end of an answer."""
    return node.end in ("budget", "dead")


def identity(ctx: Context, node: Node, state: str) -> tuple[str, str]:
    """What two prefixes share if they are one: the verifier's state if it names one, else text."""
    return ("state", state) if state else ("text", ctx.text(node))


def served(
    requests: list[Any],
) -> Generator[list[Request], Any, tuple[list[Any], BudgetSpent | None]]:
    """The replies as far as the budget went, and its end."""
    if not requests:
        return [], None
    try:
        return (yield requests), None
    except BudgetSpent as spent:
        return spent.replies, spent
