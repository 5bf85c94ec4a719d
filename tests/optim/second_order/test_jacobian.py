"""The Jacobian of residuals against torch's."""

from typing import Any

import pytest
import torch
from torch import Tensor

from gradus.optim.second_order.jacobian import jacobian
from tests.optim.second_order.problems import network


@pytest.mark.parametrize(("examples", "chunk"), [(4, 3), (40, 7), (40, 1), (200, 64)])
def test_the_jacobian_by_rows_and_by_columns_is_torchs(
    examples: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network()
    x = torch.randn(examples, 1, dtype=torch.float64)
    names = [name for name, _ in model.named_parameters()]

    def outputs(*values: Tensor) -> Tensor:
        output: Tensor = torch.func.functional_call(model, dict(zip(names, values, strict=True)), (x,))
        return output.flatten()

    values = tuple(each.detach() for each in model.parameters())
    pieces = torch.autograd.functional.jacobian(outputs, values)
    expected = torch.cat([each.reshape(examples, -1) for each in pieces], dim=1)
    grad, calls = torch.autograd.grad, 0

    def counted(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        return grad(*args, **options)

    monkeypatch.setattr(torch.autograd, "grad", counted)
    found = jacobian(model(x).flatten(), list(model.parameters()), chunk)
    assert calls <= -(-min(examples, 2 * 25) // chunk) + 1  # of the 25 parameters
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)
