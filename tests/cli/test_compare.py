"""`treeseek compare`: the object, the table, the files, and an end before the end."""

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.solving.letters import TOY, Wanted
from treeseek.cli.report import HEAD, leader, rows, table
from treeseek.cli.verbs import treeseek as command
from treeseek.result import Cost
from treeseek.solving.comparison import Comparison, Counted, pair_of

MODEL = "toy:hash?vocabulary=30&seed=3"


def compare(line: str, *more: str) -> Result:
    call = ["compare", "countdown", "-m", MODEL, *shlex.split(line), *more]
    return CliRunner().invoke(command, call)


def test_json_is_one_object_with_rows_and_pairs() -> None:
    said = compare("-s best-first,puct -b 20,40 --problems 3 --json -q")
    assert said.exit_code == 0 and said.stdout.count("\n") == 1 and said.stderr == ""
    record = json.loads(said.stdout)
    keys = {"strategy", "budget", "accuracy", "low", "high", "tokens", "problems"}
    assert all(keys <= set(row) for row in record["rows"])
    keys = {"strategy", "control", "budget", "difference", "low", "high"}
    assert all(keys <= set(pair) for pair in record["pairs"])
    controls = {row["strategy"] for row in record["rows"] if row["control"]}
    assert {"best-of-n", "majority", "random"} <= controls
    asked = {(s, b) for s in ("best-first", "puct", *controls) for b in (20, 40)}
    assert {(row["strategy"], row["budget"]) for row in record["rows"]} == asked
    assert {(p["strategy"], p["control"], p["budget"]) for p in record["pairs"]} == {
        (s, c, b) for s in ("best-first", "puct") for c in controls for b in (20, 40)
    }
    assert all(row["problems"] == 3 and row["tokens"] <= row["budget"] for row in record["rows"])
    assert record["done"] and record["task"] == "countdown(numbers=4)"


def test_the_same_call_gives_the_same_table(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.csv", "two.csv")]
    for file in files:
        said = compare("-s best-first -b 30 --problems 3 -q --csv", str(file))
        assert said.exit_code == 0
    assert files[0].read_text() == files[1].read_text() != ""


def made(**solved: str) -> Comparison:
    """A comparison of which the problems solved are given by name, as in "1101"; one budget."""
    names = {**solved, "best-of-n": "1100" * 15, "majority": "1000" * 15}
    counted = {name: [sign == "1" for sign in text] for name, text in names.items()}
    controls = ("best-of-n", "majority")
    table = []
    for name, found in counted.items():
        count = Counted(found, [90] * len(found))
        table.append(count.row(name, 100, control=name in controls))
    return Comparison(
        task="puzzle", model="toy", seed=0, problems=60, asked=60, names={}, rows=tuple(table),
        pairs=tuple(
            pair_of(name, control, 100, counted[name], counted[control])
            for name in solved for control in controls
        ),
        failures=(), cost=Cost(),
    )  # fmt: skip


def test_the_table_says_who_wins_and_who_loses() -> None:
    found = made(better="1111" * 15, worse="1000" * 15, same="1100" * 15)
    text = table(found, styled=False)
    for said in (
        "better beats best-of-n at 100 tokens.",
        "worse LOSES to best-of-n at 100 tokens.",
        "same is not told apart from best-of-n by 60 problems.",
        "less best-of-n", "less majority", "LOSES", "wins", "ties",
    ):  # fmt: skip
        assert said in text
    assert "\x1b" not in text and "\x1b[" in table(found, styled=True)
    assert all(len(line) <= 130 for line in text.splitlines())
    assert leader(found) == "better 1.00 at 100 after 60 problems"


def test_the_rows_of_the_csv_are_the_rows() -> None:
    found = made(better="1111" * 15)
    read = list(csv.DictReader(rows(found).splitlines()))
    assert tuple(read[0]) == HEAD
    for row, one in zip(found.rows, read, strict=True):
        assert (row.strategy, f"{row.accuracy:.6f}") == (one["strategy"], one["accuracy"])
        assert bool(one["less_best_of_n"]) is not row.control
    assert float(read[0]["less_low"]) > 0


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_curve_is_drawn(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / f"curve{suffix}"
    said = compare("-s best-first -b 20,40 --problems 2 -q --plot", str(file))
    assert said.exit_code == 0, said.output
    data = file.read_bytes()
    if suffix == ".svg":
        text = data.decode()
        for word in ("best-first", "best-of-n", "majority", "random", "countdown"):
            assert word in text
        compare("-s best-first -b 20,40 --problems 2 -q --plot", str(file))
        assert file.read_bytes() == data
    else:
        assert data.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "'-s'"),
        ("-s best-first -b seconds=4", "budgets here are tokens"),
        ("-s best-first -b 10,10", "each once"),
        ("-s best-first -b 10,bread", "tokens=N"),
        ("-s 'beam(width=4'", "is open"),
        ("-s beam,beam", "twice"),
        ("-s beam -o bream.width=4", "nothing here is called 'bream'"),
        ("-s beam -o breadth=4", "No option 'breadth'"),
        ("-s beam --plot curve.txt", ".svg"),
        ("-s beam --csv /no/such/folder/rows.csv", "no folder"),
    ],
)
def test_refusals(line: str, words: str) -> None:
    said = compare(line)
    assert said.exit_code == 2 and words in " ".join(said.stderr.split()), said.output


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    said = compare("-s beam -b 10 --problems 1 --plot curve.svg")
    assert said.exit_code == 1 and "pip install 'treeseek[plot]'" in said.stderr
    assert said.stdout == ""


def test_a_verifier_that_breaks_is_a_recorded_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    from treeseek import registry

    find = registry.find
    monkeypatch.setattr(
        registry, "find", lambda kind, name: Wanted if name == "letters" else find(kind, name)
    )

    def call(letters: str) -> Result:
        line = f"-m {TOY} -s best-first -b 40 --problems 3 -o letters={letters}"
        return CliRunner().invoke(command, ["compare", "letters", *shlex.split(line)])

    said = call("d!z")
    assert said.exit_code == 0
    assert "searches failed and count as not solved" in said.stdout
    assert "RuntimeError: this verifier is broken" in said.stdout
    said = call("!!!")
    assert said.exit_code == 1 and "every search failed" in said.stderr


def test_an_option_of_both_must_say_whose(monkeypatch: pytest.MonkeyPatch) -> None:
    from treeseek import registry

    find = registry.find
    monkeypatch.setattr(
        registry, "find", lambda kind, name: Wanted if name == "letters" else find(kind, name)
    )

    def recipe(*options: str) -> Any:
        call = [
            "compare",
            "letters",
            "-s",
            "beam,best-first,puct",
            "--dry-run",
            "--json",
            "-b",
            "9",
        ]
        said = CliRunner().invoke(command, [*call, *options])
        return said.stderr if said.exit_code else json.loads(said.stdout)["recipe"]

    assert "write task.width= or strategy.width=" in recipe("-o", "width=3")
    assert "width=3" in recipe("-o", "task.width=3")["task"]
    assert all("width=3" in words for words in recipe("-o", "strategy.width=3")["strategy"])
    only = recipe("-o", "best-first.width=3")["strategy"]
    assert ["width=3" in words for words in only] == [False, True, False]


def test_an_interrupt_reports_the_problems_that_ended() -> None:
    call = [
        sys.executable, "-m", "treeseek", "compare", "countdown", "-m", MODEL, "-s",
        "best-first,puct", "-b", "40,80", "-o", "numbers=3", "--problems", "2000", "--json",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "after" in line:  # somebody leads, so problems have ended
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    record = json.loads(out)
    assert process.returncode == 130 and "Traceback" not in err
    assert not record["done"] and 0 < record["problems"] < record["asked"] == 2000
    assert all(row["problems"] == record["problems"] for row in record["rows"])
