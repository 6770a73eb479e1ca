"""The drawing: well formed whatever the text, no label on another, nothing from outside."""

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treeseek
from treeseek.viewer import Grown, page, svg
from treeseek.viewer.grown import Branch, Leaf, Step
from treeseek.viewer.layout import BEND, Placed, arrange, columns, visible

NASTY = [
    "<b>&amp;",
    "\x00\x1b[31m",
    "]]>",
    "\ud800",
    "\n\t ",
    "'\"",
    "\u202e",
    "漢字",
    "é",
    "\ufffe",
]
TEXT = st.one_of(st.sampled_from(NASTY), st.text(max_size=12))


@st.composite
def trees(draw: st.DrawFn) -> Grown:
    """Trees of any shape and any text."""
    branches = [Branch(-1, (Step(draw(TEXT), 0.0),), 0.0, 0, 0, True)]
    for index in range(draw(st.integers(0, 14))):
        parent = draw(st.integers(0, index))
        only = not any(b.parent == parent and b.on_best for b in branches)
        best = branches[parent].on_best and only and draw(st.booleans())
        steps = tuple(
            Step(
                draw(TEXT),
                -draw(st.floats(0, 30)),
                (("x", -2.0),),
                3,
                draw(st.sampled_from([3, 9])),
            )
            for _ in range(draw(st.integers(1, 5)))
        )
        rank = draw(st.one_of(st.none(), st.integers(0, 3)))
        rest = draw(st.sampled_from([None, Step("", 0.0, (("<", -1.0),), 1, 1)]))
        branches.append(Branch(parent, steps, -3.0, 4, 2, best, rank, rest))
    ordered = depth_first(branches)
    leaves = tuple(
        Leaf(draw(TEXT), -1.5, 3, finish, 0.0, solved)
        for finish, solved in (("end", True), ("budget", None), ("limit", False))
    )
    cost = {"tokens": 1, "tokens_computed": 2, "forwards": 3, "verifier_calls": 4}
    return Grown(
        draw(TEXT), draw(TEXT), draw(TEXT), "9 tokens", 0, cost, 99, 9, 9, ordered, leaves, 3,
        draw(TEXT),
    )  # fmt: skip


def depth_first(branches: list[Branch]) -> tuple[Branch, ...]:
    """The same tree, numbered depth first as a Grown is."""
    order: list[Branch] = []

    def visit(index: int, parent: int) -> None:
        old = branches[index]
        order.append(
            Branch(
                parent, old.steps, old.total, old.depth, old.below, old.on_best, old.rank, old.rest
            )
        )
        here = len(order) - 1
        for child, branch in enumerate(branches):
            if branch.parent == index:
                visit(child, here)

    visit(0, -1)
    return tuple(order)


@settings(max_examples=80, deadline=None)
@given(trees())
def test_any_tree_is_well_formed_and_closed(tree: Grown) -> None:
    drawing = svg(tree)
    root = ET.fromstring(drawing)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    whole = page([tree, tree], title=tree.title, lines=[tree.strategy])
    for text in (drawing, whole):
        bare = text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"<script|https?:|url\(|@import|\bsrc=|\bon\w+=\"", bare)
        text.encode("utf-8")
    Balanced().feed(whole)


class Balanced(HTMLParser):
    """Fails on an element that is closed out of order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def boxes(placed: tuple[Placed, ...]) -> list[tuple[float, float, float]]:
    return [(p.middle, p.left, p.right) for p in placed]


@settings(max_examples=150, deadline=None)
@given(trees())
def test_no_label_lies_on_another_or_on_a_line(tree: Grown) -> None:
    layout = arrange(tree)
    labels = boxes(layout.placed)
    rows: dict[float, list[tuple[float, float]]] = {}
    for middle, left, right in labels:
        rows.setdefault(middle, []).append((left, right))
    for spans in rows.values():
        spans.sort()
        for (_, end), (start, _) in pairwise(spans):
            assert end < start
    for placed in layout.placed:
        if placed.branch.parent < 0:
            assert placed.left == 0
            continue
        above = layout.placed[placed.branch.parent]
        turn = above.right + BEND
        assert above.right < turn < placed.left
        for middle, left, right in labels:
            if above.middle < middle < placed.middle:
                assert not left <= turn <= right
        crossed = [
            (left, right) for middle, left, right in labels
            if middle == placed.middle and left < placed.left and right > turn
        ]  # fmt: skip
        assert placed.middle == above.middle or not crossed


@settings(max_examples=60, deadline=None)
@given(trees())
def test_the_best_path_is_one_straight_line(tree: Grown) -> None:
    placed = arrange(tree).placed
    best = [p for p in placed if p.branch.on_best]
    assert len({p.middle for p in best}) == 1


@given(st.text(max_size=40))
def test_visible_text_has_only_signs_that_xml_allows(text: str) -> None:
    shown = visible(text)
    assert len(shown) == len(text)
    assert all(sign.isprintable() or sign == "\u00a0" for sign in shown)
    assert columns(text) <= 2 * len(text)


def test_a_long_label_keeps_its_two_ends() -> None:
    steps = tuple(Step(f"{n:02d}", -0.1) for n in range(80))
    branches = (
        Branch(-1, (Step("p" * 99, 0.0),), 0.0, 0, 0, True), Branch(0, steps, -8.0, 80, 0, True, 0),
    )  # fmt: skip
    cost = {"tokens": 1, "tokens_computed": 1, "forwards": 1, "verifier_calls": 0}
    leaf = Leaf("x", -8.0, 80, "end", -8.0)
    tree = Grown("", "s", "m", "no limit", 0, cost, 80, 80, 80, branches, (leaf,), 1)
    root, label = arrange(tree).placed
    assert root.pieces[0].text.startswith("…p")
    texts = [piece.text for piece in label.pieces]
    assert texts[:2] == ["00", "01"] and texts[-2:] == ["78", "79"]
    assert sum(len(piece.steps) for piece in label.pieces) == 80
    assert label.right - label.left < 60 * 8


@pytest.mark.parametrize("rows", [1, 10, 48])
def test_two_thousand_nodes_fit_a_page_and_the_rest_is_said(rows: int) -> None:
    run = treeseek.start(
        "abc",
        model="toy:hash?vocabulary=9&seed=1",
        strategy=treeseek.strategies.best_first(width=5),
        n=10_000,
        budget=400,
        limit=40,
    )
    run.run()
    tree = Grown.of(run, rows=rows)
    assert tree.nodes >= 1_900
    drawing = svg(tree)
    assert len(drawing) < 300_000
    assert f"{tree.nodes - tree.drawn:,} more are counted at the buds" in drawing
    assert "#1 " in drawing
    assert float(ET.fromstring(drawing).get("height", "")) < 140 + 30 * (rows + 1)


def test_marks_say_how_a_candidate_ended() -> None:
    run = treeseek.start(
        "abc", model="toy:hash?vocabulary=6&seed=3", strategy=treeseek.strategies.sample(),
        n=8, limit=4, budget=14,
    )  # fmt: skip
    run.run()
    finishes = {candidate.finish for candidate in run.result.candidates}
    assert finishes >= {"end", "limit", "budget"}
    solved = {run.result.candidates[0].text: True}
    drawing = svg(Grown.of(run, solved=solved))
    assert 'class="cut' in drawing and " limit<" in drawing and "✓" in drawing
    assert "14 tokens charged of a budget of 14 tokens" in drawing
