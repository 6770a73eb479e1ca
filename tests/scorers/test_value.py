"""The value head computes what its formula says, from a row of the model and nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf, expit

import treeseek
from treeseek.errors import BrokenWeights
from treeseek.scorers.value import ValueHead
from treeseek.tree import ROOT


def weights(width: int, inner: int, seed: int = 0) -> dict[str, Any]:
    make = np.random.default_rng(seed)
    shapes = {
        "inner.weight": (inner, width),
        "inner.bias": (inner,),
        "outer.weight": (1, inner),
        "outer.bias": (1,),
    }
    return {name: make.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 9), st.integers(0, 6), st.integers(0, 99))
def test_it_is_the_formula_row_by_row(width: int, inner: int, count: int, seed: int) -> None:
    given_ = weights(width, inner, seed)
    rows = np.random.default_rng(seed + 1).normal(size=(count, width)).astype(np.float32)
    head = ValueHead(given_)
    made = rows.astype(float) @ given_["inner.weight"].T.astype(float) + given_["inner.bias"]
    bent = 0.5 * made * (1 + erf(made / np.sqrt(2)))
    truth = expit(bent @ given_["outer.weight"][0].astype(float) + given_["outer.bias"][0])
    found = head.read(rows)
    assert np.allclose(found, truth, atol=1e-12)
    assert found == [head.read(rows[n : n + 1])[0] for n in range(count)]
    assert head.version != ValueHead(weights(width, inner, seed + 1)).version


def test_other_weights_are_refused() -> None:
    with pytest.raises(BrokenWeights, match="train it again"):
        ValueHead({})
    wrong = weights(4, 3) | {"outer.weight": np.zeros((1, 4), np.float32)}
    with pytest.raises(BrokenWeights, match="do not fit"):
        ValueHead(wrong)


def test_a_folder_brings_its_value_head(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    numpy_files = pytest.importorskip("safetensors.numpy")
    from treeseek.loading import EMBEDDED

    transformers.AutoTokenizer.from_pretrained(EMBEDDED).save_pretrained(tmp_path)
    network = transformers.AutoModelForCausalLM.from_pretrained(EMBEDDED, dtype=torch.float32)
    network.save_pretrained(tmp_path)
    (tmp_path / "value.safetensors").unlink(missing_ok=True)
    assert treeseek.load(str(tmp_path)).value is None
    given_ = weights(network.config.hidden_size, 5)
    numpy_files.save_file(given_, tmp_path / "value.safetensors")
    lm = treeseek.load(str(tmp_path))
    assert lm.value is not None
    tokens = lm.encode("Make 24 from 2 3 4.\n")
    with torch.inference_mode():
        hidden = network.model(torch.tensor([tokens])).last_hidden_state[0, -1:].numpy()
    node = lm.tree.extend(ROOT, tokens)
    (found,) = lm.value.read(lm.hidden([node]))
    assert found == pytest.approx(ValueHead(given_).read(hidden)[0], abs=1e-4)
    (tmp_path / "value.safetensors").write_bytes(b"nonsense")
    with pytest.raises(BrokenWeights, match="delete it"):
        treeseek.load(str(tmp_path))
