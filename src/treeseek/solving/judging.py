"""Who says what a text is worth: to a search while it runs, and to the table when it has ended.

A search is told how good a text is, whether anything can still mend it and in what state it leaves
the problem; never that it is solved. So no search ends early for having been lucky, and a control
given the same budget is given the same chance. Where a verifier has hidden tests, a search is told
what its `shown` says, which knows none of them: they are run when the table judges, not before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from treeseek.requests import Verdict, Verifier


def as_it_is(text: str) -> str:
    """The text."""
    return text


@dataclass(frozen=True)
class Memory:
    """Verdicts by text, shared by the searches on one problem: whole ones, and what was shown."""

    whole: dict[str, Verdict] = field(default_factory=dict)
    shown: dict[str, Verdict] = field(default_factory=dict)


class _Witness:
    """One verifier, whose verdicts on what texts say are kept; `asked` has those of one search."""

    def __init__(
        self, verifier: Verifier, kept: dict[str, Verdict], said: Callable[[str], str]
    ) -> None:
        self.verifier, self.asked = verifier, dict[str, Verdict]()
        self._kept, self._said = kept, said

    def verdicts(self, texts: Sequence[str]) -> list[Verdict]:
        """The verdict on each text, asked for once; side by side where the verifier can."""
        said = {text: self._said(text) for text in texts if text not in self.asked}
        new = [one for one in dict.fromkeys(said.values()) if one not in self._kept]
        verifier: Any = self.verifier
        if len(new) > 1 and hasattr(verifier, "verify_all"):
            self._kept.update(zip(new, verifier.verify_all(new), strict=True))
        else:
            for one in new:
                self._kept[one] = verifier.verify(one)
        self.asked.update({text: self._kept[one] for text, one in said.items()})
        return [self.asked[text] for text in texts]


class Patient:
    """A verifier that withholds the word "solved" and remembers every verdict by its text.

    `memory` may be shared by the searches on one problem: a text is then judged once for all of
    them. What is judged of a text is what it says by `read`: itself, or what it prints where it is
    a program. A verifier with hidden tests has a `shown`, the verifier without them, which is all
    that `verify` asks.
    """

    def __init__(
        self,
        verifier: Verifier,
        memory: Memory | None = None,
        *,
        read: Callable[[str], str | None] = as_it_is,
    ) -> None:
        """Judge as `verifier` does."""
        self._read = read
        memory = memory or Memory()
        self._whole = _Witness(verifier, memory.whole, self.said)
        shown: Verifier = getattr(verifier, "shown", verifier)
        self._shown = self._whole
        if shown is not verifier:
            self._shown = _Witness(shown, memory.shown, self.said)
        self.name = verifier.name
        self.version = f"{verifier.version}, patient 3"
        if hasattr(self._shown.verifier, "verify_all"):
            self.verify_all = self._verify_all
            """What a search may see of many texts, side by side, where the verifier can."""

    @property
    def asked(self) -> dict[str, Verdict]:
        """The whole verdicts that were asked for here, by text, in order."""
        return self._whole.asked

    @property
    def told(self) -> dict[str, Verdict]:
        """What searches are told of, by text, in order; `asked` itself where nothing is hidden."""
        return self._shown.asked

    def judge(self, text: str) -> Verdict:
        """The whole verdict on `text`, asked for once."""
        (verdict,) = self.judge_all([text])
        return verdict

    def judge_all(self, texts: Sequence[str]) -> list[Verdict]:
        """The whole verdicts on many texts, side by side where the verifier can."""
        return self._whole.verdicts(texts)

    def said(self, text: str) -> str:
        """What `text` says; "" where it says nothing."""
        return self._read(text) or ""

    def verify(self, text: str) -> Verdict:
        """The verdict on `text`, as a search may see it: what is solved may be gone on from."""
        (verdict,) = self._shown.verdicts([text])
        return _withheld(verdict)

    def _verify_all(self, texts: Sequence[str]) -> list[Verdict]:
        return [_withheld(verdict) for verdict in self._shown.verdicts(texts)]


def _withheld(said: Verdict) -> Verdict:
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
