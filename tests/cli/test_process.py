"""The command as a process: signals, pipes, full disks and terminals."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOY = "toy:hash?vocabulary=6&seed=3"
RUN = [sys.executable, "-m", "treeseek", "run", "abc", "-m", TOY]
ENDLESS = ["-s", "puct", "-o", "simulations=1000000000", "--limit", "100"]
FULL = Path("/dev/full")

needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


def interrupted(arguments: list[str], times: int = 1) -> tuple[int, str, str]:
    """Run, interrupt once the search has said how it stands, and wait."""
    process = subprocess.Popen(
        [*RUN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    assert "tokens" in first, first
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, first + err


def test_an_interrupt_prints_what_was_finished() -> None:
    code, out, err = interrupted(ENDLESS)
    assert code == 130 and out.strip().isalpha()
    assert "interrupted" in err and "tokens charged" in err and "Traceback" not in err
    assert all(line.startswith("treeseek: ") for line in err.splitlines())


def test_an_interrupted_json_is_whole_and_says_so() -> None:
    code, out, err = interrupted([*ENDLESS, "--json"])
    record = json.loads(out)
    assert code == 130 and record["best"]["finish"] == "end"
    assert any("ended by its caller" in reason for reason in record["exempt"])
    assert "Traceback" not in err


def test_an_interrupted_continuation_is_printed_as_far_as_it_came() -> None:
    code, out, err = interrupted(["--min-tokens", "9999999", "--limit", "9999999"])
    assert code == 130 and len(out) > 10
    assert "cut by the budget" in err or "cut" in err
    assert "Traceback" not in err


def test_impatience_leaves_at_once_without_a_traceback() -> None:
    code, _, err = interrupted(ENDLESS, times=3)
    assert code in (130, -signal.SIGINT) and "Traceback" not in err


@needs_full
def test_a_full_disk_does_not_cost_the_answer() -> None:
    said = subprocess.run(
        [*RUN, "-s", "beam", "-q", "--html", str(FULL)], capture_output=True, text=True, check=False
    )
    plain = subprocess.run([*RUN, "-s", "beam", "-q"], capture_output=True, text=True, check=True)
    assert said.returncode == 1 and said.stdout == plain.stdout != ""
    assert said.stderr.count("\n") == 1 and "No space left" in said.stderr
    assert "choose another file" in said.stderr
    assert FULL.is_char_device()


@needs_full
def test_an_answer_that_cannot_be_written_is_a_failure() -> None:
    with FULL.open("w") as full:
        said = subprocess.run(
            [*RUN, "-q"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert said.returncode == 1 and said.stderr.count("\n") == 1
    assert "No space left" in said.stderr and "Exception" not in said.stderr


def test_a_reader_that_left_is_no_news() -> None:
    read, write = os.pipe()
    os.close(read)
    said = subprocess.run(
        [*RUN, "-q"], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert (said.returncode, said.stderr) == (1, "")


def test_a_folder_that_cannot_be_written_leaves_no_half_a_file(tmp_path: Path) -> None:
    target = tmp_path / "tree.html"
    target.mkdir()
    said = subprocess.run(
        [*RUN, "--html", str(target)], capture_output=True, text=True, check=False
    )
    assert said.returncode == 2 and "directory" in said.stderr
    assert list(tmp_path.iterdir()) == [target]


def on_a_terminal(arguments: list[str], **env: str) -> tuple[int, str, str]:
    """Run with standard error on a terminal; the exit code, the answer, and what was drawn."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **env}
    with subprocess.Popen(
        [*RUN, *arguments], stdout=subprocess.PIPE, stderr=theirs, text=True, env=environment
    ) as process:
        os.close(theirs)
        drawn = b""
        with contextlib.suppress(OSError):  # a terminal that nobody holds any more
            while data := os.read(ours, 65536):
                drawn += data
        os.close(ours)
        out, _ = process.communicate(timeout=120)
    return process.returncode, out, drawn.decode(errors="replace")


LONG = ["-s", "puct", "-o", "simulations=4000", "-b", "tokens=3000", "--limit", "60"]


def test_a_terminal_sees_the_budget_go_and_the_best_so_far() -> None:
    code, out, drawn = on_a_terminal(LONG)
    assert code == 0 and "\x1b" not in out and out.strip().isalpha()
    assert "puct on" in drawn and "of 3,000" in drawn and "best" in drawn
    assert "\x1b[?25l" in drawn and "\x1b[?25h" in drawn


def test_no_color_means_none() -> None:
    colours = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
    assert colours.search(on_a_terminal(LONG)[2])
    assert not colours.search(on_a_terminal(LONG, NO_COLOR="1")[2])


def test_quiet_holds_on_a_terminal_too() -> None:
    code, out, drawn = on_a_terminal([*LONG, "-q"])
    assert (code, drawn) == (0, "") and out
