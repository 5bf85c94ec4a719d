from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.models import create_model
from gradus.models.lenet import C3_INPUTS, EuclideanRbf, Subsampling, TableConv2d, digit_codes, random_codes

# Table I of the paper: a row for each S2 map, a column for each C3 map.
TABLE_I = """
X...XXX..XXXX.XX
XX...XXX..XXXX.X
XXX...XXX..X.XXX
.XXX..XXXX..X.XX
..XXX..XXXX.XX.X
...XXX..XXXX.XXX
"""


def test_has_the_papers_connections() -> None:
    """Section II.B: a connection is a weight or a bias, as often as it is used, and a difference to a drawn digit."""
    model: Any = create_model("lenet5_1998")
    places = {"c1": 28 * 28, "c3": 10 * 10, "c5": 1, "f6": 1}
    found = {
        layer: times * sum(each.numel() for each in model.get_submodule(layer).parameters())
        for layer, times in places.items()
    }
    # Of four numbers, and a bias.
    found |= {layer: 5 * maps * side**2 for layer, maps, side in (("s2", 6, 14), ("s4", 16, 5))}
    found["output"] = model.output.codes.numel()
    assert found["c1"] == 122_304
    assert found["c3"] == 151_600
    assert sum(found.values()) == 340_908


@pytest.mark.parametrize("name", ["lenet5", "lenet5_1998"])
@pytest.mark.parametrize("side", [8, 28, 32])
def test_layers_have_the_papers_sizes(name: str, side: int) -> None:
    model, sizes = create_model(name, input_shape=(1, side, side)), {}
    for layer, module in model.named_children():
        module.register_forward_hook(lambda _module, _inputs, output, layer=layer: sizes.update({layer: output.shape}))
    model(torch.zeros(2, 1, side, side))
    assert sizes["field"] == (2, 1, 32, 32)
    assert sizes["c1"] == (2, 6, 28, 28)
    assert sizes["s2"] == (2, 6, 14, 14)
    assert sizes["c3"] == (2, 16, 10, 10)
    assert sizes["s4"] == (2, 16, 5, 5)
    assert sizes["c5"] == (2, 120, 1, 1)
    assert sizes["f6"] == (2, 84)
    assert sizes["output"] == (2, 10)


def test_options_choose_activation_and_pooling() -> None:
    def kinds(**options: Any) -> set[type[nn.Module]]:
        return {type(each) for each in create_model("lenet5", **options).children()}

    assert {nn.ReLU, nn.MaxPool2d} <= kinds()
    assert {nn.Tanh, nn.AvgPool2d} <= kinds(activation="tanh", pooling="average")
    assert not {nn.ReLU, nn.MaxPool2d} & kinds(activation="sigmoid", pooling="average")
    with pytest.raises(InputError, match="model `lenet5`: `pooling` should be 'max' or 'average', got `mean`"):
        kinds(pooling="mean")


def test_the_modern_form_takes_colour_and_the_published_one_does_not() -> None:
    assert create_model("lenet5", input_shape=(3, 32, 32))(torch.zeros(1, 3, 32, 32)).shape == (1, 10)
    with pytest.raises(InputError, match="model `lenet5_1998`: takes images of 1 channel, got"):
        create_model("lenet5_1998", input_shape=(3, 32, 32))


@pytest.mark.parametrize("name", ["lenet5", "lenet5_1998"])
@pytest.mark.parametrize("shape", [(1, 33, 32), (13,)])
def test_what_does_not_fit_the_field_is_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=f"model `{name}`: takes images"):
        create_model(name, input_shape=shape)


def test_each_layer_of_the_published_form_has_the_papers_parameters() -> None:
    model = create_model("lenet5_1998")
    counts = {name: sum(each.numel() for each in module.parameters()) for name, module in model.named_children()}
    assert {name: count for name, count in counts.items() if count} == {
        "c1": 156,
        "s2": 12,
        "c3": 1_516,
        "s4": 32,
        "c5": 48_120,
        "f6": 10_164,
    }


def test_c3_is_a_convolution_masked_by_table_i() -> None:
    layer = TableConv2d(6, C3_INPUTS, 5).double()
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    dense, number = torch.zeros(16, 6, 5, 5, dtype=torch.float64), 0
    rows = TABLE_I.split()
    for column in range(16):
        for row in range(6):
            if rows[row][column] == "X":
                dense[column, row] = layer.weight[number].detach()
                number += 1
    assert number == len(layer.weight) == 60
    x = torch.randn(3, 6, 14, 14, dtype=torch.float64)
    torch.testing.assert_close(layer(x), functional.conv2d(x, dense, layer.bias))


def test_gradients_of_c3_are_those_of_finite_differences() -> None:
    layer = TableConv2d(3, ((0, 2), (1,)), 2).double()
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    x = torch.randn(1, 3, 3, 3, dtype=torch.float64)

    def output(weight: Tensor, bias: Tensor) -> Tensor:
        result: Tensor = torch.func.functional_call(layer, {"weight": weight, "bias": bias}, x)
        return result

    assert torch.autograd.gradcheck(output, tuple(layer.parameters()))


def test_subsampling_scales_the_sum_of_four() -> None:
    layer = Subsampling(3)
    layer.coefficient.data = torch.tensor([1.0, -2.0, 0.5])
    layer.bias.data = torch.tensor([0.0, 10.0, 20.0])
    x = torch.randn(2, 3, 6, 6)
    scale, shift = torch.tensor([1.0, -2.0, 0.5]).view(3, 1, 1), torch.tensor([0.0, 10.0, 20.0]).view(3, 1, 1)
    torch.testing.assert_close(layer(x), 4 * functional.avg_pool2d(x, 2) * scale + shift)


def test_outputs_are_minus_squared_distances() -> None:
    layer = EuclideanRbf(digit_codes())
    x = torch.randn(5, 84)
    torch.testing.assert_close(layer(x), -(torch.cdist(x, digit_codes()) ** 2))
    assert layer(digit_codes()).argmax(dim=1).tolist() == list(range(10))
    assert layer(digit_codes()).diagonal().tolist() == [0.0] * 10


def test_cross_entropy_of_the_scores_is_equation_9() -> None:
    penalties = torch.rand(4, 10, dtype=torch.float64) * 5
    right = torch.tensor([3, 0, 9, 9])
    j = 60.0
    equation_9 = penalties[torch.arange(4), right] + torch.log(np.exp(-j) + torch.exp(-penalties).sum(dim=1))
    torch.testing.assert_close(functional.cross_entropy(-penalties, right), equation_9.mean())


def test_the_drawn_digits_have_the_strokes_and_holes_of_digits() -> None:
    codes = digit_codes()
    assert codes.shape == (10, 84)
    assert codes.abs().eq(1).all()
    holes = []
    for picture in codes.view(10, 12, 7).numpy():
        _, strokes = ndimage.label(picture > 0, structure=np.ones((3, 3)))
        _, regions = ndimage.label(np.pad(picture, 1, constant_values=-1) < 0)
        assert strokes == 1
        holes.append(regions - 1)  # one of them is the outside
    assert holes == [1, 0, 0, 0, 1, 0, 1, 0, 2, 1]


def test_other_than_ten_classes_have_random_codes_far_apart() -> None:
    codes = random_codes(100, 84)
    assert codes.shape == (100, 84)
    assert codes.abs().eq(1).all()
    assert torch.equal(codes[:26], random_codes(26, 84))
    differing = ((84 - codes @ codes.T) / 2)[~torch.eye(100, dtype=torch.bool)]
    # Of 84 fair coins 42 differ, with deviation 4.6: at 100 classes the nearest pair is 4.5 deviations away or less.
    assert differing.min() >= 18
    assert abs(differing.mean() - 42) < 1
    model = create_model("lenet5_1998", num_classes=26)
    assert torch.equal(model.output.codes, random_codes(26, 84))  # type: ignore[union-attr, arg-type]


def test_codes_are_saved_and_not_trained() -> None:
    model = create_model("lenet5_1998")
    assert "output.codes" in model.state_dict()
    assert not any(name.startswith("output") for name, _ in model.named_parameters())


def test_first_weights_fill_the_papers_interval() -> None:
    torch.manual_seed(0)
    model = create_model("lenet5_1998")
    inputs = {"c1": 25, "s2": 4, "s4": 4, "c5": 400, "f6": 120}
    for name, each in model.named_parameters():
        layer = name.partition(".")[0]
        if layer == "c3":
            seen = torch.tensor([len(row) for row in C3_INPUTS])
            bound = 2.4 / (25 * seen)
            if each.ndim == 3:
                bound = bound.repeat_interleave(seen)[:, None, None]
        else:
            bound = torch.tensor(2.4 / inputs[layer])
        share = (each / bound).abs()
        assert share.max() <= 1, name
        assert share.max() > 0.6, name
        if each.numel() > 100:  # uniform on [-1, 1]: mean square 1/3
            assert abs((each / bound).square().mean() - 1 / 3) < 0.06, name
