"""Tables for people: on the terminal and in RESULTS.md."""

from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "RESULTS.md"


def lines(report: dict[str, Any]) -> list[str]:
    """The report as Markdown."""
    facts = report["machine"]
    out = [
        f"{facts['date']} · {facts['cpu']} · {facts['threads']} threads · Python {facts['python']}"
        f" · torch {facts['torch']} · transformers {facts['transformers']}",
        "",
        "Ratio = peer's CPU time / ours, round by round: median [quartiles]; above 1 is faster.",
        "once: tokens computed for each distinct prefix. same: the very tokens `generate` gives.",
        "",
        "| model | route | what | CPU ratio | wall ratio | goal | tokens | once | same |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in report["rows"]:
        same = [str(v) for k, v in row["detail"].items() if k.startswith("same")]
        cells = [row["model"], row["route"], row["what"], row["ratio"], row["detail"]["wall"]]
        cells += [row["goal"] or "-", row["tokens"], row["computed"], ", ".join(same) or "-"]
        out.append("| " + " | ".join(map(str, cells)) + " |")
    out += ["", "One expand of N nodes, ms of CPU time:", ""]
    for name, table in report["expand"].items():
        out += [
            "| " + name + " | " + " | ".join(str(cell["nodes"]) for cell in table) + " |",
            "|---" * (len(table) + 1) + "|",
            "| ms | " + " | ".join(f"{cell['ms']:.3g}" for cell in table) + " |",
            "",
        ]
    for name, part in report["outside_the_forward"].items():
        if part:
            out += [
                f"Outside the model, a call of {part['nodes']} nodes at context {part['context']} "
                f"({name}): engine {part['engine_ms']} ms (goal {part['goal_ms']:.2f}), pass over "
                f"the vocabulary {part['vocabulary_ms']} ms, model {part['model_ms']} ms.",
                "",
            ]
    free = report["free_model"]
    speeds = ", ".join(f"{n:,}: {v}" for n, v in free["puct_simulations_a_second"].items())
    once = free["at_once"]
    out += [
        f"Free model, PUCT simulations a second by size of the tree: {speeds}; decline "
        f"{free['decline']:.2f}x.",
        f"{once['searches']:,} searches at once: {once['calls']} calls, the longest alone has "
        f"{once['rounds_of_the_longest']}; computed / prefix {once['computed_a_prefix']:.2f}.",
        f"treequest, nodes a second: {free['treequest'] or 'not installed'}.",
    ]
    return out


def print_table(report: dict[str, Any]) -> None:
    """Print the report."""
    print("\n".join(lines(report)))


def write_section(name: str, report: dict[str, Any]) -> None:
    """Put the report into RESULTS.md under the heading `name`, replacing what stood there."""
    text = RESULTS.read_text() if RESULTS.exists() else "# Results\n"
    head = f"## {name}\n"
    before, _, rest = text.partition(head)
    _, mark, after = rest.partition("\n## ")
    body = head + "\n" + "\n".join(lines(report)) + "\n"
    RESULTS.write_text(before.rstrip() + "\n\n" + body + (mark + after if mark else ""))
