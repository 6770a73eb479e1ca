"""Tables for people: on the terminal and in RESULTS.md."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from treeseek.solving.comparison import Comparison
from treeseek.solving.contest import BEST, LEGAL, LEGAL_TOKENS

RESULTS = Path(__file__).parent / "RESULTS.md"


def machine_line(facts: dict[str, str]) -> str:
    """What the figures below it were measured on."""
    return (
        f"{facts['date']} · {facts['cpu']} · {facts['threads']} threads · Python {facts['python']}"
        f" · torch {facts['torch']} · transformers {facts['transformers']}"
    )


def engine_lines(report: dict[str, Any]) -> list[str]:
    """One model's figures as Markdown."""
    out = [
        machine_line(report["machine"]),
        "",
        "Ratio = peer's time / ours, round by round: median [quartiles]; above 1 is faster. once:",
        "tokens computed for each distinct prefix. same: the very tokens `generate` gives.",
        "",
        "| route | what | CPU ratio | wall ratio | goal | tokens | once | same |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in report["rows"]:
        same = [str(v) for k, v in row["detail"].items() if k.startswith("same")]
        cells = [row["route"], row["what"], row["ratio"], row["detail"]["wall"]]
        cells += [row["goal"] or "-", row["tokens"], row["computed"], ", ".join(same) or "-"]
        out.append("| " + " | ".join(map(str, cells)) + " |")
    sizes = [cell["nodes"] for cell in next(iter(report["expand"].values()))]
    out += ["", "One expand of N nodes, ms of CPU time:", ""]
    out += ["| N | " + " | ".join(map(str, sizes)) + " |", "|---" * (len(sizes) + 1) + "|"]
    for route, table in report["expand"].items():
        out.append(f"| {route} | " + " | ".join(f"{cell['ms']:.3g}" for cell in table) + " |")
    return out


def free_lines(report: dict[str, Any]) -> list[str]:
    """The figures of the free model as Markdown."""
    once, rates = report["at_once"], report["simulations_a_second"]
    sizes = next(iter(rates.values()))
    out = [
        machine_line(report["machine"]),
        "",
        "PUCT simulations a second, by leaves in flight and nodes of the tree:",
        "",
        "| in flight | " + " | ".join(f"{size:,}" for size in sizes) + " |",
        "|---" * (len(sizes) + 1) + "|",
    ]
    out += [f"| {flight} | " + " | ".join(row.values()) + " |" for flight, row in rates.items()]
    out += [
        "",
        f"Worst decline {report['decline']:.2f}x (goal: below 2, from 20,000 a second).",
        "",
    ]
    out += [
        f"{once['searches']:,} searches at once: {once['calls']} calls, and the longest alone has "
        f"{once['rounds_of_the_longest']}; tokens computed for each prefix "
        f"{once['computed_a_prefix']:.2f}; {once['simulations_a_second']:,.0f} simulations/s.",
        "",
    ]
    peers = ", ".join(f"{size:,} nodes {rate}" for size, rate in (report["peer"] or {}).items())
    out.append(f"treequest's StandardMCTS in place, nodes a second: {peers or 'not installed'}.")
    return out


def search_lines(report: dict[str, Any]) -> list[str]:
    """The figures of tree search over steps as Markdown."""
    once = report["at_once"]
    out = [
        machine_line(report["machine"]),
        "",
        "Microseconds of CPU time, median [quartiles]: of `puct` a simulation, which asks for one",
        "row; of `mcts` a step that was drawn, judged and kept: a simulation of width 1 draws one,",
        "one of width 4 four; of treequest a node; of its_hub a step of a beam. Without a search",
        "the requests of width 1 are served; the arithmetic is that of drawing a token.",
        "",
        "| what | us |",
        "|---|---|",
    ]
    out += [f"| {name} | {figure} |" for name, figure in report["us_a_step"].items()]
    out += [
        "",
        f"{once['searches']:,} searches at once: {once['calls']} calls, and the longest alone has "
        f"{once['rounds_of_the_longest']} rounds; {once['us_a_simulation']:.0f} us a simulation.",
    ]
    absent = ", ".join(report["absent"])
    return [*out, "", f"Not installed: {absent}."] if absent else out


def adaptive_lines(report: dict[str, Any]) -> list[str]:
    """What a decision of adaptive branching costs, as Markdown."""
    sizes = list(report["rows"][0]["ms"])
    out = [
        machine_line(report["machine"]),
        "",
        "ms of CPU time a decision and its answer's entry, at the end of a tree of N answers.",
        "Goals: 0.1 for ab-mcts-a at 1,000, 5 for ab-mcts-m.",
        "",
        "| N | " + " | ".join(f"{int(size):,}" for size in sizes) + " |",
        "|---" * (len(sizes) + 1) + "|",
    ]
    for row in report["rows"]:
        cells = ["-" if cell is None else f"{cell:.3g}" for cell in row["ms"].values()]
        out.append(f"| {row['arm']} | " + " | ".join(cells) + " |")
    return out


def sandbox_lines(report: dict[str, Any]) -> list[str]:
    """Rates of every tier of the sandbox as Markdown."""
    out = [
        machine_line(report["machine"]),
        "",
        f"{report['workers']} workers; programs and tests as short as they can be.",
        "",
        "| tier | start, s | programs a minute | tests a minute |",
        "|---|---|---|---|",
    ]
    for row in report["tiers"]:
        cells = [row["fault"], "-", "-"] if "fault" in row else _rates(row)
        out.append(f"| {row['tier']} | " + " | ".join(cells) + " |")
    return out


def _rates(row: dict[str, Any]) -> list[str]:
    rates = [f"{row[what]:,}" for what in ("programs a minute", "tests a minute")]
    return [f"{row['start']:.2f}", *rates]


def contest_lines(facts: dict[str, str], found: Comparison, names: Mapping[str, str]) -> list[str]:
    """Shares of problems solved, and the differences to what the same tokens buy in draws."""
    budgets = sorted({row.budget for row in found.rows})
    labels = list(dict.fromkeys(row.strategy for row in found.rows))
    columns = [f"{budget:,} tokens" for budget in budgets]
    out = [
        machine_line(facts),
        "",
        f"{found.problems:,} problems that nobody trained on, budgets of charged tokens a problem.",
        "Share solved [95 %]; where fewer than nine tenths of a budget were charged, how many.",
        "",
        "| strategy | " + " | ".join(columns) + " |",
        "|---" * (len(budgets) + 1) + "|",
    ]
    for label in labels:
        rows = [found.row(label, budget) for budget in budgets]
        cells = [
            f"{row.accuracy:.3f} [{row.low:.3f}, {row.high:.3f}]"
            + (f" ({row.tokens:,.0f})" if row.tokens < 0.9 * row.budget else "")
            for row in rows
        ]
        out.append(f"| {names.get(label, label)} | " + " | ".join(cells) + " |")
    pairs = {(pair.strategy, pair.control, pair.budget): pair for pair in found.pairs}
    known = {pair.control for pair in found.pairs}
    for control in (one for one in (BEST, LEGAL, LEGAL_TOKENS) if one in known):
        out += [
            "",
            f"Less {control} at the same tokens, paired [95 %]:",
            "",
            "| strategy | " + " | ".join(columns) + " |",
            "|---" * (len(budgets) + 1) + "|",
        ]
        for label in dict.fromkeys(pair.strategy for pair in found.pairs):
            cells = []
            for budget in budgets:
                pair = pairs[label, control, budget]
                word = {"wins": "**wins**", "loses": "**LOSES**"}.get(pair.word, pair.word)
                shown = f"{pair.difference:+.3f} [{pair.low:+.3f}, {pair.high:+.3f}]"
                cells.append(f"{shown} {word}")
            out.append(f"| {names.get(label, label)} | " + " | ".join(cells) + " |")
    return out


def write_section(name: str, body: list[str]) -> None:
    """Put `body` into RESULTS.md under the heading `name`, replacing what stood there."""
    text = RESULTS.read_text() if RESULTS.exists() else "# Results\n"
    head = f"\n## {name}\n"
    before, _, rest = text.partition(head)
    _, mark, after = rest.partition("\n## ")
    section = head + "\n" + "\n".join(body) + "\n"
    RESULTS.write_text(before.rstrip() + "\n" + section + (mark + after if mark else ""))
