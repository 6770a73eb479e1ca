"""Recipes mirror the flags, a dry run prints one, and it runs nothing."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.docs.pages import ROOT
from treeseek.cli.verbs import treeseek as command

TOY = "toy:hash?vocabulary=30&seed=3"


def call(line: str) -> Result:
    return CliRunner().invoke(command, shlex.split(line))


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "recipe.toml"
    file.write_text(text, encoding="utf-8")
    return file


LINES = [
    "run 'Once \"upon\" a time\\n' -s beam -o width=3 -n 2 --limit 9 --top-p 0.9 --stop . --stop ,",
    "run - -b tokens=20 --json",
    "solve countdown -o numbers=3 -s 'puct(width=3)' -o exploration=2 -b 1k --no-verifier",
    "solve countdown -n 2 --temperature 0.7 --selector 'weighted(by=score)' --limit 40 -q",
    "solve countdown --allocator 'even(draws=2, each=best-of-n(n=2))' -b 3k --problems 9",
    "solve countdown --allocator divide-and-conquer -s 'beam(width=3)' -b 3k",
    "solve countdown --allocator 'tuning(plans=\"puct(width=2),puct(width=4)\", cap=90)' -b 3k",
    "solve countdown -s 'portfolio(strategies=\"step-beam(width=2), particle\")'",
    "compare countdown -s 'beam(width=3),best-first' -o priority=total -b 40,1k --problems 9",
    "order 'the cat sat' -s 'annealing(hot=0.5)' --fixed 0=the --restarts 2 --no-end --target 3",
    "order - -s branch-and-bound -o width=8 -b scores=9 --form byte --prefix Once",
    "compare 'countdown(numbers=3)' -s puct --scorer none --csv rows.csv --plot curve.svg --seed 4",
]


@pytest.mark.parametrize("line", LINES)
def test_what_a_dry_run_prints_is_the_recipe_of_the_same_run(line: str, tmp_path: Path) -> None:
    first = call(f"{line} --dry-run")
    assert first.exit_code == 0, first.output
    if "--json" in line:
        assert json.loads(first.stdout)["recipe"]["prompt"] == "-"
        return
    verb = line.split()[0]
    file = written(tmp_path, first.stdout)
    again = call(f"{verb} --config {file} --dry-run")
    assert again.exit_code == 0, again.output
    assert again.stdout == first.stdout
    assert first.stdout.startswith(f'verb = "{verb}"\n') and "# charged tokens" in first.stdout


def test_a_dry_run_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import treeseek.cli.law

    def refused(*args: Any, **options: Any) -> Any:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(treeseek.cli.law, "load", refused)
    for line in LINES:
        assert call(f"{line} --dry-run").exit_code == 0
    assert "a model was loaded" in call(LINES[0]).stderr


def test_the_estimate_is_what_is_run_at_most() -> None:
    line = f"compare countdown -m '{TOY}' -s beam,best-first -b 20,30 --problems 3 --json -q"
    estimate = json.loads(call(f"{line} --dry-run").stdout)["estimate"]
    record = json.loads(call(line).stdout)
    own = {row["strategy"] for row in record["rows"]} - {"best-of-n", "majority", "random"}
    assert estimate["searches"] == 3 * (2 * len(own) + 1)
    assert estimate["charged_tokens_at_most"] == 3 * (50 * len(own) + 30)
    assert 0 < record["cost"]["tokens"] <= estimate["charged_tokens_at_most"]


def test_a_recipe_gives_what_its_flags_give(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        f'model = "{TOY}"\ntask = "countdown"\nstrategy = "best-first"\nbudget = 40\n'
        "problems = 2\nquiet = true\njson = true\n[options]\nnumbers = 3\nstrategy.width = 3\n",
    )
    flags = f"-m '{TOY}' -s best-first -b 40 --problems 2 -q --json -o numbers=3 -o width=3"

    def record(said: Result) -> Any:
        assert said.exit_code == 0, said.output
        return [one["best"] for one in json.loads(said.stdout)["problems"]]

    assert record(call(f"solve --config {file}")) == record(call(f"solve countdown {flags}"))


def test_the_command_line_wins(tmp_path: Path) -> None:
    text = 'task = "countdown"\nstrategy = ["beam", "puct"]\nbudget = [10, "1k"]\n'
    file = written(tmp_path, f"{text}[options]\nnumbers = 3\nbeam.width = 5\n")

    def recipe(more: str) -> Any:
        return json.loads(call(f"compare --config {file} --dry-run --json {more}").stdout)["recipe"]

    assert recipe("")["budget"] == "10,1k" and "width=5" in recipe("")["strategy"][0]
    assert recipe("-b 30")["budget"] == "30"
    assert recipe("'countdown(numbers=4)' -s greedy -o numbers=2 -o beam.width=1 -s beam")
    assert recipe("-o beam.width=2")["strategy"][0].startswith("beam(width=2,")
    assert recipe("-o beam.width=2")["task"] == "countdown(numbers=3)"


@pytest.mark.parametrize(
    ("verb", "text", "words"),
    [
        ("run", "brompt = 'a'", "unknown key 'brompt'"),
        ("run", "verb = 'solve'", "a recipe for solve"),
        ("run", "prompt = ", "no TOML"),
        ("run", "config = 'x'", "unknown key 'config'"),
        ("run", "[limit]\na = 1", "limit is a table"),
        ("run", "prompt = 'a'\nlimit = 'many'", "'many' is not a valid integer"),
        ("solve", "options = 3", "options is a table"),
        ("solve", "[options]\nwidth = [3]", "is a list"),
        ("doctor", "[options]\nwidth = 3", "unknown key 'options'"),
        ("cite", "strategies = ['beam']", "unknown key 'strategies'"),
    ],
)
def test_refusals(verb: str, text: str, words: str, tmp_path: Path) -> None:
    said = call(f"{verb} --config {written(tmp_path, text)}")
    assert said.exit_code == 2 and words in " ".join(said.stderr.split()), said.output


@pytest.mark.parametrize(
    ("verb", "text", "said"),
    [
        ("cite", 'strategy = ["beam", "puct"]', "Rosin"),
        ("doctor", f'model = "{TOY}"', TOY),
        ("run", f'model = "{TOY}"\nprompt = "abc"\nlimit = 3', ""),
    ],
)
def test_every_verb_takes_one(verb: str, text: str, said: str, tmp_path: Path) -> None:
    done = call(f"{verb} --config {written(tmp_path, text)}")
    assert done.exit_code == 0 and done.stdout.strip() and said in done.stdout


@pytest.mark.parametrize("file", sorted((ROOT / "recipes").glob("*.toml")), ids=lambda f: f.stem)
def test_the_recipes_of_the_project_are_understood(file: Path) -> None:
    (verb,) = [
        line.partition("=")[2].strip().strip('"')
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.startswith("verb")
    ]
    said = call(f"{verb} --config {file} --dry-run")
    assert said.exit_code == 0, said.output
