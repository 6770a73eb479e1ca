"""What a constraint must offer: immutable states, a mask over the next token, and a key.

The state is a function of the tokens since the search's root, whoever asked for the steps.
"""

from collections.abc import Hashable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Constraint(Protocol):
    """Says which tokens may follow; states are hashable values and are never changed."""

    key: str
    """Tells this constraint from every other one, the same in every process."""

    def start(self) -> Hashable:
        """The state at the search's root."""
        ...

    def mask(self, state: Hashable) -> NDArray[np.bool_]:
        """Which of the V tokens may follow, True = allowed."""
        ...

    def accept(self, state: Hashable, token: int) -> Hashable:
        """The state one allowed `token` later."""
        ...
