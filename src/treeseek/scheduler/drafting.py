"""Drafts at work: what a drafter guesses for the continuations of a call, and what comes of it.

This room believes that speculation is a call with more rows in it. The guesses stand in the tree as
nodes nobody asked for, their rows come with those that were, and a continuation draws on as long as
the row it needs is there. What it is charged, and when it is settled, is what it would have been.
It covers neither what is guessed (drafters) nor how much of it pays (decoding.plan).
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from treeseek.decoding.plan import Plan
from treeseek.decoding.samplers import Greedy, Gumbel
from treeseek.decoding.summary import summarise
from treeseek.decoding.verify import tried
from treeseek.drafters import prompts
from treeseek.drafters.growth import mended
from treeseek.drafters.prompts import smoothed
from treeseek.drafters.protocol import Drafter, Drafting, Rows, Site, Tip
from treeseek.drafters.trees import TIP, DraftTree
from treeseek.errors import InvalidOption
from treeseek.law import DEAD
from treeseek.model import LM
from treeseek.noise import Purpose, position_key
from treeseek.scheduler.jobs import ExpandJob

if TYPE_CHECKING:
    from treeseek.backends.protocol import Block
    from treeseek.scheduler.draws import Draw
    from treeseek.scheduler.seat import Seat
    from treeseek.scheduler.wanted import Wanted

Rule = Literal["match", "reject"]
"""Sample-and-match, or recursive rejection of drafts that were drawn from a law."""
_APART = 40
"""Bits of a position: what one stream of noise is used for beside its tokens lies beyond them."""
_PROBES = 2
"""Texts that a drafter is asked for where drafting did not pay the last time."""
_SHARES = 0.01, 0.03
"""Share of the time of calls that a drafter may look at rows: where drafting does not pay, does."""
_DRAWN = (Gumbel, type(None))


class Text:
    """A continuation as its drafter knows it: `told` of its tokens, and the `tree` last guessed."""

    __slots__ = ("begun", "number", "since", "told", "tree")

    def __init__(self, number: int) -> None:
        """Nothing was told."""
        self.number, self.told, self.begun = number, 0, False
        self.tree, self.since = DraftTree(), 0


class Drafts:
    """One drafter, its plan and the texts it was told of: what the searches of a run share."""

    def __init__(self, drafter: Drafter, plan: Plan, *, rule: Rule = "match") -> None:
        """Draft by `drafter` as much as `plan` says; `rule` says which drafts are true."""
        self.drafter, self.plan, self.rule = drafter, plan, rule
        self.texts: dict[Draw, Text] = {}
        self._number = self._turn = 0
        self._searches: dict[Seat, int] = {}
        self._told: set[int] = set()
        self.resting = False
        self._last = self._aside = 0.0
        self._rows, self._prompts = prompts.Allowance(0.1), prompts.Prompts()

    def guess(self, lm: LM, draws: Sequence["Draw"], wanted: "Wanted") -> None:
        """Want the rows of what is guessed to follow `draws`, as many as the plan says."""
        for draw in draws:
            if draw not in self.texts:
                self._number += 1
                self.texts[draw] = Text(self._number)
        self.resting = self.plan.rests()
        if self.resting:
            return
        began = time.perf_counter()
        plan, rows = self.plan, len(wanted.owners)
        if self._last:
            plan.between = smoothed(plan.between, 1e3 * (began - self._last))
        if not plan.hopeful:
            self._turn += _PROBES
            draws = [draws[(self._turn + i) % len(draws)] for i in range(min(_PROBES, len(draws)))]
        if self._catch_up(draws):
            began = time.perf_counter()  # to begin a text is no part of a step
        budget = min(plan.most(rows, len(draws)), _room(lm, wanted, len(draws)))
        tips = [self._tip(draw) for draw in draws]
        trees = self.drafter.propose(tips, [budget] * len(draws)) if budget else []
        trees = [mended(tree, vocabulary=lm.vocabulary, budget=budget) for tree in trees]
        for draw, tree in zip(draws, trees, strict=False):
            text = self.texts[draw]
            text.tree, text.since = tree, text.told
        chosen = plan.choose(rows, trees) if budget else []
        if self.rule == "reject":  # which of the drawn are kept must not depend on what they are
            chosen = [list(range(len(tree))) for tree in trees]
        for draw, tree, nodes in zip(draws, trees, chosen, strict=False):
            _plant(draw, tree, nodes, wanted)
        self._aside += 1e3 * (time.perf_counter() - began)

    def _catch_up(self, draws: Sequence["Draw"]) -> bool:
        """Tell the drafter what `draws` have grown by, and which texts ended; whether any began."""
        over: list[Draw] = []
        fresh, asked = False, set(draws)
        for draw, text in self.texts.items():
            ended = draw.done or draw.seat.live.ended
            if draw not in asked and not ended:
                continue
            fresh = fresh or not text.begun
            tokens = draw.run.tokens
            if len(text.tree):
                self.plan.learn(text.tree, tokens[text.since :])
                text.tree = DraftTree()
            if not text.begun:
                self._begin(draw, text)
            elif len(tokens) > text.told:
                self.drafter.extend(text.number, tokens[text.told :])
            text.told = len(tokens)
            if ended:
                over.append(draw)
        for draw in over:
            self._told.update(draw.names)
            self.drafter.end(self.texts.pop(draw).number)
        return fresh

    def _begin(self, draw: "Draw", text: Text) -> None:
        seat, handle = draw.seat, draw.request.node.handle
        live, path = seat.live, seat.whole(handle)[0]
        known, at = len(path), handle
        while live.name_of(at) not in self._told:
            known, at = known - 1, live.parents[at]
            if at < 0:
                known = 0
                break
        search = self._searches.setdefault(seat.top, len(self._searches))
        self.drafter.begin(text.number, path + draw.run.tokens, known=known, search=search)
        if self.drafter.sees:
            lm, still = draw.law.lm, partial(self._still, draw)
            self._prompts.begin(lm, seat.address(handle, lm), len(path) - known, still)
        self._told.add(live.name_of(handle))
        text.begun = True

    def _still(self, draw: "Draw", computed: int) -> bool:
        draw.seat.cost.tokens_computed += computed
        return not (draw.done or draw.seat.live.ended)

    def _tip(self, draw: "Draw") -> Tip:
        law, key, at = draw.law, draw.key, len(draw.run.tokens)
        if self.rule == "reject":  # noise of its own for every tip
            at = (Purpose.DRAFT << _APART) + (at << _APART // 2)

        def keys(behind: int) -> int:
            return position_key(key, at + behind)

        return Tip(
            self.texts[draw].number,
            None if isinstance(law.sampler, Greedy) else keys,
            1.0 if law.warp is None else law.warp.temperature,
            law.constraint,
            draw.allowed,
            shared=self.rule == "match",
        )

    def node(self, draw: "Draw") -> int | None:
        """The node of its last tree at which `draw` stands; None off it."""
        text = self.texts.get(draw)
        if text is None or not text.tree.laws:
            return None
        at: int | None = TIP
        known = text.tree.children()
        for token in draw.run.tokens[text.since :]:
            at = None if at is None else known.get((at, token))
        return at

    def learn(self, lm: LM, block: "Block", here: Sequence[int]) -> None:
        """Show the drafter the likeliest tokens of rows of `block`, as many as cost hardly any.

        Those that were asked for come before those that were guessed.
        """
        if not self.drafter.sees or self.resting:
            return
        cost, rows = self.plan.cost(sum(block.computed)), self._rows
        self._prompts.allowance.saved += prompts.SHARE * cost
        rows.saved += _SHARES[self.plan.hopeful] * cost
        if most := min(len(here), rows.rows):
            before = time.perf_counter()
            with rows.spent(most):
                self._show(lm, block.logits[:most], here[:most])
            self._aside += 1e3 * (time.perf_counter() - before)

    def _show(self, lm: LM, logits: NDArray[np.floating[Any]], here: Sequence[int]) -> None:
        found = summarise(logits, self.drafter.sees, entropy=False)
        contexts = [prompts.last(lm, address) for address in here]
        self.drafter.observe(Rows(contexts, found.tokens.tolist(), found.logprobs.tolist()))

    def served(self, lm: LM) -> None:
        """The call is over."""
        if self.resting:
            self._last = 0.0
            return
        if self.drafter.sees:
            self._prompts.read(lm, self._show)
        self.plan.aside = smoothed(self.plan.aside, self._aside)
        self._last, self._aside = time.perf_counter(), 0.0


def drafts_for(
    shared: dict[Any, Drafts],
    drafting: Drafting,
    lm: LM,
    *,
    load: Callable[[str], Any],
    budget: int,
    rule: Rule,
) -> Drafts:
    """What a search on `lm` drafts with, `budget` nodes a text and call: its own, or one `shared`.

    `load` gives the model that a name stands for. Raises InvalidOption for a rule there is not.
    """
    if rule not in get_args(Rule):
        raise InvalidOption(f"draft_rule={rule!r}: choose from {', '.join(get_args(Rule))}.")
    key = (drafting, lm, budget, rule)
    if drafting.scope == "run" and key in shared:
        return shared[key]
    costs = getattr(lm.backend, "costs", dict[int, float])
    drafter = drafting.start(Site(lm.vocabulary, lm.ends, load))
    found = Drafts(drafter, Plan(costs(), budget=budget), rule=rule)
    if drafting.scope == "run":
        shared[key] = found
    return found


def guessed(lm: LM, wanted: "Wanted") -> list[Drafts]:
    """Let the drafters of all searches that want rows guess; those who were asked."""
    draws: dict[Drafts, list[Draw]] = {}
    drafting = {seat: seat.top.drafts for seat in wanted.seats}
    if not any(drafting.values()):
        return []
    for jobs in list(wanted.jobs.values()):
        for job in jobs:
            drafts = drafting[job.seat]
            if drafts is None or job.law.salt or isinstance(job, ExpandJob) or job.behind:
                continue
            draws.setdefault(drafts, []).append(job)
    for drafts, some in draws.items():
        drafts.guess(lm, some, wanted)
    return list(draws)


def lands(draw: "Draw", drafted: dict[int, "Draw"], several: bool) -> bool:
    """Whether `draw` stands on a drafted row and may have it: then it has asked for it."""
    if draw.done or draw.address not in drafted:
        return False
    seat = draw.seat
    left = seat.ledger.left
    if left is not None and len(draw.names) >= left:
        return False
    draw.names.append(draw.asking)
    draw.wish = True
    seat.cost.accepted += 1
    if several:
        seat.note((draw.address,), (0,))
    return True


def rejects(draw: "Draw") -> bool:
    """Whether the next token of `draw` is decided by recursive rejection of what was drafted."""
    drafts = draw.seat.top.drafts
    if drafts is None or drafts.rule != "reject" or not isinstance(draw.law.sampler, _DRAWN):
        return False
    node = drafts.node(draw)
    return node is not None and node in drafts.texts[draw].tree.laws


def judged(draw: "Draw", scores: NDArray[np.floating[Any]]) -> int:
    """The token of `draw` by recursive rejection of what was drafted, under `scores` [V]."""
    drafts = draw.seat.top.drafts
    node = None if drafts is None else drafts.node(draw)
    assert drafts is not None and node is not None
    tree = drafts.texts[draw].tree
    children = [
        token for token, above in zip(tree.tokens, tree.parents, strict=True) if above == node
    ]
    key = position_key(draw.key, (Purpose.COIN << _APART) + len(draw.run.tokens))
    return tried(scores, tree.laws[node], children, key)


def _plant(draw: "Draw", tree: DraftTree, nodes: Sequence[int], wanted: "Wanted") -> None:
    """Grow `nodes` of `tree` below `draw` and want their rows, if `draw` can ever need them."""
    law, tip = draw.law, draw.address
    add, limit = law.lm.tree.add, draw.limit - len(draw.run.tokens)
    places = {TIP: (tip, 0, draw.allowed)}
    for node in nodes:
        above = places.get(tree.parents[node])
        token = tree.tokens[node]
        if above is None or above[1] + 1 >= limit or token in draw.halts:
            continue
        state = above[2]
        if law.constraint is not None:
            if state is DEAD or not law.constraint.mask(state)[token]:
                continue
            state = law.constraint.accept(state, token)
        address = add(above[0], token)
        places[node] = address, above[1] + 1, state
        wanted.draft(address, draw)
    draw.seat.cost.drafted += len(places) - 1


def _room(lm: LM, wanted: "Wanted", texts: int) -> int:
    """Most nodes a text may be drafted without pushing out what is in flight."""
    tree, slots = lm.tree, lm.backend.slots
    if tree.limit is not None:
        return 0  # a tree that must not outgrow its bound holds no guesses
    if slots is None:
        return 1 << 20
    return max(0, slots - sum(map(tree.depth, wanted.owners))) // texts
