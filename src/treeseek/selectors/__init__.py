"""Selectors: from a stored pool of candidates to ranked answers, without a model."""

from treeseek.selectors.best import best, best_of_majority
from treeseek.selectors.complexity import complexity
from treeseek.selectors.curve import at_every_size
from treeseek.selectors.estimators import pass_at_k, pass_until
from treeseek.selectors.passes import b4, codet, max_pass, mbr_exec
from treeseek.selectors.pool import Pool, Pooled, pooled
from treeseek.selectors.rpc import rpc
from treeseek.selectors.selector import Choice, Selector, selector
from treeseek.selectors.votes import majority, weighted

__all__ = [
    "Choice",
    "Pool",
    "Pooled",
    "Selector",
    "at_every_size",
    "b4",
    "best",
    "best_of_majority",
    "codet",
    "complexity",
    "majority",
    "max_pass",
    "mbr_exec",
    "pass_at_k",
    "pass_until",
    "pooled",
    "rpc",
    "selector",
    "weighted",
]
