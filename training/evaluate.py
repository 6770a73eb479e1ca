"""What the stored model can do, measured on problems it has never seen the numbers of.

This room believes that only the stored weights count: the folder is loaded as a user loads it,
bfloat16 rounded and computed in float32, and a greedy figure has 2000 problems behind it. It does
not cover search: any-of-16 is what sixteen independent tries reach when somebody else knows which
of them is right.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer

from training.data import english_documents
from treeseek.tasks.countdown import Problem, generate, verify

OPENINGS = ("Once upon a time", "The cat", "One day, Lily", "Why did the farmer", "There were")
LONGEST_ANSWER = 64
PAGES = 200


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares of held-out Countdown problems solved, and the loss on unseen English."""

    problems: int
    tried: int
    greedy: dict[int, float]
    any_of_16: dict[int, float]
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
        texts: list[list[str]] = []
        step = max(1, 512 // tries)
        for start in range(0, len(prompts), step):
            batch = self.tokenizer(prompts[start : start + step], return_tensors="pt")
            made = self.model.generate(
                input_ids=batch.input_ids,
                attention_mask=torch.ones_like(batch.input_ids),
                do_sample=sampled,
                temperature=1.0 if sampled else None,
                top_k=0 if sampled else None,
                num_return_sequences=tries,
                max_new_tokens=LONGEST_ANSWER,
            )
            new = self.tokenizer.batch_decode(
                made[:, batch.input_ids.shape[1] :], skip_special_tokens=True
            )
            texts += [new[row : row + tries] for row in range(0, len(new), tries)]
        return texts

    def solved(self, problems: list[Problem], *, tries: int = 1, sampled: bool = False) -> float:
        """The share of problems that at least one answer solves."""
        answers = self.answers(
            [problem.prompt for problem in problems], tries=tries, sampled=sampled
        )
        hits = [
            any(verify(problem, text).solved for text in texts)
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
    greedy, sampled = {}, {}
    for numbers in (3, 4):
        chosen = generate(seed, numbers=numbers, count=problems)
        greedy[numbers] = measurement.solved(chosen)
        sampled[numbers] = measurement.solved(chosen[:tried], tries=16, sampled=True)
        print(
            f"{numbers} numbers: greedy {greedy[numbers]:.3f}, any of 16 {sampled[numbers]:.3f}",
            flush=True,
        )
    openings = {opening: measurement.answers([opening])[0][0] for opening in OPENINGS}
    drawn = [
        text
        for opening in OPENINGS
        for text in measurement.answers([opening], tries=32, sampled=True)[0]
    ]
    return Figures(
        problems=problems,
        tried=min(tried, problems),
        greedy=greedy,
        any_of_16=sampled,
        english_nats_per_token=measurement.english_loss(seed, pages=PAGES),
        openings=openings,
        slips=sum(any(map(str.isdigit, text)) for text in drawn) / len(drawn),
        parameters=sum(weights.numel() for weights in measurement.model.parameters()),
        vocabulary=len(measurement.tokenizer),
    )
