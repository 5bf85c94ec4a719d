"""C3D's last maps are those of the authors, and its kernels see as many frames as they are told."""

from typing import Any

import pytest
import torch
from torch import nn

from gradus.core.errors import InputError
from gradus.models import create_model


def on_meta(**options: Any) -> nn.Module:
    with torch.device("meta"):
        return create_model("c3d", **options)


def test_with_the_classes_of_ucf101_it_has_fewer_parameters() -> None:
    assert sum(each.numel() for each in on_meta(num_classes=101).parameters()) == 78_409_573


def test_the_first_dense_layer_has_8192_inputs() -> None:
    assert on_meta().get_submodule("hidden1.0").in_features == 8192


@pytest.mark.parametrize(("frames", "height", "width"), [(16, 16, 16), (32, 112, 112), (20, 64, 90), (16, 128, 171)])
def test_takes_longer_and_other_videos(frames: int, height: int, width: int) -> None:
    model = on_meta(input_shape=(1, frames, height, width))
    assert model(torch.empty(2, 1, frames, height, width, device="meta")).shape == (2, 487)


@pytest.mark.parametrize("depth", [1, 3, 5, 7])
def test_kernels_have_the_depth_asked_for(depth: int) -> None:
    kernels = {each.kernel_size for each in on_meta(kernel_depth=depth).modules() if isinstance(each, nn.Conv3d)}
    assert kernels == {(depth, 3, 3)}


def test_dropout_is_that_asked_for() -> None:
    assert {each.p for each in on_meta(dropout=0.25).modules() if isinstance(each, nn.Dropout)} == {0.25}


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 112, 112), r"takes videos \(channels, frames, height, width\)"),
        ((3, 15, 112, 112), "at least 16 frames"),
        ((3, 16, 112, 15), "at least 16 x 16 pixels"),
    ],
)
def test_what_is_no_such_video_is_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError, match=f"model `c3d`: .*{message}"):
        on_meta(input_shape=shape)


def test_a_quarter_of_the_width() -> None:
    """27 a b + b for each of 1-16, 16-32, 32-64-64, 64-128-128, 128-128-128; then 512-1,024-1,024-10 with biases."""
    pairs = [(1, 16), (16, 32), (32, 64), (64, 64), (64, 128), (128, 128), (128, 128), (128, 128)]
    expected = sum(27 * a * b + b for a, b in pairs) + sum(
        a * b + b for a, b in ((512, 1024), (1024, 1024), (1024, 10))
    )
    model = on_meta(width=0.25, input_shape=(1, 16, 32, 32), num_classes=10)
    assert sum(each.numel() for each in model.parameters()) == expected
    assert model(torch.empty(2, 1, 16, 32, 32, device="meta")).shape == (2, 10)


def test_batch_normalization_comes_after_each_convolution() -> None:
    layers = [each for each in on_meta(batch_norm=True).modules() if not list(each.children())]
    after = [layers[place + 1] for place, each in enumerate(layers) if isinstance(each, nn.Conv3d)]
    assert [each.num_features for each in after if isinstance(each, nn.BatchNorm3d)] == [
        64, 128, 256, 256, 512, 512, 512, 512,
    ]  # fmt: skip
    assert not any(isinstance(each, nn.BatchNorm3d) for each in on_meta().modules())
