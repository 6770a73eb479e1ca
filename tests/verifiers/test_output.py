"""What a program prints is what its text says."""

import pytest

from treeseek.errors import NoSandbox
from treeseek.sandbox import Limits, Sandbox
from treeseek.verifiers.output import Output

DEFINED = "def solution():\n    return sum(range(5))\n"


@pytest.fixture(scope="module")
def output() -> Output:
    try:
        return Output(sandbox=Sandbox(workers=1), limits=Limits(wall=1.0))
    except NoSandbox as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("print(6 * 7)", "42"),
        ("Let me see.\n```python\nprint('a')\n```\nThat is it.", "a"),
        (DEFINED, "10"),
        (f"{DEFINED}print(solution() + 1)", "11"),
        (f"{DEFINED}answer = solution()\nprint(answer)", "10"),
        ("x = 1", ""),
        ("print(1", None),
        ("print(1)\nraise SystemExit(3)", None),
        ("while True: pass", None),
        ("import socket\nsocket.socket()\nprint(1)", None),
    ],
)
def test_what_a_program_prints(output: Output, text: str, said: str | None) -> None:
    assert output.run(text) == said


def test_the_same_text_is_run_once(output: Output) -> None:
    draw = "import time\nprint(time.perf_counter_ns())"
    assert output.run(draw) == output.run(draw)
    assert output.run(draw) != output.run(f"{draw} ")
