from typing import Any

import pytest
import torch
from torch import nn

from gradus.core.errors import InputError
from gradus.models import create_model
from gradus.models.reuse import FeatureMaps
from gradus.nn.blocks.attention import CBAM, SqueezeExcitation
from gradus.nn.blocks.residual import Residual


def gates(**options: Any) -> list[nn.Module]:
    """What ends the branches of an SE-ResNet-18."""
    with torch.device("meta"):
        model = create_model("se_resnet18", input_shape=(3, 32, 32), **options)
    return [list(each.branch.children())[-1] for each in model.modules() if isinstance(each, Residual)]


@pytest.mark.parametrize(("attention", "kind"), [("se", SqueezeExcitation), ("cbam", CBAM)])
def test_every_branch_ends_in_attention(attention: str, kind: type[nn.Module]) -> None:
    assert [type(each) for each in gates(attention=attention)] == [kind] * 8


def test_reduction_ratio_and_bias_reach_the_blocks() -> None:
    def sizes(**options: Any) -> list[int]:
        return [sum(each.numel() for each in gate.parameters()) for gate in gates(**options)]

    widths = [64, 64, 128, 128, 256, 256, 512, 512]
    assert sizes(reduction_ratio=4) == [2 * each * (each // 4) + each // 4 + each for each in widths]
    assert sizes(reduction_ratio=4, bias=False) == [2 * each * (each // 4) for each in widths]
    cbam: dict[str, Any] = {"attention": "cbam", "reduction_ratio": 4, "bias": False}
    assert sizes(**cbam) == [2 * each * (each // 4) + 98 + 2 for each in widths]


def test_with_open_gates_it_is_a_resnet() -> None:
    torch.manual_seed(0)
    model, plain = (create_model(name, input_shape=(3, 32, 32)).eval() for name in ("se_resnet18", "resnet18"))
    weights = {name: each for name, each in model.state_dict().items() if ".gate." not in name}
    plain.load_state_dict(weights)
    for name, each in model.named_parameters():
        if ".gate.layers.excite." in name:
            nn.init.constant_(each, 100.0 if name.endswith("bias") else 0.0)
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(model(x), plain(x))


def test_the_stride_can_be_that_of_later_networks() -> None:
    def kernel(**options: Any) -> tuple[int, ...]:
        with torch.device("meta"):
            model: Any = create_model("se_resnet50", **options)
        strided = [each for each in model.stage2[0].branch.modules() if getattr(each, "stride", None) == (2, 2)]
        return tuple(strided[0].kernel_size)

    assert (kernel(), kernel(stride_in="3x3")) == ((1, 1), (3, 3))


def test_the_deepest_takes_small_images_at_a_smaller_reduction() -> None:
    with torch.device("meta"):
        model = create_model("senet154", input_shape=(3, 32, 32), reduction=8, features_only=True, reduction_ratio=64)
    assert isinstance(model, FeatureMaps)
    assert (model.channels, model.strides) == ((256, 512, 1024, 2048), (1, 2, 4, 8))


def test_other_data_and_options_are_refused() -> None:
    with pytest.raises(InputError, match="model `se_resnet34`: takes images of at least 32 x 32"):
        create_model("se_resnet34", input_shape=(3, 31, 64))
    with pytest.raises(InputError, match="model `se_resnet18`: `reduction_ratio`"):
        create_model("se_resnet18", reduction_ratio=0)
