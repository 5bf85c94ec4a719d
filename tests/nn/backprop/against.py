"""Comparing an explicit backward pass with autograd's, and with differences."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


def leaf(*shape: int, layout: str = "contiguous", seed: int = 0) -> Tensor:
    """Standard normal numbers, all apart from one another; laid out in memory as told."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=draw, dtype=torch.float64)
    if layout == "transposed":
        x = x.movedim(0, -1).contiguous().movedim(-1, 0)
    elif layout == "strided":
        x = x.repeat_interleave(2, dim=-1)[..., ::2]
    return x.requires_grad_()


def equal_to_autograd(
    ours: Callable[..., Tensor],
    torchs: Callable[..., Tensor],
    leaves: Sequence[Tensor],
    *,
    second: bool = True,
    rtol: float = 1e-10,
) -> None:
    """Values and all gradients to 1e-10, the backward pass without one of autograd's, and right by differences."""
    expected = torchs(*leaves)
    weights = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = ours(*leaves)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)
    with _NoBackwardKernels():  # type: ignore[no-untyped-call]
        gradients = torch.autograd.grad(found, leaves, weights)
    for one, other in zip(gradients, torch.autograd.grad(expected, leaves, weights), strict=True):
        torch.testing.assert_close(one, other, rtol=rtol, atol=1e-12)
    assert torch.autograd.gradcheck(ours, leaves, fast_mode=True)
    if second:
        assert torch.autograd.gradgradcheck(ours, leaves, fast_mode=True)


class _NoBackwardKernels(TorchDispatchMode):
    """Fails at any operation that is a derivative of another."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        assert "backward" not in str(operation), operation
        return operation(*args, **(kwargs or {}))
