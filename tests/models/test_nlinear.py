"""NLinear against the formula; a level it never saw does no harm."""

import pytest
import torch
from torch import nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import create_model

SPEC = DataSpec(task="regression", inputs=((5, 3),), outputs=4)


def test_it_is_linear_in_the_changes_and_adds_the_last_values() -> None:
    model = create_model("nlinear", spec=SPEC, horizon=2)
    window = torch.randn(6, 5, 3, generator=torch.Generator().manual_seed(0))
    weight, bias = model.get_parameter("body.0.weight"), model.get_parameter("body.0.bias")
    for row, output in zip(window, model(window), strict=True):
        change = (row - row[-1]).reshape(-1)
        last = torch.stack([row[-1, 0], row[-1, 1], row[-1, 0], row[-1, 1]])  # two targets, two steps ahead
        torch.testing.assert_close(output, weight @ change + bias + last)


@pytest.mark.parametrize("hidden", [(), (7,)])
def test_moving_the_window_moves_the_forecast(hidden: tuple[int, ...]) -> None:
    spec = DataSpec(task="regression", inputs=((5, 3),), outputs=3)
    model = create_model("nlinear", spec=spec, hidden=hidden).eval()
    window = torch.randn(6, 5, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model(window + 100), model(window) + 100, rtol=0, atol=1e-3)


def test_dropout_is_where_it_says() -> None:
    model = create_model("nlinear", spec=SPEC, horizon=2, hidden=(7, 6), dropout=0.3)
    assert sum(isinstance(each, nn.Dropout) and each.p == 0.3 for each in model.modules()) == 3


@pytest.mark.parametrize(("horizon", "outputs"), [(3, 4), (1, 4)])
def test_targets_must_be_among_the_features(horizon: int, outputs: int) -> None:
    spec = DataSpec(task="regression", inputs=((5, 3),), outputs=outputs)
    with pytest.raises(InputError, match="`horizon` must divide the 4 outputs into targets among 3 features"):
        create_model("nlinear", spec=spec, horizon=horizon)


def test_only_series_are_taken() -> None:
    with pytest.raises(InputError, match="takes windows of a series"):
        create_model("nlinear", spec=DataSpec(task="regression", inputs=((5,),), outputs=1))
