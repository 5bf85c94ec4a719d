"""A locally connected layer against a convolution, against one written out position by position, and its counts."""

from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from gradus.analysis.inspect import inspect
from gradus.core.errors import InputError
from gradus.nn.locally_connected import LocallyConnected2d

PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def geometries(draw: st.DrawFn) -> tuple[tuple[int, int], dict[str, Any]]:
    size = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    options: dict[str, Any] = {
        "kernel_size": draw(PAIRS),
        "stride": draw(PAIRS),
        "padding": draw(st.tuples(st.integers(0, 2), st.integers(0, 2))),
        "dilation": draw(PAIRS),
    }
    spans = zip(size, options["padding"], options["dilation"], options["kernel_size"], strict=True)
    assume(all(n + 2 * p >= d * (k - 1) + 1 for n, p, d, k in spans))
    return size, options


@settings(max_examples=60, deadline=None)
@given(geometries(), st.booleans())
def test_with_equal_weights_it_is_a_convolution(geometry: tuple[tuple[int, int], dict[str, Any]], bias: bool) -> None:
    size, options = geometry
    conv = nn.Conv2d(2, 3, bias=bias, **options).double()
    local = LocallyConnected2d(2, 3, size, bias=bias, **options).double()
    with torch.no_grad():
        local.weight.copy_(conv.weight.flatten(1).expand_as(local.weight))
        if conv.bias is not None and local.bias is not None:
            local.bias.copy_(conv.bias[:, None].expand_as(local.bias))
    x = torch.randn(2, 2, *size, dtype=torch.float64)
    torch.testing.assert_close(local(x), conv(x))


def test_each_position_has_its_own_kernel() -> None:
    local = LocallyConnected2d(2, 3, (5, 4), (3, 2), stride=(2, 1)).double()
    x = torch.randn(1, 2, 5, 4, dtype=torch.float64)
    y = local(x)
    assert y.shape == (1, 3, 2, 3)
    assert local.bias is not None
    for h in range(2):
        for w in range(3):
            patch = x[0, :, 2 * h : 2 * h + 3, w : w + 2].flatten()
            position = 3 * h + w
            by_hand = local.weight[position] @ patch + local.bias[:, position]
            torch.testing.assert_close(y[0, :, h, w], by_hand)


def test_counts() -> None:
    """28 x 28 positions each have the 5 x 5 x 3 weights, and the bias, that a convolution has once for all."""
    shared = inspect(nn.Conv2d(3, 8, 5, padding=2), (3, 28, 28))
    own = inspect(LocallyConnected2d(3, 8, 28, 5, padding=2), (3, 28, 28))
    assert own.macs == shared.macs == 28 * 28 * 8 * 75
    assert own.parameters == 28 * 28 * shared.parameters == 28 * 28 * 8 * 76


def test_gradients() -> None:
    local = LocallyConnected2d(2, 2, 4, 3, padding=1).double()
    x = torch.randn(2, 2, 4, 4, dtype=torch.float64, requires_grad=True)

    def function(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        made: Tensor = torch.func.functional_call(local, {"weight": weight, "bias": bias}, x)
        return made

    assert torch.autograd.gradcheck(function, (x, *local.parameters()))


def test_first_weights_are_as_of_a_convolution() -> None:
    local = LocallyConnected2d(16, 4, 8, 3)
    bound = (16 * 9) ** -0.5
    assert 0.95 * bound < float(local.weight.detach().abs().max()) <= bound
    assert float(local.weight.detach().std()) == pytest.approx(bound / 3**0.5, rel=0.05)


def test_other_sizes_are_refused() -> None:
    with pytest.raises(InputError, match=r"takes maps of 2 x 4 x 5, got \(1, 2, 5, 4\)"):
        LocallyConnected2d(2, 3, (4, 5), 3)(torch.zeros(1, 2, 5, 4))
    with pytest.raises(InputError, match=r"LocallyConnected2d: the kernel must fit into the padded input, got \(2, 5"):
        LocallyConnected2d(2, 3, (2, 5), 3)
