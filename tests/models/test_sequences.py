"""Forecasting from the last value, whatever the network."""

import pytest
import torch
from torch import nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import create_model
from gradus.models.sequences import FromLast

FORECASTERS = pytest.mark.parametrize("name", ["nlinear", "gru", "tcn"])


def test_what_the_body_gives_is_added_to_each_targets_last_value_at_each_step_ahead() -> None:
    body = nn.Sequential(nn.Flatten(), nn.Linear(15, 4))
    window = torch.randn(6, 5, 3, generator=torch.Generator().manual_seed(0))
    outputs = FromLast(body, 2)(window)
    weight, bias = body[1].weight, body[1].bias
    for row, output in zip(window, outputs, strict=True):
        last = torch.stack([row[-1, 0], row[-1, 1], row[-1, 0], row[-1, 1]])
        torch.testing.assert_close(output, weight @ (row - row[-1]).reshape(-1) + bias + last)


@FORECASTERS
def test_targets_must_be_among_the_features(name: str) -> None:
    spec = DataSpec(task="regression", inputs=((5, 3),), outputs=4)
    for horizon in (3, 1):
        with pytest.raises(
            InputError, match=f"model `{name}`: `horizon` must divide the 4 outputs into targets among 3"
        ):
            create_model(name, spec=spec, horizon=horizon)


@pytest.mark.parametrize("name", ["gru", "tcn"])
def test_only_values_to_come_have_a_horizon(name: str) -> None:
    classes = DataSpec(task="classification", inputs=((5, 3),), outputs=4)
    with pytest.raises(InputError, match=f"model `{name}`: `horizon` is for series"):
        create_model(name, spec=classes, horizon=2)
