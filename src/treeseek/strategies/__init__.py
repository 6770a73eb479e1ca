"""Search algorithms, one a file: plain generators that yield requests and do no I/O."""

from treeseek.strategies.ab_mcts_a import ab_mcts_a
from treeseek.strategies.ab_mcts_m import ab_mcts_m
from treeseek.strategies.adadec import adadec
from treeseek.strategies.agent_best_first import agent_best_first
from treeseek.strategies.beam import beam
from treeseek.strategies.best_first import best_first
from treeseek.strategies.best_of_n import best_of_n
from treeseek.strategies.dfsdt import dfsdt
from treeseek.strategies.diverse_beam import diverse_beam
from treeseek.strategies.dvts import dvts
from treeseek.strategies.entropy_adaptive import entropy_adaptive
from treeseek.strategies.foreal import foreal
from treeseek.strategies.greedy import greedy
from treeseek.strategies.limited_discrepancy import limited_discrepancy
from treeseek.strategies.mcts import mcts
from treeseek.strategies.omega_prm import omega_prm
from treeseek.strategies.pal import pal
from treeseek.strategies.particle import particle
from treeseek.strategies.pg_td import pg_td
from treeseek.strategies.portfolio import portfolio
from treeseek.strategies.prm_beam import prm_beam
from treeseek.strategies.puct import puct
from treeseek.strategies.rest_mcts import rest_mcts
from treeseek.strategies.rethink_mcts import rethink_mcts
from treeseek.strategies.retro_search import retro_search
from treeseek.strategies.rstar import rstar
from treeseek.strategies.sample import sample
from treeseek.strategies.self_consistency import self_consistency
from treeseek.strategies.step_beam import step_beam
from treeseek.strategies.stochastic_beam import stochastic_beam
from treeseek.strategies.tree_of_thoughts import tot
from treeseek.strategies.tree_segments import tree_segments

__all__ = [
    "ab_mcts_a",
    "ab_mcts_m",
    "adadec",
    "agent_best_first",
    "beam",
    "best_first",
    "best_of_n",
    "dfsdt",
    "diverse_beam",
    "dvts",
    "entropy_adaptive",
    "foreal",
    "greedy",
    "limited_discrepancy",
    "mcts",
    "omega_prm",
    "pal",
    "particle",
    "pg_td",
    "portfolio",
    "prm_beam",
    "puct",
    "rest_mcts",
    "rethink_mcts",
    "retro_search",
    "rstar",
    "sample",
    "self_consistency",
    "step_beam",
    "stochastic_beam",
    "tot",
    "tree_segments",
]
