"""What the self-test and the comparisons must not let pass: they fail on every known mistake."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from tests.backends.families import FAMILIES, build
from treeseek.backends.attention import Layout
from treeseek.backends.groups import Group
from treeseek.backends.head import Head, decoder_of
from treeseek.backends.local import LocalBackend
from treeseek.backends.plan import Call
from treeseek.backends.routes import MaskRoute, TreeRoute
from treeseek.backends.selftest import Trial, narrowed, scaled_by_length, serve
from treeseek.backends.slots import SlotTable
from treeseek.errors import BrokenLogits, NotAModel

torch.set_num_threads(1)
BY_NAME = {family.name: family for family in FAMILIES}


def model_of(name: str) -> Any:
    return build(BY_NAME[name])


class Extra(TreeRoute):
    """Lets one row of every group see one key too many."""

    def groups(self, table: SlotTable, call: Call) -> list[Group]:
        found = []
        for group in super().groups(table, call):
            visible = None if group.visible is None else group.visible.copy()
            if visible is not None and not visible.all():
                row, key = np.argwhere(~visible)[0]
                visible[row, key] = True
            found.append(replace(group, visible=visible))
        return found


class Deeper(TreeRoute):
    """Counts one depth too many for the last row."""

    def rows(self, layout: Layout) -> torch.Tensor:
        layout.depths = layout.depths.clone()
        layout.depths[0, -1] += 1
        return super().rows(layout)


class BoolMask(MaskRoute):
    """Hands a boolean mask to attention that adds it."""

    def _masks(self, layout: Layout) -> Any:
        found = super()._masks(layout)
        if isinstance(found, dict):
            return {kind: mask == 0 for kind, mask in found.items()}
        return found == 0


def error(model: Any, route: type[TreeRoute]) -> tuple[float, float]:
    head = Head(model, decoder_of(model))
    with narrowed(model):
        trial = Trial(model)
        return trial.error(
            LocalBackend(head, route(model, head.decoder), slots=20)
        ), trial.tolerance


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma2", "gpt-oss"])
def test_the_right_route_passes_and_wrong_ones_fail(name: str) -> None:
    right, tolerance = error(model_of(name), TreeRoute)
    assert right < tolerance / 10
    for wrong in (Extra, Deeper):
        assert error(model_of(name), wrong)[0] > 10 * tolerance


@pytest.mark.parametrize("name", ["mistral-sliding", "gemma2", "cohere2", "llama4"])
def test_an_ignored_window_fails_even_if_it_is_wide(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows wider than the trial are narrowed for it, so that forgetting one shows."""
    from treeseek.backends import attention

    model = model_of(name)
    for holder in [model.config, *model.modules()]:
        for window in ("sliding_window", "attention_chunk_size"):
            if isinstance(getattr(holder, window, None), int):
                setattr(holder, window, 64)
    right, tolerance = error(copy.deepcopy(model), TreeRoute)
    assert right < tolerance
    monkeypatch.setattr(attention.Weighing, "narrow", lambda self, deepest: None)
    assert error(model, TreeRoute)[0] > 10 * tolerance
    assert model.config.get_text_config().to_dict().get("sliding_window") != 3, "not put back"


def test_a_mask_of_the_wrong_type_fails() -> None:
    model = model_of("llama")
    head = Head(model, decoder_of(model))
    trial = Trial(model)
    for kind, passes in ((MaskRoute, True), (BoolMask, False)):
        route = kind(model, head.decoder, attention="eager", by_type=False)
        found = trial.error(LocalBackend(head, route, slots=20))
        assert (found < trial.tolerance) == passes
    windowed = model_of("qwen2-sliding")
    head = Head(windowed, decoder_of(windowed))
    with narrowed(windowed):
        trial = Trial(windowed)
        route = MaskRoute(windowed, head.decoder, attention="sdpa", by_type=True)
        assert trial.error(LocalBackend(head, route)) < trial.tolerance


@pytest.mark.parametrize("name", ["gpt-neo", "mpt"])
def test_families_that_are_silently_wrong_under_a_mask_are_noticed(name: str) -> None:
    model = model_of(name)
    head = Head(model, decoder_of(model))
    trial = Trial(model)
    route = MaskRoute(model, head.decoder, attention="eager", by_type=False)
    assert trial.error(LocalBackend(head, route)) > 100 * trial.tolerance
    assert serve(model).capabilities.path == "replay"


def test_scaling_by_length_is_read_from_the_configuration() -> None:
    assert scaled_by_length(model_of("llama-dynamic").config) == "dynamic"
    assert scaled_by_length(model_of("phi3-longrope").config) == "longrope"
    for name in ("llama", "llama-yarn", "llama-llama3", "gpt2", "gemma3"):
        assert scaled_by_length(model_of(name).config) is None


def test_nan_is_an_error_of_the_weights() -> None:
    model = model_of("llama")
    with torch.no_grad():
        model.model.layers[1].mlp.down_proj.weight[0, 0] = float("nan")
    with pytest.raises(BrokenLogits, match="NaN"):
        serve(model)


def test_a_model_that_reads_ahead_is_refused() -> None:
    import transformers

    config = transformers.BertConfig(
        vocab_size=97,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        initializer_range=0.3,
        is_decoder=False,
    )
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with pytest.raises(NotAModel, match="causal"):
        serve(model)
