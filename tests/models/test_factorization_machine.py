"""The factorization machine against its definition."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from gradus.core.spec import DataSpec
from gradus.models import create_model
from gradus.models.factorization_machine import FactorizationMachine


def drawn(features: int, outputs: int, rank: int, deviation: float = 0.5) -> FactorizationMachine:
    torch.manual_seed(0)
    machine = FactorizationMachine(features, outputs, rank).double()
    torch.nn.init.normal_(machine.factors, std=deviation)
    return machine


def test_equals_the_sum_over_all_pairs() -> None:
    """Rendle (2010), equation 1, term by term."""
    machine = drawn(features=9, outputs=3, rank=4)
    x = torch.randn(5, 9, dtype=torch.float64)
    v, weight, bias = (each.detach().numpy() for each in (machine.factors, machine.linear.weight, machine.linear.bias))
    expected = np.zeros((5, 3))
    for n, row in enumerate(x.numpy()):
        for c in range(3):
            expected[n, c] = bias[c] + math.fsum(weight[c] * row)
            expected[n, c] += math.fsum(
                (v[c, :, i] @ v[c, :, j]) * row[i] * row[j] for i in range(9) for j in range(i + 1, 9)
            )
    np.testing.assert_allclose(machine(x).detach().numpy(), expected, rtol=1e-12)


def test_gradients_are_those_of_finite_differences() -> None:
    machine = drawn(features=4, outputs=2, rank=3)
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in machine.named_parameters()]

    def value(x: Tensor, *parameters: Tensor) -> Tensor:
        given = dict(zip(names, parameters, strict=True))
        found: Tensor = torch.func.functional_call(machine, given, (x,))
        return found

    parameters = [each.detach().clone().requires_grad_() for each in machine.parameters()]
    assert torch.autograd.gradcheck(value, (x, *parameters))


def test_a_square_has_no_weight() -> None:
    machine = drawn(features=1, outputs=1, rank=5)
    x = torch.linspace(-3, 3, 7, dtype=torch.float64)[:, None]
    torch.testing.assert_close(machine(x), machine.linear(x))


def test_learns_the_product_of_two_features_which_a_linear_model_cannot() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2000, 4, generator=generator)
    y = x[:, :1] * x[:, 1:2]
    spec = DataSpec(task="regression", inputs=((4,),), outputs=1)
    unexplained = {}
    for name in ("linear_regression", "factorization_machine"):
        torch.manual_seed(0)
        model = create_model(name, spec=spec)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        for _ in range(300):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(model(x[:1000]), y[:1000]).backward()
            optimizer.step()
        error = torch.nn.functional.mse_loss(model(x[1000:]), y[1000:])
        unexplained[name] = (error / y[1000:].var()).item()
    assert 1 - unexplained["linear_regression"] < 0.05
    assert 1 - unexplained["factorization_machine"] > 0.999


@pytest.mark.parametrize("rank", [0, -1, 2.5])
def test_a_rank_that_is_no_count_is_refused(rank: float) -> None:
    with pytest.raises(ValueError, match="model `factorization_machine`: `rank`"):
        create_model("factorization_machine", rank=rank)
