"""The merge drafter: several drafters, one tree.

This file believes that drafters are good at different tokens and say so, once their chances are
counted on one scale. It does not cover rules of acceptance that need to know who drew a token.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from treeseek.drafters.calibration import Compiled, Counted
from treeseek.drafters.protocol import Drafter, Drafting, Rows, Scope, Site, Tip
from treeseek.drafters.trees import DraftTree
from treeseek.errors import InvalidOption
from treeseek.native.vocabulary import available


@dataclass(frozen=True)
class Merge:
    """Drafts what any of `parts` drafts, united as one trie: the tokens most probably reached.

    The chances of each part are corrected by how often they came true in this drafter's life; a
    token that several draft has the largest. Cost: that of the parts, and a microsecond a node.
    suffix with a model is RASD. Only sample-and-match can verify it, for laws are lost. Raises
    InvalidOption for less than two parts, or the same twice.

    Reference: rasd
    """

    parts: tuple[Drafting, ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2 or len(set(self.parts)) < len(self.parts):
            raise InvalidOption(f"merge({self.name}): give two or more drafters, each once.")

    @property
    def name(self) -> str:
        """The parts' names, joined."""
        return "+".join(part.name for part in self.parts)

    @property
    def scope(self) -> Scope:
        """Shared by a run if any of the parts is."""
        return "run" if any(part.scope == "run" for part in self.parts) else "search"

    def start(self, site: Site) -> Drafter:
        """The parts, started."""
        kind = Compiled if available() else Counted
        counted = kind(len(self.parts), vocabulary=site.vocabulary)
        return _United(self.name, [part.start(site) for part in self.parts], counted)


class _United:
    """See `Merge`."""

    def __init__(self, name: str, parts: Sequence[Drafter], counted: Counted) -> None:
        self.name, self.parts, self.counted = name, parts, counted
        self.sees = max(part.sees for part in parts)

    def begin(
        self, sequence: int, tokens: Sequence[int], *, known: int = 0, search: int = 0
    ) -> None:
        """See `Drafter`."""
        for part in self.parts:
            part.begin(sequence, tokens, known=known, search=search)

    def extend(self, sequence: int, tokens: Sequence[int]) -> None:
        """See `Drafter`; counts what came true."""
        self.counted.grown(sequence, tokens)
        for part in self.parts:
            part.extend(sequence, tokens)

    def end(self, sequence: int) -> None:
        """See `Drafter`."""
        self.counted.over(sequence)
        for part in self.parts:
            part.end(sequence)

    def propose(self, tips: Sequence[Tip], budgets: Sequence[int]) -> list[DraftTree]:
        """See `Drafter`."""
        drafted = zip(*(part.propose(tips, budgets) for part in self.parts), strict=True)
        return [
            self.counted.united(tip.sequence, trees, budget)
            for tip, budget, trees in zip(tips, budgets, drafted, strict=True)
        ]

    def observe(self, rows: Rows) -> None:
        """See `Drafter`."""
        for part in self.parts:
            if part.sees:
                part.observe(rows)

    def memory(self) -> int:
        """See `Drafter`."""
        return sum(part.memory() for part in self.parts)
