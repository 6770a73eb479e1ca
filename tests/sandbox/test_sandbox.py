"""Laws of the sandbox: what a program says and does stays its own, and the limits hold."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from treeseek.errors import InvalidOption, NoSandbox
from treeseek.sandbox import Limits, Sandbox, Test, pool, standing, tiers
from treeseek.sandbox.inside import scratch

QUICK = Limits(wall=1.0, memory=128)

# What a program may leave behind, and how the next one would find it.
LEFT = {
    "file": ("open('f', 'w').write('x')", "__import__('os').path.exists('f')"),
    "folder": ("import os\nos.makedirs('a/b/c')", "__import__('os').listdir() != []"),
    "link": ("import os\nos.symlink('/', 'l')", "__import__('os').path.lexists('l')"),
    "name": ("global_one = 1", "'global_one' in globals()"),
    "module": ("import sys\nsys.modules['left'] = sys", "'left' in __import__('sys').modules"),
    "builtin": ("import builtins\nbuiltins.left = 1", "hasattr(__import__('builtins'), 'left')"),
    "function": ("import math\nmath.sqrt = abs", "__import__('math').sqrt(4) != 2"),
    "environment": ("import os\nos.environ['LEFT'] = '1'", "'LEFT' in __import__('os').environ"),
    "argument": ("import sys\nsys.path.append('left')", "'left' in __import__('sys').path"),
    "place": ("import os\nos.mkdir('d')\nos.chdir('d')", "__import__('os').getcwd()[-2:] == '/d'"),
    "chance": ("import random\nrandom.seed(5)", "__import__('random').random() == FIFTH"),
    "descriptor": ("import os\nos.dup2(0, 50)", "OPEN(50)"),
    "limit": (
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))",
        "__import__('resource').getrlimit(7)[0] == 20",
    ),
    "recursion": (
        "import sys\nsys.setrecursionlimit(77)",
        "__import__('sys').getrecursionlimit() == 77",
    ),
    "signal": (
        "import signal\nsignal.signal(10, signal.SIG_IGN)",
        "__import__('signal').getsignal(10) == 1",
    ),
    "thread": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(.2,)).start()",
        "__import__('threading').active_count() > 1",
    ),
}
BEFORE = (
    "import os, random\n"
    "FIFTH = random.Random(5).random()\n"
    "def OPEN(fd):\n    try: os.fstat(fd)\n    except OSError: return False\n    return True\n"
)


@pytest.mark.parametrize("name", LEFT)
def test_nothing_is_left_for_the_next_program(name: str, strongest: Sandbox) -> None:
    leave, found = LEFT[name]
    look = f"\nprint(bool({found}))"
    # the control: within one program the trace is there to be found
    assert strongest.run(f"{BEFORE}{leave}{look}").stdout == "True\n"
    for _ in range(strongest.workers):
        strongest.run(leave)
    for _ in range(2 * strongest.workers):
        assert strongest.run(f"{BEFORE}{look}").stdout == "False\n"


def test_results_come_in_the_order_of_the_programs(sandbox: Sandbox) -> None:
    programs = [
        f"import time\ntime.sleep({(7 * at) % 5} / 200)\nprint({at})\nraise SystemExit({at % 3})"
        for at in range(60)
    ]
    results = sandbox.run_all(programs)
    assert [result.stdout for result in results] == [f"{at}\n" for at in range(60)]
    assert [result.status for result in results] == [at % 3 for at in range(60)]
    tests = [(f"def f(): return {at}", Test(f"assert f() == {at - at % 2}")) for at in range(20)]
    assert [found.passed for found in sandbox.check_all(tests)] == [True, False] * 10


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("print('fine')", "ok"),
        ("raise SystemExit", "ok"),
        ("raise SystemExit('bad')", "error"),
        ("raise SystemExit(3)", "error"),
        ("1 / 0", "error"),
        ("this is no Python", "error"),
        ("nul = '\0'", "error"),
        ("x = '\ud800'", "error"),
        ("def f(): return f()\nf()", "error"),
        ("while True: pass", "time"),
        ("import time\ntime.sleep(9)", "time"),
        ("x = bytearray(1 << 30)", "memory"),
        ("print('x' * 100_000)", "output"),
        ("open('f', 'wb').write(bytes(20 << 20))", "output"),
        ("open('/etc/shadow')", "refused"),
        ("import socket\nsocket.socket()", "refused"),
        ("import os\nos.kill(os.getpid(), 9)", "killed"),
    ],
)
def test_every_end_has_its_reason(program: str, reason: str, strongest: Sandbox) -> None:
    if reason == "refused" and strongest.tier.name == "bubblewrap":
        pytest.skip("a file that is not there cannot be refused")
    ran = strongest.run(program, limits=QUICK)
    assert ran.reason == reason, ran
    assert ran.ok is (reason == "ok")
    assert ran.status == 0 or not ran.ok
    assert len(ran.stdout) <= QUICK.output


def test_processor_time_is_counted_apart_from_time_that_passes(strongest: Sandbox) -> None:
    limits = Limits(cpu=1, wall=60)
    started = time.monotonic()
    assert strongest.run("while True: pass", limits=limits).reason == "time"
    assert time.monotonic() - started < 30
    assert strongest.run("import time\ntime.sleep(1.5)", limits=limits).ok


def test_streams_are_those_of_any_program(strongest: Sandbox) -> None:
    program = "import sys\nprint(input() + sys.stdin.read())\nprint('bad', file=sys.stderr)"
    ran = strongest.run(program, stdin="naïve\nsecond\n")
    assert (ran.stdout, ran.stderr, ran.status) == ("naïvesecond\n\n", "bad\n", 0)
    assert strongest.run("input()").reason == "error"
    said = strongest.run("x = 1\nraise ValueError('here')").stderr
    assert 'File "program.py", line 2' in said
    assert "raise ValueError('here')" in said
    assert "treeseek" not in said


def test_threads_may_finish_and_output_is_not_lost(strongest: Sandbox) -> None:
    program = (
        "import threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(.1), print('late'))).start()\nprint('early')"
    )
    assert strongest.run(program).stdout == "early\nlate\n"


def test_chance_and_hashes_repeat(sandbox: Sandbox) -> None:
    program = "import random\nprint(random.random(), hash('a'))"
    assert len({ran.stdout for ran in sandbox.run_all([program] * 6)}) == 1


def test_one_test_that_hangs_hides_no_other(strongest: Sandbox) -> None:
    program = "def f(x):\n    while x == 1: pass\n    return x"
    tests = [Test(f"assert f({x}) == {x}") for x in range(3)]
    found = strongest.check_all([(program, test) for test in tests], limits=QUICK)
    assert [one.reason for one in found] == ["ok", "time", "ok"]


def test_a_worker_that_dies_is_replaced(sandbox: Sandbox) -> None:
    for _ in range(2):
        for worker in list(sandbox._held):
            os.killpg(worker.pid, signal.SIGKILL)
        results = sandbox.run_all([f"print({at})" for at in range(8)])
        assert [result.stdout for result in results] == [f"{at}\n" for at in range(8)]


def test_closing_leaves_no_process_and_no_folder() -> None:
    try:
        made = Sandbox(workers=2)
    except NoSandbox as error:
        pytest.skip(str(error))
    made.run_all(["print(1)"] * 4)
    held = list(made._held)
    assert all(os.path.isdir(worker.folder) for worker in held)
    made.close()
    assert not any(os.path.exists(worker.folder) for worker in held)
    assert all(worker._process.poll() is not None for worker in held)


def test_workers_end_with_the_process_that_started_them() -> None:
    code = (
        "import os, signal\nfrom treeseek.sandbox import Sandbox\n"
        "s = Sandbox(workers=1)\ns.run('print(1)')\n"
        "(worker,) = s._held\nprint(worker.pid, worker.folder, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if "NoSandbox" in done.stderr:
        pytest.skip("no tier")
    pid, folder = done.stdout.split()
    until = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()
    Path(folder).rmdir()  # empty: what was in it went when the program ended


def test_the_weakest_tier_is_never_taken_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoSandbox, match="does not stop reading and writing"):
        Sandbox("subprocess")
    absent = [
        replace(tier, lacks=lambda: "not here")
        for tier in tiers.TIERS
        if tier is not tiers.SUBPROCESS
    ]
    monkeypatch.setattr(pool, "TIERS", (*absent, tiers.SUBPROCESS))
    with pytest.raises(NoSandbox, match="sandlock: not here; bubblewrap: not here"):
        Sandbox()
    with Sandbox(allow_weak=True, workers=1) as weak:
        assert weak.run("print(1)").tier == "subprocess"


def test_a_tier_that_does_not_start_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, strongest: Sandbox
) -> None:
    def fails(folder: str) -> list[str]:
        return ["sh", "-c", "echo broken >&2; exit 1"]

    broken = replace(tiers.SANDLOCK, lacks=lambda: "", command=fails)
    monkeypatch.setattr(pool, "TIERS", (broken, strongest.tier))
    with Sandbox(workers=1) as made:
        assert made.tier == strongest.tier
    monkeypatch.setattr(pool, "TIERS", (broken,))
    with pytest.raises(NoSandbox, match=r"does not start \(broken\)"):
        Sandbox()


def test_what_cannot_be_asked_for_is_named() -> None:
    with pytest.raises(InvalidOption, match="choose from sandlock, bubblewrap, subprocess"):
        Sandbox("jail")
    with pytest.raises(InvalidOption, match="workers"):
        Sandbox(workers=-1)
    for wrong in ({"wall": 0}, {"cpu": 0}, {"memory": 1}, {"output": 1}, {"disk": 0}, {"files": 1}):
        with pytest.raises(InvalidOption, match=next(iter(wrong))):
            Limits(**wrong)  # type: ignore[arg-type]


def test_the_standing_sandbox_is_one(strongest: Sandbox) -> None:
    assert standing() is standing()
    assert standing().tier == strongest.tier


def test_any_folder_is_emptied(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    folder = tmp_path / "folder"
    folder.mkdir()
    deep = os.open(folder, os.O_RDONLY)
    for _ in range(1_500):
        os.mkdir("d", dir_fd=deep)
        deeper = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = deeper
    os.close(deep)
    assert scratch.filled(str(folder), 1 << 40)
    (folder / "link").symlink_to(kept)
    (folder / "left-0").write_text("x")
    os.mkfifo(folder / "fifo")
    (folder / "locked").mkdir()
    (folder / "locked" / "inner").mkdir()
    (folder / "locked" / "inner" / "link").symlink_to(kept)
    (folder / "locked").chmod(0)
    scratch.empty(str(folder))
    assert list(folder.iterdir()) == []
    assert (kept / "file").read_text() == "x"
    assert not scratch.filled(str(folder), 1 << 40)
