"""`treeseek solve` and its arms: equal tokens, honest words, failures that stay where they are."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from scipy import stats

import treeseek
from treeseek.budget import Budget
from treeseek.cli.arm import Arm, Patient, attempt, by_chance, wilson
from treeseek.cli.screen import Silence, Standing
from treeseek.cli.solve import compare, sentence
from treeseek.cli.verbs import treeseek as command
from treeseek.requests import Verdict
from treeseek.tasks import countdown

TOY = "toy:hash?vocabulary=30&seed=3"
"""It knows the letters of a prompt, and solves nothing."""


def solve(line: str, *more: str) -> Result:
    call = ["solve", "countdown", "-m", TOY, *shlex.split(line), *more]
    return CliRunner().invoke(command, call)


@dataclass(frozen=True)
class Letters:
    """A problem that a toy can solve: a continuation with this letter in it."""

    id: str
    letter: str
    prompt: str = "abc"


class LetterVerifier:
    name, version = "letter", "1"

    def __init__(self, problem: Letters) -> None:
        self.problem = problem

    def verify(self, text: str) -> Verdict:
        if self.problem.letter == "!":
            raise RuntimeError("this verifier is broken")
        solved = self.problem.letter in text
        return Verdict(1.0 if solved else 0.1, solved, True, f"{self.problem.letter} in {text}")


def arm_of(letters: str, *, budget: int = 60, strategy: Any = None) -> Arm:
    problems = [
        Letters(f"{letter}{letters[:place].count(letter)}", letter)
        for place, letter in enumerate(letters)
    ]
    return attempt(
        problems,
        lm=treeseek.load("toy:hash?vocabulary=6&seed=3"),
        strategies=[strategy or treeseek.strategies.best_first()] * len(letters),
        budgets=[Budget(tokens=budget)] * len(letters),
        verifier=LetterVerifier,
        limit=8,
        seed=0,
        screen=Silence(),
    )


def test_json_is_one_object_about_both_arms() -> None:
    said = solve("--problems 3 -b tokens=40 --json -q")
    assert said.exit_code == 0 and said.stdout.count("\n") == 1 and said.stderr == ""
    record = json.loads(said.stdout)
    problems = countdown.generate(0, count=3)
    assert [p["id"] for p in record["problems"]] == [p.id for p in problems]
    assert record["accuracy"] == record["control"]["accuracy"] == 0
    assert [record["low"], record["high"]] == list(wilson(0, 3))
    assert set(record["problems"][0]) >= {"id", "best", "solved", "cost", "failure"}
    assert set(record["problems"][0]["best"]) >= {"text", "token_ids", "logprob", "finish"}
    assert record["comparison"]["search"] == "ties"
    assert record["model"] == TOY and record["seed"] == 0
    for part in (record, record["control"]):
        total = sum(problem["cost"]["tokens"] for problem in part["problems"])
        assert part["cost"]["tokens"] == total


@pytest.mark.parametrize("strategy", ["best-first", "puct -o simulations=20", "beam -o width=4"])
def test_the_control_gets_the_same_tokens_on_every_problem_and_uses_them(strategy: str) -> None:
    said = solve(f"--problems 4 -b tokens=60 --json -q -s {strategy}")
    record = json.loads(said.stdout)
    assert record["control"]["strategy"].startswith("best-of-n")
    for ours, theirs in zip(record["problems"], record["control"]["problems"], strict=True):
        assert ours["id"] == theirs["id"]
        assert 0 <= ours["cost"]["tokens"] - theirs["cost"]["tokens"] <= 1
        assert ours["cost"]["tokens"] <= 60
        assert theirs["cost"]["tokens_computed"] > 0


def test_the_same_seed_gives_the_same_and_another_seed_other_problems() -> None:
    def record(seed: int) -> Any:
        found = json.loads(solve(f"--problems 2 -b tokens=30 --json -q --seed {seed}").stdout)
        for part in (found, found["control"]):
            part["cost"]["seconds"] = 0
            for problem in part["problems"]:
                problem["cost"]["seconds"] = 0
        return found

    assert record(1) == record(1)
    assert {p["id"] for p in record(1)["problems"]}.isdisjoint(
        p["id"] for p in record(2)["problems"]
    )


def test_the_report_shows_answers_cost_and_the_control() -> None:
    said = solve("--problems 2 -b tokens=30 -s best-first")
    for problem in countdown.generate(0, count=2):
        assert f"{problem.prompt.strip()}  not solved" in said.stdout
    assert "best-first:" in said.stdout and "best-of-n, same tokens:" in said.stdout
    assert said.stdout.count("0 of 2 solved (0.00, 95 % 0.00 to 0.66)") == 2
    assert said.stdout.count(" 60 tokens charged") == 2
    assert "solved as many as best-of-n" in said.stdout.splitlines()[-1]
    assert said.exit_code == 0


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("--problems 0", 2, "--problems"),
        ("--numbers 7", 2, "--numbers"),
        ("-s bream", 2, "did you mean"),
        ("-b nothing", 2, "tokens=N"),
        ("-b 0", 3, "the budget ended before one token"),
        ("-m 'toy:hash?vocabulary=5'", 1, "every problem failed; the first: InvalidOption"),
    ],
)
def test_refusals(line: str, code: int, words: str) -> None:
    said = solve(line)
    assert (said.exit_code, "Traceback" in said.output) == (code, False)
    assert words in " ".join(said.stderr.split())


def test_a_page_shows_every_tree_and_an_svg_one(tmp_path: Path) -> None:
    file = tmp_path / "trees.html"
    assert solve("--problems 14 -b tokens=20 -q --html", str(file)).exit_code == 0
    text = file.read_text(encoding="utf-8")
    assert text.count("<svg") == 12 and "2 more trees are not drawn" in text
    assert "best-of-n, same tokens" in text
    file = tmp_path / "tree.svg"
    assert solve("--problems 2 -b tokens=20 -q --html", str(file)).exit_code == 0
    assert file.read_text(encoding="utf-8").count("<svg") == 1


# Arms.


def test_a_search_is_never_told_that_it_may_stop() -> None:
    """With the whole verdict this strategy would end at the first solved text."""
    arm = arm_of("dd")
    assert [trial.solved for trial in arm.trials] == [True, True]
    assert all(trial.cost.tokens == 60 for trial in arm.trials)
    eager = treeseek.search(
        "abc", model=treeseek.load("toy:hash?vocabulary=6&seed=3"), budget=60, limit=8,
        strategy=treeseek.strategies.best_first(), verifier=LetterVerifier(Letters("0d", "d")),
    )  # fmt: skip
    assert eager.cost.tokens < 60


def test_the_answer_is_a_solved_candidate_where_there_is_one() -> None:
    arm = arm_of("abcdez")
    for trial in arm.trials:
        texts = [candidate.text for candidate in trial.result.candidates]
        assert trial.solved == any(trial.problem.letter in text for text in texts)
        assert trial.answer.text in texts
    assert arm.trials[-1].solved is False and arm.solved == arm.accuracy * 6


def test_problems_in_one_arm_give_what_each_gives_alone() -> None:
    together = arm_of("adz")
    for place, letter in enumerate("adz"):
        problem = Letters(f"{letter}0", letter)
        alone = attempt(
            [problem], lm=treeseek.load("toy:hash?vocabulary=6&seed=3"),
            strategies=[treeseek.strategies.best_first()], budgets=[Budget(tokens=60)],
            verifier=LetterVerifier, limit=8, seed=0, screen=Silence(),
        )  # fmt: skip
        one, other = alone.trials[0], together.trials[place]
        assert one.result.candidates == other.result.candidates
        assert one.cost.tokens == other.cost.tokens


@pytest.mark.parametrize("name", ["best_of_n", "best_first", "beam"])
def test_a_broken_problem_is_a_recorded_failure_and_the_others_go_on(name: str) -> None:
    strategy = getattr(treeseek.strategies, name)()
    good, mixed = arm_of("dz", strategy=strategy), arm_of("d!z", strategy=strategy)
    assert "RuntimeError: this verifier is broken" in mixed.trials[1].failure
    assert mixed.trials[1].to_json()["failure"] and not mixed.trials[1].solved
    for one, other in ((0, 0), (1, 2)):
        assert good.trials[one].failure == mixed.trials[other].failure == ""
        assert good.trials[one].answer.text == mixed.trials[other].answer.text


def test_a_verdict_is_asked_for_once_a_text() -> None:
    asked: list[str] = []

    class Counting(LetterVerifier):
        def verify(self, text: str) -> Verdict:
            asked.append(text)
            return super().verify(text)

    patient = Patient(Counting(Letters("0", "a")))
    assert patient.verify("a") == Verdict(1.0, False, True, "a in a")
    assert patient.judge("a").solved and asked == ["a"]


def test_a_long_sample_is_seen_to_grow_before_it_is_charged() -> None:
    seen: list[Standing] = []

    class Watching(Silence):
        def show(self, standing: Any) -> None:
            seen.append(standing())

    attempt(
        countdown.generate(0, count=2), lm=treeseek.load(TOY), limit=40, seed=0,
        strategies=[treeseek.strategies.best_of_n(n=4)] * 2, budgets=[Budget(tokens=300)] * 2,
        verifier=countdown.CountdownVerifier, screen=Watching(),
    )  # fmt: skip
    uncharged = [at.facts[1] for at in seen if at.facts[0] == "0 tokens of 600"]
    assert len(uncharged) > 5 and len(set(uncharged)) == len(uncharged)
    assert all(fact.endswith(" computed") for fact in uncharged)


# Figures and words.


@pytest.mark.parametrize(("successes", "of"), [(0, 5), (5, 5), (3, 7), (40, 100), (1, 1)])
def test_the_interval_is_wilsons(successes: int, of: int) -> None:
    expected = stats.binomtest(successes, of).proportion_ci(method="wilson")
    assert wilson(successes, of) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("ours", "theirs"), [(0, 0), (1, 0), (0, 4), (3, 3), (9, 2), (40, 20)])
def test_chance_is_the_exact_sign_test(ours: int, theirs: int) -> None:
    expected = stats.binomtest(ours, ours + theirs).pvalue if ours + theirs else 1.0
    assert by_chance(ours, theirs) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ours", "theirs", "word", "said"),
    [
        ("dddz", "dzzz", "wins", "best-first solved 2 more than best-of-n"),
        ("dzzz", "dddz", "loses", "best-first LOST: it solved 2 fewer than best-of-n"),
        ("dz", "zd", "ties", "best-first solved as many as best-of-n"),
    ],
)
def test_the_sentence_favours_nobody(ours: str, theirs: str, word: str, said: str) -> None:
    arm = arm_of(ours)
    control = arm_of(theirs, strategy=treeseek.strategies.best_of_n(n=30), budget=200)
    assert [t.solved for t in control.trials] == [letter == "d" for letter in theirs]
    found = compare(arm, control)
    assert found["search"] == word
    assert sentence(arm, control).startswith(said)
    pairs = list(zip(ours, theirs, strict=True))
    assert found["only_search"] == pairs.count(("d", "z"))
    assert found["only_control"] == pairs.count(("z", "d"))


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The user's patience ends in the third round."""
    from treeseek.cli import stepping

    class Short(stepping.Patience):
        looks = 0

        @property
        def over(self) -> bool:
            self.looks += 1
            return self.looks > 3

    monkeypatch.setattr(stepping, "Patience", Short)
    yield


@pytest.mark.usefixtures("interrupt")
def test_an_interrupted_arm_says_what_it_has_and_runs_no_control() -> None:
    said = solve("--problems 2 -b tokens=60")
    assert said.exit_code == 130
    assert "best-of-n was not run: interrupted" in said.stdout
    record = json.loads(solve("--problems 2 -b tokens=60 --json").stdout)
    assert record["control"] is None and record["comparison"] is None
    assert 0 < record["cost"]["tokens"] < 120
