"""From rows to outcomes: one pass over the rows of a call for all jobs that wait for them.

Rows are decoded in groups that share a law, so a frontier of many searches costs a few vectorised
calls. A job's outcome depends on its own row, law and noise, never on the group.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treeseek.backends.protocol import Block, Streamed, Walker
from treeseek.decoding.gumbel import gumbel_topk
from treeseek.decoding.samplers import Gumbel
from treeseek.decoding.summary import log_sum_exp, summarise
from treeseek.decoding.wide import normalisers
from treeseek.model import LM
from treeseek.replies import Expanded
from treeseek.scheduler.jobs import DEAD, ExpandJob, Law, SampleJob, WalkJob
from treeseek.scheduler.seat import Seat
from treeseek.scheduler.wanted import Waiting, Wanted

Rows = NDArray[np.floating[Any]]

_KEEP = 8
_GUMBEL = Gumbel()


def serve(lm: LM, wanted: Wanted) -> None:
    """Compute the rows of all addresses in `wanted` and hand them to who waits for them."""
    walker: Walker | None = getattr(lm.backend, "walk", None)
    if walker is not None and (walks := _walks(wanted)) is not None:
        _stream(walker, wanted, walks)
        return
    addresses, fronts = list(wanted.owners), wanted.fronts
    plain = {front.addresses[place] for front, places in fronts for place in places}
    k = min(max([_KEEP, *[front.k for front, _ in fronts]]), lm.vocabulary)
    for block in lm.backend.expand(addresses):
        here = [addresses[position] for position in block.index]
        _count(block, here, wanted)
        if wanted.jobs:
            rows = [row for row, address in enumerate(here) if address in plain]
            if rows:
                lm.summaries.put([here[row] for row in rows], summarise(_chosen(block, rows), k))
            _hand(block, here, wanted.jobs)
        else:
            lm.summaries.put(here, summarise(block.logits, k))
    for front, places in fronts:
        front.take(places)


def _count(block: Block | Streamed, here: Sequence[int], wanted: Wanted) -> None:
    """Note the tokens and the call of `block` with the searches that have a part in it."""
    owners, fronts, jobs = wanted.owners, wanted.fronts, wanted.jobs
    if len(fronts) == 1 and not jobs:  # the only one there is owns it all
        seat = fronts[0][0].seat
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
    for front, places in fronts:
        asked = [front.addresses[place] for place in places if front.addresses[place] in inside]
        front.seat.note(asked, [0] * len(asked))
        if asked:
            tops.add(front.seat.top)
    for top in tops:
        top.cost.forwards += block.forward


def _hand(block: Block, here: Sequence[int], jobs: dict[int, list[Waiting]]) -> None:
    """Hand the rows of `block` to the jobs that wait for them."""
    laws: dict[tuple[object, type], list[tuple[int, Any]]] = {}
    walks: list[tuple[int, WalkJob, int]] = []
    for row, address in enumerate(here):
        for job in jobs.get(address, ()):
            job.seat.note((address,), (0,))
            if isinstance(job, WalkJob):
                walks.append((row, job, address))
            else:
                laws.setdefault((job.law.group, type(job)), []).append((row, job))
    if walks:
        _walk(block, walks)
    for (_, kind), group in laws.items():
        logits = _chosen(block, [row for row, _ in group])
        some = [job for _, job in group]
        (_sample if kind is SampleJob else _expand_law)(some[0].law, some, logits)


def _chosen(block: Block, rows: list[int]) -> Rows:
    """Logits of `rows`, the block's own where they are all of it."""
    whole = len(rows) == len(block.logits) and rows == list(range(len(rows)))
    return block.logits if whole else block.logits[rows]


def _walk(block: Block, walks: Sequence[tuple[int, WalkJob, int]]) -> None:
    rows = sorted({row for row, _, _ in walks})
    known = summarise(_chosen(block, rows), 0, entropy=False).lse.tolist()
    lse = dict(zip(rows, known, strict=True))
    found: dict[WalkJob, dict[int, float]] = {}
    for row, job, address in walks:
        logit = float(block.logits[row, job.after[address]])
        found.setdefault(job, {})[address] = logit - lse[row]
    for job, logprobs in found.items():
        job.take(logprobs)


def _walks(wanted: Wanted) -> dict[int, list[WalkJob]] | None:
    """Who waits, by address, where nobody wants a row for anything but a walk."""
    if wanted.fronts:
        return None
    found: dict[int, list[WalkJob]] = {}
    for address, jobs in wanted.jobs.items():
        walks = [job for job in jobs if isinstance(job, WalkJob)]
        if len(walks) < len(jobs):
            return None
        found[address] = walks
    return found


def _stream(walker: Walker, wanted: Wanted, waiting: dict[int, list[WalkJob]]) -> None:
    """Serve walks, which want no row but one logit of it and what all its logits come to."""
    addresses = list(waiting)
    tokens = [[job.after[address] for job in jobs] for address, jobs in waiting.items()]
    for some in walker(addresses, tokens):
        here = [addresses[position] for position in some.index]
        _count(some, here, wanted)
        found: dict[WalkJob, dict[int, float]] = {}
        lse = normalisers(some.largest, some.lse).tolist()
        for address, total, logits in zip(here, lse, some.logits, strict=True):
            for job, logit in zip(waiting[address], logits, strict=True):
                found.setdefault(job, {})[address] = logit - total
        for job, logprobs in found.items():
            job.seat.note(list(logprobs), [0] * len(logprobs))
            job.take(logprobs)


def _lawful(law: Law, jobs: Sequence[Any], rows: Rows) -> tuple[Rows, NDArray[np.float64] | None]:
    """Rows under warp, constraint and tilt, and the log-mass the constraint leaves each."""
    scores = rows
    if law.warp is not None:
        scores = law.warp.scores(rows, [job.path for job in jobs], [job.start for job in jobs])
    if scores is rows and (law.constraint is not None or law.tilt is not None):
        scores = rows.copy()
    mass = None
    if law.constraint is not None:
        none = np.zeros(rows.shape[1], dtype=bool)
        masks = np.stack(
            [none if job.allowed is DEAD else law.constraint.mask(job.allowed) for job in jobs]
        )
        scores[~masks] = -np.inf
        mass = log_sum_exp(np.where(masks, rows, -np.inf)) - log_sum_exp(rows)
    if law.tilt is not None:
        for row, job in enumerate(jobs):
            for token, weight in law.tilt.get(job.handle, {}).items():
                scores[row, token] += weight
    return scores, mass


def _sample(law: Law, jobs: Sequence[SampleJob], logits: Rows) -> None:
    sampler = law.sampler or _GUMBEL
    lse = log_sum_exp(logits)
    scores, mass = _lawful(law, jobs, logits)
    alive = list(range(len(jobs)))
    if not law.plain:
        dead = np.isneginf(scores.max(axis=1))
        for gone in np.flatnonzero(dead).tolist():
            job = jobs[gone]
            if job.behind:
                job.caught_up(job.sampled)
            else:
                job.finish("dead")
        if dead.any():
            alive = np.flatnonzero(~dead).tolist()
            scores = scores[alive]
    for position, row in enumerate(alive):
        if jobs[row].behind:
            token = jobs[row].seat.live.token[jobs[row].behind[0]]
            jobs[row].caught_up(sampler.observe(scores[position], token, jobs[row].sampled))
    drawing = [(p, row) for p, row in enumerate(alive) if jobs[row].wish]
    if not drawing:
        return
    if len(drawing) < len(alive):
        scores = scores[[p for p, _ in drawing]]
    drawn = [jobs[row] for _, row in drawing]
    keys = np.array([job.noise() for job in drawn], dtype=np.uint64)
    rows = [row for _, row in drawing]
    known = lse[rows] if law.plain else None
    draw = sampler.draw(scores, keys, [job.sampled for job in drawn], known)
    logprobs = (logits[rows, draw.tokens].astype(np.float64) - lse[rows]).tolist()
    tokens, proposals = draw.tokens.tolist(), draw.proposal.tolist()
    masses = None if mass is None else np.exp(mass[rows]).tolist()
    for i, job in enumerate(drawn):
        job.sampled = draw.states[i]
        job.step(tokens[i], logprobs[i], proposals[i], None if masses is None else masses[i])


def _expand_law(law: Law, jobs: Sequence[ExpandJob], logits: Rows) -> None:
    base = summarise(logits, 1)
    rows = logits - base.lse[:, None].astype(logits.dtype)
    scores, mass = _lawful(law, jobs, rows)
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
