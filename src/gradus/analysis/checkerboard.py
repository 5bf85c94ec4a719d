"""How evenly an up-sampling path covers its output: by counting taps, and by the pattern it draws on flat inputs."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gradus.core.errors import InputError
from gradus.core.graph import Operation, Trace, trace
from gradus.core.untouched import untouched

_ENLARGERS = ("aten::upsample_", "aten::_upsample_", "aten::pixel_shuffle")
_NORMS = ("batch_norm", "layer_norm", "group_norm", "rms_norm")
_UNTAGGED = frozenset({"aten::hardswish", "aten::hardswish_"})
"""Activations that torch does not tag as pointwise."""
_FLAT_INPUTS = 4
_ROUNDING = 1e-9
"""Of the largest value: smaller differences are those of sums taken in another order."""


@dataclass(frozen=True, slots=True, eq=False)
class Unevenness:
    """How differently the positions of an output are treated, far from its borders.

    Attributes:
        period: after how many positions the pattern repeats, by axis.
        counts: how often each position of one period is written, from a whole number of periods on; the mean of the
            channels, up to a common factor where linear layers mix them.
        taps: the share of the energy of these counts that is pattern: 0 when even, below 1.
        spectrum: the same of what the network as it is draws where its input is flat.
    """

    period: tuple[int, ...]
    counts: Tensor
    taps: float
    spectrum: float

    @property
    def verdict(self) -> str:
        """In one line."""
        if self.taps > 0:
            least, most = float(self.counts.min()), float(self.counts.max())
            return (
                f"uneven: positions are written {least:g} to {most:g} times. "
                "Let strides divide kernels, or resize and convolve."
            )
        if self.spectrum > 0:
            return (
                f"even in taps, uneven in weights: {100 * self.spectrum:.2g}% of what a flat input gives is pattern. "
                "Begin with equal sub-kernels (ICNR), or resize and convolve."
            )
        return "even"


def unevenness(model: nn.Module, *inputs: Any) -> Unevenness:
    """How unevenly a network that up-samples treats the positions of its output (checkerboard artifacts).

    The network runs in evaluation mode and double precision on inputs that are the same at all positions, so that any
    pattern is its own. Let y be one period of the output. The share of its energy at the frequencies that are
    multiples of 1/period, 0 left out, is by Parseval's theorem

        sum (y - mean y)^2 / sum y^2

    `taps` is that share with all weights one, biases nothing, normalization and activation as identity: y is then how
    often each position is written. Of a transposed convolution of kernel k and stride s, with r = k mod s, it is
    1 - k^2 / (k^2 + r (s - r)) along one axis; over axes, the complements multiply. Where maps are multiplied by one
    another, as in gates, so are their counts.

    `spectrum` is that share with everything as it is. Weights that were drawn at random write differently to positions
    that they write equally often: so a pixel shuffle is even in taps, and in its spectrum if begun by ICNR.

    Args:
        model: any module from (N, C, *spatial) to a map that it has up-sampled on the way; left as it is.
        inputs: tensors, or shapes without the batch axis, such as ``(64, 16, 16)``. Of maps only the shape matters;
            it must be so large that borders do not reach the middle of the output.

    Raises:
        InputError: not a module, no spatial axes, nothing up-sampled, too small an input, or a pass that fails.

    Example:
        >>> unevenness(nn.ConvTranspose1d(1, 1, 3, stride=2), (1, 8)).counts.tolist()
        [2.0, 1.0]

    Source: Odena et al. (2016), Deconvolution and Checkerboard Artifacts; Aitken et al. (2017), arXiv 1707.02937.
    """
    if not isinstance(model, nn.Module):
        raise InputError("model", "must be a torch.nn.Module", type(model).__name__)
    examples = [_example(model, each) for each in inputs]
    if any(each.is_meta for each in model.parameters()):
        raise InputError("model", "must have its weights, not be on the meta device")
    if not any(map(_is_map, examples)):
        raise InputError("input", "must be a map, with channels and spatial axes", [_shape(each) for each in examples])
    steps = _steps(model, examples)
    draw = torch.Generator().manual_seed(0)
    flat = [_flat(each, draw) if _is_map(each) else each for each in examples]
    ones = [torch.ones_like(each) if _is_map(each) else each for each in map(_first, flat)]
    counts, pattern = _periods([_run(model, ones, counting=True), _run(model, flat, counting=False)], steps)
    times = counts.mean((0, 1)).round(decimals=9)  # means of three channels are thirds
    return Unevenness(tuple(times.shape), times, _share(counts), _share(pattern))


def _is_map(each: Any) -> bool:
    return isinstance(each, Tensor) and each.is_floating_point() and each.ndim > 2


def _shape(each: Any) -> Any:
    return tuple(each.shape) if isinstance(each, Tensor) else each


def _example(model: nn.Module, given: Any) -> Any:
    """A shape becomes a batch of maps, of the parameters' type and on their device."""
    if isinstance(given, Tensor) or not isinstance(given, Sequence) or not all(type(each) is int for each in given):
        return given
    first = next((each for each in model.parameters() if each.is_floating_point()), torch.empty(0))
    if min(given, default=1) < 1:
        raise InputError("input", "must be a shape of positive whole numbers", list(given))
    return first.new_zeros(_FLAT_INPUTS, *given)


def _flat(example: Tensor, draw: torch.Generator) -> Tensor:
    """Maps of that shape, the same at all positions, with random channels."""
    channels = torch.randn(example.shape[:2], generator=draw, dtype=torch.float64).to(example.device)
    return channels.view(*channels.shape, *[1] * (example.ndim - 2)).expand(example.shape)


def _first(each: Any) -> Any:
    """Of a batch, as counts are the same for all."""
    return each[:1] if isinstance(each, Tensor) and each.ndim else each


def _steps(model: nn.Module, examples: Sequence[Any]) -> list[int]:
    """By axis, how many positions of the output there are to a whole number of positions of the input.

    How much an output grows with its input says so exactly: padding and kernels add the same to every size.
    """
    source = next(each for each in examples if _is_map(each))
    small = _followed(model, examples)
    twice = [each.repeat(1, 1, *[2] * (each.ndim - 2)) if _is_map(each) else each for each in examples]
    try:
        large = _followed(model, twice)
    except InputError as error:
        rule = f"must take maps of any size, but at twice this one {error.owner} {error.rule}"
        raise InputError(type(model).__name__, rule) from error
    sizes = [_sizes(each, source.ndim) for each in (small, large)]
    growth = [Fraction(after - before, size) for before, after, size in zip(*sizes, source.shape[2:], strict=True)]
    if max(growth) <= 1 and not any(map(_enlarges, small.operations)):
        raise InputError(type(model).__name__, "must up-sample its input", f"{_shape(source)[2:]} to {sizes[0]}")
    return [max(each.numerator, 1) for each in growth]


def _followed(model: nn.Module, examples: Sequence[Any]) -> Trace:
    found = trace(model, examples)
    if found.unresolved:
        raise InputError(type(model).__name__, f"cannot be followed: {found.unresolved}")
    return found


def _sizes(found: Trace, ndim: int) -> tuple[int, ...]:
    for each in found.calls[0].outputs:
        if len(each.shape) == ndim and each.dtype.is_floating_point:
            return each.shape[2:]
    shapes = [each.shape for each in found.calls[0].outputs]
    raise InputError(found.calls[0].type, "must make a map with the spatial axes of its input", shapes)


def _enlarges(operation: Operation) -> bool:
    if operation.name == "aten::convolution":
        _, _, _, stride, _, _, transposed, *_ = operation.arguments
        return bool(transposed) and max(stride) > 1
    return operation.name.startswith(_ENLARGERS)


def _alike(name: str, parameter: Tensor) -> Tensor:
    """A weight of one; the mean of the channels in linear layers, lest counts outgrow exact numbers."""
    if name.rpartition(".")[2].startswith("bias"):
        return torch.zeros_like(parameter)
    return torch.full_like(parameter, 1 / parameter.shape[1] if parameter.ndim == 2 else 1.0)


class _Counting(TorchDispatchMode):
    """Convolutions count taps, by the mean of their channels; normalization and activation do nothing."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = func._schema.name
        if name == "aten::convolution":
            source, weight, _, *options, groups = args
            return func(source, torch.full_like(weight, groups / source.shape[1]), None, *options, groups)
        tensors = [each for each in tree_leaves((args, kwargs or {})) if isinstance(each, Tensor)]
        pointwise = len(tensors) == 1 and (torch.Tag.pointwise in func.tags or name in _UNTAGGED)
        if pointwise and func._schema.is_mutable:
            return tensors[0]
        result = func(*args, **(kwargs or {}))
        made = result[0] if isinstance(result, tuple) else result
        if (pointwise and made.dtype == tensors[0].dtype) or any(each in name for each in _NORMS):
            made.copy_(tensors[0])
        return result


def _run(model: nn.Module, inputs: Sequence[Any], *, counting: bool) -> Tensor:
    """The map that the model makes, or its counts."""
    weights = {name: _precise(each) for name, each in model.named_parameters(remove_duplicate=False)}
    if counting:
        weights = {name: _alike(name, each) for name, each in weights.items()}
    state = {name: _precise(each) for name, each in model.named_buffers(remove_duplicate=False)} | weights
    try:
        with torch.no_grad(), untouched(model, copied=True), _Counting() if counting else nullcontext():  # type: ignore[no-untyped-call]
            made = functional_call(model.eval(), state, tuple(inputs), tie_weights=False)
    except RuntimeError as error:
        said = str(error).splitlines()[0].rstrip(".")
        raise InputError(type(model).__name__, f"cannot run in double precision: {said}") from error
    axes = next(each.ndim for each in inputs if _is_map(each))
    found: Tensor = next(each for each in tree_leaves(made) if _is_map(each) and each.ndim == axes)
    return found


def _precise(each: Tensor) -> Tensor:
    return each.detach().to(torch.float64 if each.is_floating_point() else each.dtype, copy=True)


def _periods(maps: Sequence[Tensor], steps: Sequence[int]) -> list[Tensor]:
    """Of each map one period from its middle: of `steps`, or of a multiple where the model shrinks its input first."""
    sizes = maps[0].shape[2:]
    for multiple in count(1):
        period = [multiple * each for each in steps]
        starts = [size // 2 // p * p for size, p in zip(sizes, period, strict=True)]
        if any(start < p or start + 2 * p > size for start, p, size in zip(starts, period, sizes, strict=True)):
            break
        around = [_window(each, starts, period, beside=1) for each in maps]
        found = [_window(each, starts, period, beside=0) for each in maps]
        if all(map(_repeats, around, found)):
            return found
    raise InputError(
        "input",
        "must be so large that the output repeats away from its borders",
        repair="Give a larger one. A model that differs by position, or draws random numbers, cannot be judged.",
    )


def _window(made: Tensor, starts: Sequence[int], period: Sequence[int], *, beside: int) -> Tensor:
    """One period, and as many as `beside` on each side of it."""
    for axis, (start, p) in enumerate(zip(starts, period, strict=True), 2):
        made = made.narrow(axis, start - beside * p, (1 + 2 * beside) * p)
    return made


def _repeats(around: Tensor, one: Tensor) -> bool:
    again = one.repeat(1, 1, *[3] * (one.ndim - 2))
    return torch.allclose(around, again, rtol=0, atol=_ROUNDING * float(one.abs().max()))


def _share(made: Tensor) -> float:
    """How much of the energy of these periods is not in their means."""
    pattern = made - made.mean(tuple(range(2, made.ndim)), keepdim=True)
    pattern = pattern.where(pattern.abs() > _ROUNDING * made.abs().max(), 0.0)
    energy = float(made.square().sum())
    return float(pattern.square().sum()) / energy if energy else 0.0
