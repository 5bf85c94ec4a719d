"""Matrices of convolutions against what torch makes of the same input, and against those written by hand."""

from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.nn.convolution_matrix import as_convolution, as_matrix

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@st.composite
def layers(draw: st.DrawFn, *, transposed: bool) -> tuple[Any, Tensor]:
    axes, groups = draw(st.integers(1, 3)), draw(st.integers(1, 3))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    sizes, kernel, stride, dilation = each(1, 5), each(1, 3), each(1, 3), each(1, 2)
    inputs, outputs = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    options: dict[str, Any] = {"stride": stride, "dilation": dilation, "groups": groups, "bias": draw(st.booleans())}
    reach = [gap * (taps - 1) for gap, taps in zip(dilation, kernel, strict=True)]
    if transposed:
        padding = options["padding"] = each(0, 2)
        options["output_padding"] = tuple(
            draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)
        )
        made = zip(sizes, stride, padding, reach, strict=True)
        assume(all((size - 1) * step - 2 * border + far >= 0 for size, step, border, far in made))
    else:
        options["padding_mode"] = draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"]))
        if max(stride) == 1 and draw(st.booleans()):
            options["padding"] = "same"
            border = max(reach)
        else:
            options["padding"] = padding = each(0, 2)
            border = max(padding)
            assume(all(n + 2 * p > far for n, p, far in zip(sizes, padding, reach, strict=True)))
        assume(options["padding_mode"] == "zeros" or border < min(sizes))
    kinds: Any = TRANSPOSED if transposed else CONVOLUTIONS
    torch.manual_seed(draw(st.integers(0, 99)))
    layer = kinds[axes - 1](inputs, outputs, kernel, **options).double()
    return layer, torch.randn(2, inputs, *sizes, dtype=torch.float64)


def biases(layer: Any, y: Tensor) -> Tensor:
    if layer.bias is None:
        return torch.zeros_like(y[0]).flatten()
    bias: Tensor = layer.bias
    return bias.view(-1, *[1] * (y.dim() - 2)).expand_as(y[0]).flatten()


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@settings(max_examples=100, deadline=None)
@given(st.one_of(layers(transposed=False), layers(transposed=True)))
def test_the_matrix_does_what_the_layer_does(given: tuple[Any, Tensor]) -> None:
    layer, x = given
    y = layer(x)
    matrix = as_matrix(layer, x.shape[1:])
    assert matrix.shape == (y[0].numel(), x[0].numel())
    torch.testing.assert_close(x.flatten(1) @ matrix.to_dense().T + biases(layer, y), y.flatten(1))


@settings(max_examples=40, deadline=None)
@given(layers(transposed=True))
def test_a_transposed_convolution_is_one_of_an_input_spread_out(given: tuple[Any, Tensor]) -> None:
    layer, x = given
    plain = as_convolution(layer)
    torch.testing.assert_close(plain(x), layer(x))
    assert plain[1].stride == (1,) * len(layer.stride)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_the_transposed_convolution_has_the_transposed_matrix(stride: int) -> None:
    down = nn.Conv2d(2, 3, (3, 2), stride, (1, 0), bias=False)
    up = nn.ConvTranspose2d(3, 2, (3, 2), stride, (1, 0), bias=False)
    up.weight = down.weight
    height, width = 1 + 3 * stride, 2 + 4 * stride  # with nothing left over at the ends
    made = down(torch.zeros(1, 2, height, width)).shape[1:]
    assert torch.equal(as_matrix(up, made).to_dense(), as_matrix(down, (2, height, width)).to_dense().T)


def test_rows_written_by_hand() -> None:
    """4 x 4 and a kernel of 3 x 3: the matrix of Dumoulin and Visin (2016), section 4.1."""
    conv = nn.Conv2d(1, 1, 3, bias=False)
    conv.weight.data = torch.arange(1.0, 10.0).view(1, 1, 3, 3)
    a, b, c = [1, 2, 3], [4, 5, 6], [7, 8, 9]
    matrix = as_matrix(conv, (1, 4, 4))
    assert matrix.to_dense().tolist() == [
        [*a, 0, *b, 0, *c, 0, 0, 0, 0, 0],
        [0, *a, 0, *b, 0, *c, 0, 0, 0, 0],
        [0, 0, 0, 0, *a, 0, *b, 0, *c, 0],
        [0, 0, 0, 0, 0, *a, 0, *b, 0, *c],
    ]
    assert matrix.values().numel() == 4 * 9


def test_zeros_come_between_and_around() -> None:
    up = nn.ConvTranspose1d(1, 1, 4, 3, 1)
    spread = as_convolution(up)[0]
    assert spread(torch.tensor([[[1.0, 2.0]]])).tolist() == [[[0, 0, 1, 0, 0, 2, 0, 0]]]  # k - 1 - p = 2 around
    assert up(torch.zeros(1, 1, 2)).shape[-1] == (2 - 1) * 3 - 2 * 1 + 4


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.Linear(3, 2), (3,), r"^as_matrix: takes a convolution or a transposed one, got `Linear`$"),
        (nn.Conv2d(3, 2, 1), (2, 4, 4), r"^as_matrix: takes one example of 3 channels and 2 axes more, got \(2, 4, 4"),
        (nn.Conv2d(3, 2, 1), (3, 4, 4, 4), r"^as_matrix: takes one example of 3 channels and 2 axes more"),
        (nn.Conv2d(3, 2, 1, padding=1), (3, 0, 4), r"^as_matrix: takes one example of 3 channels and 2 axes more"),
        (nn.Conv1d(1, 1, 3, padding=3, padding_mode="reflect"), (1, 3), r"^as_matrix: the padding must .*reflect"),
        (nn.Conv1d(1, 1, 3, padding=4, padding_mode="circular"), (1, 3), r"^as_matrix: the padding must .*circular"),
        (nn.Conv1d(1, 2, 5), (1, 4), r"^as_matrix: the kernel must not be larger than the padded input"),
        (nn.ConvTranspose1d(1, 2, 2, padding=3), (1, 4), r"^as_matrix: leaves nothing of an input of this shape"),
    ],
)
def test_what_has_no_such_matrix(layer: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        as_matrix(layer, shape)


def test_only_a_transposed_convolution_is_taken_apart() -> None:
    with pytest.raises(InputError, match=r"^as_convolution: takes a transposed convolution, got `Conv2d`$"):
        as_convolution(nn.Conv2d(1, 1, 1))  # type: ignore[arg-type]
