"""Program-aided answers: draw programs, run them, and let what they print vote."""

from collections.abc import Generator, Sequence
from typing import Annotated, Any, Protocol

from treeseek.declare import Search, strategy
from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.paying import gathered
from treeseek.requests import Node, Request, Verdict, Verify
from treeseek.strategies.draws import Draws, drawn, elect
from treeseek.strategies.steps import served


class Executor(Protocol):
    """Runs a program. `name` and `version` key what it printed.

    One that has `run_all(texts)` as well is asked for the programs of a batch together.
    """

    name: str
    version: str

    def run(self, text: str) -> str | None:
        """What the program `text` prints, or None where it fails; it must not raise."""
        ...


class Printed:
    """A verifier that runs a text as a program: its feedback is the output, "" where it fails."""

    def __init__(self, executor: Executor) -> None:
        """Run by `executor`."""
        self._executor = executor
        self.name, self.version = f"output of {executor.name}", executor.version
        if hasattr(executor, "run_all"):
            self.verify_all = self._verify_all

    def verify(self, text: str) -> Verdict:
        """Score 1 for a program that prints something; nothing is ever solved by that."""
        return _printed(self._executor.run(text))

    def _verify_all(self, texts: Sequence[str]) -> list[Verdict]:
        executor: Any = self._executor
        return [_printed(output) for output in executor.run_all(texts)]


def _printed(output: str | None) -> Verdict:
    said = (output or "").strip()
    return Verdict(float(bool(said)), False, True, said)


@strategy("pal", "self-consistency", tier="step")
def pal(
    ctx: Context,
    root: Node,
    *,
    n: Draws = None,
    executor: Annotated[
        Executor | None, "runs a program; none: the verifier's feedback is what it printed"
    ] = None,
) -> Search:
    """Draw whole programs, run each, and put first a program that prints what most of them print.

    The answer is the output, so slips of arithmetic vanish; a candidate's score is the share of the
    draws with its output, 0 where it fails. Cost: one charged node a token, shared prefixes once,
    and one run a distinct program, counted as a verdict. It loses where problems are no
    computations, or where the model writes prose. Programs are run by what the caller gives: give
    it a sandbox, as treeseek.verifiers.output.Output does. Deviations: the prompt is the caller's,
    with no examples of programs put before it; nothing runs while a program is drawn.
    Reference: pal, self-consistency
    """
    runs = ctx.verifier if executor is None else Printed(executor)
    if runs is None:
        raise InvalidOption("pal needs something that runs programs: give it an executor=.")
    held: list[Node] = []
    outputs: list[str | None] = []

    def run(nodes: list[Node]) -> Generator[list[Request], Any, None]:
        held.extend(nodes)
        replies, spent = yield from served(gathered(ctx, [Verify(node, runs) for node in nodes]))
        outputs.extend(reply.verdict.feedback or None for reply in replies)
        if spent is not None:
            raise spent

    try:
        yield from drawn(ctx, root, n, run)
    finally:
        elect(ctx, held, [*outputs, *[None] * (len(held) - len(outputs))])
