"""Search algorithms, one a file: plain generators that yield requests and do no I/O."""

from treeseek.strategies.greedy import greedy
from treeseek.strategies.sample import sample

__all__ = ["greedy", "sample"]
