"""A grown tree as a value: it reads as the text, and says of every node where it went."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treeseek
from treeseek.errors import InvalidOption
from treeseek.front import Run
from treeseek.viewer import Grown
from treeseek.viewer.grown import END, Branch


def grow(name: str = "beam", *, seed: int = 0, vocabulary: int = 6, **options: object) -> Run:
    strategy = getattr(treeseek.strategies, name)(**options.pop("options", {}))
    settings = {"limit": 7, "prompt": "abc", **options}
    run = treeseek.start(
        settings.pop("prompt"),
        model=f"toy:hash?vocabulary={vocabulary}&seed={seed}",
        strategy=strategy,
        **settings,
    )
    run.run()
    return run


def path(tree: Grown, branch: Branch) -> list[Branch]:
    found = [branch]
    while found[-1].parent >= 0:
        found.append(tree.branches[found[-1].parent])
    return found[::-1]


STRATEGIES = st.sampled_from(["greedy", "sample", "beam", "best_first", "puct", "stochastic_beam"])
RUNS = st.tuples(
    STRATEGIES, st.integers(0, 40), st.integers(3, 9), st.integers(0, 120), st.integers(1, 4)
)


@settings(max_examples=60, deadline=None)
@given(RUNS, st.integers(1, 30))
def test_every_node_is_drawn_or_counted(drawn: tuple[str, int, int, int, int], rows: int) -> None:
    name, seed, vocabulary, budget, n = drawn
    run = grow(name, seed=seed, vocabulary=vocabulary, budget=budget, n=n, prompt="ab")
    tree = Grown.of(run, rows=rows)
    steps = [step for branch in tree.branches if branch.parent >= 0 for step in branch.steps]
    rest = [branch.rest for branch in tree.branches if branch.rest is not None]
    assert len(steps) == tree.drawn
    assert tree.drawn + sum(step.lost for step in [*steps, *rest]) == tree.nodes
    assert tree.nodes == len(run.seat.live.parents) - 1
    inner = {branch.parent for branch in tree.branches}
    tips = [i for i in range(len(tree.branches)) if i not in inner]
    assert len(tips) <= max(rows, 1)


@settings(max_examples=60, deadline=None)
@given(RUNS)
def test_the_labels_from_the_left_to_a_tip_read_as_its_candidate(
    drawn: tuple[str, int, int, int, int],
) -> None:
    name, seed, vocabulary, budget, n = drawn
    run = grow(name, seed=seed, vocabulary=vocabulary, budget=budget, n=n, prompt="ab")
    result, tree = run.result, Grown.of(run)
    ends = [branch for branch in tree.branches if branch.rank is not None and branch.parent >= 0]
    for branch in ends:
        steps = [step for part in path(tree, branch)[1:] for step in part.steps]
        candidate = result.candidates[branch.rank]
        assert "".join(step.text for step in steps).removesuffix(END) == candidate.text
        assert math.isclose(sum(step.logprob for step in steps), candidate.logprob, abs_tol=1e-9)
        assert branch.total == pytest.approx(candidate.logprob)
    if result.best is not None and result.best.logprob != 0.0:
        assert min(branch.rank for branch in ends) == 0


@settings(max_examples=30, deadline=None)
@given(RUNS)
def test_the_best_path_is_one_path_to_the_best(drawn: tuple[str, int, int, int, int]) -> None:
    name, seed, vocabulary, budget, n = drawn
    tree = Grown.of(grow(name, seed=seed, vocabulary=vocabulary, budget=budget, n=n))
    best = [branch for branch in tree.branches if branch.on_best]
    if best and best[-1].rank is not None:
        assert best[-1].rank == 0
        assert path(tree, best[-1]) == best


def test_another_answer_can_be_the_best_path() -> None:
    run = grow("beam", n=4)
    answer = run.result.candidates[2]
    tree = Grown.of(run, best=answer)
    last = [branch for branch in tree.branches if branch.on_best][-1]
    assert tree.candidates[last.rank].text == answer.text
    first = [branch for branch in Grown.of(run).branches if branch.on_best][-1]
    assert first.rank == 0 != last.rank


def test_rivals_are_named_likeliest_first_and_counted() -> None:
    run = grow("best_first", vocabulary=9, options={"width": 9}, n=3, limit=5)
    tree = Grown.of(run, rows=1)
    told = [step for branch in tree.branches for step in branch.steps if step.others]
    assert told
    for step in told:
        values = [logprob for _, logprob in step.rivals]
        assert values == sorted(values, reverse=True)
        assert len(step.rivals) == min(4, step.others)
        assert step.lost >= step.others


def test_a_picture_is_plain_values() -> None:
    tree = Grown.of(grow("best_first", n=2, budget=40), title="abc")
    record = json.loads(json.dumps(tree.to_json()))
    assert record["title"] == "abc"
    assert record["budget"] == "40 tokens"
    assert len(record["branches"]) == len(tree.branches)


def test_the_parts_of_a_character_are_not_shown_as_broken_ones() -> None:
    from treeseek.backends.toy import ToyBackend, table

    class Bytes:
        def encode(self, text: str) -> list[int]:
            return list(text.encode())

        def decode(self, tokens: list[int]) -> str:
            return bytes(tokens).decode("utf-8", errors="replace")

    text = list("é→x".encode())
    rows = {}
    for at in range(len(text)):
        row = [0.0] * 256
        row[text[at]] = 50.0
        rows[(97, *text[:at])] = row
    end = [0.0] * 256
    end[0] = 50.0
    lm = treeseek.LM(ToyBackend(table(rows, end), 256), Bytes(), name="bytes", ends=[0])
    run = treeseek.start("a", model=lm)
    run.run()
    tree = Grown.of(run)
    texts = [step.text for step in tree.branches[1].steps]
    assert texts == ["", "é", "", "", "→", "x", END]


def test_room_for_no_tip_is_refused() -> None:
    with pytest.raises(InvalidOption, match="at least one tip"):
        Grown.of(grow("greedy"), rows=0)
