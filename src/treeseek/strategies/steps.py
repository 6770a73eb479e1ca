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
from treeseek.requests import How, Node, Request, Sample, Score, Verdict, Verify, mean_logprob
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
    return Sample(node, n=n, until=ctx.until, limit=ctx.step.tokens, how=how)


class Worth(NamedTuple):
    """What a prefix is worth.

    `value` compares prefixes, the higher the better, in any range, and `mark` candidates: the
    verdict's merit where there is a verifier, else the value. `closed`: it stands as a candidate,
    for nothing that follows would change it. `lost`: not worth going on from, and no answer's end.
    `state` and `feedback` are the verifier's, "" where unknown.
    """

    value: float
    mark: float
    closed: bool
    lost: bool
    solved: bool = False
    state: str = ""
    feedback: str = ""


def worth(
    ctx: Context, nodes: Sequence[Node], by: Measure
) -> Generator[list[Request], Any, list[Worth]]:
    """Judge `nodes`, and finish the closed ones: ends, and what the verifier calls terminal.

    What a budget or a constraint cut is lost, and not judged. Cost: a verdict a node, where the
    verifier foresees, then a score for each that is not lost. When the scores run out, ends that
    nobody judged are finished behind the others, and BudgetSpent is raised again.
    """
    lost, spent, scores = [cut(node) for node in nodes], None, list[float]()
    said: dict[int, Verdict] = {}
    if (verifier := ctx.verifier) is not None:
        every = by.foresees or by.source == "verifier"
        asked = [at for at, node in enumerate(nodes) if not lost[at] and (every or node.is_end)]
        replies, spent = yield from served([Verify(nodes[at], verifier) for at in asked])
        for at, reply in zip(asked, replies, strict=False):
            said[at] = new = reply.verdict
            lost[at] = by.foresees and new.terminal and not (nodes[at].is_end or new.solved)
    going = [at for at, gone in enumerate(lost) if not gone]
    if by.source == "scorer" and ctx.scorer is not None:
        score = [Score(tuple(nodes[at] for at in going), ctx.scorer)] if going and not spent else []
        replies, end = yield from served(score)
        spent, scores = spent or end, replies[0].values if replies else []
    elif by.source not in ("verifier", "outcomes"):
        of = confidence if by.source == "confidence" else by.source
        scores = [of(nodes[at]) for at in going]
    values = dict(zip(going, scores, strict=False))
    found = list[Worth]()
    for at, node in enumerate(nodes):
        closed, value = not lost[at] and node.end is not None, values.get(at, 0.0)
        if at not in said:
            found.append(Worth(value, 0.0 if verifier else value, closed, lost[at]))
            continue
        new = said[at]
        found.append(Worth(
            values.get(at, new.score), merit(new), closed or (by.foresees and new.terminal),
            lost[at], new.solved, new.state, new.feedback,
        ))  # fmt: skip
    known = values if verifier is None else said
    if ends := [at for at, new in enumerate(found) if new.closed]:
        least = min([0.0, *(found[at].mark for at in known)])
        for at in sorted(ends, key=lambda at: -mean_logprob(nodes[at])):
            mark = found[at].mark if at in known else least + mean_logprob(nodes[at])
            noted = {"value": found[at].value} if by.source == "scorer" else {}
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
