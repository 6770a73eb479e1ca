"""What the stored model can do, measured on problems it has never seen.

This room believes that only the stored weights count: the folder is loaded as a user loads it,
bfloat16 rounded and computed in float32, and a greedy figure has 2000 problems behind it, or says
how many. It does not cover search: any-of-16 is what sixteen independent tries reach when somebody
else knows which of them is right.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer

from training.data import english_documents
from treeseek.tasks.arithmetic import Arithmetic
from treeseek.tasks.countdown import Countdown
from treeseek.tasks.lists import Lists
from treeseek.tasks.protocol import Problem, Task
from treeseek.tasks.strings import Strings
from treeseek.tasks.sudoku import Sudoku

OPENINGS = ("Once upon a time", "The cat", "One day, Lily", "Why did the farmer", "There were")
LONGEST_ANSWER = 96
PAGES = 200


TASKS: dict[str, Task] = {
    "Countdown, 3 numbers": Countdown(numbers=3),
    "Countdown, 4 numbers": Countdown(numbers=4),
    "Countdown, 5 numbers": Countdown(numbers=5),
    "arithmetic, 4 operations": Arithmetic(operations=4),
    "strings, 2 operations": Strings(operations=2),
    "lists, 2 operations": Lists(operations=2),
    "sudoku 4x4, 9 holes": Sudoku(size=4),
}
"""What is measured, by the name of its line in the card."""
COSTLY = {"Countdown, 5 numbers": 10}
"""Tasks whose problems take a second each: how many times fewer of them are measured."""


@dataclass(frozen=True, slots=True)
class Line:
    """Shares of held-out problems of one task that are solved."""

    problems: int
    greedy: float
    tried: int
    any_of_16: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured on every task, and the loss on unseen English."""

    tasks: dict[str, Line]
    english_nats_per_token: float
    openings: dict[str, str]
    slips: float
    parameters: int
    vocabulary: int


class Measurement:
    """The stored model and its tokenizer, ready to answer in batches."""

    def __init__(self, folder: Path, *, threads: int = 2) -> None:
        torch.set_num_threads(threads)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def answers(
        self, prompts: list[str], *, tries: int = 1, sampled: bool = False
    ) -> list[list[str]]:
        """For each prompt its answers, greedy or drawn at temperature 1, 512 rows a batch."""
        texts: list[list[str]] = [[] for _ in prompts]
        rows = [self.tokenizer(prompt).input_ids for prompt in prompts]
        alike: dict[int, list[int]] = {}
        for place, row in enumerate(rows):
            alike.setdefault(len(row), []).append(place)
        step = max(1, 512 // tries)
        batches = (
            places[start : start + step]
            for places in alike.values()
            for start in range(0, len(places), step)
        )
        for places in batches:
            tokens = torch.tensor([rows[place] for place in places])
            made = self.model.generate(
                input_ids=tokens,
                attention_mask=torch.ones_like(tokens),
                do_sample=sampled,
                temperature=1.0 if sampled else None,
                top_k=0 if sampled else None,
                num_return_sequences=tries,
                max_new_tokens=LONGEST_ANSWER,
            )
            new = self.tokenizer.batch_decode(made[:, tokens.shape[1] :], skip_special_tokens=True)
            for number, place in enumerate(places):
                texts[place] = new[number * tries : (number + 1) * tries]
        return texts

    def solved(
        self, task: Task, problems: Sequence[Problem], *, tries: int = 1, sampled: bool = False
    ) -> float:
        """The share of problems that at least one answer solves."""
        answers = self.answers(
            [problem.prompt for problem in problems], tries=tries, sampled=sampled
        )
        hits = [
            any(task.verifier(problem).verify(text).solved for text in texts)
            for problem, texts in zip(problems, answers, strict=True)
        ]
        return sum(hits) / len(hits)

    def english_loss(self, seed: int, *, pages: int) -> float:
        """Nats a token on English pages that no training seed makes."""
        total, count = 0.0, 0
        for page in islice(english_documents(random.Random(f"unseen {seed}")), pages):
            tokens = self.tokenizer(page.answer, return_tensors="pt").input_ids
            with torch.no_grad():
                logits = self.model(tokens).logits
            total += functional.cross_entropy(logits[0, :-1], tokens[0, 1:], reduction="sum").item()
            count += tokens.shape[1] - 1
        return total / count


def evaluate(
    folder: Path, *, problems: int = 2000, tried: int = 100, seed: int = 7, threads: int = 2
) -> Figures:
    """All the figures of the card; `tried` problems get sixteen tries. Cost: about a minute."""
    measurement = Measurement(folder, threads=threads)
    torch.manual_seed(seed)
    lines = {}
    for name, task in TASKS.items():
        count = max(1, problems // COSTLY.get(name, 1))
        chosen = task.problems(seed, count)
        few = min(tried, count)
        line = Line(
            problems=count,
            greedy=measurement.solved(task, chosen),
            tried=few,
            any_of_16=measurement.solved(task, chosen[:few], tries=16, sampled=True),
        )
        lines[name] = line
        print(f"{name}: greedy {line.greedy:.3f}, any of 16 {line.any_of_16:.3f}", flush=True)
    openings = {opening: measurement.answers([opening])[0][0] for opening in OPENINGS}
    drawn = [
        text
        for opening in OPENINGS
        for text in measurement.answers([opening], tries=32, sampled=True)[0]
    ]
    return Figures(
        tasks=lines,
        english_nats_per_token=measurement.english_loss(seed, pages=PAGES),
        openings=openings,
        slips=sum(any(map(str.isdigit, text)) for text in drawn) / len(drawn),
        parameters=sum(weights.numel() for weights in measurement.model.parameters()),
        vocabulary=len(measurement.tokenizer),
    )
