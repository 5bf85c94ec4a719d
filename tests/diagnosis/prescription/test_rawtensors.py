"""How tensors that a program multiplies by itself begin."""

import pytest

from tests.diagnosis.prescription.test_initializing import begun


@pytest.mark.parametrize(
    ("use", "gain"),
    [
        ("for x in xs:\n    h = torch.relu(x + h @ w.T)", 1),
        ("for x in xs:\n    h = torch.relu(x + torch.matmul(h, w))", 1),
        ("for x in xs:\n    y = torch.relu(x @ w)", 2),
        ("h = torch.relu(x + h @ w)", 2),
    ],
)
def test_a_matrix_that_carries_a_state_keeps_its_deviation(use: str, gain: int) -> None:
    source = f"w = nn.Parameter(torch.randn(n, n) * 5)\n{use}"
    assert begun(source)[1] == f"+ w = nn.Parameter(torch.randn(n, n) * ({gain} / n) ** 0.5)"
