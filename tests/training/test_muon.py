"""A step of Muon: as large as an AdamW step, along the orthogonal part, decayed."""

import pytest

pytest.importorskip("transformers")

import torch

from training.muon import Muon, orthogonal


def test_an_orthogonal_step_has_singular_values_near_one():
    for shape in ((8, 8), (24, 8), (8, 24)):
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        values = torch.linalg.svdvals(orthogonal(noise))
        assert values.min() > 0.6 and values.max() < 1.3
        assert torch.linalg.svdvals(noise).max() > 2  # which the matrix itself has not


@pytest.mark.parametrize("shape", [(16, 48), (48, 16)])
def test_a_step_has_the_size_of_an_adam_step(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    before = matrix.clone()
    matrix.grad = torch.randn(shape)
    Muon([matrix], decay=0.0).step(0.01)
    moved = (before - matrix) / 0.01
    assert moved.square().mean().sqrt().item() == pytest.approx(0.2, rel=0.15)
    singular = torch.linalg.svdvals(moved)
    assert singular.max() / singular.min() < 2.5
    assert (moved * matrix.grad).sum() > 0


def test_gradients_of_the_past_count_and_decay_pulls_to_nothing():
    torch.manual_seed(0)
    first, second = torch.randn(8, 8), torch.randn(8, 8)
    fresh, moved = torch.zeros(8, 8), torch.zeros(8, 8)
    muon = Muon([moved], decay=0.0)
    moved.grad = first
    muon.step(0.01)
    moved.zero_()
    moved.grad = fresh.grad = second
    muon.step(0.01)
    Muon([fresh], decay=0.0).step(0.01)
    assert not torch.allclose(moved, fresh, atol=1e-4)

    still = torch.ones(8, 8)
    still.grad = torch.zeros(8, 8)
    Muon([still], decay=0.5).step(0.01)
    assert torch.allclose(still, torch.full((8, 8), 0.995))
