"""What a request asks of a row of logits: a How with nothing left open.

This room believes that a law is made once and read by every job under it, and that a path a
constraint does not allow has a state too, from which nothing goes on. It does not cover who asks.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treeseek.constraints.protocol import Constraint
from treeseek.decoding.samplers import Greedy, Sampler
from treeseek.decoding.summary import log_sum_exp
from treeseek.decoding.warp import Warp
from treeseek.errors import Incompatible
from treeseek.model import LM
from treeseek.requests import How

Rows = NDArray[np.floating[Any]]


class Law:
    """A How with nothing left open, and whether it changes a row at all."""

    __slots__ = (
        "constraint", "group", "likeliest", "lm", "plain", "salt", "sampler", "setting",
        "stateful", "tilt", "warp",
    )  # fmt: skip

    def __init__(self, how: How, lm: LM) -> None:
        """Resolve `how`; raises Incompatible for a model with another vocabulary."""
        self.lm: LM = how.model if how.model is not None else lm
        if self.lm.vocabulary != lm.vocabulary:
            raise Incompatible(
                f"{self.lm.name} has {self.lm.vocabulary} tokens and {lm.name} {lm.vocabulary}: "
                "two models in one search share a vocabulary."
            )
        warp = how.warp
        if warp is not None and not warp.ends:
            warp = replace(warp, ends=tuple(sorted(lm.ends)))
        foreign = blake2b(self.lm.name.encode(), digest_size=16).digest()
        self.salt = 0 if self.lm is lm else int.from_bytes(foreign, "little")
        self.warp: Warp | None = None if warp is None or warp.identity else warp
        self.constraint: Constraint | None = how.constraint
        self.sampler: Sampler | None = how.sampler
        self.tilt = how.tilt
        for tilted in (how.tilt or {}).values():
            if tilted:
                lm.check(list(tilted))
        self.plain = self.warp is None and how.constraint is None and how.tilt is None
        self.likeliest = self.plain and (how.sampler is None or isinstance(how.sampler, Greedy))
        """Whether an Expand asks for no more than the model's own likeliest tokens."""
        self.stateful = how.constraint is not None or (
            how.sampler is not None and how.sampler.initial() is not None
        )
        """Whether what it allows or draws depends on what came before."""
        key = how.constraint and how.constraint.key
        self.setting = repr((self.lm.name, self.warp, how.sampler, key, id(how.tilt)))
        self.group: object = id(how.tilt) if how.tilt is not None else 0
        if not self.plain or how.sampler is not None:
            self.group = (self.group, self.warp, key, how.sampler)


class _Dead:
    """State of a constraint on a path it does not allow."""


DEAD = _Dead()


def start_of(constraint: Constraint | None) -> Any:
    """The constraint's state before any token; None without a constraint."""
    return None if constraint is None else constraint.start()


def accepted(constraint: Constraint, state: Any, token: int) -> Any:
    """The constraint's state one `token` later, DEAD if it does not allow it."""
    if state is DEAD or not constraint.mask(state)[token]:
        return DEAD
    return constraint.accept(state, token)


def lawful(law: Law, jobs: Sequence[Any], rows: Rows) -> tuple[Rows, NDArray[np.float64] | None]:
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
