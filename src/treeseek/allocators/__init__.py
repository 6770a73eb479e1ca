"""Who is served next: rules over problems, and the strategies that spend a budget by them."""

from treeseek.allocators.adaptive import adaptive
from treeseek.allocators.arms import Posed, replayed
from treeseek.allocators.compute_optimal import compute_optimal
from treeseek.allocators.divide import divide_and_conquer
from treeseek.allocators.even import even
from treeseek.allocators.thompson import thompson
from treeseek.allocators.tuning import tuning

__all__ = [
    "Posed",
    "adaptive",
    "compute_optimal",
    "divide_and_conquer",
    "even",
    "replayed",
    "thompson",
    "tuning",
]
