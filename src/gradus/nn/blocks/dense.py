"""Layers each of which is given the maps of all before it: Huang, Liu, van der Maaten, Weinberger (2017),
Densely connected convolutional networks, arXiv:1608.06993.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from gradus.nn.convolution import norm_conv


def dropped(unit: nn.Sequential, dropout: float) -> nn.Sequential:
    """A layer with dropout after it, where there is to be any (section 4.2)."""
    if dropout:
        unit.add_module("dropout", nn.Dropout(dropout))
    return unit


class DenseBlock(nn.Module):
    """Layers whose maps are all kept:  x_l = [x_0, H_1(x_0), ..., H_l(x_{l-1})]   (section 3, eq. 2).

    H is normalization, ReLU and a 3 x 3 convolution; before it, with a bottleneck, the same with a 1 x 1 convolution to
    four times the growth. Each layer's maps are joined to all before them at once: a list joined anew for every layer
    would, in the backward pass, cost a slice and a sum for each pair of layers.

    Shapes: (N, channels, H, W) to (N, channels + layers * growth, H, W).

    Args:
        growth: maps that each layer adds (k).
        bottleneck: begin each layer with a 1 x 1 convolution (DenseNet-B).
        dropout: share of the numbers that each convolution gives which is dropped in training.
        recompute: store one buffer for all maps, and in the backward pass normalize again what each layer read.
            Memory then grows with the layers, not with their square (Pleiss et al. (2017), arXiv:1707.06990), and no
            convolution is done twice. Gradients and running statistics are the same; a second derivative is refused,
            and the layers within see no backward hooks. A compiler decides itself what to compute again: compiled, the
            block does not depend on it, nor does it where its layers were changed, by another activation or pruned
            weights.
    """

    def __init__(
        self,
        channels: int,
        layers: int,
        growth: int,
        *,
        bottleneck: bool = True,
        dropout: float = 0.0,
        recompute: bool = False,
    ) -> None:
        super().__init__()
        self.growth = growth
        self.recompute = recompute
        self.layers = nn.ModuleList()
        for inputs in range(channels, channels + layers * growth, growth):
            widths = (inputs, 4 * growth, growth) if bottleneck else (inputs, growth)
            layer = nn.Sequential()
            for number, (before, after) in enumerate(pairwise(widths), 1):
                unit = norm_conv(before, after, 3 if after == growth else 1)
                layer.add_module(f"conv{number}", dropped(unit, dropout))
            self.layers.append(layer)

    def forward(self, x: Tensor) -> Tensor:
        asked = self.recompute and self.training and not torch.compiler.is_compiling()
        if asked and all(_as_made(unit) for layer in self.layers for unit in layer.children()):
            maps: Tensor = _OneBuffer.apply(self, x, *self.parameters())  # type: ignore[no-untyped-call]
            return maps
        for layer in self.layers:
            x = torch.cat((x, layer(x)), 1)
        return x


def _as_made(unit: nn.Module) -> bool:
    """Whether it is the unit that a dense block makes, whose gradients are known below."""
    kinds = (nn.BatchNorm2d, nn.ReLU, nn.Conv2d, nn.Dropout)
    layers: list[Any] = list(unit.children())
    if not (type(unit) is nn.Sequential and len(layers) in {3, 4} and all(map(isinstance, layers, kinds))):
        return False
    norm, _, conv = layers[:3]
    # Weights that are computed from others, as pruned ones are, are no Parameters.
    return conv.bias is None and all(isinstance(each, nn.Parameter) for each in (norm.weight, norm.bias, conv.weight))


class _OneBuffer(torch.autograd.Function):
    """A dense block that keeps its maps, what its bottlenecks made and what dropout chose, and nothing else."""

    @staticmethod
    def forward(ctx: Any, block: DenseBlock, x: Tensor, *parameters: Tensor) -> Tensor:
        examples, channels, *sides = x.shape
        width = channels + len(block.layers) * block.growth
        maps = torch.empty((examples, width, *sides), dtype=x.dtype, device=x.device, memory_format=_format(x))
        maps[:, :channels] = x
        kept: list[Tensor] = []
        of_batch: list[bool] = []
        for layer in block.layers:
            units: list[Any] = list(layer.children())
            given = _first(maps, channels)
            for number, unit in enumerate(units):
                if number:
                    kept.append(given)
                of_batch.append(unit.norm.training or unit.norm.running_mean is None)
                given = unit.conv(unit.activation(unit.norm(given)))
                if hasattr(unit, "dropout"):
                    kept.append(unit.dropout(torch.ones_like(given)))
                    given = given * kept[-1]  # not in place: a hook may have kept what the convolution gave
            maps[:, channels : channels + block.growth] = given
            channels += block.growth
        ctx.block, ctx.of_batch = block, of_batch
        ctx.computed = given.dtype  # of the convolutions, which is not that of x under autocast
        ctx.parameters = len(parameters)
        ctx.save_for_backward(maps, *parameters, *kept)
        return maps

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        block: DenseBlock = ctx.block
        maps, *saved = ctx.saved_tensors
        parameters, kept = saved[: ctx.parameters], saved[ctx.parameters :]
        of_batch = list(ctx.of_batch)
        gradient = gradient.clone()
        found: list[Tensor] = []
        channels = maps.shape[1]
        for layer in reversed(block.layers):
            channels -= block.growth
            slope = gradient[:, channels : channels + block.growth]
            units: list[Any] = list(layer.children())
            for number, unit in reversed(list(enumerate(units))):
                if hasattr(unit, "dropout"):
                    slope = slope * kept.pop()
                kernel, shift, scale = (parameters.pop() for _ in range(3))
                read = kept.pop() if number else _first(maps, channels)
                with torch.enable_grad():
                    leaves = [each.detach().requires_grad_() for each in (read, scale, shift)]
                    active = _normalized(unit.norm, of_batch.pop(), *leaves).relu_()
                conv = unit.conv
                slope, by_kernel, _ = torch.ops.aten.convolution_backward(
                    slope.to(ctx.computed),
                    active.detach().to(ctx.computed),
                    kernel.to(ctx.computed),
                    None,
                    conv.stride,
                    conv.padding,
                    conv.dilation,
                    False,
                    (0, 0),
                    1,
                    (True, True, False),
                )
                found.append(by_kernel)
                slope, *others = torch.autograd.grad(active, leaves, slope)
                found += reversed(others)
            gradient[:, :channels] += slope
        return None, gradient[:, :channels], *reversed(found)


def _format(x: Tensor) -> torch.memory_format:
    """How a convolution of x lays out what it gives."""
    last = x.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format


def _first(maps: Tensor, channels: int) -> Tensor:
    """The first channels, joined in memory: what a layer read, as its normalization and convolution are fast on."""
    return maps[:, :channels].contiguous(memory_format=_format(maps))


def _normalized(norm: nn.BatchNorm2d, of_batch: bool, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """What a batch normalization gave for x, without counting x into its statistics again."""
    mean, variance = (None, None) if of_batch else (norm.running_mean, norm.running_var)
    return functional.batch_norm(x, mean, variance, scale, shift, of_batch, eps=norm.eps)
