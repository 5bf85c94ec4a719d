"""A spatial transformer reads an image where torch and NumPy say it should, and at first leaves it as it is."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample

from gradus.models import create_model
from gradus.nn.blocks.spatial_transformer import SpatialTransformer, Transform, sampling_grid

TRANSFORMS = pytest.mark.parametrize("transform", ["affine", "projective"])


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def transformer(transform: Transform = "affine", size: tuple[int, int] | None = None) -> SpatialTransformer:
    """Of images (2, 6, 5)."""
    torch.manual_seed(0)
    return SpatialTransformer(nn.Sequential(nn.Flatten(), nn.Linear(60, 4)), 4, transform=transform, size=size)


def test_an_affine_grid_is_that_of_torch() -> None:
    theta = drawn(3, 2, 3)
    for size in ((7, 4), (3, 5)):
        expected = affine_grid(theta, [3, 2, *size], align_corners=False)
        assert torch.allclose(sampling_grid(theta, size), expected, atol=1e-6)
    block = transformer()
    with torch.no_grad():
        block.map.bias.copy_(theta[0].flatten())
    images = drawn(2, 2, 6, 5)
    grid = affine_grid(theta[:1].expand(2, -1, -1), [2, 2, 6, 5], align_corners=False)
    assert torch.allclose(block(images), grid_sample(images, grid, align_corners=False), atol=1e-5)


@TRANSFORMS
def test_places_are_exact_under_autocast(transform: Transform) -> None:
    """In bfloat16 the middles of 60 pixels, 1 / 30 apart, would be moved by up to 1 / 256."""
    block = transformer(transform, size=(60, 60))
    theta = block.map.bias.detach()[:6].view(1, 2, 3)
    images = drawn(2, 2, 6, 5)
    with torch.autocast("cpu", torch.bfloat16):
        grid = sampling_grid(theta, (60, 60))
        corners, read = block.frames(images), block(images)
    assert torch.allclose(grid, affine_grid(theta, [1, 1, 60, 60], align_corners=False), atol=1e-6)
    assert torch.allclose(corners, block.frames(images), atol=1e-6)
    assert torch.allclose(read, block(images), atol=1e-5)


@TRANSFORMS
def test_a_map_is_exact_under_autocast(transform: Transform) -> None:
    block = transformer(transform)
    with torch.no_grad():
        block.map.bias.copy_(drawn(len(block.map.bias)))
    with torch.autocast("cpu", torch.bfloat16):
        theta = block.theta(drawn(2, 2, 6, 5))
    assert torch.equal(theta.flatten(1)[:, : len(block.map.bias)], block.map.bias.expand(2, -1))


def test_a_projective_grid_is_that_of_a_homography() -> None:
    theta = torch.eye(3) + 0.2 * drawn(2, 3, 3)
    grid = sampling_grid(theta, (4, 6)).numpy()
    for example in range(2):
        for row in range(4):
            for column in range(6):
                point = np.array([(2 * column + 1) / 6 - 1, (2 * row + 1) / 4 - 1, 1])
                u, v, w = theta[example].numpy() @ point
                np.testing.assert_allclose(grid[example, row, column], [u / w, v / w], rtol=1e-4, atol=1e-5)


def test_a_projective_map_whose_last_row_is_0_0_1_is_affine() -> None:
    theta = drawn(2, 3, 3)
    theta[:, 2] = torch.tensor([0.0, 0.0, 1.0])
    assert torch.allclose(sampling_grid(theta, (5, 3)), sampling_grid(theta[:, :2], (5, 3)))


def test_the_horizon_of_a_projective_map_is_finite() -> None:
    theta = torch.tensor([[[1.0, 0, 0], [0, 1, 0], [1, 0, 0]]])  # w is x, which is 0 in the middle column
    grid = sampling_grid(theta, (3, 3))
    assert grid.isfinite().all()


@TRANSFORMS
def test_it_begins_as_the_identity_and_every_parameter_learns_after_a_step(transform: Transform) -> None:
    block, x = transformer(transform), drawn(3, 2, 6, 5)
    assert torch.allclose(block(x), x, atol=1e-5)
    optimizer = torch.optim.SGD(block.parameters(), 1e-3)
    for _ in range(2):
        optimizer.zero_grad()
        (block(x) - x.flip(-1)).square().sum().backward()
        optimizer.step()
    assert all(each.grad is not None and each.grad.any() for each in block.parameters())


def test_it_may_give_another_size() -> None:
    block, x = transformer(size=(3, 5)), drawn(3, 2, 6, 5)
    # Read at the middles of pairs of rows, an image is halved.
    assert torch.allclose(block(x), (x[:, :, ::2] + x[:, :, 1::2]) / 2, atol=1e-5)


def test_gradients_are_those_of_finite_differences() -> None:
    theta = (torch.eye(3, dtype=torch.float64) + 0.1 * drawn(2, 3, 3)).requires_grad_()
    assert torch.autograd.gradcheck(lambda theta: sampling_grid(theta, (3, 4)), theta)


def test_places_of_half_precision_are_not_rounded() -> None:
    block, x = transformer().to(torch.bfloat16), drawn(2, 2, 6, 5).to(torch.bfloat16)
    assert block.theta(x).dtype == torch.float32
    assert block(x).dtype == torch.bfloat16


def test_it_goes_in_front_of_any_network_and_within() -> None:
    """At first the network is as before; from then on what is in the maps decides how they are read."""
    torch.manual_seed(0)
    x = torch.rand(2, 3, 32, 32)
    for place, channels in ((None, 3), ("stage2", 16)):
        network = create_model("resnet20").eval()
        expected = network(x)
        localisation = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten())
        transformer = SpatialTransformer(localisation, 16 * channels)
        if place is None:
            network = nn.Sequential(transformer, network)
        else:
            setattr(network, place, nn.Sequential(transformer, network.get_submodule(place)))
        assert torch.allclose(network(x), expected, atol=1e-4)
        network(x).square().sum().backward()
        assert transformer.map.weight.grad is not None
        assert transformer.map.weight.grad.any()
