"""Residual attention networks have as many units as their options say, and masks of the sides of their trunks."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.models import create_model
from gradus.nn.blocks.mask import Attention, ChannelMask, MeanMask, SpatialMask
from gradus.nn.blocks.residual import Residual


def on_meta(name: str, **options: Any) -> nn.Module:
    with torch.device("meta"):
        return create_model(name, **options)


def units(model: nn.Module) -> int:
    return sum(isinstance(each, Residual) for each in model.modules())


def layers_of_trunk(model: nn.Module) -> int:
    """Convolutions and linear layers one after the other, without masks and projections."""
    return sum(
        isinstance(each, nn.Conv2d | nn.Linear) and ".mask." not in name and "shortcut" not in name
        for name, each in model.named_modules()
    )


@pytest.mark.parametrize(("name", "depth"), [("attention56", 56), ("attention92", 92)])
def test_its_name_is_its_depth(name: str, depth: int) -> None:
    assert layers_of_trunk(on_meta(name)) == depth


def test_units_are_where_p_t_and_r_say() -> None:
    # Four first units, two more at the end, and in a module 2 p + t + 2 r depth + depth - 1, of depths 3, 2 and 1.
    for p, t, r in ((1, 2, 1), (2, 4, 3), (1, 1, 2)):
        assert units(on_meta("attention56", p=p, t=t, r=r)) == 6 + 3 * (2 * p + t) + 12 * r + 3


@pytest.mark.parametrize(("reduction", "side", "sides"), [(32, 224, [56, 28, 14]), (8, 32, [32, 16, 8])])
def test_masks_have_the_sides_of_their_stages(reduction: int, side: int, sides: list[int]) -> None:
    model = on_meta("attention56", reduction=reduction, input_shape=(3, side, side))
    seen: list[int] = []

    def note(_module: nn.Module, _inputs: tuple[Tensor, ...], mask: Tensor) -> None:
        seen.append(mask.shape[-1])

    for each in model.modules():
        if isinstance(each, Attention):
            each.mask.register_forward_hook(note)
    model(torch.empty(2, 3, side, side, device="meta"))
    assert seen == sides


def test_the_smallest_maps_of_a_mask_are_those_of_the_last_stage() -> None:
    model = on_meta("attention56", reduction=4, input_shape=(3, 32, 32))
    pooled: list[int] = []
    for each in model.modules():
        if isinstance(each, nn.MaxPool2d):
            each.register_forward_hook(lambda _module, _inputs, maps: pooled.append(maps.shape[-1]))
    model(torch.empty(2, 3, 32, 32, device="meta"))
    assert min(pooled) == 8


def test_options_choose_the_mask_and_what_it_lets_pass() -> None:
    means = {"channel_mean": MeanMask, "spatial_mean": MeanMask}
    ends = {"mixed": nn.Sigmoid, "channel": ChannelMask, "spatial": SpatialMask, **means}
    for kind, end in ends.items():
        found = on_meta("attention56", mask=kind, learning="naive")
        assert sum(isinstance(each, end) for each in found.modules()) == 3
        assert not any(each.residual for each in found.modules() if isinstance(each, Attention))


def test_other_options_are_refused() -> None:
    for options in ({"p": 0}, {"mask": "softmax"}, {"learning": "none"}, {"reduction": 64}):
        with pytest.raises(InputError, match="model `attention56`"):
            on_meta("attention56", **options)
