"""From rows to outcomes: one pass over the rows of a call for all jobs that wait for them.

Rows are decoded in groups that share a law, so a frontier of many searches costs a few vectorised
calls. A job's outcome depends on its own row, law and noise, never on the group.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from treeseek.asked import Asked
from treeseek.backends.protocol import Block, Streamed, Walker
from treeseek.decoding.gumbel import gumbel_topk
from treeseek.decoding.samplers import Gumbel, Sampler
from treeseek.decoding.summary import log_sum_exp, summarise
from treeseek.decoding.verify import walk
from treeseek.decoding.wide import normalisers
from treeseek.law import Law, Rows, lawful
from treeseek.model import LM
from treeseek.noise import position_keys
from treeseek.replies import Expanded
from treeseek.scheduler.drafting import guessed, judged, lands, rejects
from treeseek.scheduler.draws import Draw
from treeseek.scheduler.jobs import ExpandJob
from treeseek.scheduler.seat import Seat
from treeseek.scheduler.wanted import Wanted

Standing: TypeAlias = tuple[int, ExpandJob | Draw]
"""A row of a block, and who waits for it."""

_KEEP = 8
_GUMBEL = Gumbel()


def serve(lm: LM, wanted: Wanted) -> None:
    """Compute the rows of all addresses in `wanted` and hand them to who waits for them."""
    asks = [job.asked(edges) for job, edges in wanted.walks]
    asked = Asked(asks) if asks else None
    drafting = guessed(lm, wanted)
    addresses, fronts = list(wanted.owners), wanted.fronts
    if asked is not None and not wanted.jobs and not fronts:
        addresses = asked.rows.tolist()
        walker: Walker | None = getattr(lm.backend, "walk", None)
        if walker is not None:
            _stream(walker, addresses, wanted, asked)
            return
    plain = {front.addresses[place] for front, places in fronts for place in places}
    k = min(max([_KEEP, *[front.k for front, _ in fronts]]), lm.vocabulary)
    for block in lm.backend.expand(addresses):
        here = [addresses[position] for position in block.index]
        _count(block, here, wanted)
        if wanted.jobs or asked is not None:
            if (
                rows := [row for row, address in enumerate(here) if address in plain]
                if plain
                else []
            ):
                lm.summaries.put([here[row] for row in rows], summarise(_chosen(block, rows), k))
            if asked is not None:
                _walk(block, here, asked)
            for drafts in drafting:
                drafts.learn(lm, block, here)
            _hand(block, here, wanted)
        else:
            lm.summaries.put(here, summarise(block.logits, k))
    _tell(wanted, asked)
    for front, places in fronts:
        front.take(places)
    for drafts in drafting:
        drafts.served(lm)


def _count(block: Block | Streamed, here: Sequence[int], wanted: Wanted) -> None:
    """Note the tokens and the call of `block` with the searches that have a part in it."""
    owners, fronts, jobs = wanted.owners, wanted.fronts, wanted.jobs
    if len(wanted.seats) == 1:  # the only one there is owns it all
        (seat,) = wanted.seats
        seat.note(here, block.computed)
        seat.top.cost.forwards += block.forward
        return
    shares: dict[Seat, tuple[list[int], list[int]]] = {}
    for address, computed in zip(here, block.computed, strict=True):
        owner = owners[address]
        share = shares.get(owner)
        if share is None:
            share = shares[owner] = ([], [])
        share[0].append(address)
        share[1].append(computed)
    for owner, share in shares.items():
        owner.note(*share)
    inside = set(here)
    tops = {owner.top for owner in shares}
    tops.update(job.seat.top for address in here for job in jobs.get(address, ()))
    waiting = [(front.seat, [front.addresses[at] for at in places]) for front, places in fronts]
    walking = [(job.seat, [*dict.fromkeys(job.asked(edges)[0])]) for job, edges in wanted.walks]
    for seat, rows in [*waiting, *walking]:
        some = [row for row in rows if row in inside]
        seat.note(some, [0] * len(some))
        if some:
            tops.add(seat.top)
    for top in tops:
        top.cost.forwards += block.forward


def _hand(block: Block, here: Sequence[int], wanted: Wanted) -> None:
    """Hand the rows of `block` to the jobs that wait for them."""
    jobs: list[Standing] = []
    several = len(wanted.seats) > 1
    for row, address in enumerate(here):
        for job in wanted.jobs.get(address, ()):
            if several:
                job.seat.note((address,), (0,))
            jobs.append((row, job))
    if not wanted.drafted:
        _by_law(jobs, block)
        return
    rows = dict(zip(here, range(len(here)), strict=True))

    def below(one: Standing) -> Standing | None:
        draw = one[1]
        if not isinstance(draw, Draw) or not lands(draw, wanted.drafted, several):
            return None
        row = rows.get(draw.address)
        if row is None:  # another block's, or the next call's
            wanted.jobs.setdefault(draw.address, []).append(draw)
            return None
        return row, draw

    walk(jobs, lambda standing: _by_law(standing, block), below)


def _by_law(jobs: Sequence[Standing], block: Block) -> None:
    """Serve `jobs` from their rows of `block`, those under one law together."""
    laws: dict[tuple[object, type], tuple[list[int], list[Any]]] = {}
    law, kind = None, None
    for row, job in jobs:
        if job.law is not law or type(job) is not kind:
            law, kind = job.law, type(job)
            places, some = laws.setdefault((law.group, kind), ([], []))
        places.append(row)
        some.append(job)
    for (_, kind), (places, some) in laws.items():
        if kind is Draw:
            _sample(some[0].law, some, block, places)
        else:
            _expand_law(some[0].law, some, _chosen(block, places))


def _chosen(block: Block, rows: list[int]) -> Rows:
    """Logits of `rows`, the block's own where they are all of it."""
    whole = len(rows) == len(block.logits) and rows == list(range(len(rows)))
    return block.logits if whole else block.logits[rows]


def _walk(block: Block, here: Sequence[int], asked: Asked) -> None:
    """Note what walks ask of the rows of `block`."""
    places = asked.places(here)
    rows = np.flatnonzero(places >= 0)
    if len(rows):
        logits = _chosen(block, rows.tolist())
        asked.read(places[rows], summarise(logits, 0, entropy=False).lse, logits)


def _stream(walker: Walker, addresses: list[int], wanted: Wanted, asked: Asked) -> None:
    """Serve walks, which want no row but some logits of it and what all its logits come to."""
    for some in walker(addresses, asked.tokens, asked.starts):
        _count(some, addresses[some.index.start : some.index.stop], wanted)
        asked.note(some.index, normalisers(some.largest, some.lse), some.logits)
    _tell(wanted, asked)


def _tell(wanted: Wanted, asked: Asked | None) -> None:
    """Tell every walk what it asked for."""
    if asked is not None:
        for (job, edges), logprobs in zip(wanted.walks, asked.answers(), strict=True):
            job.hear(edges, logprobs)


def _sample(law: Law, draws: Sequence[Draw], block: Block, places: list[int]) -> None:
    """Let each of `draws` take a token of its row of `block`; several may share a row."""
    sampler = law.sampler or _GUMBEL
    distinct = list(dict.fromkeys(places))
    logits = _chosen(block, distinct)
    lse = log_sum_exp(logits)
    if len(distinct) < len(places):
        at = dict(zip(distinct, range(len(distinct)), strict=True))
        shared = [at[place] for place in places]
        logits, lse = logits[shared], lse[shared]
    scores, mass = lawful(law, draws, logits)
    if law.stateful or not law.plain:
        own = _drawing(law, sampler, draws, scores)
        if not own:
            return
        if len(own) < len(draws):
            draws = [draws[place] for place in own]
            logits, lse, scores = logits[own], lse[own], scores[own]
            mass = None if mass is None else mass[own]
    rejecting = [i for i, draw in enumerate(draws) if rejects(draw)]
    keys = position_keys([draw.key for draw in draws], [len(draw.run.tokens) for draw in draws])
    known = lse if law.plain else None
    drawn = sampler.draw(scores, keys, [draw.sampled for draw in draws], known)
    for place in rejecting:
        drawn.tokens[place] = token = judged(draws[place], scores[place])
    if rejecting:
        each = np.array(rejecting)
        own = scores[each, drawn.tokens[each]].astype(np.float64)
        drawn.proposal[each] = own - log_sum_exp(scores[each])
    tokens, proposals = drawn.tokens.tolist(), drawn.proposal.tolist()
    logprobs = proposals
    if not (law.plain and isinstance(sampler, Gumbel)):  # whose proposal is the model's own
        picked = logits[np.arange(len(draws)), drawn.tokens].astype(np.float64)
        logprobs = (picked - lse).tolist()
    masses = [None] * len(draws) if mass is None else np.exp(mass).tolist()
    for draw, token, logprob, proposal, left, state in zip(
        draws, tokens, logprobs, proposals, masses, drawn.states, strict=True
    ):
        draw.sampled = state
        draw.step(token, logprob, proposal, left)


def _drawing(law: Law, sampler: Sampler, draws: Sequence[Draw], scores: Rows) -> list[int]:
    """Which of `draws` take a token: not the dead, nor those whose state is still behind."""
    dead = [False] * len(draws)
    if not law.plain:
        dead = np.isneginf(scores.max(axis=1)).tolist()
    drawing = []
    for place, draw in enumerate(draws):
        if draw.behind:
            token, state = draw.seat.live.token[draw.behind[0]], draw.sampled
            draw.caught_up(state if dead[place] else sampler.observe(scores[place], token, state))
        elif dead[place]:
            draw.finish("dead")
        else:
            drawing.append(place)
    return drawing


def _expand_law(law: Law, jobs: Sequence[ExpandJob], logits: Rows) -> None:
    base = summarise(logits, 1)
    rows = logits - base.lse[:, None].astype(logits.dtype)
    scores, mass = lawful(law, jobs, rows)
    k = min(max(job.request.k for job in jobs), logits.shape[1])
    alive = np.flatnonzero(~np.isneginf(scores.max(axis=1)))
    norm = np.full(len(jobs), -np.inf)
    picked = np.zeros((len(jobs), k), dtype=np.int64)
    values = np.full((len(jobs), k), -np.inf)
    if len(alive):
        left = scores[alive]
        norm[alive] = log_sum_exp(left)
        drawn = [key for key in (jobs[i].key for i in alive.tolist()) if key is not None]
        if drawn:
            picked[alive], values[alive] = gumbel_topk(left, np.array(drawn, dtype=np.uint64), k)
        else:
            picked[alive] = summarise(left, k, entropy=False).tokens
    for i, job in enumerate(jobs):
        tokens = picked[i].tolist() if norm[i] > -np.inf else []
        tokens = [t for t in tokens[: job.request.k] if scores[i, t] != -np.inf]
        keys = None if job.key is None else (values[i, : len(tokens)] - norm[i]).tolist()
        job.outcome = Expanded(
            tokens,
            (logits[i, tokens].astype(np.float64) - base.lse[i]).tolist(),
            scores[i, tokens].astype(np.float64).tolist(),
            float(base.lse[i]),
            float(norm[i]),
            float(base.entropy[i]),
            1.0 if mass is None else float(np.exp(mass[i])),
            keys,
        )
        job.done = True
