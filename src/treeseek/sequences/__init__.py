"""Sequences: of all candidates of a space, the one an objective likes best."""

from treeseek.sequences.annealing import Annealing
from treeseek.sequences.costs import PathCost
from treeseek.sequences.optimise import optimise
from treeseek.sequences.permutation import Permutation
from treeseek.sequences.perplexity import Perplexity
from treeseek.sequences.space import Move, Space, text_of
from treeseek.sequences.study import Study, minimise
from treeseek.sequences.trial import Bench, Cand, Hunt, Rated, Strategy, Trial

__all__ = [
    "Annealing",
    "Bench",
    "Cand",
    "Hunt",
    "Move",
    "PathCost",
    "Permutation",
    "Perplexity",
    "Rated",
    "Space",
    "Strategy",
    "Study",
    "Trial",
    "minimise",
    "optimise",
    "text_of",
]
