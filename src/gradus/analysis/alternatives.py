"""What a depthwise separable convolution would cost in the place of each dense one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from gradus.analysis.formulas import macs
from gradus.core.graph import Operation, Trace, trace

_KINDS: dict[tuple[bool, int], Any] = {
    (False, 1): nn.Conv1d,
    (False, 2): nn.Conv2d,
    (False, 3): nn.Conv3d,
    (True, 1): nn.ConvTranspose1d,
    (True, 2): nn.ConvTranspose2d,
    (True, 3): nn.ConvTranspose3d,
}
"""Convolutions by whether they are transposed, and their axes."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a piece of a network costs.

    Attributes:
        macs: multiply-adds.
        parameters: learnable numbers, biases among them.
        access: elements read and written by convolutions: maps and weights.
        seconds: as predicted; None if nobody was asked.
    """

    macs: int
    parameters: int
    access: int
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """A depthwise separable convolution in the place of a dense one: the same kernel for each channel, then 1 x 1.

    Attributes:
        place: the module in which the dense one happens.
        now, then: what it costs, and what the two would.
    """

    place: str
    now: Price
    then: Price

    @property
    def fewer(self) -> float:
        """How many times fewer multiply-adds."""
        return self.now.macs / self.then.macs

    @property
    def faster(self) -> float | None:
        """How many times faster, as predicted: below 1 where fewer multiply-adds take longer."""
        if self.now.seconds is None or self.then.seconds is None:
            return None
        return self.now.seconds / self.then.seconds

    @property
    def advice(self) -> str:
        """In one line."""
        said = f"{self.fewer:.1f}x fewer multiply-adds, {self.then.access / self.now.access:.2g}x the memory access"
        if self.faster is not None:
            said += f", predicted {max(self.faster, 1 / self.faster):.1f}x {'faster' if self.faster >= 1 else 'slower'}"
        return f"a depthwise separable convolution here: {said}"


def alternatives(seen: Trace, time: Callable[[Trace], float] | None = None) -> list[Alternative]:
    """For each convolution of one group and a kernel larger than 1, a depthwise separable one if it is cheaper.

    Both are built and traced at the shapes of the first, without memory; neither computes what the other does. Of c
    output channels and k taps the separable one has 1 / (1/c + 1/k) times fewer multiply-adds, if it is not transposed.

    Args:
        seen: the forward pass of a network.
        time: predicts how many seconds a pass takes.

    Source: Howard et al. (2017), MobileNets, arXiv 1704.04861, section 3.1.
    """
    return list(_cheaper(seen, time))


def _cheaper(seen: Trace, time: Callable[[Trace], float] | None) -> Iterator[Alternative]:
    for operation in seen.operations:
        if operation.name != "aten::convolution":
            continue
        weight, groups = operation.arguments[1], operation.arguments[8]
        if groups > 1 or torch.Size(weight.shape[2:]).numel() == 1:
            continue
        with FakeTensorMode():
            source = torch.empty(operation.arguments[0].shape, dtype=weight.dtype)
            dense, separable = _pair(operation)
        now, then = _price(dense, source, time), _price(separable, source, time)
        if then.macs < now.macs:
            yield Alternative(seen.calls[operation.call].place if operation.call >= 0 else "", now, then)


def _pair(operation: Operation) -> tuple[nn.Module, nn.Module]:
    """The convolution itself, and its alternative."""
    source, weight, bias, stride, padding, dilation, transposed, output_padding, _ = operation.arguments
    inputs, outputs = source.shape[1], operation.results[0].shape[1]
    kind, pointwise = _KINDS[transposed, len(stride)], _KINDS[False, len(stride)]
    shape = {"kernel_size": weight.shape[2:], "stride": stride, "padding": padding, "dilation": dilation}
    if transposed:
        shape["output_padding"] = output_padding
    ends = {"bias": bias is not None, "dtype": weight.dtype}
    depthwise = kind(inputs, inputs, groups=inputs, bias=False, dtype=weight.dtype, **shape)
    return kind(inputs, outputs, **shape, **ends), nn.Sequential(depthwise, pointwise(inputs, outputs, 1, **ends))


def _price(model: nn.Module, source: torch.Tensor, time: Callable[[Trace], float] | None) -> Price:
    passed = trace(model, [source])
    convolutions = [each for each in passed.operations if each.name == "aten::convolution"]
    return Price(
        sum(macs(each) or 0 for each in convolutions),
        sum(each.numel() for each in model.parameters()),
        sum(value.elements for each in convolutions for value in (*each.arguments[:2], *each.results)),
        None if time is None else time(passed),
    )
