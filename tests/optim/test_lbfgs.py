"""L-BFGS against torch's own."""

import pytest
import torch
from torch import Tensor, nn, optim

from gradus.optim import optimizers


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_goes_the_way_of_torchs_in_any_layout(layout: torch.memory_format) -> None:
    """torch's views a gradient as a vector, which cannot be done channels last."""
    torch.manual_seed(0)
    start = torch.randn(4, 3, 2, 2, dtype=torch.float64)

    def descend(point: nn.Parameter, optimizer: optim.Optimizer) -> Tensor:
        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = (point.square() + point.cos()).sum() + point.sum(0).square().sum()
            loss.backward()
            return loss

        for _ in range(3):
            optimizer.step(closure)  # type: ignore[arg-type]
        return point.detach()

    ours, theirs = nn.Parameter(start.to(memory_format=layout)), nn.Parameter(start.clone())
    found = descend(ours, optimizers.get("lbfgs").build([ours], max_iter=4))
    expected = descend(theirs, optim.LBFGS([theirs], max_iter=4, history_size=10, line_search_fn="strong_wolfe"))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    assert ours.is_contiguous(memory_format=layout)
