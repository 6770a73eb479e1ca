"""Sandboxes of every tier that this machine has, and a namespace to throw away."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from treeseek.errors import NoSandbox
from treeseek.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
STRONG = ("sandlock", "bubblewrap")
NAMESPACE = ("unshare", "-Urpmnifu", "--mount-proc", "--kill-child")
# The project stays in sight, wherever it lies.
_HERE = shlex.quote(str(ROOT))
_INSIDE = (
    "mount -t tmpfs none /dev/shm && mkdir /dev/shm/kept && "
    f"mount --bind {_HERE} /dev/shm/kept && mount -t tmpfs none /tmp && mkdir -p {_HERE} && "
    f"mount --move /dev/shm/kept {_HERE} && rmdir /dev/shm/kept && exec "
)
_LOOPBACK = (
    "import fcntl, socket, struct, sys; s = socket.socket(); "
    "fcntl.ioctl(s, 0x8914, struct.pack('16sh14x', b'lo', 0x49)); s.close(); "
    "import runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


@pytest.fixture(scope="module", params=STRONG)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """One of each strong tier; skips, with the reason, where there is none."""
    try:
        with Sandbox(request.param, workers=2) as made:
            yield made
    except NoSandbox as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def strongest() -> Iterator[Sandbox]:
    """The best there is."""
    try:
        with Sandbox(workers=2) as made:
            yield made
    except NoSandbox as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def thrown_away() -> Callable[[str, list[str]], dict[str, dict[str, str]]]:
    """Runs hostile programs in a namespace that ends with them: "bare" or "weak", and keys."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare, of util-linux")
    probe = [*NAMESPACE, "sh", "-c", _INSIDE + "true"]
    tried = subprocess.run(probe, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no namespace to throw away: {tried.stderr.strip()}")

    def run(how: str, wanted: list[str]) -> dict[str, dict[str, str]]:
        script = str(Path(__file__).with_name("stage.py"))
        line = [sys.executable, "-c", _LOOPBACK, script, how, json.dumps(wanted)]
        done = subprocess.run(
            [*NAMESPACE, "sh", "-c", _INSIDE + '"$0" "$@"', *line],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # what aims at its group finds nobody of ours there
            timeout=250,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        )
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(found) == len(wanted), done.stderr[-2000:]
        return {one["key"]: one for one in found}

    return run
