"""`treeseek solve`: equal budgets, honest words, failures that stay where they are."""

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import treeseek
from tests.solving.letters import TOY as LETTERS_TOY
from tests.solving.letters import Wanted
from treeseek import registry
from treeseek.cli.judged import standing
from treeseek.cli.solve import sentence
from treeseek.cli.verbs import treeseek as command
from treeseek.solving.front import attempt
from treeseek.solving.front import solve as solved
from treeseek.solving.intervals import wilson
from treeseek.tasks import countdown

CONTROLS = ("control", "majority", "random", "legal")
"""The keys of those that stand beside every search that is shown the verifier."""
TOY = "toy:hash?vocabulary=30&seed=3"
"""It knows the letters of a prompt, and solves nothing."""


def solve(line: str, *more: str) -> Result:
    call = ["solve", "countdown", "-m", TOY, *shlex.split(line), *more]
    return CliRunner().invoke(command, call)


def test_json_is_one_object_about_all_sides() -> None:
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
    assert record["comparison"]["low"] < 0 < record["comparison"]["high"]
    assert record["task"] == "countdown(numbers=4)"
    assert record["model"] == TOY and record["seed"] == 0
    assert record["legal_tokens"] is None, "puct does not prune tokens"
    for part in (record, *(record[name] for name in CONTROLS)):
        total = sum(problem["cost"]["tokens"] for problem in part["problems"])
        assert part["cost"]["tokens"] == total


@pytest.mark.parametrize("strategy", ["best-first", "puct -o simulations=20", "beam -o width=4"])
def test_the_control_gets_no_fewer_tokens_on_any_problem(strategy: str) -> None:
    record = json.loads(solve(f"--problems 4 -b tokens=60 --json -q -s {strategy}").stdout)
    for ours, theirs in zip(record["problems"], record["control"]["problems"], strict=True):
        assert ours["id"] == theirs["id"]
        assert ours["cost"]["tokens"] <= theirs["cost"]["tokens"] == 60


def test_without_a_bound_the_control_gets_what_the_search_was_charged() -> None:
    record = json.loads(solve("--problems 3 -b scores=40 --json -q -s beam -o width=3").stdout)
    for ours, theirs in zip(record["problems"], record["control"]["problems"], strict=True):
        assert ours["cost"]["tokens"] == theirs["cost"]["tokens"] > 0


def test_the_same_seed_gives_the_same_and_another_seed_other_problems() -> None:
    def record(seed: int) -> Any:
        found = json.loads(solve(f"--problems 2 -b tokens=30 --json -q --seed {seed}").stdout)
        for part in (found, *(found[name] for name in CONTROLS)):
            part["cost"]["seconds"] = 0
            for problem in part["problems"]:
                problem["cost"]["seconds"] = 0
        return found

    assert record(1) == record(1)
    assert {p["id"] for p in record(1)["problems"]}.isdisjoint(
        p["id"] for p in record(2)["problems"]
    )


def test_the_report_shows_answers_cost_and_the_controls() -> None:
    said = solve("--problems 2 -b tokens=30 -s best-first")
    for problem in countdown.generate(0, count=2):
        assert f"{problem.prompt.strip()}  not solved" in said.stdout
    sides = (
        "best-first:", "best-of-n, same budget:", "majority of its draws:", "one of its draws:",
        "best-of-n, legal:",
    )  # fmt: skip
    lines = [line.partition(":")[0] + ":" for line in said.stdout.splitlines()[-len(sides) - 1 :]]
    assert tuple(lines[:-1]) == sides
    assert said.stdout.count("0 of 2 solved (0.00, 95 % 0.00 to 0.66)") == len(sides)
    assert said.stdout.count(" 60 tokens charged") == 3
    pruning = solve("--problems 2 -b tokens=30 -s pg-td -o simulations=4")
    assert "best-of-n, legal tokens:" in pruning.stdout
    hidden = solve("--problems 2 -b tokens=30 -s pg-td -o simulations=4 --no-verifier")
    assert "legal" not in hidden.stdout and "one of its draws:" in hidden.stdout
    assert "solved as many as best-of-n" in said.stdout.splitlines()[-1]
    assert said.exit_code == 0


def test_what_is_left_unspent_and_what_fails_is_said() -> None:
    said = solve("--problems 2 -b tokens=200 -s beam -o width=2 --limit 6")
    assert "beam did not use its budget" in said.stdout.splitlines()[-1]
    said = solve("--problems 2 -b 40 -s sample --no-verifier --selector 'weighted(by=nothing)'")
    (line,) = (line for line in said.stdout.splitlines() if "failed on 2 of 2" in line)
    assert "has no score 'nothing'" in line
    assert said.exit_code == 1 and "every problem failed" in said.stderr


@dataclass(frozen=True)
class Liked:
    """Likes the letter a."""

    lm: Any
    prompt: str
    weight: float = 1.0
    bias: float | None = None
    name: str = field(default="liked", init=False)
    version: str = field(default="1", init=False)

    def score(self, texts: Sequence[str]) -> list[float]:
        assert self.lm.vocabulary and self.prompt.startswith("Make") and self.bias is None
        return [self.weight * text.count("a") for text in texts]


def test_a_scorer_by_name_is_made_for_each_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    find = registry.find
    monkeypatch.setattr(
        registry, "find", lambda kind, name: Liked if kind == "scorers" else find(kind, name)
    )
    line = "--problems 3 -b 60 --no-verifier -s best-of-n -o n=60 --json -q --scorer"
    record = json.loads(solve(f"{line} 'liked(weight=2)'").stdout)
    for one in record["problems"]:
        assert one["best"]["score"] == 2 * one["best"]["text"].count("a")
    assert any(one["best"]["score"] for one in record["problems"])
    assert record["comparison"]["only_search"] == record["comparison"]["only_control"] == 0
    assert json.loads(solve(f"{line} none").stdout)["problems"][0]["best"]["score"] < 0
    said = solve(f"{line} 'liked(height=2)'")
    assert said.exit_code == 2 and "no option 'height'" in said.stderr


def test_scorers_that_take_tokens_stay_within_the_budget() -> None:
    line = "--problems 2 -b 60 --json -q -s step-beam --scorer"
    for scorer in ("'rollout(k=2, by=score, limit=9)'", "judge --no-verifier"):
        said = solve(f"{line} {scorer}")
        record = json.loads(said.stdout)
        for side in (record, record["control"], record["majority"]):
            for one in side["problems"]:
                assert one["failure"] is None and 0 < one["cost"]["tokens"] <= 60
    said = solve(f"{line} rollout --no-verifier")
    assert said.exit_code == 2 and "--no-verifier hides" in said.stderr


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("--problems 0", 2, "--problems"),
        ("-o numbers=7", 2, "at most 5"),
        ("-o bread=7", 2, "No option 'bread' in what is named here"),
        ("-s bream", 2, "did you mean"),
        ("-b nothing", 2, "tokens=N"),
        ("--selector loudest", 2, "did you mean"),
        ("--scorer nobody", 2, "scorers"),
        ("-b 0", 3, "the budget ended before one token"),
        ("-m 'toy:hash?vocabulary=5'", 1, "every problem failed; the first: InvalidOption"),
    ],
)
def test_refusals(line: str, code: int, words: str) -> None:
    said = solve(line)
    assert (said.exit_code, "Traceback" in said.output) == (code, False)
    assert words in " ".join(said.stderr.split())


def test_a_task_nobody_knows_is_a_wrong_use() -> None:
    said = CliRunner().invoke(command, ["solve", "countup"])
    assert said.exit_code == 2 and "countdown" in said.stderr


def test_a_page_shows_every_tree_and_an_svg_one(tmp_path: Path) -> None:
    file = tmp_path / "trees.html"
    assert solve("--problems 14 -b tokens=20 -q --html", str(file)).exit_code == 0
    text = file.read_text(encoding="utf-8")
    assert text.count("<svg") == 12 and "2 more trees are not drawn" in text
    assert "best-of-n, same budget" in text
    file = tmp_path / "tree.svg"
    assert solve("--problems 2 -b tokens=20 -q --html", str(file)).exit_code == 0
    assert file.read_text(encoding="utf-8").count("<svg") == 1


def test_the_rows_of_solve_are_written_as_those_of_compare_are(tmp_path: Path) -> None:
    files = [tmp_path / "one.csv", tmp_path / "two.csv"]
    line = f"-m {TOY} --problems 3 -b 40 -q -s".split()
    for verb, file in zip(("solve", "compare"), files, strict=True):
        for strategy in ("pg-td", "best-of-n"):
            call = [verb, "countdown", *line, strategy, "--csv", str(file)]
            assert CliRunner().invoke(command, call).exit_code == 0
    assert files[0].read_text() == files[1].read_text() != ""
    plot = tmp_path / "one.svg"
    assert solve("--problems 2 -b 40 -q --plot", str(plot)).exit_code == 0
    assert "best-of-n, legal" in plot.read_text()
    for words in ("-b scores=9", "--allocator even"):
        said = solve(f"{words} --csv {files[0]}")
        assert said.exit_code == 2 and "tokens a problem" in said.stderr


def test_a_long_sample_is_seen_to_grow_before_it_is_charged() -> None:
    run = attempt(
        countdown.Countdown(), model=treeseek.load(TOY), problems=2, budget=300, limit=40,
        strategy=treeseek.strategies.best_of_n(n=4), verifier=False,
    )  # fmt: skip
    seen = []
    while run.step():
        seen.append(standing(run.tally, "title"))
    uncharged = [at.facts[1] for at in seen if at.facts[0] == "0 tokens of 600"]
    assert len(uncharged) > 5 and len(set(uncharged)) >= len(uncharged) - 2
    assert all(fact.endswith(" computed") for fact in uncharged)


@pytest.mark.parametrize(
    ("letters", "strategy", "said"),
    [
        ("dddd", treeseek.strategies.best_first(), "best-first solved as many as best-of-n"),
        ("dede", treeseek.strategies.best_of_n(n=1), "best-of-n LOST: it solved"),
    ],
)
def test_the_sentence_favours_nobody(letters: str, strategy: Any, said: str) -> None:
    found = solved(
        Wanted(letters), model=treeseek.load(LETTERS_TOY), strategy=strategy, problems=4, budget=60
    )
    assert sentence(found, strategy.name).startswith(said)
    ours, theirs = ([one.solved for one in side.outcomes] for side in (found.side, found.control))
    pairs = list(zip(ours, theirs, strict=True))
    assert found.pair.only_strategy == pairs.count((True, False))
    assert found.pair.only_control == pairs.count((False, True))


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
def test_an_interrupted_run_says_what_it_has_and_runs_no_control() -> None:
    said = solve("--problems 2 -b tokens=60")
    assert said.exit_code == 130
    assert "best-of-n was not run: interrupted" in said.stdout
    record = json.loads(solve("--problems 2 -b tokens=60 --json").stdout)
    assert record["control"] is None and record["comparison"] is None
    assert 0 < record["cost"]["tokens"] < 120


def test_programs_are_said_to_be_held_and_by_whom(tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    file.write_text('{"prompt": "abc", "tests": ["assert f(1) == 1"]}\n')
    call = ["solve", str(file), "-m", TOY, "-s", "best-of-n", "-b", "9", "--problems", "1"]
    said = CliRunner().invoke(command, call)
    if "NoSandbox" in said.output:
        pytest.skip("nothing here holds programs")
    assert "programs are held by" in said.stderr and "does not stop" in said.stderr


def test_pal_is_given_a_sandbox_which_is_named_once(tmp_path: Path) -> None:
    said = solve("--problems 2 -b tokens=30 -s pal")
    if "NoSandbox" in said.stderr or "only run where something holds them" in said.stderr:
        pytest.skip(said.stderr)
    assert said.exit_code == 0 and said.stderr.count("programs are held by") == 1
    assert "pal solved as many as best-of-n" in said.stdout
    dry = solve("--problems 2 -b tokens=30 -s pal --dry-run")
    assert dry.exit_code == 0 and 'strategy = "pal(n=none, executor=none)"' in dry.stdout
    shared = solve("--problems 2 -b tokens=60", "--allocator", "even(each=pal)")
    assert shared.exit_code == 0 and shared.stderr.count("programs are held by") == 1


@pytest.mark.parametrize(
    "words", ["pal -o executor=sh", "ab-mcts-a -o refine=again", "self-consistency -o answer=last"]
)
def test_an_option_that_no_words_can_give_is_said_to_be_one(words: str) -> None:
    said = solve(f"-b 30 -s {words}")
    assert said.exit_code == 2 and "no words can give" in said.stderr
    assert "from Python" in said.stderr


def test_an_allocator_shares_one_budget_and_is_compared_with_equal_parts() -> None:
    line = "--problems 3 -b tokens=100 --allocator 'even(draws=2)'"
    record = json.loads(solve(f"{line} --json -q").stdout)
    assert record["strategy"].startswith("even(problems=(), each=sample(")
    assert 0 < record["cost"]["tokens"] <= 100 and record["control"]["cost"]["tokens"] <= 100
    assert "even solved as many as best-of-n" in solve(line).stdout
    served = json.loads(solve(f"{line} -s beam --json -q").stdout)
    assert "each=beam(" in served["strategy"]
    dry = json.loads(solve(f"{line} --dry-run --json").stdout)
    assert dry["estimate"] == {"searches": 7, "charged_tokens_at_most": 300}
    assert "strategy" not in dry["recipe"]
    for more, words in (("--html tree.html", "leave --html out"), ("--selector x", "selectors")):
        said = solve(f"{line} {more}")
        assert said.exit_code == 2 and words in said.stderr
