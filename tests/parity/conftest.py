"""The models and the prompts of the parity tests."""

from pathlib import Path

import pytest

pytest.importorskip("transformers", reason="parity is with transformers")

import torch
import transformers

import treeseek
from tests.conftest import SHARED
from tests.parity.plain import Plain
from tests.parity.sides import Sides, stories

EMBEDDED = Path(treeseek.__file__).parent / "models" / "embedded"
HEADS = (8, 32)
"""Lengths of prompts that begin a story."""
TAILS = ((64, 4), (120, 6), (180, 12))
"""Lengths of prompts that end so many tokens before their story does, so that end tokens come."""


def needed(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"needs {path.relative_to(SHARED)} under TREESEEK_SHARED")
    return path


def both(folder: Path, groups: list, ends: list[int]) -> Sides:
    torch.set_num_threads(1)
    lm = treeseek.load(str(folder), dtype="float32", threads=1)
    plain = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    assert lm.ends == frozenset(ends)
    return Sides(folder.name, lm, Plain(plain, ends), groups)


@pytest.fixture(scope="session")
def texts() -> list[str]:
    return stories(needed(SHARED / "data" / "tinystories" / "data.jsonl"))


@pytest.fixture(scope="session")
def small(texts: list[str]) -> Sides:
    """stories260K and 50 prompts: 20 that begin a story, 30 that break off near its end."""
    folder = needed(SHARED / "models" / "stories260K")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, model_max_length=10**6)
    coded = [tokenizer(text)["input_ids"] for text in texts]
    groups = [[ids[:length] for ids in coded[10 * i :][:10]] for i, length in enumerate(HEADS)]
    for i, (length, back) in enumerate(TAILS):
        long = [ids for ids in coded[60 * (i + 1) :] if len(ids) > length + back]
        groups.append([ids[:1] + ids[1 - length - back : -back] for ids in long[:10]])
    assert [len(group) for group in groups] == [10] * 5
    return both(folder, groups, [1, 2])


@pytest.fixture(scope="session")
def embedded(texts: list[str]) -> Sides:
    """The embedded model on ten prompts."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(EMBEDDED)
    coded = [tokenizer(text)["input_ids"] for text in texts[20:30]]
    ends = [tokenizer.eos_token_id]
    return both(EMBEDDED, [[ids[:12] for ids in coded[:5]], [ids[:30] for ids in coded[5:]]], ends)
