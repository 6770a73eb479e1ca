"""Greedy and beam search equal `generate`, under every deterministic processor it has."""

from collections import Counter
from itertools import product
from typing import Any

import pytest

from tests.parity.report import note
from tests.parity.sides import Sides, ours
from tests.parity.ties import END, Tally

WIDTH = 8
LONG, SHORT = 32, 24
SETTINGS = [
    "none",
    "repetition",
    "ngram-2",
    "ngram-3",
    "bad-token",
    "bad-words",
    "bad-end",
    "min-new-tokens",
    "suppress",
    "repetition+ngram",
    "all",
]
PENALTIES = [0.0, 1.0, 2.0, -1.0]
STOPPING = [False, True, "never"]


def frequent(tally: Tally, length: int, most: int) -> list[list[int]]:
    """The commonest runs of `length` tokens in the answers, so that a ban bites."""
    runs = Counter(
        answer[0].tokens[i : i + length]
        for answer in tally.ours
        for i in range(len(answer[0].tokens) - length + 1)
        if END not in answer[0].tokens[i : i + length]
    )
    return [list(run) for run, _ in runs.most_common(most)]


@pytest.fixture(scope="session")
def baseline(small: Sides) -> Tally:
    """Greedy without a processor."""
    return small.compare(limit=LONG)


@pytest.fixture(scope="session")
def settings(small: Sides, baseline: Tally) -> dict[str, dict[str, Any]]:
    """Options of `generate` by name; what is banned is what the model likes to say."""
    stop = small.lm.encode("a.")[-1]
    tokens = [run[0] for run in frequent(baseline, 1, 4) if run[0] != stop]
    words = [*frequent(baseline, 2, 4), *frequent(baseline, 3, 4)]
    options: dict[str, dict[str, Any]] = {
        "none": {},
        "repetition": {"repetition_penalty": 1.3},
        "ngram-2": {"no_repeat_ngram_size": 2},
        "ngram-3": {"no_repeat_ngram_size": 3},
        "bad-token": {"bad_words_ids": [[token] for token in tokens]},
        "bad-words": {"bad_words_ids": words},
        "bad-end": {"bad_words_ids": [[1], *words[:1]]},
        "min-new-tokens": {"min_new_tokens": 20},
        "suppress": {"suppress_tokens": [tokens[0], 1]},
        "repetition+ngram": {"repetition_penalty": 1.2, "no_repeat_ngram_size": 3},
        "all": {
            "repetition_penalty": 1.3,
            "no_repeat_ngram_size": 3,
            "bad_words_ids": [[1], [tokens[1]], *words],
            "min_new_tokens": 10,
            "suppress_tokens": tokens[:1],
        },
    }
    assert list(options) == SETTINGS
    return options


@pytest.fixture(scope="session")
def sentences(small: Sides) -> Sides:
    """The same model with the full stop as a third end token, so that most beams end."""
    return small.ending([1, 2, small.lm.encode("a.")[-1]])


@pytest.mark.parametrize("name", SETTINGS)
def test_greedy_equals_generate(
    small: Sides, settings: dict, baseline: Tally, name: str, record_property: Any
) -> None:
    tally = small.compare(limit=LONG, **settings[name])
    note(record_property, f"greedy, {name}", tally)
    assert not tally.violations, tally.violations[0]
    assert (tally.ours != baseline.ours) == (name != "none"), "the setting changes nothing"


@pytest.mark.parametrize("name", SETTINGS)
def test_beam_equals_generate(
    small: Sides, settings: dict, name: str, record_property: Any
) -> None:
    tally = small.compare(width=WIDTH, limit=SHORT, **settings[name])
    note(record_property, f"beam {WIDTH}, {name}", tally)
    assert not tally.violations, tally.violations[0]
    assert all(len(answers) == WIDTH for answers in tally.ours)


@pytest.mark.parametrize("name", ["ngram-2", "bad-end", "min-new-tokens", "all"])
def test_beam_equals_generate_where_beams_end(
    sentences: Sides, settings: dict, name: str, record_property: Any
) -> None:
    tally = sentences.compare(width=WIDTH, limit=SHORT, **settings[name])
    note(record_property, f"beam {WIDTH} that ends at full stops, {name}", tally)
    assert not tally.violations, tally.violations[0]
    assert sum(a.tokens[-1] == END for answers in tally.ours for a in answers) > 50


@pytest.mark.parametrize("each", [4, pytest.param(10, marks=pytest.mark.slow)])
@pytest.mark.parametrize("stopping", STOPPING)
@pytest.mark.parametrize("penalty", PENALTIES)
def test_beam_stops_as_generate_does(
    sentences: Sides, penalty: float, stopping: bool | str, each: int, record_property: Any
) -> None:
    shape = {"length_penalty": penalty, "early_stopping": stopping}
    tally = sentences.some(each).compare(width=WIDTH, limit=SHORT, shape=shape)
    note(record_property, f"beam {WIDTH} by penalty and stopping, {penalty}, {stopping}", tally)
    assert not tally.violations, tally.violations[0]
    lengths = {len(a.tokens) for answers in tally.ours for a in answers if a.tokens[-1] == END}
    assert len(lengths) > 10


def test_length_penalty_and_stopping_matter(sentences: Sides) -> None:
    """Else the grid above would compare one search with itself."""
    prompts = sentences.groups[1]
    shapes = [
        {"length_penalty": penalty, "early_stopping": stopping}
        for penalty, stopping in product(PENALTIES, STOPPING)
    ]
    found = {str(ours(sentences.lm, prompts, WIDTH, SHORT, shape, {})) for shape in shapes}
    assert len(found) >= 8


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_limits_cut_alike(small: Sides, limit: int, record_property: Any) -> None:
    for width in (1, WIDTH):
        tally = small.compare(width=width, limit=limit, repetition_penalty=1.3)
        note(record_property, f"cut by a limit, {width}, {limit}", tally)
        assert not tally.violations, tally.violations[0]


@pytest.mark.parametrize(
    "options",
    [
        {"min_length": 70},
        {"min_length": 70, "min_new_tokens": 3},
        {"min_length": 70, "min_new_tokens": 12, "no_repeat_ngram_size": 2},
    ],
    ids=str,
)
def test_min_length_counts_the_prompt(small: Sides, options: dict, record_property: Any) -> None:
    """`generate` has two bounds, one from the prompt's start: the later of them holds."""
    sides = Sides(small.name, small.lm, small.plain, small.groups[2:3])
    for width in (1, WIDTH):
        tally = sides.compare(width=width, limit=SHORT, **options)
        note(record_property, f"min length, {width}, {options}", tally)
        assert not tally.violations, tally.violations[0]


def test_the_context_cuts_like_a_limit(small: Sides, record_property: Any) -> None:
    """A prompt that leaves six tokens gets six, whatever limit was asked."""
    context = small.lm.backend.context
    assert context is not None
    long = [*small.groups[4][0], *small.groups[4][1][1:], *small.groups[4][2][1:]][: context - 6]
    sides = Sides(small.name, small.lm, small.plain, [[long]])
    tally = Tally()
    for prompts, _, theirs in sides.answers(WIDTH, 6, {}, {}):
        found = ours(sides.lm, prompts, WIDTH, 100, {}, {})
        judge = sides.judge(long, WIDTH, 6, {}, {})
        tally.add(
            [a.tokens for a in found[0]] == [a.tokens for a in theirs[0]],
            lambda: judge(found[0], theirs[0]),  # noqa: B023
            lambda: f"{found} != {theirs}",  # noqa: B023
        )
    note(record_property, "beam at the end of the context", tally)
    assert not tally.violations, tally.violations[0]


def test_a_score_is_the_models_own(small: Sides) -> None:
    """`logprob` is what the plain model gives the tokens, whatever ranked them."""
    import treeseek

    lowered = 0
    for prompts in small.groups:
        results = treeseek.search_all(
            prompts,
            model=small.lm,
            strategy=treeseek.strategies.beam(width=3),
            n=3,
            limit=16,
            warp=treeseek.Warp(repetition_penalty=1.3),
        )
        for prompt, result in zip(prompts, results, strict=True):
            for found in result.candidates:
                if found.finish == "limit":
                    own = small.plain.logprob(prompt, found.token_ids)
                    assert abs(found.logprob - own) < 1e-4
                    lowered += found.score < found.logprob / 16 - 1e-3
    assert lowered > 50, "the penalty ranks, the model's own number is told"


@pytest.mark.parametrize(
    ("options", "others"),
    [
        ({"repetition_penalty": 1.3}, {"repetition_penalty": 1.15}),
        ({"no_repeat_ngram_size": 2}, {"no_repeat_ngram_size": 3}),
        ({}, {"repetition_penalty": 1.1}),
    ],
)
@pytest.mark.parametrize("width", [1, WIDTH])
def test_another_law_is_a_violation(small: Sides, options: dict, others: dict, width: int) -> None:
    """What differs for a reason is never called a tie."""
    sides = small.some(1)
    tally = Tally()
    for (prompts, found, _), (_, _, theirs) in zip(
        sides.answers(width, SHORT, {}, options), sides.answers(width, SHORT, {}, others),
        strict=True,
    ):  # fmt: skip
        for prompt, a, b in zip(prompts, found, theirs, strict=True):
            judge = sides.judge(prompt, width, SHORT, {}, options)
            equal = [x.tokens for x in a] == [x.tokens for x in b]
            tally.add(equal, lambda: judge(a, b), lambda: "apart")  # noqa: B023
    assert tally.tie == 0
    assert len(tally.violations) >= 3


EMBEDDED = ["none", "repetition", "ngram-2", "min-new-tokens"]


@pytest.mark.parametrize("name", EMBEDDED)
@pytest.mark.parametrize("width", [1, WIDTH])
def test_the_embedded_model_equals_generate(
    embedded: Sides, name: str, width: int, record_property: Any
) -> None:
    options = {
        "none": {},
        "repetition": {"repetition_penalty": 1.3},
        "ngram-2": {"no_repeat_ngram_size": 2},
        "min-new-tokens": {"min_new_tokens": 20, "repetition_penalty": 1.2},
    }[name]
    tally = embedded.compare(width=width, limit=SHORT, **options)
    note(record_property, f"embedded, width {width}, {name}", tally)
    assert not tally.violations, tally.violations[0]


@pytest.mark.slow
@pytest.mark.parametrize("stopping", STOPPING)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("name", SETTINGS)
def test_beam_equals_generate_in_every_combination(
    sentences: Sides,
    settings: dict,
    name: str,
    penalty: float,
    stopping: bool | str,
    record_property: Any,
) -> None:
    shape = {"length_penalty": penalty, "early_stopping": stopping}
    tally = sentences.some(1).compare(width=WIDTH, limit=40, shape=shape, **settings[name])
    note(
        record_property, f"beam {WIDTH} in every combination, {name}, {penalty}, {stopping}", tally
    )
    assert not tally.violations, tally.violations[0]


@pytest.mark.slow
@pytest.mark.parametrize("width", [1, 2, 3, 5, 16, 40])
def test_long_answers_of_every_width(small: Sides, width: int, record_property: Any) -> None:
    tally = small.some(10 if width < 16 else 3).compare(width=width, limit=100)
    note(record_property, f"long answers, {width}", tally)
    assert not tally.violations, tally.violations[0]
