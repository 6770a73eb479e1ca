"""treeseek searches the sequences a language model can score.

One token tree a model, strategies that do no I/O, a scheduler that batches every live search into
one forward call and counts what each is charged. Importing this package loads no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from treeseek import errors, strategies
    from treeseek.budget import Budget
    from treeseek.declare import Strategy, strategy
    from treeseek.decoding.samplers import Greedy, Gumbel, Mirostat
    from treeseek.decoding.stops import Step, Stop
    from treeseek.decoding.warp import Warp
    from treeseek.front import Progress, Run, asearch, drive, search, search_all, start, stream
    from treeseek.journal import MemoryJournal
    from treeseek.loading import load
    from treeseek.model import LM
    from treeseek.options import Range
    from treeseek.ordering.found import Ordered
    from treeseek.ordering.front import order
    from treeseek.replies import BudgetSpent
    from treeseek.requests import (
        Continue,
        Derive,
        Expand,
        How,
        Node,
        Race,
        Sample,
        Score,
        Spawn,
        Verdict,
        Verify,
        Walk,
    )
    from treeseek.result import Answer, Candidate, Cost, Result
    from treeseek.solving.attempt import Solved
    from treeseek.solving.comparison import Comparison
    from treeseek.solving.front import compare, solve

__version__ = "0.1.0"

_HOMES = {
    "budget": ["Budget"],
    "decoding.samplers": ["Greedy", "Gumbel", "Mirostat"],
    "decoding.stops": ["Step", "Stop"],
    "decoding.warp": ["Warp"],
    "loading": ["load"],
    "model": ["LM"],
    "replies": ["BudgetSpent"],
    "requests": [
        "Continue", "Derive", "Expand", "How", "Node", "Race", "Sample", "Score",
        "Spawn", "Verdict", "Verify", "Walk",
    ],
    "result": ["Answer", "Candidate", "Cost", "Result"],
    "front": ["Progress", "Run", "asearch", "drive", "search", "search_all", "start", "stream"],
    "journal": ["MemoryJournal"],
    "solving.attempt": ["Solved"],
    "solving.comparison": ["Comparison"],
    "solving.front": ["compare", "solve"],
    "declare": ["Strategy", "strategy"],
    "options": ["Range"],
    "ordering.found": ["Ordered"],
    "ordering.front": ["order"],
}  # fmt: skip
_WHERE = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "LM", "Answer", "Budget", "BudgetSpent", "Candidate", "Comparison", "Continue", "Cost",
    "Derive", "Expand", "Greedy", "Gumbel", "How", "MemoryJournal", "Mirostat", "Node", "Ordered",
    "Progress", "Race", "Range", "Result", "Run", "Sample", "Score", "Solved", "Spawn", "Step",
    "Stop", "Strategy", "Verdict", "Verify", "Walk", "Warp", "asearch", "compare", "drive",
    "errors", "load", "order", "search", "search_all", "solve", "start", "strategies", "strategy",
    "stream",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in ("errors", "strategies"):
        return import_module(f"treeseek.{name}")
    if name not in _WHERE:
        raise AttributeError(f"module 'treeseek' has no attribute {name!r}")
    value = getattr(import_module(f"treeseek.{_WHERE[name]}"), name)
    globals()[name] = value
    return value
