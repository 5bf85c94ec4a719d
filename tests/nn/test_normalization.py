"""What normalizes weights, and what the cards make."""

from typing import Any

import pytest
import torch
from torch import nn

from gradus.core.errors import InputError
from gradus.nn import normalizations
from gradus.nn.normalization import weight_standardization


@pytest.mark.parametrize(
    ("layer", "outputs"),
    [(nn.Linear(7, 3), 0), (nn.Conv2d(4, 6, 3, groups=2), 0), (nn.ConvTranspose2d(4, 6, 3), 1)],
)
def test_standardized_weights_have_mean_0_and_variance_1_for_each_output(layer: nn.Module, outputs: int) -> None:
    weight = weight_standardization(layer.double(), eps=1e-12).weight
    assert isinstance(weight, torch.Tensor)
    rows = weight.movedim(outputs, 0).flatten(1)
    assert rows.mean(dim=1).abs().max() < 1e-12
    assert (rows.var(dim=1, correction=0) - 1).abs().max() < 1e-9


def test_standardized_weights_learn() -> None:
    layer = weight_standardization(nn.Linear(5, 2).double())
    x = torch.randn(4, 5, dtype=torch.float64)

    def output(weight: torch.Tensor) -> Any:
        return torch.func.functional_call(layer, {"parametrizations.weight.original": weight}, x)

    weight = layer.get_parameter("parametrizations.weight.original").detach().requires_grad_()
    assert torch.autograd.gradcheck(output, weight)


def test_only_layers_with_outputs_of_their_own_are_standardized() -> None:
    for wrong in (nn.BatchNorm2d(3), nn.ConvTranspose2d(4, 4, 3, groups=2)):
        with pytest.raises(InputError, match="weight_standardization: takes a linear layer, or a convolution"):
            weight_standardization(wrong)


def test_layer_normalization_of_images_is_over_channels_and_positions() -> None:
    x = 3 * torch.randn(5, 4, 6, 6, dtype=torch.float64) + 1
    norm = normalizations.get("layer").build(4, 2).double()
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    variance, mean = torch.var_mean(x, dim=(1, 2, 3), correction=0, keepdim=True)
    expected = (x - mean) / (variance + 1e-5).sqrt() * norm.weight[None, :, None, None]
    torch.testing.assert_close(norm(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["layer", "group", "instance"])
def test_what_normalizes_examples_does_not_see_the_batch(name: str) -> None:
    x = torch.randn(6, 8, 5, 5, dtype=torch.float64)
    norm = normalizations.get(name).build(8, 2).double()
    torch.testing.assert_close(norm(x)[:1], norm(x[:1]), rtol=1e-12, atol=1e-12)


def test_spectral_normalization_stretches_nothing_beyond_1() -> None:
    layer = normalizations.get("spectral").build(nn.Linear(20, 10).double(), iterations=200)
    assert float(torch.linalg.matrix_norm(layer.weight.detach(), ord=2)) == pytest.approx(1, abs=1e-3)


def test_spectral_normalization_bounds_a_convolution_by_the_root_of_its_positions() -> None:
    """Met by what is level, under a kernel that is: nine equal weights of length 1 sum to 3."""
    conv = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular", bias=False).double()
    conv = normalizations.get("spectral").build(conv, iterations=50)
    conv.weight = torch.ones(1, 1, 3, 3, dtype=torch.float64)
    level = torch.ones(1, 1, 8, 8, dtype=torch.float64)
    assert float(conv(level).detach().norm() / level.norm()) == pytest.approx(3, rel=1e-6)


def test_groups_must_divide_the_channels() -> None:
    with pytest.raises(InputError, match="normalization `group`: `groups` must divide the 6 channels, got 4"):
        normalizations.get("group").build(6, 2, groups=4)
