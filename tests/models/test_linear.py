import numpy as np
import pytest
import torch

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import create_model


@pytest.mark.parametrize("name", ["linear_regression", "logistic_regression"])
def test_computes_a_weighted_sum_of_everything_in_an_example(name: str) -> None:
    model = create_model(name, input_shape=(2, 3, 4), num_classes=5)
    weight, bias = (each.detach().numpy() for each in model.parameters())
    x = np.random.default_rng(0).normal(size=(7, 2, 3, 4)).astype(np.float32)
    expected = np.stack([weight @ each.ravel() + bias for each in x])
    np.testing.assert_allclose(model(torch.from_numpy(x)).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_each_is_for_its_own_task() -> None:
    classes = DataSpec(task="classification", inputs=((4,),), outputs=3)
    values = DataSpec(task="regression", inputs=((4,),), outputs=3)
    assert create_model("linear_regression", spec=values)(torch.zeros(1, 4)).shape == (1, 3)
    assert create_model("logistic_regression", spec=classes)(torch.zeros(1, 4)).shape == (1, 3)
    with pytest.raises(InputError, match="model `linear_regression`: is for regression, got `classification`"):
        create_model("linear_regression", spec=classes)
    with pytest.raises(InputError, match="model `logistic_regression`: is for classification, got `regression`"):
        create_model("logistic_regression", spec=values)
