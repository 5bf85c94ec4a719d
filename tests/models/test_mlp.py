from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gradus.core.errors import InputError
from gradus.models import create_model


def test_is_dense_layers_with_activations_between() -> None:
    model = create_model("mlp", input_shape=(2, 3), num_classes=4, hidden=[5, 7], activation="tanh")
    x = np.random.default_rng(0).normal(size=(6, 2, 3)).astype(np.float32)
    w1, b1, w2, b2, w3, b3 = (each.detach().numpy() for each in model.parameters())
    assert (w1.shape, w2.shape, w3.shape) == ((5, 6), (7, 5), (4, 7))
    expected = np.tanh(np.tanh(x.reshape(6, 6) @ w1.T + b1) @ w2.T + b2) @ w3.T + b3
    np.testing.assert_allclose(model(torch.from_numpy(x)).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_without_hidden_layers_is_linear() -> None:
    model = create_model("mlp", input_shape=(6,), num_classes=4, hidden=())
    assert [type(each) for each in model.children()] == [nn.Flatten, nn.Linear]


def test_dropout_follows_every_hidden_layer_and_rests_in_evaluation() -> None:
    model = create_model("mlp", input_shape=(50,), hidden=(64, 64), dropout=0.5)
    assert [each.p for each in model.children() if isinstance(each, nn.Dropout)] == [0.5, 0.5]
    assert not any(isinstance(each, nn.Dropout) for each in create_model("mlp", hidden=(64,)).children())
    torch.manual_seed(0)
    x = torch.randn(4, 50)
    assert not torch.equal(model(x), model(x))
    assert torch.equal(model.eval()(x), model(x))


@pytest.mark.parametrize(
    ("option", "value"),
    [("hidden", (0,)), ("hidden", (2.5,)), ("hidden", 3), ("dropout", 1.0), ("dropout", -0.1), ("activation", "tan")],
)
def test_options_out_of_their_range_are_refused(option: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"model `mlp`: `{option}"):
        create_model("mlp", **{option: value})
