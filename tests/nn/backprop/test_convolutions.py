from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from gradus.core.errors import InputError
from gradus.nn.backprop import convolution, transposed_convolution
from tests.nn.backprop.against import equal_to_autograd, leaf

CONVOLUTIONS = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}
TRANSPOSED = {1: torch.conv_transpose1d, 2: torch.conv_transpose2d, 3: torch.conv_transpose3d}


@dataclass(frozen=True)
class Setting:
    axes: int
    leaves: list[Tensor]
    options: dict[str, Any]


@st.composite
def convolutions(draw: st.DrawFn, *, transposed: bool) -> Setting:
    axes, groups = draw(st.integers(1, 3)), draw(st.integers(1, 2))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    sizes, kernel, stride, dilation, padding = each(1, 5), each(1, 3), each(1, 3), each(1, 2), each(0, 2)
    options: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    reach = [gap * (taps - 1) for gap, taps in zip(dilation, kernel, strict=True)]
    borders = zip(sizes, stride, padding, reach, strict=True)
    if transposed:
        options["output_padding"] = tuple(
            draw(st.integers(0, max(each) - 1)) for each in zip(stride, dilation, strict=True)
        )
        assume(all((size - 1) * step - 2 * border + far >= 0 for size, step, border, far in borders))
    elif max(stride) == 1 and draw(st.booleans()):
        options["padding"] = "same"
    else:
        assume(all(size + 2 * border > far for size, _, border, far in borders))
    first, second = groups * draw(st.integers(1, 2)), draw(st.integers(1, 2))
    taken, made = (first, groups * second) if transposed else (groups * second, first)
    layout = draw(st.sampled_from(["contiguous", "transposed", "strided"]))
    x = leaf(draw(st.integers(1, 2)), taken, *sizes, layout=layout)
    weight = leaf(first, second, *kernel, layout=layout, seed=1)
    return Setting(axes, [x, weight, *([leaf(made, seed=2)] if draw(st.booleans()) else [])], options)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@settings(max_examples=60, deadline=None)
@given(convolutions(transposed=False))
def test_convolution(setting: Setting) -> None:
    torchs = CONVOLUTIONS[setting.axes]
    equal_to_autograd(
        lambda *leaves: convolution(*leaves, **setting.options),
        lambda *leaves: torchs(*leaves, **setting.options),
        setting.leaves,
    )


@settings(max_examples=60, deadline=None)
@given(convolutions(transposed=True))
def test_transposed_convolution(setting: Setting) -> None:
    torchs = TRANSPOSED[setting.axes]
    equal_to_autograd(
        lambda *leaves: transposed_convolution(*leaves, **setting.options),
        lambda *leaves: torchs(*leaves, **setting.options),
        setting.leaves,
    )


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize(("axes", "dilation"), [(1, 1), (1, 3), (2, 1)])
def test_same_padding_of_an_even_kernel_has_more_behind(axes: int, dilation: int) -> None:
    options: dict[str, Any] = {"padding": "same", "dilation": dilation}
    leaves = [leaf(1, 1, *[5] * axes), leaf(1, 1, *[2] * axes, seed=1)]
    equal_to_autograd(
        lambda *each: convolution(*each, **options), lambda *each: CONVOLUTIONS[axes](*each, **options), leaves
    )


def test_a_convolution_by_hand() -> None:
    # z = (1*1 + 2*(-1), 2*1 + 3*(-1)) = (-1, -1); errors (1, 10) come back as (1*1, 1*(-1) + 10*1, 10*(-1)).
    x = torch.tensor([[[1.0, 2.0, 3.0]]], requires_grad=True)
    weight = torch.tensor([[[1.0, -1.0]]], requires_grad=True)
    z = convolution(x, weight)
    z.backward(torch.tensor([[[1.0, 10.0]]]))
    assert z.tolist() == [[[-1, -1]]]
    assert x.grad is not None
    assert x.grad.tolist() == [[[1, 9, -10]]]
    assert weight.grad is not None
    assert weight.grad.tolist() == [[[1 * 1 + 10 * 2, 1 * 2 + 10 * 3]]]


@pytest.mark.parametrize(
    ("function", "shapes", "options", "rule"),
    [
        (convolution, [(1, 3, 5), (2, 2, 3)], {}, "must have 2 channels"),
        (convolution, [(1, 2, 5), (3, 1, 3)], {"groups": 2}, "groups must divide the 3 channels"),
        (convolution, [(2, 5), (2, 2, 3)], {}, "must have 3 axes"),
        (convolution, [(1, 2, 2), (2, 2, 3)], {}, "must not be larger than the padded input"),
        (convolution, [(1, 2, 5), (2, 2, 3)], {"padding": "same", "stride": 2}, "stride is above 1"),
        (convolution, [(1, 2, 5), (2, 2, 3)], {"padding": "reflect"}, "`same` or `valid`"),
        (convolution, [(1, 2, 3, 3, 3, 3), (2, 2, 1, 1, 1, 1)], {}, "one to three axes"),
        (transposed_convolution, [(1, 2, 5), (2, 2, 3)], {"stride": 2, "output_padding": 2}, "smaller than stride"),
        (transposed_convolution, [(1, 2, 1), (2, 2, 1)], {"padding": 1}, "leaves nothing"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(function: Any, shapes: Any, options: Any, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        function(*(torch.zeros(shape) for shape in shapes), **options)
