"""Help texts: an example for every verb, the options of a strategy, and nothing heavy loaded."""

import shlex
import subprocess
import sys

import pytest
from click.testing import CliRunner

import treeseek
from treeseek import registry
from treeseek.cli.verbs import VERBS
from treeseek.cli.verbs import treeseek as command


def stdout(line: str) -> str:
    said = CliRunner().invoke(command, shlex.split(line))
    assert said.exit_code == 0, said.output
    return said.stdout


@pytest.mark.parametrize("line", ["", *VERBS, "solve countdown"])
def test_every_help_has_an_example_of_itself(line: str) -> None:
    for flag in ("--help", "-h"):
        text = stdout(f"{line} {flag}")
        assert "Example" in text
        assert f"treeseek {line}".strip() in text.partition("Example")[2]


def test_all_verbs_are_listed() -> None:
    text = stdout("--help")
    for verb, words in VERBS.items():
        assert verb in text and words.split()[0] in text


@pytest.mark.parametrize(
    "line", ["run -s {} --help", "run --help -s {}", "solve countdown -s{} -h"]
)
@pytest.mark.parametrize("name", registry.names("strategies"))
def test_help_beside_a_strategy_lists_its_options(line: str, name: str) -> None:
    text = " ".join(stdout(line.format(name)).split())
    _, _, own = text.partition(f"Options of {name} (-o NAME=VALUE)")
    assert own
    factory = registry.find("strategies", name)
    for option in factory.options.values():
        assert option.name in own and option.wanted() in own
        assert option.about.rstrip(".")[1:] in own
    assert factory.options or "It has none" in own


def test_help_without_a_strategy_names_them_all() -> None:
    text = stdout("run --help")
    for name in registry.names("strategies"):
        assert name in text


def test_help_beside_an_unknown_strategy_is_a_wrong_use() -> None:
    said = CliRunner().invoke(command, ["run", "-s", "bream", "--help"])
    assert said.exit_code == 2 and "beam" in said.stderr


def test_the_version_is_the_packages() -> None:
    assert stdout("--version") == f"treeseek {treeseek.__version__}\n"


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_the_first_words_load_nothing_heavy(flag: str) -> None:
    code = (
        "import sys\nsys.argv = ['treeseek', sys.argv[1]]\nfrom treeseek.cli import main\n"
        "try:\n    main()\nexcept SystemExit as leaving:\n    assert not leaving.code\n"
        "heavy = {'torch', 'transformers', 'numpy', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, flag], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr


def test_an_old_python_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from treeseek.cli import main

    monkeypatch.setattr("treeseek.cli.signal.signal", lambda *args: None)
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 1
    assert capsys.readouterr().err == "treeseek: Python 3.11 or newer is needed, this is 3.9.18\n"
