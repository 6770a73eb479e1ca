"""Laws of all puzzles in steps: solvable, judged strictly, pruned soundly, merged soundly."""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tasks.opinions import binned, packed, reached_24, stands, toured
from treeseek.errors import InvalidOption
from treeseek.requests import Verdict
from treeseek.tasks import bin_packing, blocksworld, game24, knapsack, tsp
from treeseek.tasks.bin_packing import BinPacking
from treeseek.tasks.blocksworld import Blocksworld
from treeseek.tasks.game24 import Game24
from treeseek.tasks.knapsack import Knapsack
from treeseek.tasks.puzzle import StepVerifier, whole_steps
from treeseek.tasks.tsp import TSP

seeds = st.integers(0, 2**32)


@dataclass(frozen=True)
class Room:
    """A task that can be enumerated, its solver, and a second opinion on whole answers."""

    task: Any
    solve: Callable[[Any], str | None]
    opinion: Callable[[Any, str], float]
    others: tuple[Any, ...]
    depth: int = 99

    def problem(self, seed: int) -> Any:
        (problem,) = self.task.problems(seed, 1)
        return problem


ROOMS = {
    room.task.name: room
    for room in (
        Room(Game24(), game24.solve, reached_24, ()),
        Room(Blocksworld(blocks=3), blocksworld.solve, stands, (Blocksworld(blocks=6),), 3),
        Room(Knapsack(items=4), knapsack.solve, packed, (Knapsack(items=12),)),
        Room(BinPacking(items=4), bin_packing.solve, binned, (BinPacking(items=10),)),
        Room(TSP(towns=5), tsp.solve, toured, (TSP(towns=9),)),
    )
}
rooms = pytest.mark.parametrize("room", ROOMS.values(), ids=ROOMS)


def small(room: Room, seed: int) -> Any:
    """A problem whose tree can be walked to its end; three numbers for the game of 24."""
    if isinstance(room.task, Game24):
        noise = random.Random(seed)
        return game24.Puzzle(tuple(sorted(noise.randint(1, 13) for _ in range(3))))
    return room.problem(seed)


def blind(problem: Any, noise: random.Random, limit: int = 99) -> list[str]:
    """Allowed steps chosen blindly until none is left, or `limit` of them."""
    state, lines = problem.start(), []
    while len(lines) < limit and (steps := problem.steps(state)):
        line = noise.choice(list(steps))
        lines.append(line)
        state = steps[line]
    return lines


def prefixes(problem: Any, depth: int) -> Iterator[tuple[list[str], Any]]:
    """Every list of allowed steps of at most `depth`, with its state."""
    held: list[tuple[list[str], Any]] = [([], problem.start())]
    while held:
        lines, state = held.pop()
        yield lines, state
        if len(lines) < depth:
            held += [([*lines, line], after) for line, after in problem.steps(state).items()]


@rooms
@settings(max_examples=15)
@given(seed=seeds)
def test_every_problem_is_solvable_and_its_own_solution_verifies(room: Room, seed: int) -> None:
    for task in (room.task, *room.others):
        for problem in task.problems(seed, 2):
            answer = room.solve(problem)
            assert answer is not None
            verdict = task.verifier(problem).verify(answer)
            assert (verdict.score, verdict.solved, verdict.terminal) == (1.0, True, True)
            if task is room.task:
                assert room.opinion(problem, answer) == 1.0
            assert task.answer(problem, answer)


@rooms
def test_problems_follow_from_the_seed(room: Room) -> None:
    longer = room.task.problems(3, 9)
    assert room.task.problems(3, 4) == longer[:4]
    assert len({problem.id for problem in longer}) == 9
    assert room.task.problems(4, 9) != longer
    assert len({room.task.verifier(problem).name for problem in longer}) == 9
    with pytest.raises(InvalidOption, match="0 or more"):
        room.task.problems(0, -1)


@rooms
@settings(max_examples=25)
@given(seed=seeds, noise=st.randoms(use_true_random=False))
def test_verdicts_agree_with_a_second_opinion(room: Room, seed: int, noise: Any) -> None:
    problem = room.problem(seed)
    lines = blind(problem, noise, 8)
    if not lines:
        return
    verdict = room.task.verifier(problem).verify("\n".join(lines))
    opinion = room.opinion(problem, "\n".join(lines))
    if room.task.name in ("bin-packing", "tsp", "knapsack"):
        assert verdict.score == pytest.approx(opinion)
    assert verdict.solved is (opinion == 1.0) is (verdict.score == 1.0)


@rooms
@settings(max_examples=60)
@given(data=st.data(), seed=seeds)
def test_no_change_of_one_character_is_accepted_wrongly(room: Room, data: Any, seed: int) -> None:
    problem = room.problem(seed)
    answer = room.solve(problem)
    assert answer is not None
    place = data.draw(st.integers(0, len(answer) - 1))
    sign = data.draw(st.sampled_from("0123456789+-*/=:()>| \nabc"))
    changed = answer[:place] + sign + answer[place + 1 :]
    if room.task.verifier(problem).verify(changed).solved:
        lines = [line.strip() for line in changed.split("\n") if line.strip()]
        assert room.opinion(problem, "\n".join(lines)) == 1.0
        assert whole_steps(problem, changed)


@rooms
@given(
    text=st.one_of(st.text(), st.text(alphabet="0123456789+-*/=:()>| \nabc"), st.characters()),
    seed=st.integers(0, 3),
)
def test_any_text_gets_a_verdict(room: Room, text: str, seed: int) -> None:
    problem = room.problem(seed)
    verdict = room.task.verifier(problem).verify(text)
    assert 0.0 <= verdict.score <= 1.0
    assert verdict.solved is (verdict.score == 1.0)
    assert verdict.feedback
    assert room.task.answer(problem, text) is None or whole_steps(problem, text)


def unsound(problem: Any, verifier: Any, depth: int) -> str | None:
    """A beginning of an allowed text that is called ended, or None: the law of pruning."""
    for lines, _ in prefixes(problem, depth):
        text = "\n".join(lines)
        if not verifier.verify(text).solved:
            continue
        for end in range(len(text)):
            verdict = verifier.verify(text[:end])
            if verdict.terminal and not verdict.solved:
                return text[:end]
    return None


@rooms
@pytest.mark.parametrize("seed", range(4))
def test_a_beginning_that_can_be_completed_is_never_called_ended(room: Room, seed: int) -> None:
    problem = small(room, seed)
    assert unsound(problem, room.task.verifier(problem), min(room.depth, 5)) is None


@rooms
@pytest.mark.parametrize("seed", range(3))
def test_what_cannot_become_a_step_is_called_ended_at_the_first_letter(
    room: Room, seed: int
) -> None:
    """The beginnings of allowed texts are known exactly: one letter more or other is a fault."""
    problem = small(room, seed)
    verifier = room.task.verifier(problem)
    allowed = {"\n".join(lines)[:end] for lines, _ in prefixes(problem, 2) for end in range(60)}
    noise = random.Random(seed)
    for text in noise.sample(sorted(allowed), min(60, len(allowed))):
        for sign in "09:+>a(":
            verdict = verifier.verify(text + sign)
            ended = verdict.terminal and not verdict.solved
            if all(whole_steps(problem, seen) is None for seen in (text, text + sign)):
                assert ended is (text + sign not in allowed)


def unmerged(problem: Any, verifier: Any, depth: int) -> tuple[str, str] | None:
    """Two texts of the same state that different lines complete, or None: the law of merging."""
    first: dict[str, tuple[str, Any]] = {}
    for lines, _ in prefixes(problem, depth):
        text = "".join(f"{line}\n" for line in lines)
        verdict = verifier.verify(text)
        if not verdict.state:
            continue
        completions = {
            more: replace(verifier.verify(text + more), state="") for more in _rests(problem, lines)
        }
        known = first.setdefault(verdict.state, (text, completions))
        if known[1] != completions:
            return known[0], text
    return None


def _rests(problem: Any, lines: list[str]) -> list[str]:
    """The lines that may follow, two deep."""
    state = problem.start()
    for line in lines:
        state = problem.steps(state)[line]
    found = []
    for one, after in problem.steps(state).items():
        found += [one, f"{one}\n", *(f"{one}\n{two}" for two in problem.steps(after))]
    return found


@rooms
@pytest.mark.parametrize("seed", range(3))
def test_equal_states_have_equal_completions(room: Room, seed: int) -> None:
    problem = small(room, seed)
    assert unmerged(problem, room.task.verifier(problem), min(room.depth, 3)) is None
    verifier = room.task.verifier(problem)
    line = next(iter(problem.steps(problem.start())))
    assert verifier.verify(line).state == "", "the line may go on"
    assert verifier.verify(f"{line}\n").state == verifier.verify(f"\n{line}\n  ").state != ""


def test_the_laws_of_pruning_and_merging_can_fail() -> None:
    """A verifier that prunes by a guess, and one that forgets the length of a tour."""

    class Hasty(StepVerifier[Any]):
        def verify(self, text: str) -> Verdict:
            verdict = super().verify(text)
            return verdict if verdict.solved else replace(verdict, terminal=len(text) > 5)

    class Forgetful(StepVerifier[Any]):
        def verify(self, text: str) -> Verdict:
            verdict = super().verify(text)
            return replace(verdict, state=verdict.state.partition(" after")[0])

    for name in ("tsp", "knapsack"):
        problem = small(ROOMS[name], 0)
        assert unsound(problem, Hasty(problem), 9) is not None
    assert unmerged(small(ROOMS["tsp"], 0), Forgetful(small(ROOMS["tsp"], 0)), 3) is not None


@rooms
@settings(max_examples=20)
@given(seed=seeds, noise=st.randoms(use_true_random=False))
def test_a_state_is_what_its_text_says(room: Room, seed: int, noise: Any) -> None:
    """Different states are told apart: merging is not too eager."""
    problem = room.problem(seed)
    one, other = (blind(problem, noise, 2) for _ in range(2))
    states = [whole_steps(problem, "\n".join(lines)) for lines in (one, other)]
    assert states[0] and states[1]
    verdicts = [problem.verdict(found[-1]) for found in states]
    if all(verdict.state for verdict in verdicts):
        same = states[0][-1] == states[1][-1]
        if room.task.name == "tsp":
            (a, far), (b, near) = states[0][-1], states[1][-1]
            same = (sorted(a), a[-1], far) == (sorted(b), b[-1], near)
        assert (verdicts[0].state == verdicts[1].state) is same


@pytest.mark.parametrize(
    ("make", "option"),
    [
        (lambda: Blocksworld(blocks=9), "blocks"),
        (lambda: Knapsack(items=2), "items"),
        (lambda: BinPacking(items=13), "items"),
        (lambda: TSP(towns=3), "towns"),
        (lambda: Game24(puzzles="all"), "made or human"),  # type: ignore[arg-type]
        (lambda: Game24(first=3), "puzzles=human"),
    ],
)
def test_options_are_checked_where_a_task_is_made(make: Callable[[], Any], option: str) -> None:
    with pytest.raises(InvalidOption, match=option):
        make()


@settings(max_examples=40)
@given(seed=seeds, size=st.integers(3, 5))
def test_plans_are_the_shortest(seed: int, size: int) -> None:
    """A* against plain breadth-first search."""
    (problem,) = Blocksworld(blocks=size).problems(seed, 1)
    layer, seen, moves = {problem.begin}, {problem.begin}, 0
    while problem.goal not in layer:
        layer = {after for state in layer for after in problem.steps(state).values()} - seen
        seen |= layer
        moves += 1
    assert moves == problem.shortest == len(blocksworld.plan(problem.begin, problem.goal))


@settings(max_examples=30)
@given(st.lists(st.integers(1, 13), min_size=4, max_size=4))
def test_the_solver_of_24_finds_exactly_what_brute_force_finds(numbers: list[int]) -> None:
    """All orders, signs and shapes of an expression, negative results allowed."""

    def reach(left: tuple[Fraction, ...]) -> bool:
        if len(left) == 1:
            return left[0] == 24
        for i, j in itertools.permutations(range(len(left)), 2):
            rest = tuple(left[k] for k in range(len(left)) if k not in (i, j))
            a, b = left[i], left[j]
            results = {a + b, a - b, a * b} | ({a / b} if b else set())
            if any(reach((*rest, result)) for result in results):
                return True
        return False

    puzzle = game24.Puzzle(tuple(sorted(numbers)))
    assert game24.solvable(numbers) is reach(tuple(map(Fraction, numbers)))
    answer = game24.solve(puzzle)
    assert (answer is not None) is game24.solvable(numbers)
    if answer is not None:
        assert StepVerifier(puzzle).verify(answer).solved
        assert reached_24(puzzle, answer) == 1.0


def test_answers_that_are_the_same_have_the_same_key() -> None:
    puzzle = game24.Puzzle((1, 2, 3, 4))
    task = Game24()
    one = "1+2=3:3 3 4\n3+3=6:4 6\n4*6=24:24"
    assert task.answer(puzzle, one) == task.answer(puzzle, one.replace("1+2", "2+1") + "\n")
    assert task.answer(puzzle, one) != task.answer(puzzle, "2*3=6:1 4 6\n1*4=4:4 6\n4*6=24:24")
    assert task.answer(puzzle, "1+2=3:3 3 4") is None

    (bag,) = Knapsack(items=5).problems(1, 1)
    lines = blind(bag, random.Random(0))
    turned = "".join(sorted(line[0] for line in lines))
    assert Knapsack(items=5).answer(bag, "\n".join(lines)) == turned

    (tour,) = TSP(towns=5).problems(1, 1)
    forth = tsp.solve(tour)
    back, state = [], tour.start()
    for name in [*[line[0] for line in forth.split("\n")][-2::-1], "a"]:
        line = next(line for line in tour.steps(state) if line[0] == name)
        back.append(line)
        state = tour.steps(state)[line]
    assert TSP(towns=5).answer(tour, forth) == TSP(towns=5).answer(tour, "\n".join(back))
