from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from gradus.analysis.inspect import inspect
from gradus.core.errors import InputError
from gradus.models import create_model, models
from gradus.nn.blocks.residual import Residual

ALEXNET = 60_965_224
"""Parameters of AlexNet in two groups, as Caffe has it."""


def on_meta(name: str, **options: Any) -> nn.Module:
    with torch.device("meta"):
        return create_model(name, **options)


def parameters(model: nn.Module) -> int:
    return sum(each.numel() for each in model.parameters())


def test_has_about_fifty_times_fewer_parameters_than_alexnet() -> None:
    assert ALEXNET / parameters(on_meta("squeezenet1_0")) == pytest.approx(50, rel=0.03)


def test_version_1_1_takes_2_4_times_fewer_multiply_adds() -> None:
    first, second = (
        inspect(on_meta(name), torch.empty(1, 3, 224, 224, device="meta")).macs
        for name in ("squeezenet1_0", "squeezenet1_1")
    )
    assert first / second == pytest.approx(2.4, rel=0.03)


@pytest.mark.parametrize("name", ["squeezenet1_0", "squeezenet1_1"])
@pytest.mark.parametrize(("bypass", "added"), [("none", []), ("simple", [3, 5, 7, 9]), ("complex", list(range(2, 10)))])
def test_bypasses_are_around_the_papers_fire_modules(name: str, bypass: str, added: list[int]) -> None:
    model = on_meta(name, bypass=bypass)
    found = [int(path.split("fire")[1]) for path, each in model.named_modules() if isinstance(each, Residual)]
    assert found == added


def test_complex_bypasses_have_a_convolution_where_widths_change() -> None:
    more = parameters(on_meta("squeezenet1_0", bypass="complex")) - parameters(on_meta("squeezenet1_0"))
    assert more == sum((before + 1) * after for before, after in ((96, 128), (128, 256), (256, 384), (384, 512)))


@pytest.mark.parametrize(
    ("name", "reduction", "smallest"),
    [("squeezenet1_0", 16, 21), ("squeezenet1_1", 16, 17), ("squeezenet1_0", 8, 8), ("squeezenet1_1", 4, 4)],
)
def test_takes_no_images_smaller_than_it_says(name: str, reduction: int, smallest: int) -> None:
    model = on_meta(name, reduction=reduction, input_shape=(1, smallest, smallest))
    assert model(torch.empty(2, 1, smallest, smallest, device="meta")).shape == (2, 1000)
    with pytest.raises(InputError, match=f"model `{name}`: takes images of at least {smallest} x {smallest}"):
        on_meta(name, reduction=reduction, input_shape=(1, smallest - 1, smallest))
    with pytest.raises(RuntimeError, match=r"too small|[Kk]ernel size"):
        model(torch.empty(2, 1, smallest - 1, smallest, device="meta"))


@pytest.mark.parametrize(("reduction", "last"), [(16, 3), (8, 8), (4, 16)])
def test_reduction_says_how_large_the_last_maps_are(reduction: int, last: int) -> None:
    maps = on_meta("squeezenet1_0", input_shape=(1, 64, 64), reduction=reduction, features_only=True)
    assert maps(torch.empty(2, 1, 64, 64, device="meta"))[-1].shape == (2, 512, last, last)


@pytest.mark.parametrize(("options", "rates"), [({}, [0.5]), ({"dropout": 0.25}, [0.25]), ({"dropout": 0.0}, [])])
def test_dropout_is_that_asked_for(options: dict[str, Any], rates: list[float]) -> None:
    model = on_meta("squeezenet1_1", **options)
    assert [each.p for each in model.modules() if isinstance(each, nn.Dropout)] == rates


def test_only_scores_of_classes_are_cut_off_at_zero() -> None:
    spec = replace(models.get("squeezenet1_1").spec, inputs=((1, 32, 32),), outputs=4)
    x = torch.randn(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    scores = create_model("squeezenet1_1", spec=spec).eval()(x)
    torch.manual_seed(0)
    values = create_model("squeezenet1_1", spec=replace(spec, task="regression")).eval()(x)
    assert scores.min() >= 0
    assert values.min() < 0


def test_first_weights_keep_the_size_of_numbers_from_fire_to_fire() -> None:
    """Poolings alone make them larger, as they take the largest."""
    torch.manual_seed(0)
    model = create_model("squeezenet1_1").eval()
    ratios = []
    for path, module in model.named_modules():
        if path.split(".")[-1].startswith("fire"):
            module.register_forward_hook(
                lambda _module, given, made: ratios.append(made.square().mean() / given[0].square().mean())
            )
    model(torch.randn(2, 3, 96, 96))
    assert len(ratios) == 8
    assert all(1 / 3 < ratio < 3 for ratio in ratios)
