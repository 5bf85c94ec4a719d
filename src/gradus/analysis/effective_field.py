"""What a network really looks at: its effective receptive field, by gradients."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from gradus.analysis.receptive_field import Field, receptive_fields
from gradus.core.errors import InputError
from gradus.core.graph import trace
from gradus.core.untouched import untouched

_NEGLIGIBLE = 1 - 0.9545
"""Of the largest influence: what has less lies outside two standard deviations, as the paper draws the line."""
_EXAMPLES = 8


@dataclass(frozen=True, slots=True, eq=False)
class EffectiveField:
    """How much each position of the input moves the middle of a layer's output.

    Attributes:
        influence: root mean square of the derivatives of all channels there with respect to all channels here, over
            examples; the largest is 1. Shape (H, W), or of as many axes as the input has besides batch and channels.
        middle: the index of the output in its middle; empty where the output has no such axes.
        layer: the module whose output that is; "" for the network's.
    """

    influence: Tensor
    middle: tuple[int, ...]
    layer: str

    @property
    def size(self) -> float:
        """The side of a square, or cube, of as many positions as have more than 4.55 % of the largest influence."""
        positions = int((self.influence > _NEGLIGIBLE).sum())
        return float(positions ** (1 / self.influence.ndim))


def effective_field(
    model: nn.Module, x: Tensor | Sequence[int], *, layer: str = "", examples: int = _EXAMPLES
) -> EffectiveField:
    """Really run a network in evaluation mode, and go back from the middle of an output to the input.

    The theoretical field says what could matter. Of this, what lies in the middle matters most, since most paths lead
    there: in a deep stack of convolutions the influence is near to a Gaussian whose width grows with the root of the
    depth, and shrinks into a small part of the theoretical field.

    Args:
        model: any module; it is not touched.
        x: images to look at, shape (N, C, H, W), or such with other axes; or a shape without the batch axis, for
            images of independent standard normal numbers.
        layer: the name of a module, for its output instead of the network's.
        examples: how many images are drawn.

    Raises:
        InputError: no such layer, or one that tells positions apart along some axes only; an input without positions; a
            model without weights.

    Source: Luo et al. (2016), Understanding the Effective Receptive Field in Deep Convolutional Neural Networks,
    arXiv 1701.04128, section 3.
    """
    modules = dict(model.named_modules())
    if layer not in modules:
        raise InputError("layer", "must be a module of the network", layer)
    if any(each.is_meta for each in model.parameters()):
        raise InputError("model", "must have its weights, not be on the meta device")
    draw = torch.Generator().manual_seed(0)
    images = _images(model, x, examples, draw).requires_grad_()
    if images.ndim < 3:
        rule = "must have positions: a batch, channels, and at least one axis more"
        raise InputError("input", rule, tuple(images.shape))
    output = _output(model, modules[layer], images)
    middle, there = _middle(output, _fields(model, images, layer))
    # With random signs, the squares of sums are on average the sums of squares: no derivative cancels another.
    signs = torch.randint(0, 2, there.shape, generator=draw).to(there) * 2 - 1
    (gradient,) = torch.autograd.grad((there * signs).sum(), images)
    influence = gradient.detach().double().square().mean((0, 1)).sqrt()
    return EffectiveField((influence / influence.max().clamp_min(1e-300)).cpu(), middle, layer)


def _images(model: nn.Module, x: Tensor | Sequence[int], examples: int, draw: torch.Generator) -> Tensor:
    first = next((each for each in model.parameters() if each.is_floating_point()), torch.empty(0))
    drawn = x if isinstance(x, Tensor) else torch.randn(examples, *x, generator=draw)
    return drawn.detach().to(first.device, first.dtype, copy=True)


def _fields(model: nn.Module, images: Tensor, layer: str) -> tuple[Field, ...]:
    """What the layer's outputs see, by axis of the images."""
    seen = trace(model, [images.detach()])
    axes = range(2, images.ndim)
    found = zip(seen.calls, receptive_fields(seen, axes).layers, strict=True)
    return next((fields for call, fields in found if call.place == layer), ())


def _middle(output: Tensor, fields: Sequence[Field]) -> tuple[tuple[int, ...], Tensor]:
    """Of an output that tells positions apart, its middle; all of one that does not. Shape (N, numbers there)."""
    dims = [each.dim for each in fields if each.dim is not None]
    if not dims or output.ndim == 2:  # or maps laid out in a row, channels and all
        return (), output.flatten(1)
    if len(set(dims)) == len(dims) == len(fields):
        middle, there = tuple(output.shape[dim] // 2 for dim in dims), output
        for dim, index in sorted(zip(dims, middle, strict=True), reverse=True):
            there = there.select(dim, index)
        return middle, there.flatten(1)
    sizes = [each.outputs for each in fields]
    if len(dims) == len(fields) and len(set(dims)) == 1 and prod(sizes) == output.shape[dims[0]]:  # tokens of a map
        middle = tuple(size // 2 for size in sizes)
        return middle, output.select(dims[0], int(np.ravel_multi_index(middle, sizes))).flatten(1)
    raise InputError("layer", "must tell positions apart along each axis of the image, or along none")


def _output(model: nn.Module, module: nn.Module, images: Tensor) -> Tensor:
    """Of a module, when the model is called with these images."""
    seen: list[Tensor] = []

    def keep(_: nn.Module, __: Any, result: Any) -> None:
        tensors = [each for each in tree_leaves(result) if isinstance(each, Tensor) and each.is_floating_point()]
        seen.extend(each.clone() for each in tensors[:1])  # which later layers may write over

    handle = module.register_forward_hook(keep)
    try:
        with untouched(model, copied=True), torch.enable_grad():
            model.eval()(images.clone())  # which the first layer may write over
    finally:
        handle.remove()
    if not seen or not seen[0].requires_grad:
        raise InputError("layer", "must give numbers that depend on the input", type(module).__name__)
    return seen[0]
