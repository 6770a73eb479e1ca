"""The exact verifier: an answer is right where it reads as the true one does.

This file believes that case, emphasis and spare spaces say nothing. It does not know that "two" is
2 or that 1/2 is 0.5: see `numeric` and `symbolic`.
"""

import hashlib

from treeseek.requests import Verdict
from treeseek.verifiers.answers import normal, stated


class Exact:
    """Judge by the normalised text of the stated answer (see `answers.stated`).

    With `spaces=False` spaces do not count at all, as for brackets. Linear in the text. Loses where
    one answer can be written in several ways. An unsolved text is never called terminal: what
    follows may state another answer. `name` holds a hash of the answer, feedback nothing of it.
    """

    version = "1"

    def __init__(self, answer: str, *, spaces: bool = True) -> None:
        self._spaces = spaces
        self._answer = self._normal(answer)
        self.name = f"exact {digest(answer)}{'' if spaces else ' without spaces'}"

    def verify(self, text: str) -> Verdict:
        """Solved where the stated answer, or the whole text, is the true one."""
        says = stated(text)
        if self._answer in (self._normal(says), self._normal(text)):
            return Verdict(1.0, True, True, f"answer {says[:60]!r} is right")
        return wrong(says)

    def _normal(self, text: str) -> str:
        text = normal(text)
        return text if self._spaces else text.replace(" ", "")


def wrong(says: str) -> Verdict:
    """The verdict on a stated answer that is not right."""
    reason = f"answer {says[:60]!r} is not right" if says else "no answer is stated"
    return Verdict(0.0, False, False, reason)


def digest(answer: str) -> str:
    """A name for an answer that does not tell it."""
    return hashlib.blake2b(answer.encode("utf-8", "replace"), digest_size=6).hexdigest()
