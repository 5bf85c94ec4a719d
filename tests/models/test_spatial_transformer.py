"""Networks behind a spatial transformer begin as those without, and take digits of every size."""

import pytest
import torch

from gradus.models import create_model

NAMES = pytest.mark.parametrize("name", ["st_cnn", "st_fcn"])


@NAMES
@pytest.mark.parametrize("transform", ["affine", "projective"])
def test_at_first_it_is_the_network_alone(name: str, transform: str) -> None:
    torch.manual_seed(0)
    whole = create_model(name, transform=transform)
    alone = create_model(name, transform="none")
    weights = {key: value for key, value in whole.state_dict().items() if not key.startswith("transformer.")}
    alone.load_state_dict(weights)
    assert len(whole.state_dict()) > len(weights)
    x = torch.rand(2, 1, 42, 42)
    assert torch.allclose(whole(x), alone(x), atol=1e-4)


@NAMES
@pytest.mark.parametrize("side", [28, 42, 60])
def test_takes_digits_of_all_sizes(name: str, side: int) -> None:
    with torch.device("meta"):
        model = create_model(name, input_shape=(1, side, side))
    assert model(torch.empty(2, 1, side, side, device="meta")).shape == (2, 10)


@NAMES
def test_width_is_that_of_the_hidden_layers(name: str) -> None:
    shapes = {tuple(each.shape) for each in create_model(name, width=48, transform="none").parameters()}
    assert (48,) in shapes
    assert (10, 48 * 100) in shapes if name == "st_cnn" else (10, 48) in shapes
