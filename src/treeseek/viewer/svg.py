"""A grown tree as one SVG element that needs nothing else: no script, no font, no other file.

It follows the reader's light or dark theme. Under each token runs a ribbon whose colour is the
probability the model gave it; a line is as wide as the probability of the branch it leads to; the
best path is drawn in the accent colour; small buds mark where rivals were seen and not drawn. What
a mark stands for is written under the tree, and every token says its figures when pointed at.
"""

import math
import re
from collections.abc import Iterator

from treeseek.viewer.grown import CUT, END, Branch, Grown, Step
from treeseek.viewer.layout import BEND, Layout, Piece, Placed, arrange, columns

MARGIN = 28.0
TOP = 74.0
BOTTOM = 64.0
LEAST = 860.0
ROUND = 8
COUNT = 30.0
"""Room that a count under a label needs before the next."""
SCALE = ((0.9, "p5"), (0.6, "p4"), (0.3, "p3"), (0.1, "p2"), (0.0, "p1"))
"""Least probability of each colour of the ribbon, and its class."""
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

STYLE = """
.tree{--paper:#fdfcf9;--ink:#20242b;--soft:#6d7480;--line:#cfd3da;--best:#0d7c6b;--wash:#e3f4ef;
--p5:#2a9d8f;--p4:#8ab17d;--p3:#e9c46a;--p2:#f4a261;--p1:#e2674a;--bad:#b4532a}
@media (prefers-color-scheme:dark){.tree{--paper:#14171c;--ink:#e4e7ec;--soft:#939ba8;
--line:#3b424d;--best:#4fd1b5;--wash:#16332d;--bad:#f0946a}}
.tree .paper{fill:var(--paper)}
.tree text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;
fill:var(--ink);white-space:pre}
.tree .head,.tree .said{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",
sans-serif}
.tree .head{font-size:15px;font-weight:600}
.tree .said{font-size:11.5px;fill:var(--soft)}
.tree .soft{fill:var(--soft)}.tree .good{fill:var(--best)}.tree .bad{fill:var(--bad)}
.tree .root{font-weight:600}.tree .best{fill:var(--best);font-weight:600}
.tree .edge{fill:none;stroke:var(--line);stroke-linecap:round}.tree .edge.best{stroke:var(--best)}
.tree .wash{fill:var(--wash)}
.tree .p5{fill:var(--p5)}.tree .p4{fill:var(--p4)}.tree .p3{fill:var(--p3)}
.tree .p2{fill:var(--p2)}.tree .p1{fill:var(--p1)}
.tree .bud{fill:none;stroke:var(--soft);stroke-linecap:round;opacity:.6}
.tree .bud.deep{stroke-width:1.5;opacity:1}
.tree .tiny{font-size:8.5px;fill:var(--soft)}
.tree .dot{fill:var(--soft)}.tree .dot.best{fill:var(--best)}
.tree .cut{fill:var(--paper);stroke:var(--soft);stroke-width:1.5;stroke-dasharray:2 1.6}
.tree .cut.best{stroke:var(--best)}
.tree .hit{fill:transparent}
"""


def svg(tree: Grown) -> str:
    """The picture of `tree`: a standing SVG document, also fit to be put into a page."""
    captions = [_caption(tree, branch) for branch in tree.branches]
    layout = arrange(tree, captions=[columns(c) * 6.4 + 24 if c else 2.0 for c in captions])
    heading = max(columns(_headline(tree)) * 9.0, columns(_facts(tree)) * 6.8)
    width = max(LEAST, 2 * MARGIN + max(layout.width, heading))
    height = TOP + layout.height + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tree" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
        f"<title>{escape(_headline(tree))}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}" rx="10"/>',
        *_header(tree),
        f'<g transform="translate({MARGIN:.0f} {TOP:.0f})">',
        *_edges(layout),
        *(line for placed in layout.placed for line in _branch(tree, placed)),
        "</g>",
        *_legend(tree, height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def escape(text: str) -> str:
    """`text` for XML: its five signs escaped, characters XML forbids replaced."""
    return "".join(_ESCAPES.get(c, c) for c in _FORBIDDEN.sub("\ufffd", text))


def _headline(tree: Grown) -> str:
    return f"{tree.strategy} on {tree.model}"


def _facts(tree: Grown) -> str:
    cost = tree.cost
    budget = "" if tree.budget == "no limit" else f" of a budget of {tree.budget}"
    facts = [
        f"{cost['tokens']:,.0f} tokens charged{budget}",
        f"{cost['tokens_computed']:,.0f} computed in {cost['forwards']:,.0f} calls",
        *([f"{cost['verifier_calls']:,.0f} verified"] if cost["verifier_calls"] else []),
        f"seed {tree.seed}",
    ]
    return "  ·  ".join(facts)


def _header(tree: Grown) -> Iterator[str]:
    yield f'<text class="head" x="{MARGIN:.0f}" y="32">{escape(_headline(tree))}</text>'
    yield f'<text class="said" x="{MARGIN:.0f}" y="52">{escape(_facts(tree))}</text>'


def _edges(layout: Layout) -> Iterator[str]:
    """Lines, those of the best path last, so that they lie on top."""
    for best in (False, True):
        for placed in layout.placed:
            branch = placed.branch
            if branch.parent < 0 or branch.on_best is not best:
                continue
            start = layout.placed[branch.parent]
            x, y = start.right + 4, start.middle
            far, end = placed.left - 3, placed.middle
            wide = 0.9 + 3.2 * math.sqrt(math.exp(min(0.0, branch.steps[0].logprob)))
            line = f"M{x:.1f} {y:.1f}H{far:.1f}"
            if end > y:
                turn = start.right + BEND
                line = (
                    f"M{x:.1f} {y:.1f}H{turn - ROUND:.1f}q{ROUND} 0 {ROUND} {ROUND}"
                    f"V{end - ROUND:.1f}q0 {ROUND} {ROUND} {ROUND}H{far:.1f}"
                )
            yield f'<path class="edge{" best" * best}" stroke-width="{wide:.2f}" d="{line}"/>'


def _branch(tree: Grown, placed: Placed) -> Iterator[str]:
    branch, y = placed.branch, placed.middle
    root = branch.parent < 0
    kind = "root" if root else "best" if branch.on_best else ""
    for piece in placed.pieces:
        if piece.width:
            soft = "soft" if piece.text == END else kind
            yield (
                f'<text class="{soft}" x="{piece.left:.1f}" y="{y + 4:.1f}" xml:space="preserve" '
                f'textLength="{piece.width:.1f}">{escape(piece.text)}</text>'
            )
    below, free = branch.total, math.inf
    for piece in reversed(placed.pieces):
        if not piece.steps:
            continue
        yield from _ribbon(piece, y, below)
        below -= sum(step.logprob for step in piece.steps)
        if piece.steps[0].others:
            roomy = piece.left + COUNT <= free
            yield _bud(piece.steps[0], piece.left, y, "seen here and not drawn", counted=roomy)
            if roomy and piece.steps[0].lost > piece.steps[0].others:
                free = piece.left
    if branch.rank is not None:
        yield from _tip(tree, placed)
    elif branch.rest is not None:
        yield _bud(branch.rest, placed.right + 3, y, "seen after this")


def _ribbon(piece: Piece, y: float, total: float) -> Iterator[str]:
    mean = sum(step.logprob for step in piece.steps) / len(piece.steps)
    shade = next(name for least, name in SCALE if math.exp(min(0.0, mean)) >= least)
    steps = piece.steps
    said = repr("".join(step.text for step in steps))[1:-1]
    figure = f"p = {math.exp(mean):.3f}" + (" on average" if len(steps) > 1 else "")
    hover = f"“{said}”  {figure}, path {total:.2f} nats"
    wide = max(piece.width, 1.5)
    yield (
        f'<g><rect class="{shade}" x="{piece.left + 0.6:.1f}" y="{y + 8.5:.1f}" '
        f'width="{max(wide - 1.2, 1.2):.1f}" height="2.6" rx="1.3"/>'
        f'<rect class="hit" x="{piece.left:.1f}" y="{y - 9:.1f}" width="{wide:.1f}" height="22"/>'
        f"<title>{escape(hover)}</title></g>"
    )


def _bud(step: Step, x: float, y: float, where: str, *, counted: bool = True) -> str:
    """A small mark for the rivals of a token that have no row; longer where trees hang on them."""
    deep = step.lost > step.others
    named = ", ".join(f"“{repr(text)[1:-1]}” {math.exp(p):.3f}" for text, p in step.rivals)
    more = step.others - len(step.rivals)
    hover = f"{where}: {named}" + (f" and {more:,} more" if more > 0 else "")
    if deep:
        hover += f"; {step.lost:,} nodes hang there"
    size, kind, count = 4.0, "bud", ""
    if deep:
        size, kind = 6.0, "bud deep"
        at = f'x="{x + size + 1:.1f}" y="{y + 19.5:.1f}"'
        count = f'<text class="tiny" {at}>+{step.lost:,}</text>' if counted else ""
    return (
        f'<g><path class="{kind}" d="M{x:.1f} {y + 10.5:.1f}q0 {size:.1f} {size:.1f} {size:.1f}"/>'
        f'<rect class="hit" x="{x - 3:.1f}" y="{y + 8:.1f}" width="10" height="10"/>{count}'
        f"<title>{escape(hover)}</title></g>"
    )


def _caption(tree: Grown, branch: Branch) -> str:
    rank = branch.rank
    if rank is None:
        return ""
    if rank >= len(tree.candidates):
        return f"#{rank + 1}"
    leaf = tree.candidates[rank]
    mark = {True: " ✓", False: " ✗", None: ""}[leaf.solved]
    cut = " cut" if leaf.finish in CUT else " limit" if leaf.finish == "limit" else ""
    return f"#{rank + 1}{mark} {leaf.logprob:.2f}{cut}".replace("-", "−")


def _tip(tree: Grown, placed: Placed) -> Iterator[str]:
    branch, x, y = placed.branch, placed.right + 11, placed.middle
    rank = branch.rank or 0
    leaf = tree.candidates[rank] if rank < len(tree.candidates) else None
    cut = leaf is not None and leaf.finish in CUT
    best = " best" if branch.on_best else ""
    yield (
        f'<circle class="{"cut" if cut else "dot"}{best}" cx="{x:.1f}" cy="{y:.1f}" '
        f'r="{5.0 if best else 4.0:.1f}"/>'
    )
    solved = leaf.solved if leaf else None
    kind = {True: " good", False: " bad", None: " best" if best else ""}[solved]
    caption = escape(_caption(tree, branch))
    hover = "" if leaf is None else f"<title>{escape(f'{leaf.finish}: {leaf.text}')}</title>"
    yield f'<text class="said{kind}" x="{x + 10:.1f}" y="{y + 4:.1f}">{caption}{hover}</text>'


def _legend(tree: Grown, height: float) -> Iterator[str]:
    y = height - 38
    x = MARGIN
    yield f'<text class="said" x="{x:.0f}" y="{y:.0f}">token probability</text>'
    x += 102
    for least, name in SCALE:
        words = f"≥ {least:g}" if least else "less"
        yield f'<rect class="{name}" x="{x:.0f}" y="{y - 6:.0f}" width="16" height="4" rx="2"/>'
        yield f'<text class="said" x="{x + 21:.0f}" y="{y:.0f}">{words}</text>'
        x += 62
    x += 8
    for mark, words, room in (
        (f'<circle class="dot best" cx="{x + 5:.0f}" cy="{y - 4:.0f}" r="5"/>', "best", 56),
        (f'<circle class="dot" cx="{x + 61:.0f}" cy="{y - 4:.0f}" r="4"/>', "candidate", 86),
        (f'<circle class="cut" cx="{x + 147:.0f}" cy="{y - 4:.0f}" r="4"/>', "cut", 50),
        (
            f'<path class="bud" d="M{x + 193:.0f} {y - 7:.0f}q0 5 5 5"/>',
            "rivals seen, not drawn",
            0,
        ),
    ):
        yield mark
        yield f'<text class="said" x="{x + 16:.0f}" y="{y:.0f}">{words}</text>'
        x += room
    left = tree.nodes - tree.drawn
    more = f", {left:,} more are counted at the buds" if left else ""
    words = f"{tree.nodes:,} nodes seen, {tree.grown:,} grown, {tree.drawn:,} drawn{more}"
    yield f'<text class="said" x="{MARGIN:.0f}" y="{y + 20:.0f}">{words}</text>'
