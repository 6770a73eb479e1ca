"""`treeseek cite`: from a run, a key or a strategy to BibTeX."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from treeseek import registry
from treeseek.cli.verbs import treeseek as command

TOY = "toy:hash?vocabulary=6&seed=3"


def call(*arguments: str, data: str | None = None) -> Result:
    return CliRunner().invoke(command, list(arguments), input=data)


NEEDS = {"omega-prm": "verifier", "pal": "executor"}
"""Strategies that `run` cannot give what they need, and what that is."""


@pytest.mark.parametrize("name", NEEDS)
def test_what_a_run_cannot_give_is_said(name: str) -> None:
    said = call("run", "abc", "-m", TOY, "-s", name, "-q", "-b", "40")
    assert said.exit_code == 2 and NEEDS[name] in said.stderr and "Traceback" not in said.output
    assert call("cite", "-s", name).stdout.startswith("@")


@pytest.mark.parametrize("name", sorted(set(registry.names("strategies")) - set(NEEDS)))
def test_a_run_cites_what_its_strategy_rests_on(name: str, tmp_path: Path) -> None:
    said = call("run", "abc", "-m", TOY, "-s", name, "--json", "-q", "-b", "40")
    references = json.loads(said.stdout)["references"]
    assert references == list(registry.find("strategies", name).references)
    file = tmp_path / "run.json"
    file.write_text(said.stdout)
    by_run = call("cite", str(file))
    by_pipe = call("cite", "-", data=said.stdout)
    by_name = call("cite", "-s", name)
    assert by_run.exit_code == 0
    assert by_run.stdout == by_pipe.stdout == by_name.stdout
    assert by_run.stdout.count("\n@") + by_run.stdout.startswith("@") == len(references)
    for key in references:
        assert f"{{{key}," in by_run.stdout
    assert references or "nothing to cite" in by_run.stderr


def test_a_key_twice_is_cited_once() -> None:
    once, twice = call("cite", "beam-search"), call("cite", "beam-search", "beam-search")
    assert once.stdout == twice.stdout and once.stdout.startswith("@")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name a RUN.json"),
        (["no-such-key"], "no-such-key"),
        (["missing.json"], "cannot be read"),
        (["-s", "bream"], "beam"),
    ],
)
def test_what_cannot_be_cited_is_refused(arguments: list[str], words: str) -> None:
    said = call("cite", *arguments)
    assert said.exit_code == 2 and words in " ".join(said.stderr.split())
    assert "Traceback" not in said.output


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"references": "beam"}', "\x00"])
def test_a_file_that_is_no_run_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text(text)
    said = call("cite", str(file))
    assert said.exit_code == 2 and "what `treeseek run --json` printed" in said.stderr
