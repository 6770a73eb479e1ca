"""What hostile programs aim at, and how it is seen whether they hit it.

Run as a script inside a throw-away namespace, it runs programs bare, or in the weakest tier, and
prints one JSON line for each: whether harm was seen. It refuses to do so where it is not the first
process of its namespace, so it cannot be run bare on a machine by mistake.
"""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.sandbox.hostile import DID, PROGRAMS, Hostile
from treeseek.sandbox import Limits, Ran, Sandbox

WALL, LONG = 1.5, 20.0
LIMITS = Limits(wall=WALL, memory=128)


class Stage:
    """A secret, a folder, listeners and a victim; `harmed` says what became of them."""

    def __init__(self) -> None:
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.name = f"treeseek-stage-{os.getpid()}"
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind(f"\0{self.name}")
        self.abstract.listen()
        for one in (self.tcp, self.udp, self.abstract):
            one.setblocking(False)
        self.folder = Path(tempfile.mkdtemp(prefix="stage-"))
        self.victim: subprocess.Popen[bytes] | None = None
        self.set_up()

    def set_up(self) -> None:
        self.folder.mkdir(exist_ok=True)
        subprocess.run(["rm", "-rf", *self.folder.iterdir()], check=True)
        (self.folder / "inner").mkdir()
        (self.folder / "secret").write_text("treasure")
        for path in LEFT:
            Path(path).unlink(missing_ok=True)
        if self.victim is None or self.victim.poll() is not None:
            self.victim = subprocess.Popen(["sleep", "1000"])
        self.was = self._state()

    def source(self, hostile: Hostile) -> str:
        assert self.victim is not None
        source = hostile.source
        for name, value in {
            "SECRET": self.folder / "secret",
            "FOLDER": self.folder,
            "TCP": self.tcp.getsockname()[1],
            "UDP": self.udp.getsockname()[1],
            "NAME": self.name,
            "VICTIM": self.victim.pid,
        }.items():
            source = source.replace(f"@{name}@", str(value))
        return source

    def harmed(self) -> str:
        """What is not as it was, or ""."""
        assert self.victim is not None
        if self.victim.poll() is not None:
            return "the victim was killed"
        for one in (self.tcp, self.abstract):
            with suppress(BlockingIOError):
                one.accept()[0].close()
                return "somebody connected"
        with suppress(BlockingIOError):
            self.udp.recv(99)
            return "somebody sent a datagram"
        return "" if self._state() == self.was else "files are not as they were"

    def _state(self) -> object:
        if not self.folder.exists():
            return None
        found = []
        for path in (self.folder, *sorted(self.folder.rglob("*"))):
            told = path.lstat()
            found.append((str(path), told.st_mode, told.st_size, told.st_mtime_ns, told.st_nlink))
            found.append(tuple(os.listxattr(path, follow_symlinks=False)))
        secret = self.folder / "secret"
        left = [path for path in LEFT if os.path.lexists(path)]
        return found, secret.read_bytes() if secret.is_file() else None, left

    def close(self) -> None:
        if self.victim is not None:
            self.victim.kill()
            self.victim.wait()
        subprocess.run(["rm", "-rf", self.folder], check=True)
        for one in (self.tcp, self.udp, self.abstract):
            one.close()


LEFT = (
    "/tmp/hostile-new",
    "/dev/shm/hostile-new",
    "/hostile-new",
    os.path.expanduser("~root/hostile-new"),
)


def bare(hostile: Hostile, stage: Stage) -> str:
    """Run a program as anybody would; the harm that was seen, or ""."""
    folder = tempfile.mkdtemp()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", stage.source(hostile)],
            cwd=folder,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            preexec_fn=_bound,
        )
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=WALL if hostile.harm == "runs on" else LONG)
        ended = process.poll()
        output.seek(0)
        written = output.read()
        harm = {
            "says": stage.harmed() or ("it says so" if DID.encode() in written else ""),
            "floods": "it flooded" if len(written) > LIMITS.output else "",
            "crashes": "it crashed" if ended is not None and ended < 0 else "",
            "runs on": "it ran on" if ended is None else "",
        }[hostile.harm]
    assert os.getpid() == 1
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)  # everybody else in this namespace
    process.wait()
    stage.victim = None
    subprocess.run(["rm", "-rf", folder], check=False, stderr=subprocess.DEVNULL)
    return harm


def _bound() -> None:
    """Belt and braces: no program of these needs as much."""
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 << 20, 256 << 20))


def held(hostile: Hostile, stage: Stage, sandbox: Sandbox) -> tuple[Ran, str]:
    """Run a program in a sandbox: what was reported, and the harm that was seen, or ""."""
    ran = sandbox.run(stage.source(hostile), limits=LIMITS)
    said = "it says so" if DID in ran.stdout else ""
    long = "it flooded" if len(ran.stdout) > LIMITS.output + 10 else ""
    return ran, stage.harmed() or said or long


def main(how: str, wanted: list[str]) -> None:
    assert os.getpid() == 1, "only as the first process of a namespace"
    stage = Stage()
    weak = Sandbox("subprocess", workers=1, allow_weak=True) if how == "weak" else None
    for hostile in PROGRAMS:
        key = f"{hostile.family}: {hostile.name}"
        if key not in wanted:
            continue
        if weak is None:
            harm, reason = bare(hostile, stage), ""
        else:
            ran, harm = held(hostile, stage, weak)
            reason = ran.reason
        print(json.dumps({"key": key, "harm": harm, "reason": reason}), flush=True)
        with suppress(ChildProcessError):
            time.sleep(0.01)
            while weak is None and os.waitpid(-1, os.WNOHANG)[0]:
                pass
        stage.set_up()
    assert os.getpid() == 1
    if weak is not None:
        weak.close()
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
