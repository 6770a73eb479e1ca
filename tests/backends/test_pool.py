"""The tensors behind the slots: zero at first, kept when they grow, and no memory before use."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch

from treeseek.backends.pool import LINE, Pool

STATM = Path("/proc/self/statm")
ROWS, WIDTH = 1 << 20, 64


def resident() -> int:
    """Bytes of this process that are in memory."""
    import resource

    return int(STATM.read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rows_are_zero_aligned_and_kept_when_the_pool_grows(dtype: torch.dtype) -> None:
    pool = Pool()
    rows = torch.arange(6, dtype=dtype).view(2, 1, 3)
    keys, _ = pool.layer(0, rows, rows)
    keys[1:3] = rows
    pool.reserve(5000)
    grown, values = pool.layer(0, rows, rows)
    assert grown.shape == values.shape == (5000, 1, 3)
    assert grown.dtype == dtype and grown.data_ptr() % LINE == 0
    assert torch.equal(grown[1:3], rows) and not grown[3:].any() and not values.any()


@pytest.mark.skipif(not STATM.exists(), reason="only Linux says what is in memory")
def test_what_no_slot_has_used_takes_no_memory() -> None:
    size = ROWS * WIDTH * 4
    pool = Pool()
    pool.reserve(ROWS)
    before = resident()
    pool.keep(torch.tensor([1, 2]), torch.ones(2, WIDTH))
    assert resident() - before < size / 8
    before = resident()
    held = torch.zeros(ROWS, WIDTH)  # the control
    assert resident() - before > size / 2
    del held
