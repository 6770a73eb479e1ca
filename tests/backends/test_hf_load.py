"""Loading a model: what is good loads quietly, what is not is refused with the remedy."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from transformers import PreTrainedTokenizerFast

from tests.backends.families import FAMILIES, VOCABULARY, build, save
from treeseek import load
from treeseek.backends.eight import round_weights
from treeseek.backends.hf import MANY, SMALL, TINY, TreeWarning, _threads, load_hf
from treeseek.errors import (
    BrokenLogits,
    BrokenWeights,
    InvalidOption,
    MissingExtra,
    NotAModel,
    TreeseekError,
    VocabularyMismatch,
)
from treeseek.tree import ROOT

BY_NAME = {family.name: family for family in FAMILIES}
SHARED = Path(os.environ.get("TREESEEK_SHARED", Path(__file__).parents[2] / "../shared"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("model"), BY_NAME["llama"])


def edit(folder: Path, target: Path, change: Any) -> Path:
    """A copy of the folder whose tensors went through `change`."""
    import shutil

    from safetensors.torch import load_file, save_file

    shutil.copytree(folder, target)
    tensors = load_file(target / "model.safetensors")
    change(tensors)
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    return target


def test_a_good_folder_loads_quietly(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backend, tokenizer = load_hf(folder, threads=1, slots=50, nodes=200)
    assert capfd.readouterr() == ("", "")
    assert (backend.vocabulary, backend.context, backend.slots) == (VOCABULARY, 64, 50)
    assert backend.tree.limit == 200 and backend.warm() == 0
    node = backend.tree.extend(ROOT, tokenizer("w5 w6 w7")["input_ids"])
    (block,) = backend.expand([node])
    model = build(BY_NAME["llama"])
    with torch.inference_mode():
        truth = model(input_ids=torch.tensor([[5, 6, 7]])).logits[0, -1]
    assert torch.allclose(torch.from_numpy(block.logits[0]), truth, rtol=1e-4, atol=1e-5)


def test_threads_and_types(folder: Path) -> None:
    before = torch.get_num_threads()
    try:
        backend, _ = load_hf(str(folder), threads=1, dtype="bfloat16")
        assert torch.get_num_threads() == 1
        assert next(backend.head.model.parameters()).dtype is torch.bfloat16
        backend, _ = load_hf(folder, dtype=torch.float32)
        assert torch.get_num_threads() == 1, "a tiny model takes one thread"
    finally:
        torch.set_num_threads(before)
    for options in ({"dtype": "int3"}, {"threads": 0}, {"slots": 0}, {"nodes": 0}):
        with pytest.raises(InvalidOption):
            load_hf(folder, **options)


@pytest.mark.parametrize(
    ("parameters", "cores", "threads"),
    [
        (TINY - 1, 16, 1), (TINY, 16, 2), (SMALL - 1, 16, 2), (SMALL, 16, MANY), (SMALL, 4, 4),
        (TINY, 1, 1), (SMALL, 1, 1),
    ],
)  # fmt: skip
def test_threads_nobody_asked_for(
    parameters: int, cores: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(cores), raising=False)
    assert _threads(parameters) == threads


@pytest.mark.parametrize("device", ["nowhere", "meta", "cuda:99"])
def test_a_device_that_is_not_there(folder: Path, device: str) -> None:
    with pytest.raises(InvalidOption, match="choose cpu, or cuda") as caught:
        load_hf(folder, device=device)
    assert device in str(caught.value) and "\n" not in str(caught.value)


def test_a_model_object_stays_as_it_was_made(folder: Path) -> None:
    """What could not be followed is refused, not ignored, and the object is not touched."""
    network, before = build(BY_NAME["llama"]), torch.get_num_threads()
    words = PreTrainedTokenizerFast.from_pretrained(folder)
    attention = network.config._attn_implementation
    for name, value, remedy in (
        ("dtype", "bfloat16", r"model\.to\(dtype\)"),
        ("device", "cpu", r"model\.to\(device\)"),
        ("threads", before + 1, r"torch\.set_num_threads"),
    ):
        with pytest.raises(InvalidOption, match=rf"{name}=.*{remedy}"):
            load(network, tokenizer=words, **{name: value})
    assert network.config._attn_implementation == attention
    lm = load(network, tokenizer=words, slots=50)
    assert lm.backend.slots == 50 and torch.get_num_threads() == before
    assert next(lm.backend.head.model.parameters()).dtype is torch.float32


def test_a_slower_route_is_announced(tmp_path: Path) -> None:
    with pytest.warns(TreeWarning, match="BloomForCausalLM is served by the replay route") as seen:
        backend, _ = load_hf(save(tmp_path, BY_NAME["bloom"]), threads=1)
    (warning,) = [one for one in seen if one.category is TreeWarning]
    assert "\n" not in str(warning.message)
    assert backend.capabilities.notes == (str(warning.message),)


def test_a_slower_route_is_announced_for_an_object_too(folder: Path) -> None:
    words = PreTrainedTokenizerFast.from_pretrained(folder)
    for name, route in (("bloom", "replay"), ("gptj", "mask")):
        with pytest.warns(TreeWarning, match=f"served by the {route} route") as seen:
            load(build(BY_NAME[name]), tokenizer=words)
        assert seen[0].filename == __file__, "the warning points at whoever called load"


def test_what_is_no_model(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("no model")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "config.json").write_text('{"model_type": "no-such-thing"}')
    (tmp_path / "garbled").mkdir()
    (tmp_path / "garbled" / "config.json").write_text("{")
    for name in ("empty", "file", "odd", "garbled", "missing/model/folder"):
        with pytest.raises(NotAModel) as caught:
            load_hf(tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "config.json").write_text('{"model_type": "clip"}')
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.json").write_text(json.dumps(config))
    with pytest.raises(NotAModel, match="tokenizer"):
        load_hf(tmp_path / "bare")
    with pytest.raises(NotAModel):
        load_hf(tmp_path / "clip")


def test_weights_that_do_not_fit(tmp_path: Path, folder: Path) -> None:
    key = "model.layers.1.mlp.up_proj.weight"

    def missing(tensors: dict[str, Any]) -> None:
        del tensors[key]

    def extra(tensors: dict[str, Any]) -> None:
        tensors["model.layers.7.mlp.up_proj.weight"] = tensors[key].clone()

    def reshaped(tensors: dict[str, Any]) -> None:
        tensors[key] = tensors[key][:-1].contiguous()

    for change in (missing, extra, reshaped):
        target = edit(folder, tmp_path / change.__name__, change)
        with pytest.raises(BrokenWeights) as caught:
            load_hf(target)
        assert "\n" not in str(caught.value) and "config.json" in str(caught.value)
    for name in ("missing", "extra"):
        with pytest.raises(BrokenWeights, match=r"mlp\.up_proj\.weight"):
            load_hf(tmp_path / name)

    def broken(tensors: dict[str, Any]) -> None:
        tensors[key][0, 0] = float("nan")

    with pytest.raises(BrokenLogits, match="NaN"):
        load_hf(edit(folder, tmp_path / "broken", broken))


def test_damaged_files(tmp_path: Path, folder: Path) -> None:
    import shutil

    for name, content in (("cut", None), ("garbage", b"no tensors here"), ("absent", b"")):
        target = tmp_path / name
        shutil.copytree(folder, target)
        file = target / "model.safetensors"
        if content is None:
            file.write_bytes(file.read_bytes()[:-1000])
        elif content:
            file.write_bytes(content)
        else:
            file.unlink()
        with pytest.raises(BrokenWeights, match="cannot be read"):
            load_hf(target)


def test_a_tokenizer_of_another_model(tmp_path: Path) -> None:
    with pytest.raises(VocabularyMismatch, match=f"{VOCABULARY + 3} tokens"):
        load_hf(save(tmp_path, BY_NAME["llama"], tokens=VOCABULARY + 3))


def test_a_smaller_tokenizer_is_no_mistake(tmp_path: Path) -> None:
    backend, tokenizer = load_hf(save(tmp_path, BY_NAME["llama"], tokens=VOCABULARY - 3), threads=1)
    assert len(tokenizer) == VOCABULARY - 3 and backend.vocabulary == VOCABULARY


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r"pip install 'treeseek\[hf\]'"):
        load_hf(folder)


def test_importing_the_loader_imports_no_torch() -> None:
    code = (
        "import sys, treeseek.backends.hf; "
        "print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_error_is_ours() -> None:
    for kind in (BrokenLogits, BrokenWeights, MissingExtra, NotAModel, VocabularyMismatch):
        assert issubclass(kind, TreeseekError)


@pytest.mark.skipif(
    not (SHARED / "models/stories260K").is_dir(), reason="needs TREESEEK_SHARED/models/stories260K"
)
def test_a_trained_model_tells_the_story_transformers_tells() -> None:
    from transformers import AutoModelForCausalLM

    folder = SHARED / "models/stories260K"
    backend, tokenizer = load_hf(folder, threads=1)
    prompt = tokenizer("Once upon a time")["input_ids"]
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.inference_mode():
        truth = model.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=60,
            do_sample=False,
            pad_token_id=0,
        )[0, len(prompt) :].tolist()
    assert len(set(truth)) >= 5
    node = backend.tree.extend(ROOT, prompt)
    told = []
    for _ in truth:
        (block,) = backend.expand([node])
        told.append(int(block.logits[0].argmax()))
        node = backend.tree.add(node, told[-1])
    assert told == truth
    assert backend.spent.computed == len(prompt) + len(truth) - 1


def test_int8_is_the_rounded_model_and_refused_where_it_cannot_be_served(
    folder: Path, tmp_path: Path
) -> None:
    backend, _ = load_hf(folder, threads=1, dtype="int8")
    model = build(BY_NAME["llama"])
    plain = model(torch.tensor([[5, 6, 7]])).logits[0, -1].detach()
    round_weights(model)
    truth = model(torch.tensor([[5, 6, 7]])).logits[0, -1].detach()
    (block,) = backend.expand([backend.tree.extend(ROOT, [5, 6, 7])])
    row = torch.from_numpy(block.logits[0].copy())
    assert (row - truth).abs().max() < 0.1 * (row - plain).abs().max()
    with pytest.raises(InvalidOption, match=r"int8.*llama.*gpt2.*choose another dtype"):
        load_hf(save(tmp_path / "other", BY_NAME["gpt2"]), dtype="int8")
