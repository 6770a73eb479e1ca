"""Every scorer of the registry is made of what an edge has at hand, and its options."""

import re

import pytest

from treeseek import registry
from treeseek.errors import InvalidOption
from treeseek.options import options_of
from treeseek.references import REFERENCES
from treeseek.requests import Scorer, Verdict
from treeseek.testing import PROMPT, scripted

HAND = ("lm", "prompt", "verifier", "model")
NAMES = registry.names("scorers")


class Yes:
    """Judges everything right."""

    name, version = "yes", "1"

    def verify(self, text: str) -> Verdict:
        """Solved."""
        return Verdict(1.0, True)


class Rating:
    """A reward model that counts."""

    name = "rating"

    def outcomes(self, prompt: str, texts: list[str]) -> list[float]:
        """Lengths."""
        return [float(len(text)) for text in texts]

    def processes(self, prompt: str, texts: list[list[str]]) -> list[list[float]]:
        """Falling by a tenth a step."""
        return [[1 - 0.1 * at for at in range(len(steps))] for steps in texts]


@pytest.mark.parametrize("name", NAMES)
def test_a_scorer_is_made_of_what_is_at_hand(name: str) -> None:
    kind = registry.find("scorers", name)
    lm = scripted({"": {"a": 1, "b": 1}}, default={"a": 1, "b": 1, ".": 1})
    hand = {"lm": lm, "prompt": PROMPT, "verifier": Yes(), "model": Rating()}
    options = options_of(kind)
    given = {key: value for key, value in hand.items() if key in options}
    template = {"template": "^{text}", "yes": "a", "no": "b"} if name == "judge" else {}
    scorer: Scorer = kind(**given, **template)
    assert scorer.name == name and scorer.version.startswith("1 ")
    values = scorer.score(["a", "ab", ""])
    assert len(values) == 3 and all(isinstance(value, float) for value in values)
    assert scorer.score([]) == []
    for option in options.values():
        assert option.name in HAND or option.default is not None


@pytest.mark.parametrize("name", NAMES)
def test_references_are_in_the_book(name: str) -> None:
    said = registry.find("scorers", name).__doc__ or ""
    for line in re.findall(r"Reference: (.*)", said):
        assert set(line.split(", ")) <= set(REFERENCES)


def test_reductions_make_different_scorers() -> None:
    made = registry.find("scorers", "process-reward")
    values = {
        reduction: made(Rating(), PROMPT, reduction=reduction).score(["a\nb\nc"])[0]
        for reduction in ("last", "min", "prod", "mean")
    }
    assert values == pytest.approx({"last": 0.8, "min": 0.8, "prod": 0.72, "mean": 0.9})
    with pytest.raises(InvalidOption):
        made(Rating(), PROMPT, reduction="sum")
