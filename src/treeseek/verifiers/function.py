"""The verifier of a user's function: whatever it returns, or raises, becomes a verdict.

This file believes that a fault in the function is evidence, not the end of a search. It does not
limit the function's time or memory: programs are judged in a sandbox instead.
"""

from collections.abc import Callable
from typing import SupportsFloat

from treeseek.requests import Verdict


class Function:
    """Judge by `call(text)`, which returns a bool, a number in [0, 1] or a Verdict.

    True and 1.0 are solved. Anything else it returns, and anything it raises, scores 0 with the
    fault as feedback. Nothing is called terminal but by the function's own Verdict. The cache is
    keyed by `name` and `version`: change one of them with the function. Cost: one call a text.
    """

    def __init__(
        self,
        call: Callable[[str], bool | SupportsFloat | Verdict],
        *,
        name: str = "",
        version: str = "1",
    ) -> None:
        self._call = call
        self.name = name or getattr(call, "__qualname__", type(call).__name__)
        self.version = version

    def verify(self, text: str) -> Verdict:
        """What the function says of `text`."""
        try:
            said = self._call(text)
            verdict = said if isinstance(said, Verdict) else _verdict(float(said))
        except Exception as error:
            return Verdict(0.0, False, False, f"{type(error).__name__}: {error}")
        if not 0.0 <= verdict.score <= 1.0:
            return Verdict(0.0, False, False, f"score {verdict.score} is not in [0, 1]")
        return verdict


def _verdict(score: float) -> Verdict:
    return Verdict(score, score == 1.0, score == 1.0)
