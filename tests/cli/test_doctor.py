"""`treeseek doctor`: it says what is there, and never falls over what is not."""

import sys
from importlib.metadata import PackageNotFoundError, version

import pytest
from click.testing import CliRunner, Result

import treeseek
from treeseek.cli.verbs import treeseek as command


def doctor(*arguments: str) -> Result:
    return CliRunner().invoke(command, ["doctor", *arguments])


def rows(said: Result) -> dict[str, str]:
    pairs = (line.split(maxsplit=1) for line in said.stdout.splitlines() if line[0] != " ")
    return {line[0]: line[-1] for line in pairs}


def test_a_toy_is_described() -> None:
    said = doctor("-m", "toy:hash?vocabulary=7&context=99")
    found = rows(said)
    assert said.exit_code == 0
    assert found["treeseek"] == treeseek.__version__
    assert found["numpy"] == version("numpy")
    assert found["vocabulary"].startswith("7 tokens")
    assert "99 tokens" in found["context"]
    assert found["path"].startswith("toy")


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr("treeseek.cli.doctor.version", absent)
    monkeypatch.setitem(sys.modules, "torch", None)
    said = doctor()
    assert said.exit_code == 1 and "Traceback" not in said.output
    assert "not installed: pip install 'treeseek[hf]'" in rows(said)["torch"]
    assert "cannot be used" in said.stdout and "pip install 'treeseek[hf]'" in said.stdout


def test_a_model_that_is_none_is_the_diagnosis() -> None:
    said = doctor("-m", "toy:table")
    assert said.exit_code == 1 and "cannot be used: Unknown toy model" in said.stdout


def test_the_embedded_model_is_tested_when_it_is_loaded() -> None:
    pytest.importorskip("transformers")
    said = doctor("--threads", "1")
    found = rows(said)
    assert said.exit_code == 0
    assert found["path"].partition(":")[0] in ("native", "fused")
    assert "self-test" in found and found["self-test"].startswith("passed")
