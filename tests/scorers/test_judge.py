"""A judge reads the probability of its words, and draws nothing."""

import pytest

from treeseek.errors import InvalidOption
from treeseek.scorers.judge import Judge
from treeseek.testing import scripted

# After "?" the model says y or n; it likes answers that hold an "a".
LM = scripted(
    {"qa?": {"y": 0.6, "n": 0.2, ".": 0.2}, "qb?": {"y": 0.1, "Y": 0.1, "n": 0.6, ".": 0.2}},
    default={"q": 1, "a": 1, "b": 1, "?": 1, "y": 0, "n": 0, "Y": 0, ".": 1},
)
TEMPLATE = "^{prompt}{text}?"


def judge(**options: str) -> Judge:
    return Judge(LM, "q", **{"template": TEMPLATE, "yes": "y|Y", "no": "n", **options})


def test_approval_is_the_share_of_yes() -> None:
    assert judge().score(["a", "b"]) == pytest.approx([0.6 / 0.8, 0.2 / 0.8])
    assert judge(yes="y").score(["b"]) == pytest.approx([0.1 / 0.7])


def test_without_either_word_it_does_not_know() -> None:
    assert judge().score(["ab"]) == [0.5]


def test_a_text_that_looks_like_a_template_is_a_text() -> None:
    asked = Judge(LM, "{text}", template="{prompt}-{text}")
    assert asked._question("{prompt}") == "{text}-{prompt}"


def test_all_texts_share_their_calls() -> None:
    LM.clear()
    before = LM.backend.spent.forwards
    judge().score(["a", "b", "ab", "ba"])
    assert LM.backend.spent.forwards == before + 1


@pytest.mark.parametrize("options", [{"template": "^{prompt}?"}, {"yes": ""}, {"no": "n|"}])
def test_a_question_needs_its_parts(options: dict[str, str]) -> None:
    with pytest.raises(InvalidOption):
        judge(**options)


def test_versions_tell_questions_apart() -> None:
    assert judge().version == judge().version != judge(template="^{text}?").version
