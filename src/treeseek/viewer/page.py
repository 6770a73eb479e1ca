"""One HTML file around the pictures: the prompt and the answers of each tree, and its drawing."""

from collections.abc import Iterator, Sequence

from treeseek.viewer.grown import Grown, Leaf
from treeseek.viewer.svg import escape, svg

LISTED = 20
"""Candidates listed under a tree; the rest are counted."""

STYLE = """
:root{color-scheme:light dark;--page:#f2f1ec;--card:#fdfcf9;--ink:#20242b;--soft:#6d7480;
--line:#dcdfe4;--best:#0d7c6b;--bad:#b4532a}
@media (prefers-color-scheme:dark){:root{--page:#0d0f13;--card:#14171c;--ink:#e4e7ec;
--soft:#939ba8;--line:#2a3038;--best:#4fd1b5;--bad:#f0946a}}
body{margin:0;padding:32px clamp(12px,4vw,56px);background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1{font-size:22px;margin:0 0 4px}p{margin:4px 0 0}.soft{color:var(--soft)}
section{margin:28px 0 0;background:var(--card);border:1px solid var(--line);border-radius:12px}
header{padding:16px 28px 0}
pre{margin:0;font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
white-space:pre-wrap;overflow-wrap:anywhere}
header pre{font-size:15px;font-weight:600}
.scroll{overflow-x:auto}.scroll svg{display:block}
details{padding:0 28px 18px}summary{cursor:pointer;color:var(--soft)}
table{border-collapse:collapse;margin-top:8px;width:100%}
td,th{padding:4px 14px 4px 0;text-align:left;vertical-align:top;border-top:1px solid var(--line)}
th{font-weight:500;color:var(--soft);border:0}td.n{text-align:right;font-variant-numeric:tabular-nums}
.good{color:var(--best)}.bad{color:var(--bad)}
footer{margin:28px 0 0;color:var(--soft);font-size:13px}
"""


def page(trees: Sequence[Grown], *, title: str = "", lines: Sequence[str] = ()) -> str:
    """A page with all `trees`, headed by `title` and `lines`; it loads nothing from anywhere."""
    heading = title or (trees[0].title if trees else "") or "treeseek"
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(_flat(heading))}</title>",
        f"<style>{STYLE}</style>\n</head>\n<body>",
        *([f"<h1>{escape(title)}</h1>"] if title else []),
        *(f'<p class="soft">{escape(line)}</p>' for line in lines),
        *(part for tree in trees for part in _section(tree)),
        "<footer>grown by treeseek; point at a token for its figures</footer>\n</body>\n</html>",
    ]
    return "\n".join(parts) + "\n"


def _section(tree: Grown) -> Iterator[str]:
    yield "<section>"
    yield f"<header><pre>{escape(tree.title.strip() or '(no prompt)')}</pre>"
    if tree.outcome:
        yield f"<p>{escape(tree.outcome)}</p>"
    yield "</header>"
    yield f'<div class="scroll">{svg(tree)}</div>'
    if tree.candidates:
        word = "candidate" if tree.found == 1 else "candidates"
        yield f"<details><summary>{tree.found:,} {word}</summary><table>"
        heads = ("", "text", "log-probability", "tokens", "ended by")
        yield f"<tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>"
        for rank, leaf in enumerate(tree.candidates[:LISTED]):
            yield _line(rank, leaf)
        if tree.found > LISTED:
            yield f'<tr><td></td><td class="soft">{tree.found - LISTED:,} more</td></tr>'
        yield "</table></details>"
    yield "</section>"


def _line(rank: int, leaf: Leaf) -> str:
    mark = {True: '<span class="good">✓</span>', False: '<span class="bad">✗</span>', None: ""}
    return (
        f'<tr><td class="n">{rank + 1} {mark[leaf.solved]}</td><td><pre>{escape(leaf.text)}</pre>'
        f'</td><td class="n">{leaf.logprob:.3f}</td><td class="n">{leaf.tokens}</td>'
        f"<td>{escape(leaf.finish)}</td></tr>"
    )


def _flat(text: str) -> str:
    return " ".join(text.split())
