"""Names at the edge: from what a user types to the object, imported when it is asked for.

The command line looks things up here; code imports what it means. Other packages add names by the
entry-point group "treeseek", each called after its kind and its name: "strategies.my-search".
"""

from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from treeseek.errors import UnknownName

GROUP = "treeseek"

_OWN = {
    "allocators": {
        "adaptive": "treeseek.allocators:adaptive",
        "compute-optimal": "treeseek.allocators:compute_optimal",
        "divide-and-conquer": "treeseek.allocators:divide_and_conquer",
        "even": "treeseek.allocators:even",
        "thompson": "treeseek.allocators:thompson",
        "tuning": "treeseek.allocators:tuning",
    },
    "drafters": {
        "forced": "treeseek.drafters:Forced",
        "model": "treeseek.drafters:Model",
        "recycle": "treeseek.drafters:Recycle",
        "suffix": "treeseek.drafters:Suffix",
    },
    "moves": {
        "bridge": "treeseek.sequences.moves:bridge",
        "comb": "treeseek.sequences.moves:comb",
        "cycle": "treeseek.sequences.moves:cycle",
        "exchange": "treeseek.sequences.moves:exchange",
        "insert": "treeseek.sequences.moves:insert",
        "kin": "treeseek.sequences.lexical:kin",
        "merge": "treeseek.sequences.lexical:merge",
        "neighbour": "treeseek.sequences.moves:neighbour",
        "pieces": "treeseek.sequences.kicks:pieces",
        "reverse": "treeseek.sequences.moves:reverse",
        "scatter": "treeseek.sequences.kicks:scatter",
        "segment": "treeseek.sequences.moves:segment",
        "shuffle": "treeseek.sequences.kicks:shuffle",
        "stops": "treeseek.sequences.lexical:stops",
        "swap": "treeseek.sequences.moves:swap",
        "window": "treeseek.sequences.moves:window",
    },
    "orders": {
        "bag-beam": "treeseek.sequences:bag_beam",
        "branch-and-bound": "treeseek.sequences:branch_and_bound",
    },
    "sequences": {
        "annealing": "treeseek.sequences:Annealing",
        "bigram": "treeseek.sequences:Bigram",
        "elites": "treeseek.sequences:Elites",
        "endgame": "treeseek.sequences:Endgame",
        "genetic": "treeseek.sequences:Genetic",
        "ibis": "treeseek.sequences:Ibis",
        "islands": "treeseek.sequences:Islands",
        "iterated": "treeseek.sequences:Iterated",
        "mcts": "treeseek.sequences:Mcts",
        "portfolio": "treeseek.sequences:Portfolio",
        "repair": "treeseek.sequences:Repair",
        "tempering": "treeseek.sequences:Tempering",
    },
    "strategies": {
        "ab-mcts-a": "treeseek.strategies:ab_mcts_a",
        "ab-mcts-m": "treeseek.strategies:ab_mcts_m",
        "adadec": "treeseek.strategies:adadec",
        "agent-best-first": "treeseek.strategies:agent_best_first",
        "beam": "treeseek.strategies:beam",
        "best-first": "treeseek.strategies:best_first",
        "best-of-n": "treeseek.strategies:best_of_n",
        "dfsdt": "treeseek.strategies:dfsdt",
        "diverse-beam": "treeseek.strategies:diverse_beam",
        "dvts": "treeseek.strategies:dvts",
        "entropy-adaptive": "treeseek.strategies:entropy_adaptive",
        "foreal": "treeseek.strategies:foreal",
        "greedy": "treeseek.strategies:greedy",
        "pal": "treeseek.strategies:pal",
        "prm-beam": "treeseek.strategies:prm_beam",
        "limited-discrepancy": "treeseek.strategies:limited_discrepancy",
        "mcts": "treeseek.strategies:mcts",
        "pg-td": "treeseek.strategies:pg_td",
        "puct": "treeseek.strategies:puct",
        "rest-mcts": "treeseek.strategies:rest_mcts",
        "rethink-mcts": "treeseek.strategies:rethink_mcts",
        "rstar": "treeseek.strategies:rstar",
        "omega-prm": "treeseek.strategies:omega_prm",
        "particle": "treeseek.strategies:particle",
        "portfolio": "treeseek.strategies:portfolio",
        "retro-search": "treeseek.strategies:retro_search",
        "sample": "treeseek.strategies:sample",
        "self-consistency": "treeseek.strategies:self_consistency",
        "step-beam": "treeseek.strategies:step_beam",
        "stochastic-beam": "treeseek.strategies:stochastic_beam",
        "tot": "treeseek.strategies:tot",
        "tree-segments": "treeseek.strategies:tree_segments",
    },
    "prompts": {
        "claps": "treeseek.sequences:Claps",
        "coordinate": "treeseek.sequences:Coordinate",
        "gcg": "treeseek.sequences:Gcg",
        "magic-word": "treeseek.sequences:MagicWord",
        "promptquine": "treeseek.sequences:PromptQuine",
        "tapruning": "treeseek.sequences:TaPruning",
    },
    "scorers": {
        "judge": "treeseek.scorers.judge:Judge",
        "likelihood": "treeseek.scorers.confidence:Likelihood",
        "perplexity": "treeseek.scorers.confidence:Perplexity",
        "process-reward": "treeseek.scorers.reward:ProcessReward",
        "reward": "treeseek.scorers.reward:Reward",
        "rollout": "treeseek.scorers.outcomes:RolloutValue",
        "self-certainty": "treeseek.scorers.confidence:SelfCertainty",
        "tests-passed": "treeseek.scorers.outcomes:PassShare",
    },
    "selectors": {
        "b4": "treeseek.selectors:b4",
        "best": "treeseek.selectors:best",
        "best-of-majority": "treeseek.selectors:best_of_majority",
        "codet": "treeseek.selectors:codet",
        "complexity": "treeseek.selectors:complexity",
        "majority": "treeseek.selectors:majority",
        "max-pass": "treeseek.selectors:max_pass",
        "mbr-exec": "treeseek.selectors:mbr_exec",
        "rpc": "treeseek.selectors:rpc",
        "weighted": "treeseek.selectors:weighted",
    },
    "tasks": {
        "arithmetic": "treeseek.tasks.arithmetic:Arithmetic",
        "bbh": "treeseek.tasks.bbh:BBH",
        "bin-packing": "treeseek.tasks.bin_packing:BinPacking",
        "blocksworld": "treeseek.tasks.blocksworld:Blocksworld",
        "countdown": "treeseek.tasks.countdown:Countdown",
        "game24": "treeseek.tasks.game24:Game24",
        "gsm8k": "treeseek.tasks.gsm8k:GSM8K",
        "humaneval": "treeseek.tasks.humaneval:HumanEval",
        "jsonl": "treeseek.tasks.jsonl:Jsonl",
        "knapsack": "treeseek.tasks.knapsack:Knapsack",
        "lists": "treeseek.tasks.lists:Lists",
        "math500": "treeseek.tasks.math500:MATH500",
        "mbpp": "treeseek.tasks.mbpp:MBPP",
        "strings": "treeseek.tasks.strings:Strings",
        "sudoku": "treeseek.tasks.sudoku:Sudoku",
        "sygus": "treeseek.tasks.sygus:SyGuS",
        "tsp": "treeseek.tasks.tsp:TSP",
        "x1": "treeseek.tasks.x1:X1",
    },
    "verifiers": {
        "exact": "treeseek.verifiers.exact:Exact",
        "function": "treeseek.verifiers.function:Function",
        "numeric": "treeseek.verifiers.numeric:Numeric",
        "symbolic": "treeseek.verifiers.symbolic:Symbolic",
        "tests": "treeseek.verifiers.tests:TestsVerifier",
    },
}
"""By kind: where each name lives, as module:attribute."""


@lru_cache(maxsize=1)
def _declared() -> dict[str, dict[str, str]]:
    """What installed packages declare, by kind; our own names are never replaced."""
    found: dict[str, dict[str, str]] = {}
    for point in entry_points(group=GROUP):
        kind, _, name = point.name.partition(".")
        found.setdefault(kind, {})[name] = point.value
    for kind, own in _OWN.items():
        found[kind] = {**found.get(kind, {}), **own}
    return found


def names(kind: str) -> list[str]:
    """Every name of `kind`, sorted; raises UnknownName for a kind nobody declares."""
    return sorted(_kind(kind))


def find(kind: str, name: str) -> Any:
    """The object of `kind` called `name`, imported now.

    Raises UnknownName, with the nearest names, for one nobody declares, and for one that is
    declared but cannot be imported.
    """
    known = _kind(kind)
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.5) or sorted(known)
        raise UnknownName(f"No {name!r} among the {kind}: did you mean {', '.join(near)}?")
    module, _, attribute = known[name].partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UnknownName(
            f"{name!r} is declared as {known[name]}, which cannot be imported ({error}): "
            "reinstall or remove the package that declares it."
        ) from error


def _kind(kind: str) -> dict[str, str]:
    declared = _declared()
    if kind not in declared:
        raise UnknownName(f"No kind {kind!r}: choose from {', '.join(sorted(declared))}.")
    return declared[kind]
