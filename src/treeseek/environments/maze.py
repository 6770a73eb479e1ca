"""A maze on a grid: where one may go is seen only by trying."""

from collections.abc import Sequence

from treeseek.environments.protocol import Environment, Turn
from treeseek.errors import InvalidOption

MOVES = {"n": (-1, 0), "e": (0, 1), "s": (1, 0), "w": (0, -1)}


class Maze(Environment):
    """Walk from S to G by n, e, s and w; `#` is a wall, as is what lies outside.

    The score is 1 / (1 + steps to G as the crow flies), 1 at G. Raises InvalidOption for a plan
    without one S and one G.
    """

    def __init__(self, plan: Sequence[str]) -> None:
        """Read the rows of `plan`."""
        self._plan = tuple(plan)
        places = {
            cell: (row, column)
            for row, line in enumerate(self._plan)
            for column, cell in enumerate(line)
            if cell in "SG"
        }
        if sorted("".join(self._plan).replace("#", "").replace(".", "")) != ["G", "S"]:
            raise InvalidOption(f"Maze({list(plan)}): draw one S, one G, walls # and ways '.'.")
        self._start, self._goal = places["S"], places["G"]
        self._at = self._start
        self.name, self.version = f"maze {'/'.join(self._plan)}", "1"

    def reset(self) -> Turn:
        """Stand at S."""
        self._at = self._start
        return self._turn()

    def step(self, action: str) -> Turn:
        """Go one cell; refused at a wall and for what is no direction."""
        down, right = MOVES.get(action, (0, 0))
        row, column = self._at[0] + down, self._at[1] + right
        inside = 0 <= row < len(self._plan) and 0 <= column < len(self._plan[row])
        if action not in MOVES or not inside or self._plan[row][column] == "#":
            return Turn(f"no way {action!r}", self._turn().score, legal=False)
        self._at = row, column
        return self._turn()

    def _turn(self) -> Turn:
        (row, column), (to_row, to_column) = self._at, self._goal
        far = abs(row - to_row) + abs(column - to_column)
        there = far == 0
        return Turn(
            f"at {row} {column}", 1 / (1 + far), solved=there, done=there, state=f"{row} {column}"
        )
