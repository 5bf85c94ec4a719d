"""Draws against torch.nn.init, closed forms and published bounds."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.nn import initializers
from gradus.nn.schemes import Fans, moments

ROWS, COLUMNS = 600, 400  # outputs, inputs; 240,000 weights


def drawn(
    name: str, shape: tuple[int, ...] = (ROWS, COLUMNS), dtype: torch.dtype = torch.float64, **options: object
) -> Tensor:
    weight = torch.empty(shape, dtype=dtype)
    inputs, outputs = nn.init._calculate_fan_in_and_fan_out(weight)
    card = initializers.get(name)
    card.build(**card.validate(options))(weight, Fans(inputs, outputs), torch.Generator().manual_seed(3))
    return weight


TWINS = {
    "xavier_uniform": lambda w, g: nn.init.xavier_uniform_(w, generator=g),
    "xavier_normal": lambda w, g: nn.init.xavier_normal_(w, 5 / 3, generator=g),
    "kaiming_uniform": lambda w, g: nn.init.kaiming_uniform_(w, a=0.2, generator=g),
    "kaiming_normal": lambda w, g: nn.init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu", generator=g),
    "orthogonal": lambda w, g: nn.init.orthogonal_(w, 2.0, generator=g),
    "normal": lambda w, g: nn.init.normal_(w, std=0.03, generator=g),
    "uniform": lambda w, g: nn.init.uniform_(w, -0.2, 0.2, generator=g),
    "truncated_normal": lambda w, g: nn.init.trunc_normal_(w, std=0.02, a=-0.04, b=0.04, generator=g),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "xavier_normal": {"gain": 5 / 3},
    "kaiming_uniform": {"leak": 0.2},
    "kaiming_normal": {"fan": "fan_out"},
    "orthogonal": {"gain": 2.0},
    "normal": {"std": 0.03},
    "uniform": {"bound": 0.2},
}


@pytest.mark.parametrize("shape", [(60, 40), (8, 6, 3, 3)])
@pytest.mark.parametrize("name", TWINS)
def test_draws_what_torch_draws(name: str, shape: tuple[int, ...]) -> None:
    twin = TWINS[name](torch.empty(shape, dtype=torch.float64), torch.Generator().manual_seed(3))
    torch.testing.assert_close(drawn(name, shape, **OPTIONS.get(name, {})), twin, rtol=1e-12, atol=0)


def test_xavier_stays_within_its_bound_and_has_its_variance() -> None:
    weight = drawn("xavier_uniform")
    assert weight.abs().max() <= math.sqrt(6 / (ROWS + COLUMNS))
    assert float(weight.var()) == pytest.approx(2 / (ROWS + COLUMNS), rel=0.02)


def test_logistic_has_four_times_the_bound_of_tanh() -> None:
    torch.testing.assert_close(drawn("xavier_uniform_logistic"), 4 * drawn("xavier_uniform"), rtol=1e-15, atol=0)


@pytest.mark.parametrize("name", ["lecun_normal", "lecun_uniform"])
def test_one_over_n_is_the_variance(name: str) -> None:
    assert float(drawn(name).var()) == pytest.approx(1 / COLUMNS, rel=0.02)


@pytest.mark.parametrize("shape", [(64, 64), (96, 64), (64, 96), (32, 8, 3, 3)])
def test_orthogonal_keeps_lengths(shape: tuple[int, ...]) -> None:
    matrix = drawn("orthogonal", shape, torch.float32).flatten(1)
    small = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.mT
    assert (small @ small.mT - torch.eye(len(small))).abs().max() <= 1e-5


def test_identity_passes_matrices_and_images_on() -> None:
    x = torch.randn(2, 5, 7, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    kernel = drawn("identity", (5, 5, 3, 3), gain=0.5)
    torch.testing.assert_close(nn.functional.conv2d(x, kernel, padding=1), 0.5 * x)
    assert torch.equal(drawn("identity", (5, 5)), torch.eye(5, dtype=torch.float64))


def test_icnr_starts_as_nearest_neighbour_enlarging() -> None:
    x = torch.randn(2, 4, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    large = nn.functional.pixel_shuffle(nn.functional.conv2d(x, drawn("icnr", (27, 4, 3, 3), factor=3), padding=1), 3)
    one = large[..., ::3, ::3]
    torch.testing.assert_close(large, one.repeat_interleave(3, -1).repeat_interleave(3, -2), rtol=1e-13, atol=1e-14)
    assert one.var() > 0
    with pytest.raises(InputError, match="initializer `icnr`: `factor` squared must divide the 27 channels, got 2"):
        drawn("icnr", (27, 4, 3, 3), factor=2)


def test_truncated_aims_at_the_deviation_that_is_left() -> None:
    weight = torch.empty(1000, 1000, dtype=torch.float64)
    asked = initializers.get("truncated_normal").build(std=0.5)(weight, Fans(1, 1), torch.Generator().manual_seed(0))
    # Johnson, Kotz, Balakrishnan: variance 1 - 2 a phi(a) / (2 Phi(a) - 1) at a = 2
    closed = 0.5 * math.sqrt(1 - 4 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2)))
    assert asked.deviation == pytest.approx(closed, rel=1e-12)
    assert moments(weight).deviation == pytest.approx(closed, rel=2e-3)
