"""VGG networks: how deep they are, what two 3 x 3 convolutions see, and the options."""

import pytest
import torch
from torch import nn

from gradus.analysis.inspect import inspect
from gradus.core.errors import InputError
from gradus.models import create_model


def on_meta(name: str, side: int = 224, **options: object) -> nn.Sequential:
    with torch.device("meta"):
        model = create_model(name, input_shape=(3, side, side), **options)  # type: ignore[arg-type]
    assert isinstance(model, nn.Sequential)
    return model


def test_two_convolutions_of_3_see_what_one_of_5_sees_with_28_percent_fewer_weights() -> None:
    """Section 2.3, whose example is three for one of 7 x 7: 27 C^2 weights in place of 49 C^2, 45 % fewer."""

    def found(kernel: int, number: int) -> tuple[int | None, int]:
        convs = [nn.Conv2d(64, 64, kernel, padding=kernel // 2, bias=False) for _ in range(number)]
        seen = inspect(nn.Sequential(*convs), torch.empty(1, 64, 32, 32))
        return seen.fields.layers[0][0].extent, seen.parameters

    (two, fewer), (one, more) = found(3, 2), found(5, 1)
    assert two == one == 5
    assert 1 - fewer / more == pytest.approx(0.28)
    (three, fewer), (one, more) = found(3, 3), found(7, 1)
    assert three == one == 7
    assert 1 - fewer / more == pytest.approx(22 / 49)


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_so_many_layers_have_weights(depth: int, batch_norm: bool) -> None:
    model = on_meta(f"vgg{depth}", batch_norm=batch_norm)
    layers = [each for each in model.modules() if isinstance(each, nn.Conv2d | nn.Linear)]
    norms = [each for each in model.modules() if isinstance(each, nn.BatchNorm2d)]
    assert len(layers) == depth
    assert all(each.bias is not None for each in layers)
    assert len(norms) == (depth - 3) * batch_norm


@pytest.mark.parametrize(
    ("side", "reduction", "pooled"), [(224, 32, 7), (320, 32, 7), (64, 32, 2), (32, 32, 1), (32, 8, 4), (28, 4, 7)]
)
def test_dense_layers_take_the_maps_there_are(side: int, reduction: int, pooled: int) -> None:
    model = on_meta("vgg11", side, reduction=reduction)
    assert model.get_submodule("dense1.linear").in_features == 512 * pooled**2
    assert model(torch.empty(2, 3, side, side, device="meta")).shape == (2, 1000)


def test_images_of_unequal_sides_are_pooled_along_each() -> None:
    with torch.device("meta"):
        model = create_model("vgg11", input_shape=(1, 64, 320))
    assert model.get_submodule("dense1.linear").in_features == 512 * 2 * 7


def test_an_image_smaller_than_the_reduction_is_refused() -> None:
    with pytest.raises(InputError, match="model `vgg16`: takes images of at least 16 x 16"):
        on_meta("vgg16", 15, reduction=16)
