"""The symbolic verifier: mathematical answers that mean the same, however they are written.

This file believes that algebra on untrusted text belongs into another process with a clock of our
own. It does not judge proofs, and two expressions it cannot show equal are not right.
"""

from collections.abc import Sequence
from importlib.util import find_spec

from treeseek.errors import InvalidOption, MissingExtra
from treeseek.requests import Verdict
from treeseek.verifiers.answers import normal, stated
from treeseek.verifiers.exact import digest, wrong
from treeseek.verifiers.workers import Finding, Question, Workers, shared

LONGEST = 4_000
"""Characters of a text that are looked at, from its end."""
LONGEST_ANSWER = 500
"""Characters of a stated answer that is still judged."""


class Symbolic:
    """Judge by the meaning of the stated answer: LaTeX, sets, intervals, matrices, equations.

    An answer that reads as the true one is right at once; others go to a worker with math-verify,
    milliseconds each, `seconds` at most. A worker that hangs or dies is a verdict that says so; as
    that depends on the clock, a search with this verifier is repeatable only where none does.
    Nothing unsolved is terminal. Raises MissingExtra without math-verify, InvalidOption for seconds
    that are not above 0.
    """

    version = "1"

    def __init__(
        self, answer: str, *, seconds: float = 5.0, workers: Workers | None = None
    ) -> None:
        if not 0 < seconds < 3600:
            raise InvalidOption(f"seconds={seconds}: give a number above 0 and below 3600")
        if find_spec("math_verify") is None:
            raise MissingExtra("symbolic answers need math-verify: pip install 'treeseek[math]'")
        self._answer = answer
        self._seconds = seconds
        self._workers = workers
        self.name = f"symbolic {digest(answer)}"

    def verify(self, text: str) -> Verdict:
        """Solved where the stated answer equals the true one."""
        return self.verify_all([text])[0]

    def verify_all(self, texts: Sequence[str]) -> list[Verdict]:
        """Verdicts on many texts, in order, all workers busy."""
        ends = [text[-LONGEST:].encode("utf-8", "replace").decode() for text in texts]
        says = [stated(end) for end in ends]
        asked = {
            place: Question(self._answer, say, end, self._seconds)
            for place, (say, end) in enumerate(zip(says, ends, strict=True))
            if 0 < len(say) <= LONGEST_ANSWER and normal(say) != normal(self._answer)
        }
        workers = self._workers or shared()
        found = dict(zip(asked, workers.ask_all(list(asked.values())), strict=True))
        return [_verdict(say, found.get(place)) for place, say in enumerate(says)]


def _verdict(says: str, finding: Finding | None) -> Verdict:
    if not says or (finding is None and len(says) > LONGEST_ANSWER):
        return wrong(says)
    if finding is None or finding.equal:
        return Verdict(1.0, True, True, f"answer {says[:60]!r} is right")
    if finding.fault:
        return Verdict(0.0, False, False, f"answer {says[:60]!r}: {finding.fault}")
    return wrong(says)
