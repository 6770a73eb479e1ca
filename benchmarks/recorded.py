"""Recorded answers of large models as pools: game of 24 by GPT-4, GSM8K by four GPT-3 models.

Nothing here looks at a solution. A score or a test of a candidate is what anyone could check
without solving the problem: that the sums as written are right, that the numbers are those of the
puzzle. Whether an answer is right was recorded with it and goes into `Pool.right` alone.
"""

import ast
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from treeseek.selectors import Pool, Pooled

MODELS = ("6b_finetuning", "175b_finetuning", "6b_verification", "175b_verification")
_STEP = re.compile(r"^([\d.]+) ([-+*/]) ([\d.]+) = ([\d.]+)\b")
_SUM = re.compile(r"<<([-+*/().\d ]+)=([\d.]+)>>")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def game24_samples(shared: Path) -> list[Pool]:
    """A hundred GPT-4 answers to each puzzle, in the order they were sampled."""
    numbers = {row["idx"]: row["steps"][0]["x"].split() for row in _rows(shared, _TREES)}
    pools = []
    for row in _rows(shared, _SAMPLES):
        candidates = tuple(_sample(text, numbers[row["idx"]]) for text in row["ys"])
        pools.append(_pool(row, candidates))
    return pools


def game24_leaves(shared: Path) -> list[Pool]:
    """The five leaves of each tree of thoughts, likeliest first, with GPT-4's value of each."""
    pools = []
    for row in _rows(shared, _TREES):
        values: dict[str, float] = {}
        for step in row["steps"]:
            values.update(zip(step["new_ys"], step["values"], strict=True))
        numbers = row["steps"][0]["x"].split()
        candidates = []
        for text in row["ys"]:
            one = _sample(text, numbers)
            scores = {"score": float(values[text])}
            candidates.append(Pooled(text, one.key, scores=scores, tests=one.tests, steps=4))
        pools.append(_pool(row, tuple(candidates)))
    return pools


def gsm8k(shared: Path) -> list[Pool]:
    """One answer of each model to each question, in the order of `MODELS`.

    The score of a candidate is how often its model was right on the other half of the questions.
    """
    rows = _rows(shared, "data/gsm8k_recorded/data.jsonl")
    halves = [rows[half::2] for half in range(2)]
    share = [
        {name: sum(row[name]["is_correct"] for row in half) / len(half) for name in MODELS}
        for half in halves
    ]
    pools = []
    for at, row in enumerate(rows):
        candidates, right = [], set()
        for name in MODELS:
            text = row[name]["solution"]
            key = _final(text)
            if key is not None and row[name]["is_correct"]:
                right.add(key)
            candidates.append(
                Pooled(
                    text,
                    key,
                    scores={"score": share[1 - at % 2][name]},
                    tests=_sums(text, key, row["question"]),
                    steps=len(text.splitlines()),
                )
            )
        pools.append(Pool(f"gsm8k {at}", tuple(candidates), frozenset(right)))
    return pools


_SAMPLES = "data/game24_recorded/cot100.jsonl"
_TREES = "data/game24_recorded/tot_b5.jsonl"


def _rows(shared: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (shared / name).read_text().splitlines()]


def _pool(row: dict[str, Any], candidates: tuple[Pooled, ...]) -> Pool:
    right = {one.key for one, info in zip(candidates, row["infos"], strict=True) if info["r"]}
    return Pool(f"game24 {row['idx']}", candidates, frozenset(key for key in right if key))


def _sample(text: str, numbers: list[str]) -> Pooled:
    """One answer; its tests look at what is written and evaluate no expression."""
    lines = text.strip().splitlines()
    steps = [match for line in lines if (match := _STEP.match(line))]
    last = lines[-1] if lines and lines[-1].lower().startswith("answer") else ""
    said, _, result = last.partition(":")[2].partition("=")
    tests = (
        bool(steps) and all(_holds(match) for match in steps),
        len(steps) == len(numbers) - 1,
        bool(steps) and not Counter([steps[0][1], steps[0][3]]) - Counter(numbers),
        Counter(re.findall(r"\d+", said)) == Counter(numbers),
        result.strip() == "24",
    )
    return Pooled(
        text,
        _expression(said),
        scores={"score": sum(tests) / len(tests)},
        tests=tests,
        steps=len(steps),
    )


def _holds(step: re.Match[str]) -> bool:
    a, b, c = float(step[1]), float(step[3]), float(step[4])
    results = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else float("nan")}
    return abs(results[step[2]] - c) < 0.01


def _expression(text: str) -> str | None:
    """The expression with commuted terms in one order, as written where it cannot be read."""
    text = text.strip()
    if not re.search(r"\d", text):
        return None
    try:
        return _sorted(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError):
        return text.replace(" ", "")


def _sorted(node: ast.expr) -> str:
    if not isinstance(node, ast.BinOp):
        return ast.unparse(node)
    kind = type(node.op)
    if kind in (ast.Add, ast.Mult):
        parts, rest = [], [node.left, node.right]
        while rest:
            one = rest.pop()
            if isinstance(one, ast.BinOp) and type(one.op) is kind:
                rest += [one.left, one.right]
            else:
                parts.append(_sorted(one))
        return "(" + ("+" if kind is ast.Add else "*").join(sorted(parts)) + ")"
    return f"({_sorted(node.left)}{'-' if kind is ast.Sub else '/'}{_sorted(node.right)})"


def _final(text: str) -> str | None:
    found = re.findall(r"A: *([^\n]*)", text)
    return found[-1].strip() if found else None


def _sums(text: str, key: str | None, question: str) -> tuple[bool, ...]:
    sums = _SUM.findall(text)
    asked = {number.replace(",", "") for number in _NUMBER.findall(question)}
    used = {number.replace(",", "") for number in _NUMBER.findall(text)}
    return (
        bool(sums) and sums[-1][1] == key,
        asked <= used,
        key is not None and key.isdigit(),
        len(sums) > 1,
    )
