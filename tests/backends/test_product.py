"""A product taken torch's fast way is the product: any number of rows, any shape, with a bias."""

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from treeseek.backends import product as room  # noqa: E402

shapes = st.tuples(st.integers(0, 140), st.integers(1, 97), st.integers(1, 65))


@settings(deadline=None, max_examples=60)
@given(shapes, st.booleans(), st.booleans(), st.integers(0, 2**31))
def test_it_is_the_product(
    shape: tuple[int, int, int], biased: bool, strided: bool, seed: int
) -> None:
    rows, outputs, inputs = shape
    make = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 2 * inputs if strided else inputs, generator=make)
    x = x[:, ::2] if strided else x
    weight = torch.randn(outputs, inputs, generator=make)
    bias = torch.randn(outputs, generator=make) if biased else None
    truth = x.double() @ weight.double().t() + (0 if bias is None else bias.double())
    large, threads = room.LARGE, torch.get_num_threads()
    room.LARGE = 1  # so that small matrices are halved too
    torch.set_num_threads(2)
    try:
        with torch.inference_mode():
            found = room.product(x, weight, bias)
    finally:
        room.LARGE = large
        torch.set_num_threads(threads)
    assert found.shape == (rows, outputs)
    assert torch.allclose(found.double(), truth, rtol=1e-5, atol=1e-5 * inputs)
