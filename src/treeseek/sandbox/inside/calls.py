"""What a Linux kernel calls its system calls, and those that a single program has no need of.

Numbers are those of the kernel's stable interface, by machine. A call that is not listed for a
machine does not exist there.
"""

import platform

MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""By machine: the column of its numbers below, and what the kernel calls it in a filter."""

_REFUSED = {  # (x86_64, aarch64)
    # other processes
    **{"fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281)},
    **{"ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271)},
    **{"process_madvise": (440, 440), "kcmp": (312, 272), "pidfd_open": (434, 434)},
    **{"pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438)},
    **{"migrate_pages": (256, 238), "move_pages": (279, 239)},
    # the network
    **{"socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201)},
    **{"accept": (43, 202), "accept4": (288, 242)},
    # namespaces and mounts
    **{"unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39)},
    **{"pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428)},
    **{"move_mount": (429, 429), "fsopen": (430, 430), "fsmount": (432, 432)},
    **{"mount_setattr": (442, 442), "open_by_handle_at": (304, 265)},
    # what outlives a process, or is counted against nobody
    **{"shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190)},
    **{"mq_open": (240, 180), "memfd_create": (319, 279), "add_key": (248, 217)},
    **{"request_key": (249, 218), "keyctl": (250, 219)},
    # what a file is, beside its content: not held by the rules on paths
    **{"chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452)},
    **{"chown": (92, None), "lchown": (94, None), "fchown": (93, 55), "fchownat": (260, 54)},
    **{"utime": (132, None), "utimes": (235, None), "futimesat": (261, None)},
    **{"utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7)},
    **{"removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16)},
    **{"setxattrat": (463, 463), "removexattrat": (466, 466), "file_setattr": (469, 469)},
    # the machine
    **{"bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282)},
    **{"io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "fanotify_init": (300, 262)},
    **{"clock_settime": (227, 112), "settimeofday": (164, 170), "adjtimex": (159, 171)},
    **{"syslog": (103, 116), "personality": (135, 92), "setpriority": (141, 140)},
    **{"ioprio_set": (251, 30), "sched_setscheduler": (144, 119), "sched_setparam": (142, 118)},
    **{"sched_setattr": (314, 274)},
}
_OWN = {  # allowed where the first argument is the process itself, or 0 for it where that says so
    **{"kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131)},
    **{"rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240)},
    **{"prlimit64": (302, 261), "sched_setaffinity": (203, 122)},
}
_ZERO_IS_SELF = frozenset({"prlimit64", "sched_setaffinity"})
_BY_ARGUMENT = {  # refused where the argument of that place is one of these
    "fcntl": ((72, 25), 1, (8, 10, 15)),  # who gets a signal of a file: F_SETOWN, _SIG, _OWN_EX
    "ioctl": ((16, 29), 1, (0x8901, 0x8902, 0x5412)),  # FIOSETOWN, SIOCSPGRP, TIOCSTI
    "prctl": ((157, 167), 0, (1, 4)),  # PR_SET_PDEATHSIG, PR_SET_DUMPABLE
}
_CLONE, _CLONE3 = (56, 220), (435, 435)

_LOAD, _EQUAL, _AT_LEAST, _HAS_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_NOT_PERMITTED, _NOT_THERE = 1, 38
_THREAD = 0x00010000  # of clone: another thread of this process
_ARGUMENTS, _WIDTH = 16, 8  # where the first argument stands, and the bytes of one
_OTHER_INTERFACE = 0x40000000  # x32 numbers on x86_64

Instruction = tuple[int, int, int, int]
"""(code, jump if true, jump if false, constant) of a classic BPF program."""


def known() -> bool:
    """Whether the calls of this machine are known here."""
    return platform.machine() in MACHINES


def program(own: int) -> list[Instruction]:
    """A filter for the process `own`: what is refused fails with "operation not permitted".

    One pass, no loops: each refused call costs a comparison of every later one.
    """
    column, architecture = MACHINES[platform.machine()]
    lines: list[Instruction] = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
    ]
    if column == 0:
        lines += [(_AT_LEAST, 0, 1, _OTHER_INTERFACE), (_RETURN, 0, 0, _KILL)]
    refuse = (_RETURN, 0, 0, _ERROR | _NOT_PERMITTED)
    allow = (_RETURN, 0, 0, _ALLOW)

    def only(numbers: tuple[int | None, ...], *body: Instruction) -> None:
        number = numbers[column]
        if number is not None:
            lines.extend([(_EQUAL, 0, len(body), number), *body])

    for numbers in _REFUSED.values():
        only(numbers, refuse)
    only(_CLONE3, (_RETURN, 0, 0, _ERROR | _NOT_THERE))
    only(_CLONE, (_LOAD, 0, 0, _ARGUMENTS), (_HAS_BITS, 1, 0, _THREAD), refuse, allow)
    for name, numbers in _OWN.items():
        zero = [(_EQUAL, 2, 0, 0)] if name in _ZERO_IS_SELF else []
        only(numbers, (_LOAD, 0, 0, _ARGUMENTS), *zero, (_EQUAL, 1, 0, own), refuse, allow)
    for numbers, place, values in _BY_ARGUMENT.values():
        tests = [(_EQUAL, len(values) - at, 0, value) for at, value in enumerate(values)]
        load = (_LOAD, 0, 0, _ARGUMENTS + _WIDTH * place)
        only(numbers, load, *tests, allow, refuse)
    return [*lines, allow]
