"""Vision transformers see patches, and know where these are by their positions alone."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.models import create_model
from gradus.models.vit import Patches
from gradus.nn.blocks.transformer import Positions, SelfAttention


def small(**options: Any) -> nn.Module:
    torch.manual_seed(0)
    return create_model("vit", input_shape=(1, 8, 8), patch=4, depth=2, width=12, **options).eval()


def test_tokens_are_linear_in_the_pixels_of_a_patch() -> None:
    torch.manual_seed(0)
    patches, x = Patches(2, 3, 5, token=True), torch.randn(4, 2, 6, 9)
    tokens = patches(x)
    assert tokens.shape == (4, 1 + 2 * 3, 5)
    assert torch.equal(tokens[:, 0], torch.zeros(4, 5))
    weight = patches.linear.weight.flatten(1)
    for row in range(2):
        for column in range(3):
            pixels = x[:, :, 3 * row : 3 * row + 3, 3 * column : 3 * column + 3].flatten(1)
            expected = pixels @ weight.T
            assert torch.allclose(tokens[:, 1 + 3 * row + column], expected, atol=1e-5)


def test_patches_begin_with_the_variance_of_the_pixels_and_positions_beside_each_other() -> None:
    model = create_model("vit", patch=4, width=240)
    (patches,) = (each for each in model.modules() if isinstance(each, Patches))
    assert patches.linear.weight.std().item() == pytest.approx((3 * 4 * 4) ** -0.5, rel=0.05)
    (positions,) = (each for each in model.modules() if isinstance(each, Positions))
    assert positions.vectors.std().item() == pytest.approx(0.02, rel=0.05)


def exchanged(x: Tensor) -> Tensor:
    """The left half of an image on the right."""
    return x.roll(4, -1)


@pytest.mark.parametrize("pool", ["token", "mean"])
def test_without_positions_it_does_not_know_where_a_patch_is(pool: str) -> None:
    model, x = small(pool=pool), torch.randn(3, 1, 8, 8)
    assert not torch.allclose(model(x), model(exchanged(x)), atol=1e-4)
    with torch.no_grad():
        model.get_parameter("positions.vectors").zero_()
    assert torch.allclose(model(x), model(exchanged(x)), atol=1e-5)


def test_the_mean_of_tokens_needs_no_token_of_the_class() -> None:
    with_token, without = small(), small(pool="mean")
    assert with_token.get_parameter("positions.vectors").shape == (1, 5, 12)
    assert without.get_parameter("positions.vectors").shape == (1, 4, 12)
    lacking = {name for name, _ in with_token.named_parameters()} - {name for name, _ in without.named_parameters()}
    assert lacking == {"stem.token"}


def test_options_are_sizes() -> None:
    model = create_model("vit", patch=8, depth=3, width=40, heads=4, ratio=2, dropout=0.1)
    attention = [each for each in model.modules() if isinstance(each, SelfAttention)]
    assert [each.heads for each in attention] == [4] * 3
    assert model.get_submodule("layer1.1.branch.1").out_features == 80
    assert model.get_parameter("positions.vectors").shape == (1, 17, 40)
    assert sum(isinstance(each, nn.Dropout) for each in model.modules()) == 1 + 3 * 3


def test_a_photograph_may_have_other_patches() -> None:
    with torch.device("meta"):
        model = create_model("vit_tiny", patch=32, depth=2, input_shape=(3, 224, 160))
    assert model.get_parameter("positions.vectors").shape == (1, 7 * 5 + 1, 192)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch": 5}, r"sides divisible by `patch` = 5, got .*\. Such as 4\.$"),
        ({"patch": 64}, "at least 64 x 64"),
        ({"width": 100}, r"`width` must be divisible by `heads` = 3, got 100\. Such as [24]\.$"),
        ({"depth": 0}, "depth"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"model `vit`.*{message}"):
        create_model("vit", **options)
