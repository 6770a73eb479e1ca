"""Programs that try to do harm, in families; every one is bounded, so that it can be seen to work.

Each does one thing that a candidate program must not, makes sure that it was done and then prints
"did it". What a program aims at is prepared by who runs it (see stage.py) and stands in the source
as `@SECRET@`, `@FOLDER@`, `@TCP@`, `@UDP@`, `@NAME@` or `@VICTIM@`. Signals that would end more
than a victim are sent as signal 0, which asks for the right alone.
"""

from dataclasses import dataclass

DID = "did it"


@dataclass(frozen=True)
class Hostile:
    """A program, its family, how it may be reported, and what harm looks like from outside."""

    family: str
    name: str
    source: str
    reported: frozenset[str]
    harm: str = "says"  # or "runs on", "floods", "crashes"


_OPEN = {
    "open": "text = open(path).read()",
    "os": "import os\nf = os.open(path, os.O_RDONLY)\ntext = os.read(f, 99).decode()",
    "mmap": "import mmap\nf = open(path)\n"
    "text = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)[:].decode()",
    "pathlib": "import pathlib\ntext = pathlib.Path(path).read_text()",
    "ctypes": "import ctypes\nlibc = ctypes.CDLL(None)\nf = libc.open(path.encode(), 0)\n"
    "if f < 0: raise PermissionError(path)\n"
    "b = ctypes.create_string_buffer(99)\nlibc.read(f, b, 99)\ntext = b.value.decode()",
    "copy": "import shutil\nshutil.copyfile(path, 'mine')\ntext = open('mine').read()",
}
_SPELT = {
    "path": "path = '@SECRET@'",
    "symlink": "import os\nos.symlink('@SECRET@', 'link')\npath = 'link'",
    "folder link": "import os\nos.symlink('@FOLDER@', 'link')\npath = 'link/secret'",
    "dots": "import os\npath = os.path.relpath('@SECRET@')",
    "hard link": "import os\nos.link('@SECRET@', 'link')\npath = 'link'",
    "root": "path = '/proc/self/root@SECRET@'",
}
_WRITE = {
    "create": "open('@FOLDER@/new', 'w').write('x')",
    "append": "open('@SECRET@', 'a').write('x')",
    "overwrite": "open('@SECRET@', 'w').write('x')",
    "truncate": "import os\nos.truncate('@SECRET@', 0)",
    "unlink": "import os\nos.unlink('@SECRET@')",
    "rename": "import os\nos.rename('@SECRET@', '@FOLDER@/other')",
    "take": "import os\nos.rename('@SECRET@', 'mine')",
    "replace": "import os\nopen('mine', 'w').write('x')\nos.replace('mine', '@SECRET@')",
    "mkdir": "import os\nos.mkdir('@FOLDER@/new')",
    "rmdir": "import os\nos.rmdir('@FOLDER@/inner')",
    "rmtree": "import shutil\nshutil.rmtree('@FOLDER@')",
    "symlink there": "import os\nos.symlink('/', '@FOLDER@/new')",
    "link there": "import os\nopen('mine', 'w').write('x')\nos.link('mine', '@FOLDER@/new')",
    "write through link": "import os\nos.symlink('@SECRET@', 'l')\nopen('l', 'w').write('x')",
    "fifo": "import os\nos.mkfifo('@FOLDER@/new')",
    "chmod": "import os\nos.chmod('@SECRET@', 0o777)",
    "utime": "import os\nos.utime('@SECRET@', (1, 1))",
    "xattr": "import os\nos.setxattr('@SECRET@', 'user.x', b'1')",
    "fchmod": "import os\nf = os.open('@FOLDER@', os.O_PATH)\n"
    "os.chmod(f'/proc/self/fd/{f}', 0o700)",
    "tmp": "open('/tmp/hostile-new', 'w').write('x')",
    "shm": "open('/dev/shm/hostile-new', 'w').write('x')",
    "root": "open('/hostile-new', 'w').write('x')",
    "home": "import os\nopen(os.path.expanduser('~root') + '/hostile-new', 'w').write('x')",
}
_FORK = {
    "os.fork": "import os\npid = os.fork()\nif pid == 0: os._exit(0)\nos.waitpid(pid, 0)",
    "bomb": "import os, time\npids = []\nfor _ in range(64):\n    pid = os.fork()\n"
    "    if pid == 0:\n        time.sleep(1)\n        os._exit(0)\n    pids.append(pid)\n"
    "assert len(pids) == 64",
    "bomb that insists": "import os, time\npids = []\nwhile len(pids) < 64:\n    try:\n"
    "        pid = os.fork()\n    except OSError:\n        continue\n"
    "    if pid == 0:\n        time.sleep(1)\n        os._exit(0)\n    pids.append(pid)",
    "tree": "import os\ndef grow(depth):\n    for _ in range(2 if depth else 0):\n"
    "        pid = os.fork()\n        if pid == 0:\n            grow(depth - 1)\n"
    "            os._exit(0)\n        os.waitpid(pid, 0)\ngrow(4)",
    "forkpty": "import os\npid, fd = os.forkpty()\nif pid == 0: os._exit(0)\nos.waitpid(pid, 0)",
    "multiprocessing": "import multiprocessing as m\n"
    "p = m.get_context('fork').Process(target=int)\np.start()\np.join()\nassert p.exitcode == 0",
    "ctypes": "import ctypes, os\npid = ctypes.CDLL(None, use_errno=True).fork()\n"
    "if pid == 0: os._exit(0)\nif pid < 0: raise OSError(ctypes.get_errno(), 'fork')",
    "syscall": "import ctypes, os, platform\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    "x86 = platform.machine() == 'x86_64'\n"
    "pid = libc.syscall(57) if x86 else libc.syscall(220, 17, 0, 0, 0, 0)\n"
    "if pid == 0: os._exit(0)\nif pid < 0: raise OSError(ctypes.get_errno(), 'fork')",
    "thread": "import os, threading\ndone = []\ndef go():\n    pid = os.fork()\n"
    "    if pid == 0: os._exit(0)\n    done.append(pid)\n"
    "t = threading.Thread(target=go)\nt.start()\nt.join()\nassert done",
    "pool": "import concurrent.futures as c, multiprocessing as m\n"
    "with c.ProcessPoolExecutor(2, m.get_context('fork')) as p:\n"
    "    assert list(p.map(abs, [-1])) == [1]",
}
_EXEC = {
    "execv": "import os\nos.execv('/bin/sh', ['sh', '-c', 'echo did it'])",
    "execve": "import os, sys\nos.execve(os.path.realpath('/bin/echo'), ['echo', 'did it'], {})",
    "system": "import os\nassert os.system('true') == 0, 'refused'",
    "popen": "import os\nassert os.popen('echo hello').read()",
    "subprocess": "import subprocess\nsubprocess.run(['/bin/true'], check=True)",
    "shell": "import subprocess\nsubprocess.run('true', shell=True, check=True)",
    "spawn": "import os\nos.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)",
    "memory file": "import os\nf = os.memfd_create('x')\n"
    "os.write(f, open('/bin/true', 'rb').read())\n"
    "os.waitpid(os.posix_spawn(f'/proc/self/fd/{f}', ['true'], {}), 0)",
    "script": "import os\nopen('s', 'w').write('#!/bin/sh\\necho did it\\n')\n"
    "os.chmod('s', 0o755)\n"
    "os.execv('./s', ['s'])",
}
_TO = {
    "tcp": "s = socket.create_connection(('127.0.0.1', @TCP@), 1)\ns.sendall(b'x')",
    "tcp by hand": "s = socket.socket()\ns.connect(('127.0.0.1', @TCP@))\ns.sendall(b'x')",
    "not blocking": "s = socket.socket()\ns.setblocking(False)\n"
    "e = s.connect_ex(('127.0.0.1', @TCP@))\nassert e in (0, 115), e",
    "udp": "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
    "s.sendto(b'x', ('127.0.0.1', @UDP@))",
    "name server": "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
    "s.sendto(b'\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\1x\\0\\0\\1\\0\\1', ('127.0.0.1', @UDP@))",
    "mapped": "s = socket.socket(socket.AF_INET6)\ns.connect(('::ffff:127.0.0.1', @TCP@))",
    "abstract": "s = socket.socket(socket.AF_UNIX)\ns.connect('\\0@NAME@')",
    "listen": "s = socket.socket()\ns.bind(('127.0.0.1', 0))\ns.listen()",
    "listen by name": "s = socket.socket(socket.AF_UNIX)\ns.bind('\\0hostile')\ns.listen()",
    "listen udp": "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('', 0))",
    "netlink": "s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)\ns.bind((0, 0))",
    "http": "import http.client\nhttp.client.HTTPConnection('127.0.0.1', @TCP@, 1).connect()",
    "asyncio": "import asyncio\nasyncio.run(asyncio.open_connection('127.0.0.1', @TCP@))",
    "mail": "import smtplib\ntry: smtplib.SMTP('127.0.0.1', @TCP@, timeout=.2)\n"
    "except smtplib.SMTPException: pass\nexcept TimeoutError: pass",
    "ctypes": "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nf = libc.socket(2, 1, 0)\n"
    "if f < 0: raise OSError(ctypes.get_errno(), 'socket')\n"
    "s = socket.socket(fileno=f)\ns.connect(('127.0.0.1', @TCP@))",
    "raw": "s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)",
    "packet": "s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
}
_LIBC = (
    "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    "def ok(value):\n    if value < 0:\n        e = ctypes.get_errno()\n"
    "        raise OSError(e, os.strerror(e))\n    return value\n"
)
_SIGNAL = {
    "kill": "import os\nos.kill(target, number)",
    "libc": _LIBC + "ok(libc.kill(target, number))",
    "thread": _LIBC + "import platform\n"
    "ok(libc.syscall(234 if platform.machine() == 'x86_64' else 131, target, target, number))",
    "queue": _LIBC + "ok(libc.sigqueue(target, number, 0))",
    "pidfd": "import os, signal\nf = os.pidfd_open(target)\nsignal.pidfd_send_signal(f, number)",
    "owner": "import fcntl, os, struct\nr, w = os.pipe()\n"
    "fcntl.fcntl(r, fcntl.F_SETOWN, target)\nassert fcntl.fcntl(r, fcntl.F_GETOWN) == target",
}
_TARGET = {
    "victim": "target, number = @VICTIM@, 9\n",
    "parent": "import os\ntarget, number = os.getppid(), 0\n",
}
_LOOK = {
    "environment": "import os\ntext = open(f'/proc/{target}/environ').read()",
    "memory": "text = open(f'/proc/{target}/mem', 'rb')",
    "map": "text = open(f'/proc/{target}/maps').read()",
    "descriptors": "import os\ntext = os.listdir(f'/proc/{target}/fd')",
    "command": "text = open(f'/proc/{target}/cmdline').read()",
    "ptrace": _LIBC + "ok(libc.ptrace(0x4206, target, 0, 0))",
    "copy": _LIBC + "b = ctypes.create_string_buffer(8)\n"
    "mine = (ctypes.c_size_t * 2)(ctypes.addressof(b), 8)\n"
    "there = (ctypes.c_size_t * 2)(8, 8)\n"
    "libc.process_vm_readv(target, mine, 1, there, 1, 0)\n"
    "if ctypes.get_errno() != 14: raise PermissionError",
    "take a file": _LIBC + "f = os.pidfd_open(target)\nok(libc.syscall(438, f, 0, 0))",
}
_PROC = {
    "list": "import os\nassert [p for p in os.listdir('/proc') if p.isdigit()]",
    "self": "open('/proc/self/status').read()",
    "own memory": "open('/proc/self/mem', 'r+b')",
    "oom": "open('/proc/self/oom_score_adj', 'w').write('1000')",
    "mounts": "assert len(open('/proc/self/mounts').readlines()) > 1",
    "kernel": "open('/proc/sys/kernel/hostname').read()",
    "sys": "import os\nassert os.listdir('/sys')",
    "passwd": "open('/etc/passwd').read()",
    "group": "open('/etc/group').read()",
    "devices": "open('/dev/zero', 'rb').read(1)",
}
_LOOP = {
    "while": "while True: pass",
    "power": "x = 3\nwhile True: x = x * x % (10**4000 + 7)",
    "regex": "import re\nre.match('(a+)+$', 'a' * 60 + 'b')",
    "sum": "sum(range(10**13))",
    "iter": "for _ in iter(int, 1): pass",
    "except": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "fibonacci": "def f(n): return n if n < 2 else f(n - 1) + f(n - 2)\nf(90)",
    "deaf": "import signal\nfor s in range(1, 32):\n    if s not in (9, 19): "
    "signal.signal(s, signal.SIG_IGN)\nwhile True: pass",
    "threads": "import threading\nfor _ in range(3):\n"
    "    threading.Thread(target=lambda: sum(range(10**13))).start()",
    "compile": "x = 1\nfor i in range(10**9): x = x * (i + 1)",
    "at exit": "import atexit, threading\n"
    "threading.Thread(target=lambda: exec('while True: pass')).start()",
    "del": "class A:\n    def __del__(self):\n        while True: pass\nA()",
}
_WAIT = {
    "sleep": "import time\ntime.sleep(60)",
    "event": "import threading\nthreading.Event().wait()",
    "lock": "import threading\nl = threading.Lock()\nl.acquire()\nl.acquire()",
    "pipe": "import os\nr, w = os.pipe()\nos.read(r, 1)",
    "pause": "import signal\nsignal.pause()",
    "select": "import select\nselect.select([], [], [], 60)",
    "closed": "import os, time\nfor f in (0, 1, 2): os.close(f)\ntime.sleep(60)",
    "thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()",
    "fifo": "import os\nos.mkfifo('f')\nopen('f')",
    "queue": "import queue\nqueue.Queue().get()",
}
_MEMORY = {
    "bytes": "x = bytearray(200 << 20)",
    "list": "x = [0] * (25 << 20)",
    "text": "x = 'a' * (200 << 20)",
    "map": "import mmap\nx = mmap.mmap(-1, 200 << 20)",
    "many": "x = [bytes(1 << 20) for _ in range(200)]",
    "number": "x = 1 << (200 << 23)",
    "doubling": "x = b'x'\nwhile len(x) < 200 << 20: x += x",
    "malloc": _LIBC + "libc.malloc.restype = ctypes.c_void_p\n"
    "libc.malloc.argtypes = [ctypes.c_size_t]\n"
    "if not libc.malloc(200 << 20): raise MemoryError",
    "stacks": "import threading\nthreading.stack_size(64 << 20)\ne = threading.Event()\n"
    "t = [threading.Thread(target=e.wait, daemon=True) for _ in range(12)]\n"
    "for one in t: one.start()",
    "caught": "x = []\ntry:\n    while len(x) < 200: x.append(bytearray(1 << 20))\n"
    "except MemoryError:\n    x.clear()\n    raise",
}
_FLOOD = {
    "print": "for _ in range(20): print('x' * 100_000)",
    "lines": "for i in range(400_000): print(i)",
    "errors": "import sys\nfor _ in range(20): sys.stderr.write('x' * 100_000)",
    "write": "import os\nfor _ in range(200): os.write(1, b'x' * 10_000)",
    "once": "print('x' * 2_000_000)",
    "threads": "import threading\nfor _ in range(4):\n"
    "    threading.Thread(target=lambda: print('x' * 500_000)).start()",
    "both": "import os\nfor i in range(200): os.write(1 + i % 2, b'x' * 10_000)",
    "then fine": "import os\nos.write(1, b'x' * 2_000_000)\nos._exit(0)",
}
_LEAVE = {
    "daemon": "import os, time\npid = os.fork()\nif pid == 0:\n    os.setsid()\n"
    "    if os.fork() == 0: time.sleep(9)\n    os._exit(0)",
    "session": "import subprocess\nsubprocess.Popen(['sleep', '9'], start_new_session=True)",
    "quiet": "import subprocess\n"
    "subprocess.Popen(['sleep', '9'], stdout=-3, stderr=-3, stdin=-3, close_fds=True)",
    "at exit": "import atexit, os, sys, time\ndef go():\n"
    "    if os.fork() == 0: time.sleep(9)\natexit.register(go)\ngo()",
    "deaf": "import os, signal, time\npid = os.fork()\nif pid == 0:\n"
    "    for s in (1, 2, 15): signal.signal(s, signal.SIG_IGN)\n    time.sleep(9)",
    "parent first": "import os, time\nif os.fork() == 0:\n    time.sleep(.1)\n    time.sleep(9)",
}
_STATE = {
    "shared memory": "from multiprocessing import shared_memory\n"
    "shared_memory.SharedMemory('hostile', create=True, size=9)",
    "system v memory": _LIBC + "ok(libc.shmget(7, 99, 0o1600))",
    "messages": _LIBC + "ok(libc.msgget(7, 0o1600))",
    "semaphores": _LIBC + "ok(libc.semget(7, 1, 0o1600))",
    "queue": _LIBC + "ok(libc.mq_open(b'/hostile', 0o102, 0o600, 0))",
    "key": _LIBC + "import platform\n"
    "n = 248 if platform.machine() == 'x86_64' else 217\n"
    "ok(libc.syscall(n, b'user', b'hostile', b'x', 1, -3))",
    "memory file": "import os\nos.memfd_create('x')",
}
_MACHINE = {
    "unshare user": _LIBC + "ok(libc.unshare(0x10000000))",
    "unshare mounts": _LIBC + "ok(libc.unshare(0x10020000))",
    "unshare processes": _LIBC + "ok(libc.unshare(0x30000000))",
    "join": _LIBC + "ok(libc.setns(os.open('/proc/self/ns/uts', 0), 0))",
    "mount": _LIBC + "os.mkdir('m')\nok(libc.mount(b'x', b'm', b'tmpfs', 0, 0))",
    "chroot": "import os\nos.mkdir('m')\nos.chroot('m')",
    "host name": "import socket\nsocket.sethostname('hostile')",
    "priority": "import os\nos.setpriority(os.PRIO_PROCESS, @VICTIM@, 19)",
    "group priority": "import os\nos.setpriority(os.PRIO_PGRP, 0, os.getpriority(os.PRIO_PGRP, 0))",
    "processors": "import os\nos.sched_setaffinity(@VICTIM@, os.sched_getaffinity(0))",
    "batch": "import os\nos.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))",
    "limits": "import os, resource\nresource.prlimit(@VICTIM@, resource.RLIMIT_NOFILE, (64, 64))",
    "disc": "import os\nos.mknod('n', 0o60600, os.makedev(7, 0))",
    "clock": "import time\ntime.clock_settime(time.CLOCK_REALTIME, time.time())",
    "ring": _LIBC + "p = ctypes.create_string_buffer(120)\nok(libc.syscall(425, 4, p))",
}
NOWHERE = {
    "machine: clock": "no namespace holds the clock",
    "machine: disc": "no namespace makes devices",
}
"""Those not tried outside a tier, by family and name, and why."""
_FILL = {
    "one file": "f = open('f', 'wb')\nfor _ in range(40): f.write(bytes(1 << 20))",
    "many files": "import time\nfor i in range(40):\n"
    "    open(f'f{i}', 'wb').write(bytes(1 << 20))\n    time.sleep(.02)",
    "small files": "import time\nfor i in range(4000):\n    open(f'f{i}', 'w')\n"
    "    if i % 50 == 0: time.sleep(.01)",
    "sparse": "f = open('f', 'wb')\nf.truncate(40 << 20)",
    "claimed": "import os\nf = os.open('f', os.O_CREAT | os.O_RDWR)\n"
    "os.posix_fallocate(f, 0, 40 << 20)",
    "folders": "import os, time\nfor i in range(4000):\n    os.mkdir('d')\n    os.chdir('d')\n"
    "    if i % 50 == 0: time.sleep(.01)",
    "locked": "import os, time\nos.mkdir('d')\nfor i in range(40):\n"
    "    open(f'd/f{i}', 'wb').write(bytes(1 << 20))\n    time.sleep(.02)\nos.chmod('d', 0)",
}
_OPEN_MANY = {
    "open": "x = [open('/dev/null') for _ in range(200)]",
    "dup": "import os\nx = [os.dup(0) for _ in range(200)]",
    "pipes": "import os\nx = [os.pipe() for _ in range(100)]",
    "pairs": "import socket\nx = [socket.socketpair() for _ in range(100)]",
    "high": "import os\nos.dup2(0, 200)",
    "epoll": "import select\nx = [select.epoll() for _ in range(200)]",
}
_CRASH = {
    "null": "import ctypes\nctypes.string_at(0)",
    "abort": "import os\nos.abort()",
    "own kill": "import os\nos.kill(os.getpid(), 9)",
    "stack": "import sys, functools\nsys.setrecursionlimit(10**9)\n"
    "f = lambda: 0\nfor _ in range(10**6): f = functools.partial(f)\n"
    "class A:\n    def __repr__(self): return repr(self.x)\n"
    "a = A()\na.x = a\nrepr(a)",
    "illegal": "import signal\nsignal.raise_signal(4)",
    "alarm": "import signal\nsignal.alarm(1)\nsignal.pause()",
}
FAKES = {
    "exit": "import os\nos._exit(0)",
    "exit late": "import os\ndef f(x): os._exit(0)",
    "sys.exit": "import sys\ndef f(x): sys.exit(0)",
    "print": "print('[\"ok\", \"\"]', flush=True)\ndef f(x): print('ok')",
    "all files": 'import os\nfor n in range(256):\n    try: os.write(n, b\'["ok", ""]\')\n'
    "    except OSError: pass\ndef f(x): return 0",
    "framed": 'import os, struct\nb = b\'{"reason": "ok", "fault": "", "seconds": 0}\'\n'
    "for n in range(256):\n    try: os.write(n, struct.pack('=I', len(b)) + b)\n"
    "    except OSError: pass\ndef f(x): return 0",
    "equal to all": "class E:\n    def __eq__(s, o): return True\n"
    "    def __ne__(s, o): return False\n"
    "    def __hash__(s): return 0\ndef f(x): return E()",
    "a number that lies": "class E(int):\n    def __eq__(s, o): return True\ndef f(x): return E(0)",
    "builtins": "import builtins\nbuiltins.isinstance = lambda *a: True\n"
    "builtins.AssertionError = Exception\nall = any = bool = lambda *a: True\ndef f(x): return 0",
    "abs": "def abs(x): return 0\ndef f(x): return 0",
    "frames": "import sys, gc\ndef f(x):\n"
    "    return [o for o in gc.get_objects() if isinstance(o, dict) and 'test' in o]",
    "raise": "def f(x): raise AssertionError('ok')",
    "stop": "def f(x): raise StopIteration",
    "kill": "import os\ndef f(x): os.kill(os.getppid(), 9)",
    "trace": "import sys\nsys.settrace(lambda *a: None)\ndef f(x): return 0",
    "thread": "import threading, os, time\ndef f(x):\n"
    "    threading.Thread(target=lambda: (time.sleep(.05), os._exit(0))).start()\n    return 0",
}
"""Programs that do not solve `f(2) == 5` and try to be taken for one that does."""


def _programs() -> list[Hostile]:
    refused = frozenset({"refused", "error"})
    made: list[Hostile] = []

    def add(
        family: str, named: dict[str, str], reported: frozenset[str], harm: str = "says"
    ) -> None:
        for name, source in named.items():
            if harm == "says":
                source = f"{source}\nprint('did it', flush=True)\n"
            made.append(Hostile(family, name, source, reported, harm))

    read = {
        f"{way} by {spelt}": f"{path}\n{source}\nassert 'treasure' in text"
        for way, source in _OPEN.items()
        for spelt, path in _SPELT.items()
    }
    signals = {
        f"{way} to {whom}": target + source
        for way, source in _SIGNAL.items()
        for whom, target in _TARGET.items()
    }
    looks = {
        f"{way} of {whom}": target + source
        for way, source in _LOOK.items()
        for whom, target in _TARGET.items()
    }
    add("read", read, refused)
    add("write", _WRITE, refused)
    add("fork", _FORK, refused | {"time"})
    add("exec", _EXEC, refused)
    add("socket", {k: f"import socket\n{v}" for k, v in _TO.items()}, refused)
    add("signal", signals, refused)
    add("look", looks, refused)
    add("proc", _PROC, refused)
    add("loop", _LOOP, frozenset({"time"}), "runs on")
    add("wait", _WAIT, frozenset({"time"}), "runs on")
    add("memory", _MEMORY, frozenset({"memory", "time"}))
    add("flood", _FLOOD, frozenset({"output"}), "floods")
    add("leave", _LEAVE, refused)
    add("state", _STATE, refused)
    add("machine", _MACHINE, refused)
    add("fill", _FILL, frozenset({"output", "error", "refused", "time"}))
    add("descriptors", _OPEN_MANY, frozenset({"error"}))
    add("crash", _CRASH, frozenset({"killed", "memory", "error", "time"}), "crashes")
    return made


PROGRAMS = _programs()
