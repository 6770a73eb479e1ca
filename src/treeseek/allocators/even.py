"""Even shares: as many draws for every problem. What every allocator must beat."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from treeseek.allocators.allocated import ONE, Each, Problems, allocated
from treeseek.allocators.arms import Arm, Pick, lacking
from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import Node
from treeseek.strategies.posteriors import Rng


@dataclass(frozen=True)
class Even:
    """One draw a problem and round, `draws` rounds."""

    draws: int

    def pick(self, arms: Sequence[Arm], rng: Rng) -> list[Pick]:
        """Everybody who has not had all of its draws, who had fewest first."""
        return lacking(arms, self.draws)


@strategy("best-of-n", tier="step")
def even(
    ctx: Context,
    root: Node,
    *,
    problems: Problems = (),
    each: Each = ONE,
    draws: Annotated[int, Range(low=1), "draws for each problem"] = 8,
) -> Search:
    """Give every problem the same number of draws, one a round.

    Cost: draws * problems runs of `each`. The control of every allocator: it loses where problems
    differ, for it spends as much on what is settled after two draws as on what no draw ever solves.
    Deviations: none. Reference: best-of-n
    """
    yield from allocated(ctx, root, problems, [each], Even(draws))
