"""One model on two sides, and one law in two dialects."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import treeseek
from tests.parity.plain import Plain
from tests.parity.ties import END, Answer, Referee, Tally, same_beams, tied_path
from treeseek.strategies import beam, greedy

NAMES = {
    "repetition_penalty": "repetition_penalty",
    "no_repeat_ngram_size": "no_repeat_ngram",
    "bad_words_ids": "bad_words",
    "suppress_tokens": "suppress",
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "typical_p": "typical_p",
    "epsilon_cutoff": "epsilon_cutoff",
    "eta_cutoff": "eta_cutoff",
}
Prompt = list[int]


@dataclass
class Sides:
    """The model as treeseek holds it, a second copy of it left plain, and prompts.

    `prompts` are groups of one length each, so that `generate` needs no padding.
    """

    name: str
    lm: treeseek.LM
    plain: Plain
    groups: list[list[Prompt]]

    def ending(self, ends: Sequence[int]) -> "Sides":
        """The same with other end tokens."""
        lm = treeseek.LM(self.lm.backend, self.lm.tokenizer, name=self.lm.name, ends=ends)
        return Sides(self.name, lm, Plain(self.plain.model, ends), self.groups)

    def some(self, each: int) -> "Sides":
        """The same with the first `each` prompts of every group."""
        return Sides(self.name, self.lm, self.plain, [group[:each] for group in self.groups])

    def compare(
        self, *, width: int = 1, limit: int, shape: dict[str, Any] | None = None, **options: Any
    ) -> Tally:
        """Greedy, or beam of `width` and all its beams, under `generate`'s `options`, all prompts.

        `shape` holds length_penalty and early_stopping.
        """
        tally, shape = Tally(), shape or {}
        for prompts, ours, theirs in self.answers(width, limit, shape, options):
            tally.ours += ours
            for prompt, a, b in zip(prompts, ours, theirs, strict=True):
                judge = self.judge(prompt, width, limit, shape, options)
                if width == 1:
                    equal = a[0].tokens == b[0].tokens
                else:
                    equal = same_beams(a, b, shape.get("length_penalty", 1.0))
                tally.add(equal, lambda: judge(a, b), lambda: f"{prompt}: {a} != {b}")  # noqa: B023
        return tally

    def answers(
        self, width: int, limit: int, shape: dict[str, Any], options: dict[str, Any]
    ) -> Iterator[tuple[list[Prompt], list[list[Answer]], list[list[Answer]]]]:
        """Each group of prompts with our answers and theirs."""
        theirs = dict(options)
        if width > 1:
            theirs.update(num_beams=width, num_return_sequences=width, **shape)
        for prompts in self.groups:
            self.lm.clear()
            yield (
                prompts,
                ours(self.lm, prompts, width, limit, shape, options),
                self.plain.generate(prompts, limit=limit, ends=self.plain.ends, **theirs),
            )

    def judge(
        self, prompt: Prompt, width: int, limit: int, shape: dict[str, Any], options: dict[str, Any]
    ) -> Any:
        """A function that says whether two lists of answers to `prompt` are a proved tie."""

        def judge(a: list[Answer], b: list[Answer]) -> bool:
            ends = self.plain.ends
            processors = self.plain.processors(prompt, ends=ends, **options)
            rows = self.plain.rows(prompt, processors, logs=width > 1)
            if width == 1:
                return tied_path(rows, a[0].tokens, b[0].tokens, ends=ends, limit=limit)
            referee = Referee(rows, width, limit, frozenset(ends), **shape)
            return referee.reaches(a) and referee.reaches(b)

        return judge


def ours(
    lm: treeseek.LM,
    prompts: Sequence[Prompt],
    width: int,
    limit: int,
    shape: dict[str, Any],
    options: dict[str, Any],
) -> list[list[Answer]]:
    """What treeseek answers under `generate`'s options."""
    strategy = beam(width=width, **shape) if width > 1 else greedy()
    law = translated(options, len(prompts[0]))
    results = treeseek.search_all(prompts, model=lm, strategy=strategy, n=width, limit=limit, **law)
    return [[answer(c) for c in result.candidates] for result in results]


def answer(candidate: treeseek.Candidate) -> Answer:
    """A candidate as the two sides are compared by."""
    closed = (END,) if candidate.finish == "end" else ()
    return Answer((*candidate.token_ids, *closed), candidate.score)


def translated(options: dict[str, Any], prompt: int) -> dict[str, Any]:
    """Options of `generate`, for a prompt of that many tokens, as options of `search`."""
    left = dict(options)
    shortest = max(left.pop("min_new_tokens", 0), left.pop("min_length", 0) - prompt)
    warp = {NAMES[name]: value for name, value in left.items()}
    if "bad_words" in warp:
        warp["bad_words"] = tuple(tuple(word) for word in warp["bad_words"])
    if "suppress" in warp:
        warp["suppress"] = tuple(warp["suppress"])
    return {"warp": treeseek.Warp(**warp), "min_tokens": max(0, shortest)}


def stories(file: Path) -> list[str]:
    """The stories in a file of JSON lines, with one newline between paragraphs."""
    texts = (json.loads(line)["text"] for line in file.read_text().splitlines())
    return [text.replace("\n\n", "\n") for text in texts if text.isascii()]
