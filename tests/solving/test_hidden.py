"""What is hidden stays hidden: searches on problems that differ in nothing else are told the same.

The problems of a pair have the same id, prompt and public tests; the texts are programs that meet
all, some or none of them, and beginnings of such programs.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treeseek
from treeseek import sandbox as held
from treeseek.decoding.stops import Step
from treeseek.errors import NoSandbox
from treeseek.requests import Verdict
from treeseek.sandbox import Limits, Sandbox, Test, standing
from treeseek.solving.front import attempt
from treeseek.solving.judging import Patient
from treeseek.strategies import mcts, pg_td, step_beam
from treeseek.tasks.humaneval import HumanEval
from treeseek.tasks.jsonl import Jsonl
from treeseek.tasks.lists import Lists
from treeseek.tasks.mbpp import MBPP
from treeseek.tasks.programs import MOST_LINES, Problem, ProgramTask, generate, run, write
from treeseek.tasks.strings import Strings
from treeseek.tasks.sygus import ByExample, load
from treeseek.verifiers.tests import TestsVerifier


class Whole:
    """The mutation: a verifier of which the search asks everything."""

    def __init__(self, verifier: Any) -> None:
        self.verifier, self.name, self.version = verifier, verifier.name, verifier.version

    def verify(self, text: str) -> Verdict:
        return self.verifier.verify(text)


def apart(pair: Sequence[Any], texts: Sequence[str], seen: Callable[[Any], Any]) -> list[str]:
    """The texts on which a search is told something else by the verifiers of a pair."""
    one, two = (Patient(seen(verifier)) for verifier in pair)
    return [text for text in texts if one.verify(text) != two.verify(text)]


def laws(pair: Sequence[Any], texts: Sequence[str]) -> None:
    assert apart(pair, texts, lambda verifier: verifier) == []
    judged = ([Patient(verifier).judge(text).solved for text in texts] for verifier in pair)
    ours, theirs = judged
    assert any(ours) and ours != theirs, "the pair differs in what is solved"
    assert apart(pair, texts, Whole) != [], "the law would see it"


def spoilt(problem: Problem) -> Problem:
    """`problem`, solved by another program or by none."""
    return replace(problem, hidden=tuple((given, "0 0 0 7") for given, _ in problem.hidden))


def programs(task: ProgramTask, problem: Problem, noise: random.Random) -> Iterator[str]:
    """The problem's program, then longer and shorter ones, whole and in part."""
    known, own = list(task.language.operations), list(problem.program)
    # twice reversed is what it was: the program in as many lines as there may be
    full = own + ["reverse"] * (MOST_LINES - len(own))
    for program in (own, full, *([*own[:1], *noise.sample(known, 2)] for _ in range(8))):
        if all(run(task.language, program, given) for given, _ in problem.examples):
            text = write(task.language, problem, program)
            yield from (text, f"{text}\n", f"{text}\nzzz", text[: noise.randint(0, len(text))])
    yield from ("", "\n", "nothing")


@pytest.mark.parametrize("task", [Strings(), Lists()], ids=["strings", "lists"])
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32))
def test_programs_by_example(task: ProgramTask, seed: int) -> None:
    (problem,) = generate(task.language, seed, operations=2)
    texts = list(programs(task, problem, random.Random(seed)))
    laws([task.verifier(one) for one in (problem, spoilt(problem))], texts)


def test_string_programs_of_files() -> None:
    file = """(synth-fun f ((x String)) String
        ((Start String (ntString)) (ntString String (x "a" "b" (str.++ ntString ntString)))))
    (constraint (= (f "p") "ap")) (constraint (= (f "a") "{hidden}"))"""
    one, two = (load(file.format(hidden=it), name="one", shown=1) for it in ("aa", "b"))
    texts = ['(str.++ "a" x)', '(str.++ "a" x) ', "(str.++", "x ", '(str.++ x "a")', "zzz"]
    laws([ByExample(one), ByExample(two)], texts)


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    try:
        return standing()
    except NoSandbox as error:
        pytest.skip(str(error))


CODE = {
    "solves": "    return x + 1\n",
    "public alone": "    return {1: 2, 2: 3}.get(x, 0)\n",
    "half": "    return 2\n",
    "none": "    return 'x'\n",
    "open": "    return (",
}


def rows_of(name: str, hidden: str) -> tuple[type, dict[str, Any]]:
    """A row of each format, and who reads it."""
    shown = ["assert f(1) == 2", "assert f(2) == 3"]
    if name == "humaneval":
        examples = "    >>> f(1)\n    2\n    >>> f(2)\n    3\n"
        return HumanEval, {
            "task_id": "one", "prompt": f'def f(x):\n    """\n{examples}    """\n',
            "entry_point": "f", "canonical_solution": CODE["solves"],
            "test": f"def check(candidate):\n    {hidden}\n",
        }  # fmt: skip
    if name == "humaneval without examples":
        return HumanEval, {
            "task_id": "one", "prompt": "def f(x):\n", "entry_point": "f",
            "canonical_solution": CODE["solves"], "test": f"def check(candidate):\n    {hidden}\n",
        }  # fmt: skip
    if name == "mbpp":
        return MBPP, {
            "task_id": 1, "text": "Add one.", "code": "def f(x):\n    return x + 1\n",
            "test_list": [*shown[:1], hidden.replace("candidate", "f")], "test_setup_code": "",
        }  # fmt: skip
    return Jsonl, {
        "prompt": "Write f.", "tests": shown, "hidden": [hidden.replace("candidate", "f")],
    }  # fmt: skip


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("name", ["jsonl", "mbpp", "humaneval", "humaneval without examples"])
def test_programs_by_test(name: str, tmp_path: Path) -> None:
    pair = []
    for place, hidden in enumerate(["assert candidate(7) == 8", "assert candidate(7) == 0"]):
        kind, row = rows_of(name, hidden)
        file = tmp_path / f"{place}.jsonl"
        file.write_text(json.dumps(row))
        task = kind(path=str(file))
        (problem,) = task.problems(0, 1)
        pair.append(task.verifier(problem))
    head = "" if name.startswith("humaneval") else "def f(x):\n"
    laws(pair, [head + body for body in CODE.values()])
    if name == "humaneval without examples":
        assert Patient(pair[0]).verify(CODE["solves"]) == Verdict(
            0, False, False, "no test is shown"
        )


class Counting:
    """A sandbox in which every test but one passes, and that counts."""

    workers = 2

    def __init__(self) -> None:
        self.ran: list[tuple[str, str]] = []

    def check_all(
        self, pairs: Sequence[tuple[str, Test]], limits: Limits | None = None
    ) -> list[held.Tested]:
        self.ran += [(program, test.code) for program, test in pairs]
        return [
            held.Tested("wrong" if test.code.startswith("no") else "ok", "", 0.0, "none")
            for _, test in pairs
        ]


@dataclass(frozen=True)
class Written:
    """One problem that is judged by tests which may be wrong."""

    box: Counting
    name: str = field(default="written", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=6, init=False)

    def problems(self, seed: int, count: int) -> list[Problem]:
        return [Problem("one", "abc", (), (), ())]

    def verifier(self, problem: Problem) -> TestsVerifier:
        return TestsVerifier(
            ["no 1", "yes 2"], hidden=["yes 3", "yes 4"], binding=False, sandbox=self.box
        )  # type: ignore[arg-type]

    def answer(self, problem: Problem, text: str) -> str | None:
        return text


def test_hidden_tests_are_run_of_what_is_chosen_from_alone() -> None:
    box = Counting()
    run = attempt(
        Written(box), model=treeseek.load("toy:hash?vocabulary=6&seed=3"), problems=1, budget=60,
        strategy=pg_td(), keep=1,
    )  # fmt: skip
    while not run.trials:
        assert run.step()
    trial = run.trials[0]
    ran = [code for _, code in box.ran]
    told, asked = trial.judge.told, trial.judge.asked
    prefixes, answers = len({*told, *asked}), len(asked)
    assert ran.count("no 1") == ran.count("yes 2") == prefixes, "once each, for search and table"
    assert ran.count("yes 3") == ran.count("yes 4") == answers < prefixes
    while run.step():
        pass
    assert run.solved.side.outcomes[0].solved
    hidden = [one for one in box.ran if one[1] in ("yes 3", "yes 4")]
    assert len(set(hidden)) == len(hidden), "one memory for search and controls"


class Spoilt(Lists):
    """List programs, solved by no program."""

    def problems(self, seed: int, count: int) -> list[Problem]:
        return [spoilt(problem) for problem in super().problems(seed, count)]


def found_by(strategy: Any, task: Lists) -> list[Any]:
    """What its searches on three problems come to."""
    run = attempt(
        task, model="embedded", problems=3, budget=80, strategy=strategy, keep=3, limit=48
    )
    while len(run.trials) < 3:
        assert run.step()
    return [[(one.text, one.score) for one in trial.run.candidates()] for trial in run.trials]


def same(strategy: Any) -> bool:
    found = found_by(strategy, Lists(operations=1))
    assert any(found)
    return found == found_by(strategy, Spoilt(operations=1))


@pytest.mark.parametrize("strategy", [mcts(), step_beam(), pg_td()], ids=lambda s: s.name)
def test_a_search_does_the_same_whatever_is_hidden(strategy: Any) -> None:
    assert same(strategy)


class Telling(Whole):
    """The mutation of a whole search: hidden tests count in the score."""

    def verify(self, text: str) -> Verdict:
        verdict = super().verify(text)
        return replace(verdict, score=(verdict.score + verdict.solved) / 2)


def test_a_search_that_is_told_more_does_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Lists.verifier
    monkeypatch.setattr(Lists, "verifier", lambda task, problem: Telling(asked(task, problem)))
    assert not same(pg_td())
