"""What a program may use, and what came of it."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from treeseek.options import Range, validate

Reason = Literal["ok", "wrong", "error", "time", "memory", "output", "refused", "killed"]
"""How a program or a test ended.

ok: to its end; wrong: an assertion failed; error: an exception, or a status other than 0; time,
memory, output: over a limit (a full folder is output); refused: asked for what it must not have;
killed: by a signal.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one program, or of one test of one; raises InvalidOption."""

    wall: Annotated[float, Range(above=0), "seconds"] = 5.0
    cpu: Annotated[int, Range(low=1), "seconds of a processor"] = 5
    memory: Annotated[int, Range(low=64), "MiB of address space"] = 512
    output: Annotated[int, Range(low=1_024), "bytes of output, and of errors"] = 65_536
    disk: Annotated[int, Range(low=1), "MiB in the scratch folder"] = 16
    files: Annotated[int, Range(low=16, high=100), "open files"] = 64
    name: ClassVar[str] = "limits"

    def __post_init__(self) -> None:
        validate(self)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a program did: text it wrote, status (negative: a signal), reason, seconds, tier."""

    stdout: str
    stderr: str
    status: int
    reason: Reason
    seconds: float
    tier: str

    @property
    def ok(self) -> bool:
        """Whether it came to its end with status 0."""
        return self.reason == "ok"


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of one test: the reason, evidence in words, seconds and the tier."""

    reason: Reason
    fault: str
    seconds: float
    tier: str

    @property
    def passed(self) -> bool:
        """Whether every line of the test was executed and held."""
        return self.reason == "ok"


@dataclass(frozen=True, slots=True)
class Test:
    """One test: code with assertions about the names that a program defines.

    It is executed in a process of its own, which calls the program in another one and is answered
    with data. `own` are names that the program defines although Python has them built in.
    """

    code: str
    own: tuple[str, ...] = ()
    __test__: ClassVar[bool] = False
