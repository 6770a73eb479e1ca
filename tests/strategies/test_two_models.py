"""Entropy adaptive decoding and FoReaL: who writes which token, and what is said of it."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from treeseek import LM, How, load, search
from treeseek.backends.toy import Letters, ToyBackend
from treeseek.cli.verbs import treeseek as command
from treeseek.decoding.samplers import Greedy
from treeseek.strategies import entropy_adaptive, foreal, greedy
from treeseek.testing import StrategySuite

SMALL, LARGE, OTHER, MARK = range(4)
"""What the small model says, what the large one does, what the small one may, and a mark."""
OTHER_MODEL = How(model=load("toy:hash?vocabulary=6&seed=4"))


class TestEntropyAdaptive(StrategySuite):
    strategy = entropy_adaptive(small=OTHER_MODEL, threshold=1.0, window=2, hold=2)


class TestForeal(StrategySuite):
    strategy = foreal(small=OTHER_MODEL, lead=2, gate=0.6)
    n = 3


class Marks(Letters):
    """Letters, the last of which ends a sentence."""

    def decode(self, tokens: Sequence[int]) -> str:
        return "".join("slt\n"[token] for token in tokens)


def writer(row: Callable[[Sequence[int]], dict[int, float]]) -> LM:
    """A model that says by probabilities what `row` makes of what was said behind the prompt."""

    def logits(path: Sequence[int]) -> np.ndarray:
        found = np.full(4, -40.0)
        for token, chance in row(path[1:]).items():
            found[token] = math.log(chance)
        return found

    return LM(ToyBackend(logits, 4), Marks(), name="writer")


def said(model: Any, strategy: Any, prompt: Any = "ab", **options: Any) -> Any:
    return search(prompt, model=model, strategy=strategy, **options).best


@pytest.mark.parametrize("seed", range(4))
def test_at_its_ends_it_is_one_model_alone(seed: int) -> None:
    """Never called it is the small model's greedy text, always called the large one's."""
    large, small = (load(f"toy:hash?vocabulary=7&seed={seed + at}") for at in (0, 9))
    how = How(model=small)
    best = said(large, entropy_adaptive(small=how, threshold=3.0), limit=12)
    alone = said(small, greedy, limit=12)
    assert best.token_ids == alone.token_ids
    assert best.scores == {"large": 0.0, "switches": 0.0}
    best = said(large, entropy_adaptive(small=how, threshold=0.0, hold=1), limit=12)
    if alone.token_ids:
        first = alone.token_ids[0]
        assert best.token_ids[1:] == said(large, greedy, [0, 1, first], limit=11).token_ids
        assert best.scores["switches"] == 1.0 and best.scores["large"] >= 0.5


def by_hand(window: int, hold: int, length: int) -> tuple[str, int]:
    """The text of two writers under the rule, written down again; how often they switched."""
    text, bits, large, since, switches = "", list[float](), False, hold, 0
    while len(text) < length:
        recent = bits[-window:]
        call = bool(recent) and sum(recent) / len(recent) > 0.55
        if call != large and since >= hold:
            large, since, switches = call, 0, switches + 1
        bits.append(0.0 if large or len(text) % 7 < 3 else 1.0)
        text, since = text + ("l" if large else "s"), since + 1
    return text, switches


@pytest.mark.parametrize(("window", "hold"), [(1, 1), (2, 1), (1, 3), (3, 2), (5, 4)])
def test_the_mean_of_the_window_calls_and_the_hold_holds(window: int, hold: int) -> None:
    """The small model is unsure, by one bit, at four of seven places; the large one is sure."""

    def row(text: Sequence[int]) -> dict[int, float]:
        return {SMALL: 1.0} if len(text) % 7 < 3 else {SMALL: 0.5, OTHER: 0.5}

    small, large = writer(row), writer(lambda text: {LARGE: 1.0})
    rule = entropy_adaptive(small=How(model=small), threshold=0.55, window=window, hold=hold)
    best = said(large, rule, "a", limit=30)
    text, switches = by_hand(window, hold, 30)
    assert best.text == text
    assert best.scores == {"large": text.count("l") / 30, "switches": switches}
    assert switches > 1 and 0 < text.count("l") < 30


def sentences(own: int) -> LM:
    """Says its own token, and ends every sentence of five tokens."""

    def row(text: Sequence[int]) -> dict[int, float]:
        return {MARK: 1.0} if len(text) % 6 == 5 else {own: 1.0}

    return writer(row)


def test_the_large_model_leads_every_sentence_and_no_more() -> None:
    small, large = How(model=sentences(SMALL)), sentences(LARGE)
    for lead, text in ((2, "llsss\nllsss\nll"), (9, "lllll\nlllll\nll"), (1, "lssss\nlssss\nls")):
        best = said(large, foreal(small=small, lead=lead), "a", limit=14)
        assert best.text == text
        count = text.count("l") + 2 * (lead == 9)  # a sentence it ends itself
        assert best.scores == {"large": pytest.approx(count / 14)}


def test_the_gate_opens_as_often_as_it_says_sentence_by_sentence() -> None:
    small, large = How(model=sentences(SMALL)), sentences(LARGE)
    shares = []
    for gate in (0.0, 0.3, 1.0):
        texts = [
            candidate.text
            for candidate in search(
                "a", model=large, strategy=foreal(small=small, lead=1, gate=gate), n=20, limit=60
            ).candidates
        ]
        led = [sentence[0] == "l" for text in texts for sentence in text.split("\n") if sentence]
        assert len(led) == 200 and all("l" not in sentence[1:] for sentence in texts[0].split("\n"))
        shares.append(sum(led) / len(led))
    assert shares[0] == 0.0 and shares[2] == 1.0 and abs(shares[1] - 0.3) < 0.1


def test_they_differ_from_each_other_and_from_either_model() -> None:
    """The neighbours: on some toys all four say something else."""
    different = 0
    for seed in range(12):
        large, small = (load(f"toy:hash?vocabulary=9&seed={seed + at}") for at in (0, 50))
        how, options = How(model=small), {"limit": 14, "sampler": Greedy()}
        turns = entropy_adaptive(small=how, threshold=2.0, window=2, hold=2)
        several = (turns, foreal(small=how, lead=3), greedy)
        texts = {said(large, one, **options).token_ids for one in several}
        different += len(texts | {said(small, greedy, limit=14).token_ids}) == 4
    assert different >= 3


def test_the_shares_are_in_json_and_models_are_given_in_words() -> None:
    words = ["run", "ab", "--json", "-m", "toy:hash?vocabulary=7&seed=1", "--limit", "12", "-s"]
    for strategy in ("entropy-adaptive(threshold=2.2,hold=2,window=2", "foreal(lead=2,gate=0.9"):
        other = "toy:hash?vocabulary=7&seed=2"
        done = CliRunner().invoke(command, [*words, f"{strategy},small={other})"])
        assert done.exit_code == 0, done.output
        best = json.loads(done.stdout)["best"]
        assert 0.0 <= best["scores"]["large"] <= 1.0
        dry = CliRunner().invoke(command, [*words, f"{strategy},small={other})", "--dry-run"])
        assert other in dry.output
