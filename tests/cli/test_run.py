"""`treeseek run` in this process: what goes where, exit codes, and the words of every refusal."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import treeseek
from treeseek.cli.verbs import treeseek as command

TOY = "toy:hash?vocabulary=6&seed=3"


def call(line: str, *more: str, data: str | bytes | None = None) -> Result:
    return CliRunner().invoke(command, [*shlex.split(line), *more], input=data)


def run(line: str, *more: str, data: str | bytes | None = None) -> Result:
    return call(f"run -m '{TOY}' {line}", *more, data=data)


def test_the_answer_is_all_that_standard_output_gets() -> None:
    said = run("abc -s sample")
    best = treeseek.search("abc", model=TOY, strategy=treeseek.strategies.sample()).best
    assert best is not None
    assert (said.exit_code, said.stdout) == (0, best.text + "\n")
    assert said.stderr.count("\n") == 1
    assert f"{best.logprob:.3f}" in said.stderr and "tokens charged" in said.stderr


def test_quiet_leaves_nothing_but_the_answer() -> None:
    said = run("abc -s beam -q -b tokens=5")
    assert said.exit_code == 0 and said.stderr == "" and said.stdout


def test_several_answers_follow_one_another() -> None:
    said = run("abc -s beam -o width=5 -n 3 -q")
    result = treeseek.search("abc", model=TOY, strategy=treeseek.strategies.beam(width=5), n=3)
    assert said.stdout.splitlines() == [c.text for c in result.candidates[:3]]


def test_json_is_one_object_with_what_the_search_returns() -> None:
    said = run("abc -s beam -o width=4 -o length-penalty=0.5 --seed 5 -n 2 --json -b 50")
    assert said.stdout.count("\n") == 1
    record = json.loads(said.stdout)
    strategy = treeseek.strategies.beam(width=4, length_penalty=0.5)
    lm = treeseek.load(TOY)
    result = treeseek.search("abc", model=lm, strategy=strategy, seed=5, n=2, budget=50)
    expected = json.loads(json.dumps(result.to_json()))
    for part in (record, expected):
        part["run"] = ""
        part["cost"]["seconds"] = 0
    assert record == expected
    assert set(record["cost"]) == {
        "tokens", "tokens_computed", "tokens_reused", "forwards", "verifier_calls", "seconds",
        "drafted", "accepted", "steps", "tokens_per_step",
    }  # fmt: skip
    assert set(record["best"]) >= {"text", "token_ids", "logprob", "tokens", "finish"}
    assert record["best"] == record["candidates"][0]


def test_the_rule_of_drafts_is_chosen() -> None:
    """Coins keep the law and say so; what only matches says what is said without drafts."""
    words = "abc -s sample --limit 12 --seed 2 --json"
    alone, match, reject = (
        json.loads(run(f"{words} {more}").stdout)
        for more in ("", f"-d model:{TOY}", f"-d model:{TOY} --draft-rule reject")
    )
    assert match["best"] == alone["best"] and not match["exempt"]
    assert "keep the law" in reject["exempt"][0] and reject["cost"]["accepted"] > 0


def test_json_has_no_number_that_json_does_not_know() -> None:
    from treeseek.cli.output import as_text

    assert as_text({"a": [float("inf"), (float("nan"), 1.5)]}) == '{"a": [null, [null, 1.5]]}'


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        ("--temperature 0.5", {"warp": treeseek.Warp(temperature=0.5)}),
        ("--top-k 2", {"warp": treeseek.Warp(top_k=2)}),
        ("--top-p 0.5", {"warp": treeseek.Warp(top_p=0.5)}),
        ("--min-p 0.7", {"warp": treeseek.Warp(min_p=0.7)}),
        ("--repetition-penalty 5", {"warp": treeseek.Warp(repetition_penalty=5.0)}),
        ("--limit 2", {"limit": 2}),
        ("--min-tokens 9 --limit 12", {"min_tokens": 9, "limit": 12}),
        ("--seed 8", {"seed": 8}),
        ("--stop e --stop d", {"stop": ("e", "d")}),
        ("-b tokens=7", {"budget": 7}),
    ],
)
def test_every_flag_is_the_argument_of_its_name(flags: str, options: dict[str, Any]) -> None:
    strategy = treeseek.strategies.sample()
    plain = treeseek.search("abc", model=TOY, strategy=strategy, n=6)
    result = treeseek.search("abc", model=TOY, strategy=strategy, n=6, **options)
    texts = [c.text for c in result.candidates]
    assert texts != [c.text for c in plain.candidates]
    said = run(f"abc -s sample -n 6 --json {flags}")
    assert [c["text"] for c in json.loads(said.stdout)["candidates"]] == texts


@pytest.mark.parametrize("data", ["abc\n", "abc", "abc\r\n"])
def test_a_dash_reads_standard_input_less_one_newline(data: str) -> None:
    assert (
        run("- -s sample --json", data=data).stdout.split('"run"')[0].split('"cost"')[0]
        == (run("abc -s sample --json").stdout.split('"cost"')[0])
    )


def test_bytes_that_are_no_utf_8_are_refused_by_place() -> None:
    said = run("-", data="Bär".encode("latin-1"))
    assert said.exit_code == 2 and said.stdout == ""
    assert "byte 2 is 0xe4" in said.stderr and "iconv" in said.stderr
    said = run("", "B\udce4r")
    assert said.exit_code == 2 and "not UTF-8" in said.stderr


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("", 2, "Missing argument 'PROMPT'"),
        ("'' ", 2, "The prompt is empty"),
        ("- ", 2, "The prompt is empty"),
        ("abc -s bream", 2, "did you mean beam"),
        ("abc -s beam -o widht=3", 2, "beam has no option 'widht'; its options are: width"),
        ("abc -s beam -o width=0", 2, "at least 1"),
        ("abc -s beam -o width=many", 2, "a whole number"),
        ("abc -s beam -o width", 2, "write an option as name=value"),
        ("abc -s beam -o width=2 -n 3", 2, "widen to 3"),
        ("abc -s diverse-beam -o groups=3 -m no/such/model", 2, "make width a multiple of groups"),
        ("abc -b tokens=-1", 2, "at least 0"),
        ("abc -b lots", 2, "tokens=N"),
        ("abc --limit 0", 2, "--limit"),
        ("abc --min-tokens 9 --limit 3", 2, "min_tokens=9 is more than limit=3"),
        ("abc --temperature 0", 2, "temperature must be above 0"),
        ("abc --top-p 2", 2, "top_p"),
        ("abc --stop ''", 2, "stop strings"),
        ("xyz", 2, "outside the vocabulary"),
        ("abc -m toy:table", 2, "Unknown toy model"),
        ("abc --html no/such/folder/x.html", 2, "there is no folder"),
        ("abc --threads 0", 2, "--threads"),
        ("abc --dtype float8", 2, "--dtype"),
        ("abc --nonsense", 2, "No such option"),
        ("abc -m 'toy:hash?vocabulary=6&context=3'", 1, "shorten it"),
        ("abc -b 0", 3, "the budget ended before one token"),
        ("abc -b 0 -s beam --json", 3, "give more with -b"),
    ],
)
def test_a_refusal_is_a_line_that_says_what_to_do(line: str, code: int, words: str) -> None:
    said = run(line, data="")
    assert (said.exit_code, "Traceback" in said.output) == (code, False)
    assert words in " ".join(said.stderr.split())
    if "Usage:" not in said.stderr:
        assert all(line.startswith("treeseek: ") for line in said.stderr.splitlines())


def test_a_budget_that_ends_early_still_gives_what_there_is() -> None:
    said = run("abc -s greedy -b 2 --min-tokens 5")
    assert said.exit_code == 0 and len(said.stdout.strip()) == 3  # the prompt's row is free
    assert "cut by the budget" in said.stderr


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    said = call("run abc")
    assert said.exit_code == 1 and said.stdout == ""
    assert "pip install 'treeseek[hf]'" in said.stderr and said.stderr.count("\n") == 1


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    said = call("run abc -m", str(tmp_path))
    assert said.exit_code == 1 and "config.json" in said.stderr
    assert "Traceback" not in said.output and said.stderr.count("\n") == 1


@pytest.mark.parametrize("verb", ["run 'w5 w6' --limit 3", "solve countdown --problems 1 -b 3"])
def test_a_slower_route_is_said_in_one_line(verb: str, tmp_path: Path) -> None:
    """On standard error, beside an answer that is what it was; not where quiet was asked for."""
    pytest.importorskip("transformers")
    from tests.backends.families import FAMILIES, save

    (family,) = [family for family in FAMILIES if family.name == "bloom"]
    line = f"{verb} --threads 1 --json -m '{save(tmp_path, family)}'"
    said, quiet = call(line), call(f"{line} -q")
    heard = [line for line in said.stderr.splitlines() if "warning" in line]
    assert len(heard) == 1
    assert heard[0].startswith("treeseek: warning: BloomForCausalLM is served by the replay route")
    assert "TreeWarning" not in said.output and quiet.stderr == ""
    assert said.exit_code == quiet.exit_code == 0
    assert json.loads(said.stdout)["model"] == json.loads(quiet.stdout)["model"] == str(tmp_path)
    fast = run("abc")
    assert "warning" not in fast.stderr


def test_a_defect_asks_to_be_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **options: object) -> None:
        raise KeyError("inner")

    monkeypatch.setattr("treeseek.cli.run.start", broken)
    said = run("abc")
    assert said.exit_code == 1 and said.stdout == ""
    assert "please report it" in said.stderr and "KeyError" in said.stderr
    assert "Traceback" not in said.stderr and said.stderr.count("\n") == 1
    monkeypatch.setenv("TREESEEK_DEBUG", "1")
    assert "Traceback" in run("abc").stderr


def test_a_long_sample_is_seen_to_grow_before_it_is_charged() -> None:
    """What is charged is known when a request is settled; what is computed, after every round."""
    from treeseek.cli.run import standing

    search = treeseek.start(
        "abc", model=treeseek.load(TOY), strategy=treeseek.strategies.sample, min_tokens=40,
        limit=60, budget=500,
    )  # fmt: skip
    seen = []
    for _ in range(30):
        search.step()
        seen.append(standing(search).facts)
    assert {facts[0] for facts in seen} == {"0 tokens of 500"}
    computed = [int(facts[1].removesuffix(" computed")) for facts in seen]
    assert computed == sorted(set(computed)) and computed[-1] >= 30


@pytest.mark.parametrize("name", ["tree.html", "tree.svg"])
def test_the_picture_is_a_page_or_a_drawing_by_its_name(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    said = run("abc -s beam --html", str(file))
    text = file.read_text(encoding="utf-8")
    assert said.exit_code == 0 and said.stdout
    assert text.startswith("<svg" if name.endswith("svg") else "<!doctype html>")
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    again = run("abc -s beam --html", str(file))
    assert again.exit_code == 0
