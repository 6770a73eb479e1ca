"""A world that answers actions, and the verifier that plays the actions of a text in it.

This room believes that a search acts by writing: a prefix is a sequence of actions, and where it
leads is found by playing it from the start, or from where the world stands if that lies on the way.
So every search over steps can act, and prunes, merges and scores by what the world says. It does
not cover worlds whose actions cannot be taken back by starting anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from treeseek.errors import InvalidOption
from treeseek.requests import Verdict


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a world stands after an action.

    `observation` is what it says, `score` in [0, 1] how good this is, `solved` whether the goal is
    reached, `done` whether nothing more can be done, `legal` False for an action that the world
    refuses, `state` names all that matters for what follows ("" where unknown).
    """

    observation: str = ""
    score: float = 0.0
    solved: bool = False
    done: bool = False
    legal: bool = True
    state: str = ""


class Environment(Protocol):
    """A world that can be started anew; the same actions lead to the same place.

    `name` and `version` tell it from every other one, its instance included. A class that inherits
    this needs `reset` and `step`.
    """

    name: str
    version: str

    def reset(self) -> Turn:
        """Start anew; where it stands then."""
        ...

    def step(self, action: str) -> Turn:
        """Take `action` and say where that leads; a refused one changes nothing."""
        ...

    def replay(self, actions: Sequence[str]) -> Turn:
        """Start anew and take `actions`, as far as they are legal; where the last one led."""
        turn = self.reset()
        for action in actions:
            if turn.done:
                return Turn("nothing more can be done", turn.score, legal=False)
            turn = self.step(action)
            if not turn.legal:
                break
        return turn


class Played:
    """Verifier: plays the actions of a text, one a line, and says where they lead.

    Refused actions cannot be mended, unless the line may still grow; the observation is the
    feedback and the state the world's. Cost: one step of the world for each action beyond those it
    has just played, all of them where the text is another one. Raises InvalidOption for an empty
    `separator`.
    """

    def __init__(self, environment: Environment, *, separator: str = "\n") -> None:
        """Play in `environment`, whose actions end with `separator`."""
        if not separator:
            raise InvalidOption("Played(separator=''): give the string that ends an action.")
        self._world = environment
        self._separator = separator
        self._before: tuple[str, ...] = ()
        self._turn: Turn | None = None
        self.name, self.version = f"played in {environment.name}", environment.version

    def verify(self, text: str) -> Verdict:
        """Where the actions of `text` lead."""
        parts = [part.strip() for part in text.split(self._separator)]
        actions = tuple(part for part in parts if part)
        turn = self._go(actions)
        growing = bool(parts[-1]) and not turn.legal
        over = turn.done or not turn.legal
        whole = not parts[-1]
        return Verdict(
            turn.score, turn.solved, over and not growing, turn.observation,
            turn.state if whole and turn.legal else "",
        )  # fmt: skip

    def _go(self, actions: tuple[str, ...]) -> Turn:
        before, turn = self._before, self._turn
        onward = turn is not None and turn.legal and not turn.done
        if turn is None or not onward or actions[: len(before)] != before:
            turn = self._world.replay(actions)
        else:
            for action in actions[len(before) :]:
                if turn.done:
                    turn = Turn("nothing more can be done", turn.score, legal=False)
                elif turn.legal:
                    turn = self._world.step(action)
        self._before, self._turn = actions, turn
        return turn
