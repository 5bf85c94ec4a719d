"""ResNets for videos convolve in space and time as their forms say."""

import pytest
import torch
from torch import nn

from gradus.core.errors import InputError
from gradus.models import create_model


def on_meta(name: str, *shape: int) -> nn.Module:
    with torch.device("meta"):
        return create_model(name, input_shape=shape or None)


def kernels(name: str, stage: str) -> list[tuple[int, ...]]:
    stages = on_meta(name).get_submodule(stage)
    return [each.kernel_size for each in stages.modules() if isinstance(each, nn.Conv3d)]


def test_kernels_are_those_of_the_form() -> None:
    assert kernels("r3d_18", "stage3") == [(3, 3, 3)] * 2 + [(1, 1, 1)] + [(3, 3, 3)] * 2
    assert kernels("mc3_18", "stage1") == [(3, 3, 3)] * 4
    assert kernels("mc3_18", "stage3") == [(1, 3, 3)] * 2 + [(1, 1, 1)] + [(1, 3, 3)] * 2
    assert kernels("r2plus1d_18", "stage1") == [(1, 3, 3), (3, 1, 1)] * 4


def test_a_convolution_in_two_has_about_the_parameters_of_one() -> None:
    whole, apart = (
        sum(each.numel() for each in on_meta(name).get_submodule("stage1").parameters())
        for name in ("r3d_18", "r2plus1d_18")
    )
    assert abs(apart / whole - 1) < 0.01


@pytest.mark.parametrize(
    ("name", "shape"), [("r3d_18", (512, 2, 7, 7)), ("mc3_18", (512, 16, 7, 7)), ("r2plus1d_18", (512, 2, 7, 7))]
)
def test_time_is_reduced_where_kernels_reach_through_it(name: str, shape: tuple[int, ...]) -> None:
    model = on_meta(name)
    assert isinstance(model, nn.Sequential)
    stages = [layer for key, layer in model.named_children() if key.startswith("st")]
    assert nn.Sequential(*stages)(torch.empty(1, 3, 16, 112, 112, device="meta")).shape == (1, *shape)


@pytest.mark.parametrize("name", ["r3d_18", "mc3_18", "r2plus1d_18"])
def test_takes_one_frame_but_no_picture(name: str) -> None:
    model = on_meta(name, 1, 1, 16, 16)
    assert model(torch.empty(2, 1, 1, 16, 16, device="meta")).shape == (2, 400)
    with pytest.raises(InputError, match=f"model `{name}`: takes videos of at least 16 x 16"):
        on_meta(name, 3, 16, 15, 112)


@pytest.mark.parametrize("name", ["r3d_18", "mc3_18", "r2plus1d_18"])
def test_half_the_width_has_about_a_quarter_of_the_parameters(name: str) -> None:
    def size(width: float) -> int:
        with torch.device("meta"):
            return sum(each.numel() for each in create_model(name, width=width, num_classes=10).parameters())

    assert size(0.5) / size(1) == pytest.approx(0.25, rel=0.01)
    with torch.device("meta"):
        half = create_model(name, width=0.5)
    widths = {each.out_channels for each in half.get_submodule("stage4").modules() if isinstance(each, nn.Conv3d)}
    assert 256 in widths
    assert half.get_submodule("output").in_features == 256
