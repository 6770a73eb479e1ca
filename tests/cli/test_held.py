"""Who holds programs is in the record, and one flag lets the weakest tier do it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from treeseek.cli.verbs import treeseek as command
from treeseek.errors import NoSandbox
from treeseek.sandbox import pool, standing, tiers

TOY = "toy:hash?vocabulary=30&seed=3"
ROWS = ('{"prompt": "abc", "answer": "x"}', '{"prompt": "abc", "tests": ["assert f(1) == 1"]}')
CASES = [
    (verb, strategy, programs)
    for verb in ("solve", "compare")
    for strategy, programs in (("pal", False), ("best-of-n", True), ("pal", True))
]


def run(verb: str, strategy: str, programs: bool, folder: Path, *more: str) -> Result:
    file = folder / "rows.jsonl"
    file.write_text("\n".join(ROWS))
    task = str(file) if programs else "countdown"
    call = [verb, task, "-m", TOY, "-s", strategy, "-b", "9", "--problems", "2", "--json", *more]
    return CliRunner().invoke(command, call)


@pytest.fixture
def weak_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing stronger than limits on resources is here."""
    absent = [replace(one, lacks=lambda: "not here") for one in tiers.TIERS if one.alone]
    monkeypatch.setattr(pool, "TIERS", (*absent, tiers.SUBPROCESS))
    pool._standing.cache_clear()
    yield
    pool._standing.cache_clear()


@pytest.mark.parametrize(("verb", "strategy", "programs"), CASES)
def test_the_record_names_what_holds_programs(
    verb: str, strategy: str, programs: bool, tmp_path: Path
) -> None:
    try:
        tier = standing().tier
    except NoSandbox as error:
        pytest.skip(str(error))
    said = run(verb, strategy, programs, tmp_path)
    assert said.exit_code == 0, said.stderr
    record = json.loads(said.stdout)
    assert record["sandbox"] == {"tier": tier.name, "leaves": list(tier.leaves)}


@pytest.mark.parametrize("verb", ["solve", "compare"])
def test_without_programs_nothing_holds_them(verb: str, tmp_path: Path) -> None:
    assert json.loads(run(verb, "beam", False, tmp_path).stdout)["sandbox"] is None


@pytest.mark.usefixtures("weak_machine")
@pytest.mark.parametrize(("verb", "strategy", "programs"), CASES)
def test_the_weakest_tier_is_taken_by_one_flag_alone(
    verb: str, strategy: str, programs: bool, tmp_path: Path
) -> None:
    refused: Any = run(verb, strategy, programs, tmp_path)
    assert "--allow-weak" in refused.stderr + refused.stdout
    assert refused.exit_code != 0 or json.loads(refused.stdout)["sandbox"] is None
    said = run(verb, strategy, programs, tmp_path, "--allow-weak")
    assert said.exit_code == 0, said.stderr
    record = json.loads(said.stdout)
    assert record["sandbox"]["tier"] == "subprocess"
    assert "the network" in record["sandbox"]["leaves"]
    assert "NoSandbox" not in said.stdout
    dry = run(verb, strategy, programs, tmp_path, "--allow-weak", "--dry-run")
    assert json.loads(dry.stdout)["recipe"]["allow-weak"] is True
