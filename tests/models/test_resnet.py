"""Residual networks: how deep they are, what their units compute in every form, and by how much they reduce."""

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.models import create_model
from gradus.models.resnet import Shortcut, StrideIn, Units
from gradus.models.reuse import FeatureMaps
from gradus.nn.blocks.residual import Residual


def on_meta(name: str, **options: Any) -> Any:
    with torch.device("meta"):
        return create_model(name, **options)


def aside(name: str) -> bool:
    return "shortcut" in name


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152, 20, 32, 44, 56, 110])
@pytest.mark.parametrize("options", [{}, {"preactivation": True, "shortcut": "none"}], ids=str)
def test_its_name_is_its_depth(depth: int, options: dict[str, Any]) -> None:
    layers = [
        name
        for name, each in on_meta(f"resnet{depth}", **options).named_modules()
        if isinstance(each, nn.Conv2d | nn.Linear) and not aside(name)
    ]
    assert len(layers) == depth


def by_hand(unit: nn.Module, x: Tensor, units: Units, *, stride: int, changes: bool, shared: bool) -> Tensor:
    """What a unit gives, from its convolutions and normalizations alone, in the order in which they stand."""
    made: dict[tuple[bool, type], list[Any]] = {}
    for name, each in unit.named_modules():
        made.setdefault((aside(name), type(each)), []).append(each)
    convs, norms = made[False, nn.Conv2d], made[False, nn.BatchNorm2d]
    if shared:
        x = norms.pop(0)(x).relu()
    y = convs[0](x) if shared else x
    for number, norm in enumerate(norms):
        if units.preactivation:
            y = convs[number + shared](norm(y).relu())
        else:
            y = norm(convs[number](y))
            y = y if number == len(norms) - 1 else y.relu()
    if units.shortcut == "A":
        kept = x[:, :, ::stride, ::stride]
        y = y + torch.cat((kept, torch.zeros_like(y[:, kept.shape[1] :])), 1)
    elif units.shortcut == "B" and changes:
        for layer in [*made[True, nn.Conv2d], *made.get((True, nn.BatchNorm2d), [])]:
            x = layer(x)
        y = y + x
    elif units.shortcut == "B":
        y = y + x
    return y if units.preactivation else y.relu()


@pytest.mark.parametrize("shortcut", ["A", "B", "none"])
@pytest.mark.parametrize("preactivation", [False, True])
def test_units_are_those_of_the_papers(shortcut: Shortcut, preactivation: bool) -> None:
    """Figure 5 and 3.3 of the first; of the second, figure 4 (e), and the appendix on units whose paths part late."""
    torch.manual_seed(0)
    for bottleneck, before, stride, opens in product((False, True), (4, 8, 16), (1, 2), (False, True)):
        units = Units(bottleneck=bottleneck, shortcut=shortcut, preactivation=preactivation)
        unit = units.unit(before, 4, stride, opens=opens).double().eval()
        after = 16 if bottleneck else 4
        if before > after and shortcut == "A":
            continue
        for each in unit.modules():
            if isinstance(each, nn.BatchNorm2d):
                for number in (each.weight, each.bias, each.running_mean):
                    assert number is not None
                    nn.init.normal_(number)
        changes = (before, stride) != (after, 1)
        shared = preactivation and shortcut != "none" and (opens or (changes and shortcut == "B"))
        x = torch.randn(2, before, 5, 6, dtype=torch.float64)
        expected = by_hand(unit, x.clone(), units, stride=stride, changes=changes, shared=shared)
        assert torch.allclose(unit(x), expected)
        projections = [name for name, each in unit.named_modules() if isinstance(each, nn.Conv2d) and aside(name)]
        assert len(projections) == (shortcut == "B" and changes)


@pytest.mark.parametrize(("stride_in", "expected"), [("1x1", [2, 1, 1]), ("3x3", [1, 2, 1])])
def test_a_bottleneck_has_its_stride_where_it_is_told(stride_in: StrideIn, expected: list[int]) -> None:
    unit = Units(bottleneck=True, stride_in=stride_in).unit(8, 4, 2)
    convs = [each for name, each in unit.named_modules() if isinstance(each, nn.Conv2d) and not aside(name)]
    assert [each.stride[0] for each in convs] == expected
    assert [each.kernel_size[0] for each in convs] == [1, 3, 1]


@pytest.mark.parametrize("name", ["resnet18", "resnet20"])
def test_with_preactivation_the_first_convolution_is_bare_and_the_last_sum_normalized(name: str) -> None:
    plain, before = on_meta(name), on_meta(name, preactivation=True)
    assert isinstance(before.stem, nn.Conv2d)
    added = [each for each, _ in before.named_children() if not hasattr(plain, each)]
    assert added == ["norm", "activation"]
    opening = {name for name, each in before.named_modules() if isinstance(each, Residual) and each.first is not None}
    projecting = {"stage2.0", "stage3.0", "stage4.0"} if name == "resnet18" else set()  # the other pads with zeros
    assert opening == {"stage1.0", *projecting}


@pytest.mark.parametrize(
    ("reduction", "strides"), [(32, (2, 4, 8, 16, 32)), (16, (1, 2, 4, 8, 16)), (8, (1, 2, 4, 8)), (4, (1, 2, 4))]
)
@pytest.mark.parametrize("preactivation", [False, True])
def test_reduction_takes_strides_from_the_front(reduction: int, strides: tuple[int, ...], preactivation: bool) -> None:
    options = {"input_shape": (1, 32, 32), "reduction": reduction, "preactivation": preactivation}
    found = on_meta("resnet18", features_only=True, **options)
    assert isinstance(found, FeatureMaps)
    assert found.strides == strides
    stem = next(each for each in found.modules() if isinstance(each, nn.Conv2d))
    assert stem.kernel_size == ((7, 7) if reduction == 32 else (3, 3))


def test_smaller_images_are_refused() -> None:
    with pytest.raises(InputError, match="model `resnet34`: takes images of at least 16 x 16"):
        on_meta("resnet34", input_shape=(3, 15, 64), reduction=16)
    with pytest.raises(InputError, match="model `resnet20`: takes images of at least 4 x 4"):
        on_meta("resnet20", input_shape=(3, 8, 3))
