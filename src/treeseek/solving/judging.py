"""Who says what a text is worth: to a search while it runs, and to the table when it has ended.

A search is told how good a text is, whether anything can still mend it and in what state it leaves
the problem; never that it is solved. So no search ends early for having been lucky, and a control
given the same budget is given the same chance.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from treeseek.requests import Verdict, Verifier


def as_it_is(text: str) -> str:
    """The text."""
    return text


class Patient:
    """A verifier that withholds the word "solved" and remembers every verdict by its text.

    `memory` may be shared by the searches on one problem: a text is then judged once for all of
    them. `asked` holds what this one was asked for, in order. What is judged of a text is what it
    says by `read`: itself, or what it prints where it is a program.
    """

    def __init__(
        self,
        verifier: Verifier,
        memory: dict[str, Verdict] | None = None,
        *,
        read: Callable[[str], str | None] = as_it_is,
    ) -> None:
        """Judge as `verifier` does."""
        self._verifier = verifier
        self._memory = {} if memory is None else memory
        self._read = read
        self.name = verifier.name
        self.version = f"{verifier.version}, patient 2"
        self.asked: dict[str, Verdict] = {}
        if hasattr(verifier, "verify_all"):
            self.verify_all = self._verify_all
            """The verdicts on many texts, side by side, where the verifier can."""

    def judge(self, text: str) -> Verdict:
        """The whole verdict on `text`, asked for once."""
        if text not in self.asked:
            said = self.said(text)
            if said not in self._memory:
                self._memory[said] = self._verifier.verify(said)
            self.asked[text] = self._memory[said]
        return self.asked[text]

    def _verify_all(self, texts: Sequence[str]) -> list[Verdict]:
        said = dict.fromkeys(map(self.said, texts))
        new = [one for one in said if one not in self._memory]
        verifier: Any = self._verifier
        self._memory.update(zip(new, verifier.verify_all(new), strict=True))
        return [self.verify(text) for text in texts]

    def said(self, text: str) -> str:
        """What `text` says; "" where it says nothing."""
        return self._read(text) or ""

    def verify(self, text: str) -> Verdict:
        """The verdict on `text`, as a search may see it: what is solved may be gone on from."""
        said = self.judge(text)
        return replace(said, solved=False, terminal=said.terminal and not said.solved)


class Forgiving(Patient):
    """A Patient whose verifier may break: a search then sees a lost cause, and `fault` says why."""

    fault: Exception | None = None

    def verify(self, text: str) -> Verdict:
        """The verdict on `text`; no score where there is none."""
        try:
            return super().verify(text)
        except Exception as error:
            self.fault = self.fault or error
            return Verdict(0.0, False, True, "this cannot be judged")

    def _verify_all(self, texts: Sequence[str]) -> list[Verdict]:
        try:
            return super()._verify_all(texts)
        except Exception:
            return [self.verify(text) for text in texts]
