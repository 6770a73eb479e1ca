"""A rule at work: nested searches for the problems that it picks, until the budget ends."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

from treeseek.allocators.arms import Arm, Draw, Judging, Pick, Posed, Rule, judged_by
from treeseek.declare import Search, Strategy
from treeseek.live import Context
from treeseek.replies import Spawned
from treeseek.requests import Continue, Derive, Node, Request, Spawn
from treeseek.strategies.answers import judged
from treeseek.strategies.sample import sample

Problems: TypeAlias = Annotated[
    Sequence[Posed], "what to solve together; none: the search's own prompt"
]
Each: TypeAlias = Annotated[Strategy, "one draw for a problem"]
ONE = sample()


def allocated(
    ctx: Context, root: Node, problems: Sequence[Posed], plans: Sequence[Strategy], rule: Rule
) -> Search:
    """Serve what `rule` picks: a search by one of `plans` for each pick, several in flight.

    Every answer is a candidate that notes the number of its `problem`. Where tokens are short,
    only so many picks fly at once as twice their usual cost allows: an equal share that holds no
    answer is waste. Cost: the union of what the searches ask for, and the prompts of all problems
    but one that is the search's own.
    """
    posed = problems or (Posed(ctx.prompt, ctx.verifier),)
    arms = [Arm() for _ in posed]
    roots = {at: root for at, one in enumerate(posed) if one.prompt == ctx.prompt}
    turn, charged, spent = 0, 0, None
    while picks := rule.pick(arms, ctx.rng("pick", turn)):
        turn += 1
        picks = picks[: _room(arms, charged, spent)]
        new = [at for at in dict.fromkeys(pick.problem for pick in picks) if at not in roots]
        if new:
            derived = yield [Derive(root, posed[at].prompt) for at in new]
            roots |= {at: reply.root for at, reply in zip(new, derived, strict=True)}
            charged += sum(reply.charged for reply in derived)
        asked: list[Request] = [
            Spawn(Judging(plans[plan], posed[at], at), roots[at], budget)
            for at, plan, budget in picks
        ]
        replies: list[Spawned] = yield asked
        charged += sum(reply.charged for reply in replies)
        spent = replies[-1].spent
        over = [nth for nth, reply in enumerate(replies) if reply.status == "paused"]
        if over:
            ended = yield [Continue(replies[nth].child, budget=0) for nth in over]
            for nth, reply in zip(over, ended, strict=True):
                replies[nth] = reply
        for pick, reply in zip(picks, replies, strict=True):
            draw = yield from _drawn(ctx, posed[pick.problem], pick, reply)
            arms[pick.problem].draws.append(draw)
        if spent is not None and spent >= 1.0:
            return


def _drawn(ctx: Context, posed: Posed, pick: Pick, reply: Spawned) -> Any:
    """Judge and finish what a nested search found; the draw that its best answer makes."""
    own = judged_by(ctx, posed)
    nodes = [one.node for one in reply.found]
    found = yield from judged(own, nodes, problem=pick.problem)
    known = [(one, node) for one, node in zip(found, nodes, strict=True) if one]
    if not known:
        return Draw(pick.plan, None, 0.0, False, reply.cost)
    best, node = max(known, key=lambda at: at[0].mark)
    return Draw(pick.plan, posed.answer(ctx.text(node)), best.value, best.solved, reply.cost)


def _room(arms: Sequence[Arm], charged: int, spent: float | None) -> int | None:
    """How many draws may fly: what is left over twice the mean cost of a draw."""
    costs = [draw.cost for arm in arms for draw in arm.draws]
    if not spent or not sum(costs):
        return None
    left = charged / spent - charged
    return max(1, int(left * len(costs) / (2 * sum(costs))))
