"""Worlds: played by their actions, anew or onward, and searched as any text is."""

from collections import deque
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from treeseek import LM, search
from treeseek.backends.toy import ToyBackend
from treeseek.declare import Strategy
from treeseek.decoding.stops import Step
from treeseek.environments import Environment, Maze, Played, Turn, Vault
from treeseek.environments.maze import MOVES
from treeseek.errors import InvalidOption
from treeseek.noise import Rng
from treeseek.strategies import agent_best_first, best_of_n, dfsdt, step_beam, tot
from treeseek.strategies.acting import transcript
from treeseek.strategies.dfsdt import differ
from treeseek.testing import Alphabet, scripted

PLAN = ("S.#.", "#..#", "G..#")
LETTERS = "nesw"
BAR = Step(("|",))


class Counted(Maze):
    """Notes how often it was started anew and stepped."""

    def __init__(self, plan: Sequence[str]) -> None:
        super().__init__(plan)
        self.resets = self.steps = 0

    def reset(self) -> Turn:
        self.resets += 1
        return super().reset()

    def step(self, action: str) -> Turn:
        self.steps += 1
        return super().step(action)


def maze_walker() -> LM:
    """A model that writes a letter and a bar, in turn, whatever the letter."""
    letters = f"^{LETTERS}|."

    def row(path: Sequence[int]) -> NDArray[np.float64]:
        likely = "|" if letters[path[-1]] in LETTERS else LETTERS
        with np.errstate(divide="ignore"):
            return np.log(np.array([float(letter in likely) for letter in letters]))

    tokenizer = Alphabet(letters)
    backend = ToyBackend(row, len(letters))
    return LM(backend, tokenizer, name="walker", ends=tokenizer.encode("."))


def shortest(plan: Sequence[str]) -> int:
    """Steps from S to G, breadth-first over cells: the second writing."""
    cells = {(r, c): cell for r, row in enumerate(plan) for c, cell in enumerate(row)}
    start = next(at for at, cell in cells.items() if cell == "S")
    queue, seen = deque([(start, 0)]), {start}
    while queue:
        (row, column), steps = queue.popleft()
        if cells[row, column] == "G":
            return steps
        for down, right in MOVES.values():
            to = (row + down, column + right)
            if cells.get(to, "#") != "#" and to not in seen:
                seen.add(to)
                queue.append((to, steps + 1))
    raise AssertionError("no way")


def test_playing_on_and_playing_anew_lead_to_the_same_place() -> None:
    rng, onward = Rng(3), Counted(PLAN)
    played = Played(onward)
    for _ in range(300):
        actions = [rng.choice(LETTERS + "x") for _ in range(rng.integers(6))]
        for length in range(len(actions) + 1):
            text = "".join(f"{action}\n" for action in actions[:length])
            fresh = Played(Maze(PLAN)).verify(text)
            assert played.verify(text) == fresh
    assert onward.resets < 1200  # of 300 * 3.5 prefixes and their retries, most were played on


def test_a_longer_text_costs_the_steps_it_adds() -> None:
    world = Counted(PLAN)
    played = Played(world)
    for text in ("", "e\n", "e\ns\n", "e\ns\ns\n"):
        played.verify(text)
    assert (world.resets, world.steps) == (1, 3)
    played.verify("e\ns\n")
    assert (world.resets, world.steps) == (2, 5)


@pytest.mark.parametrize(
    ("text", "terminal", "solved", "state"),
    [
        ("", False, False, "0 0"),
        ("e\n", False, False, "0 1"),
        ("e\ns\ns\nw\n", True, True, "2 0"),
        ("n\n", True, False, ""),
        ("n", False, False, ""),
        ("e\ns\ns\nw\nw\n", True, False, ""),
        ("fly\n", True, False, ""),
    ],
)
def test_a_verdict_says_what_the_world_does(
    text: str, terminal: bool, solved: bool, state: str
) -> None:
    verdict = Played(Maze(PLAN)).verify(text)
    assert (verdict.terminal, verdict.solved, verdict.state) == (terminal, solved, state)
    assert 0 <= verdict.score <= 1 and verdict.feedback


@pytest.mark.parametrize("plan", [("S",), ("SG", "S."), ("S.x.G",), ()])
def test_a_maze_without_a_start_and_a_goal_is_refused(plan: Sequence[str]) -> None:
    with pytest.raises(InvalidOption):
        Maze(plan)


def test_wrong_options_are_refused() -> None:
    with pytest.raises(InvalidOption):
        Vault("look")
    with pytest.raises(InvalidOption):
        Played(Vault("x"), separator="")


@pytest.mark.parametrize(
    "chosen",
    [agent_best_first(depth=9, width=4), dfsdt(width=4), step_beam(), tot(search="dfs", beams=4)],
    ids=lambda chosen: chosen.name,
)
def test_every_search_over_steps_can_act(chosen: Strategy) -> None:
    world: Environment = Maze(PLAN)
    verifier = Played(world, separator="|")
    found = search(
        "^", model=maze_walker(), strategy=chosen, verifier=verifier, step=BAR, limit=40, budget=900
    )
    assert found.best is not None and verifier.verify(found.best.text).solved
    assert found.best.text.count("|") >= shortest(PLAN)


def test_acting_blindly_is_worse() -> None:
    verifier = Played(Maze(PLAN), separator="|")
    blind = search(
        "^", model=maze_walker(), strategy=best_of_n(n=None), verifier=verifier, step=BAR, limit=40,
        budget=300,
    )  # fmt: skip
    led = search(
        "^", model=maze_walker(), strategy=tot(search="dfs", beams=4), verifier=verifier, step=BAR,
        limit=40, budget=300,
    )  # fmt: skip
    assert led.best is not None and blind.best is not None and led.best.score > blind.best.score


def test_what_was_observed_can_be_shown() -> None:
    # The word is known only to who looks: the model writes x after it was told, else it guesses.
    table = {
        "": {"l": 0.5, "y": 0.5},
        "l": {"|": 1.0},
        "y": {"|": 1.0},
        "l|": {"y": 0.999, "x": 0.001},
    }
    told = {
        "t": {"x": 1.0},
        "tx": {"|": 1.0},
        "l|x": {"|": 1.0},
        "l|y": {"|": 1.0},
        "z": {"t": 1.0},
    }
    lm = scripted({**table, **told})

    class Short(Vault):
        def step(self, action: str) -> Turn:
            return super().step({"l": "look"}.get(action, action))

    def view(prompt: str, turns: Sequence[tuple[str, str]]) -> str:
        return prompt + ("t" if any("the word is x" in said for _, said in turns) else "")

    for shown in (view, None):
        for chosen in (agent_best_first(width=2, view=shown, restarts=0), dfsdt(view=shown)):
            solved = sum(
                Played(Short("x"), separator="|").verify(best).solved
                for seed in range(6)
                if (best := answer(lm, chosen, Short("x"), seed)) is not None
            )
            assert solved >= 3 if shown else solved < 3, (chosen, solved)


def answer(lm: object, chosen: Strategy, world: Environment, seed: int) -> str | None:
    found = search(
        "^", model=lm, strategy=chosen, verifier=Played(world, separator="|"), step=BAR, limit=8,
        seed=seed, budget=60,
    )  # fmt: skip
    return found.best.text if found.best else None


def test_prompts_tell_what_was_done() -> None:
    turns = (("look", "the word is x"), ("y", "shut"))
    assert transcript("Open it.\n", turns) == "Open it.\nlook\n[the word is x]\ny\n[shut]\n"
    asked = differ("Open it.\n", ["look", "y"])
    assert asked.startswith("Open it.\n") and "- look\n- y\n" in asked
