"""What a text says its answer is: pure functions from a worked answer to its last word.

This file believes in what models were taught to write: `#### 42`, `\\boxed{42}`, `The answer is
42`, or the answer alone on the last line, in this order. It does not judge. Numbers are exact
fractions; texts are compared without case, marks of emphasis and spare spaces.
"""

import re
import unicodedata
from collections import deque
from fractions import Fraction

LONGEST = 60
"""Characters of a number that are read at most; longer ones are no answer anybody wrote."""

_SAID = re.compile(r"(?i)\b(?:final answer|answer|result)\b\s*(?:is\b|=|:)\s*:?[ \t]*([^\n]*)")
_DIGITS = r"(?:[0-9]{1,3}(?:(?:,|\{,\})[0-9]{3})+(?![0-9])|[0-9]+)"
_NUMBER = re.compile(
    rf"(?<![\w.])[-+\u2212]?(?:\\?\$)?[-+\u2212]?(?:{_DIGITS}(?:\.[0-9]+)?|\.[0-9]+)"
    r"(?:[eE][-+]?[0-9]{1,2}(?!\w))?(?:\s?/\s?[0-9]+(?:\.[0-9]+)?)?"
)
_FRACTION = re.compile(r"(-?)\s*\\[dt]?frac\s*\{\s*(-?[0-9]+)\s*\}\s*\{\s*(-?[0-9]+)\s*\}")
_WORDS = re.compile(r"\\(?:text|textbf|mathrm|mbox|textit)\s*\{([^{}]*)\}")
_SPACING = re.compile(r"\\[,;!: ]|~")


def stated(text: str) -> str:
    """The part of `text` that states its answer; the last line that is not blank if nothing does.

    Linear in the text. The last `####`, else the last closed box, else the last sentence that says
    "answer is" counts; "" for a blank text.
    """
    _, mark, after = text.rpartition("####")
    if mark:
        return after.strip().partition("\n")[0].strip()
    box = boxed(text)
    if box is not None:
        return box.strip()
    said = [match[1].strip() for match in _SAID.finditer(text)]
    if said and said[-1]:
        return said[-1]
    return next((line.strip() for line in reversed(text.split("\n")) if line.strip()), "")


def boxed(text: str) -> str | None:
    """What stands in the last `\\boxed{...}` that is closed, braces matched; None without one."""
    for begin in reversed([match.end() for match in re.finditer(r"\\f?boxed\s*\{", text)][-8:]):
        depth = 1
        for place in range(begin, len(text)):
            depth += {"{": 1, "}": -1}.get(text[place], 0)
            if depth == 0:
                return text[begin:place]
    return None


def number(text: str) -> Fraction | None:
    """The last number in `text`, exactly: commas of thousands, decimals, `a/b`, `\\frac{a}{b}`.

    None where there is none, it divides by zero or is longer than LONGEST characters.
    """
    text = _FRACTION.sub(lambda match: f" {match[1]}{match[2]}/{match[3]} ", text)
    found = deque(_NUMBER.finditer(text), maxlen=1)
    last = found[0] if found else None
    if last is None or len(last[0]) > LONGEST:
        return None
    written = re.sub(r"[\s$\\{},]", "", last[0]).replace("\u2212", "-")
    above, _, below = written.partition("/")
    try:
        return Fraction(above) / Fraction(below or 1)
    except ZeroDivisionError:
        return None


def normal(text: str) -> str:
    """`text` without case, emphasis, quotes, a full stop at its end or spare spaces."""
    text = unicodedata.normalize("NFKC", text)
    text = _SPACING.sub(" ", _WORDS.sub(r"\1", text))
    text = re.sub(r"\s+", " ", text).casefold()
    before = None
    while text != before:
        before = text
        text = text.strip(" *_`\"'$").removesuffix(".")
        if re.fullmatch(r"\(\w\)", text):
            text = text[1:-1]
    return text
