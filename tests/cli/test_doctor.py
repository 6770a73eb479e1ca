"""`treeseek doctor`: it says what is there, and never falls over what is not."""

import math
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import treeseek
from treeseek.cli.verbs import treeseek as command


def doctor(*arguments: str) -> Result:
    return CliRunner().invoke(command, ["doctor", *arguments])


def rows(said: Result) -> dict[str, str]:
    return {line[:16].strip(): line[16:] for line in said.stdout.splitlines() if line[0] != " "}


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


def test_what_a_call_costs_is_said_and_remembered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, second = rows(doctor()), rows(doctor())
    costs = dict(part.split(": ") for part in first["ms by nodes"].split(", "))
    assert float(costs["1"]) > 0 and float(costs["8"]) > 0
    assert "GB/s" in first["memory"] and "GFLOP/s" in first["arithmetic"]
    assert second["ms by nodes"] == first["ms by nodes"]
    (kept,) = tmp_path.rglob("calibration-*.json")
    assert first["kept in"] == str(kept)
    kept.write_text('{"milliseconds": 3}')
    assert "ms by nodes" in rows(doctor()), "a damaged cache costs the measurement, no more"


def test_the_perplexity_of_a_text_is_the_models_own(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    import torch

    from treeseek.loading import EMBEDDED

    text = tmp_path / "text"
    text.write_text("Once upon a time there was a girl. " * 40)
    said = doctor("--text", str(text))
    lines = said.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("perplexity"))
    found = float(lines[at].split()[1])
    tokens = transformers.AutoTokenizer.from_pretrained(EMBEDDED)(text.read_text())["input_ids"]
    model = transformers.AutoModelForCausalLM.from_pretrained(EMBEDDED, dtype=torch.float32)
    total, count = 0.0, 0
    for start in range(0, len(tokens), 512):
        part = torch.tensor([tokens[start : start + 512]])
        with torch.inference_mode():
            rows_ = torch.log_softmax(model(part).logits[0, :-1].double(), -1)
        total -= float(rows_.gather(1, part[0, 1:, None]).sum())
        count += part.shape[1] - 1
    assert abs(found / math.exp(total / count) - 1) < 1e-3
    if rows(said)["path"].startswith("native"):
        assert "in int8" in lines[at + 1]
        assert abs(float(lines[at + 1].split()[0]) / found - 1) < 0.05
