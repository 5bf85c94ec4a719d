"""How large a network is: its parameters and its multiply-adds."""

from copy import deepcopy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gradus.core.spec import DataSpec


def parameters(model: nn.Module) -> int:
    """The number of learnable numbers, frozen ones among them, shared ones once.

    Example:
        >>> parameters(nn.Linear(3, 2))
        8
    """
    return sum(each.numel() for each in model.parameters())


def multiply_adds(model: nn.Module, spec: DataSpec) -> int:
    """Multiply-adds of convolution and linear algebra for one example in evaluation mode, as executed.

    Biases, normalization, activation and pooling are not counted. Nothing is computed and the model is not touched:
    a twin on the meta device, which has shapes and no numbers, runs in its place.

    Example:
        >>> multiply_adds(nn.Linear(3, 2), DataSpec(task="regression", inputs=((3,),), outputs=2))
        6
    """
    twin = _without_numbers(model).eval()
    inputs = [
        torch.empty(1, *shape, dtype=getattr(torch, dtype), device="meta")
        for shape, dtype in zip(spec.inputs, spec.input_dtypes, strict=True)
    ]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        twin(*inputs)
    return int(counter.get_total_flops()) // 2


def _without_numbers(model: nn.Module) -> nn.Module:
    """A copy of `model` with every parameter and buffer on the meta device; no number is copied on the way."""
    # deepcopy takes what its memo holds for already copied, and so keeps shared tensors shared.
    memo: dict[int, torch.Tensor] = {id(each): each.to("meta") for each in model.buffers()}
    for each in model.parameters():
        memo[id(each)] = nn.Parameter(each.detach().to("meta"), requires_grad=each.requires_grad)
    return deepcopy(model, memo)
