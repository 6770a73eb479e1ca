"""The numeric verifier: the last number of an answer against the true one, exactly.

This file believes that a number is read the same way whoever wrote it: `#### 1,234`, `$1234.00`,
`\\frac{2468}{2}`. It does not know units, percentages or intervals.
"""

from fractions import Fraction

from treeseek.errors import InvalidOption
from treeseek.requests import Verdict
from treeseek.verifiers.answers import number, stated
from treeseek.verifiers.exact import digest, wrong


class Numeric:
    """Judge by the last number in the stated answer, else in the text, as an exact fraction.

    `answer` is a number or a text that holds one. `tolerance` is relative to max(1, |answer|): a
    tolerance of 0 is exact, so 0.33 is not 1/3. Linear in the text. An unsolved text is never
    called terminal. Raises InvalidOption for an answer without a number or a negative tolerance.
    """

    version = "1"

    def __init__(self, answer: str | int | float | Fraction, *, tolerance: float = 0.0) -> None:
        if not 0 <= tolerance < float("inf"):
            raise InvalidOption(f"tolerance={tolerance}: give a number of 0 or more")
        value = number(stated(answer)) if isinstance(answer, str) else _exact(answer)
        if value is None:
            raise InvalidOption(f"answer {answer!r} holds no number: use the exact verifier")
        self._value = value
        self._slack = Fraction(tolerance) * max(Fraction(1), abs(value))
        self.name = f"numeric {digest(str(value))}, tolerance {tolerance:g}"

    def verify(self, text: str) -> Verdict:
        """Solved where the number is the true one within the tolerance."""
        says = stated(text)
        value = number(says)
        if value is None:
            value = number(text)
        if value is None:
            return wrong("")
        if abs(value - self._value) <= self._slack:
            return Verdict(1.0, True, True, f"answer {says[:60]!r} is right")
        return wrong(says)


def _exact(value: int | float | Fraction) -> Fraction | None:
    """A float means the number that it is written as: 0.1 is one tenth."""
    try:
        return Fraction(str(value))
    except ValueError:
        return None
