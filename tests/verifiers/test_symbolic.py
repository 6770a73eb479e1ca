"""The symbolic verifier: what means the same is right, and no worker can hurt who asks."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from treeseek.errors import InvalidOption, MissingExtra
from treeseek.verifiers import symbolic
from treeseek.verifiers.symbolic import Symbolic
from treeseek.verifiers.workers import Question, Worker, Workers

pytest.importorskip("math_verify")

TOWER = r"\boxed{9^{9^{9^{9^{9}}}}}"


@pytest.fixture(scope="module")
def workers():
    held = Workers(2)
    yield held
    held.close()


@pytest.mark.parametrize(
    ("answer", "text", "right"),
    [
        (r"\frac{1}{2}", "0.5", True),
        (r"\frac{1}{2}", r"so we get $\boxed{2^{-1}}$", True),
        (r"\sqrt{8}", r"The answer is $2\sqrt{2}$.", True),
        (r"\{1, 2\}", r"\boxed{\{2, 1\}}", True),
        (r"(0, 1]", r"\boxed{(0,1]}", True),
        (r"(0, 1]", r"\boxed{[0,1]}", False),
        (r"x^2+2x+1", r"\boxed{(x+1)^2}", True),
        (r"x^2+2x+1", r"\boxed{(x+2)^2}", False),
        (r"90^\circ", r"\boxed{90^\circ}", True),
        (r"\text{(C)}", "(C)", True),
        (r"\text{Evelyn}", r"\boxed{\text{evelyn}}", True),
        (r"\text{Evelyn}", r"\boxed{\text{Anna}}", False),
        ("42", "It is 41 or 42.\n#### 43", False),
        ("42", "", False),
    ],
)
def test_meaning_counts_not_the_writing(
    answer: str, text: str, right: bool, workers: Workers
) -> None:
    verdict = Symbolic(answer, workers=workers, seconds=60).verify(text)
    assert verdict.solved is right
    assert verdict.score == float(right)
    assert verdict.terminal is right
    if not right:
        assert answer not in verdict.feedback


def test_a_worker_that_hangs_is_a_verdict_and_the_next_answer_is_judged() -> None:
    workers = Workers(1)
    verdict = Symbolic("1", seconds=0.2, workers=workers).verify(TOWER)
    assert not verdict.solved
    assert "no judgement within 0.2 s" in verdict.feedback
    assert Symbolic("1", seconds=60, workers=workers).verify(r"\boxed{3-2}").solved
    workers.close()


def test_a_worker_is_reused_until_it_dies_and_then_replaced() -> None:
    worker = Worker()
    question = Question("4", "2+2", "2+2", 60)
    assert worker.ask(question).equal and worker.alive
    pid = worker.pid
    assert worker.ask(question).equal and worker.pid == pid
    os.kill(pid, signal.SIGKILL)
    finding = worker.ask(question)
    assert not finding.equal and "ended while it judged" in finding.fault
    assert not worker.alive

    workers = Workers(1)
    verifier = Symbolic("4", workers=workers, seconds=60)
    for _ in range(2):
        assert verifier.verify("2+2").solved
        os.kill(workers._free[0].pid, signal.SIGKILL)
    assert verifier.verify("2+2").solved
    workers.close()


def test_text_of_any_kind_is_judged(workers: Workers) -> None:
    odd = [
        "\udcff",
        "\x00",
        "{" * 5000,
        r"\frac{1}{0}",
        r"\boxed{" * 50,
        "#### \n",
        "é" * 30_000,
        "\n",
    ]
    verdicts = Symbolic("7", workers=workers, seconds=60).verify_all([*odd, "7"])
    assert [verdict.solved for verdict in verdicts] == [False] * len(odd) + [True]
    assert all(verdict.feedback for verdict in verdicts)


def test_verdicts_come_in_the_order_of_the_texts(workers: Workers) -> None:
    texts = [f"{n}+{n}" for n in range(12)]
    verdicts = Symbolic("10", workers=workers, seconds=60).verify_all(texts)
    assert [verdict.solved for verdict in verdicts] == [n == 5 for n in range(12)]


def test_threads_share_the_workers(workers: Workers) -> None:
    found: list[bool] = []
    verifier = Symbolic("10", workers=workers, seconds=60)
    threads = [
        threading.Thread(target=lambda: found.append(verifier.verify("5+5").solved))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 6
    assert len(workers._free) <= 2


def test_no_worker_outlives_whoever_asked() -> None:
    """The asking process is killed while its worker computes for ever."""
    script = (
        "import sys, threading, time\n"
        "from treeseek.verifiers.workers import Question, Worker\n"
        "worker = Worker()\n"
        "worker.ask(Question('1', '1+0', '1+0', 60))\n"
        "print(worker.pid, flush=True)\n"
        f"worker.ask(Question('1', {TOWER[7:-1]!r}, '', 1))\n"
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    time.sleep(0.3)
    process.kill()
    process.wait()
    process.stdout.close()
    for _ in range(300):
        if not _running(pid):
            return
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the worker went on alone")


def _running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_what_is_missing_or_out_of_range_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidOption, match="above 0"):
        Symbolic("1", seconds=0)
    monkeypatch.setattr(symbolic, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"treeseek\[math\]"):
        Symbolic("1")
