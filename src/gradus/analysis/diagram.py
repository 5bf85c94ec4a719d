"""A network as a chain of blocks: what each is, what it makes and what it costs; repeated ones told once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any

from torch import nn

from gradus.analysis.inspect import Inspection, Layer

OTHERS = "others"
"""The name of the line that says what is in no block."""
_LONGEST = 160
"""Characters of what a block is, before the rest is left out."""
_INNER = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.Identity, nn.Flatten)
_POOLS: dict[type[nn.Module], str] = {
    nn.MaxPool1d: "max pool",
    nn.MaxPool2d: "max pool",
    nn.MaxPool3d: "max pool",
    nn.AvgPool1d: "mean pool",
    nn.AvgPool2d: "mean pool",
    nn.AvgPool3d: "mean pool",
}


@dataclass(frozen=True, slots=True)
class Block:
    """One line of a diagram: a call of a module, or several alike in a row.

    Attributes:
        name: within what is around it; of several, "first .. last".
        depth: 0 in the chain of the whole network, 1 within a stage.
        times: how many there are in a row.
        what: it is, in words.
        output: the shape that the last of them makes, without the batch axis.
        parameters, macs: of all of them together.
    """

    name: str
    depth: int
    times: int
    what: str
    output: tuple[int, ...]
    parameters: int
    macs: int


def blocks(model: nn.Module, found: Inspection) -> list[Block]:
    """The diagram of a network as it was inspected.

    A module that only holds a chain, as `body`, is passed through; a stage of blocks has a line for itself, then one
    for each run of blocks in it that are alike. What is within a block is told in words.
    """
    diagram = _Diagram(model, found)
    told = diagram.lines(diagram.chain(0), 0, "")
    chain = [each for each in told if each.depth == 0]
    parameters = found.parameters - sum(each.parameters for each in chain)
    macs = found.macs - sum(each.macs for each in chain)
    if parameters or macs:
        what = "outside of these blocks, or in training only"
        told.append(Block(OTHERS, 0, 1, what, _shape(found.layers[0]), parameters, macs))
    return told


class _Diagram:
    def __init__(self, model: nn.Module, found: Inspection) -> None:
        self._modules = dict(model.named_modules())
        self._layers = found.layers
        self._within: dict[int, list[int]] = {}
        for call, each in enumerate(found.trace.calls):
            self._within.setdefault(each.parent, []).append(call)

    def chain(self, call: int) -> list[int]:
        """The calls that a network consists of, those of what it only holds among them."""
        inner = self._within.get(call, [])
        chain: list[int] = []
        for each in inner:
            only_held = self._within.get(each) and (len(inner) == 1 or self._layers[each].name == "body")
            chain += self.chain(each) if only_held else [each]
        return chain

    def lines(self, calls: Sequence[int], depth: int, around: str) -> list[Block]:
        """A line for each run of calls that are alike; after one of a stage, those within it."""
        lines: list[Block] = []
        for (what, _), run in groupby(self._joined(calls), key=partial(self._likeness, depth=depth)):
            same = list(run)
            if not what:  # the identity, in place of a layer that an option may put there
                continue
            layers = [[self._layers[call] for call in each] for each in same]
            module = self._modules[layers[0][0].name]
            if depth == 0 and len(same) == 1 and _is_stage(module):
                inner = self.lines(self._within.get(same[0][0], []), 1, f"{layers[0][0].name}.")
                stage = _block(layers, what, depth, around)
                lines += [replace(inner[0], name=stage.name, depth=0)] if len(inner) == 1 else [stage, *inner]
            else:
                lines.append(_block(layers, what, depth, around))
        return lines

    def _joined(self, calls: Sequence[int]) -> list[list[int]]:
        """Activations and the like are part of what they follow."""
        joined: list[list[int]] = []
        for call in calls:
            if joined and _is_inner(self._modules[self._layers[call].name]) and len(calls) > 1:
                joined[-1].append(call)
            else:
                joined.append([call])
        return joined

    def _likeness(self, calls: Sequence[int], depth: int) -> tuple[str, tuple[int, ...]]:
        """What must be the same of those in a run. Blocks of a stage may differ in channels: some add to them."""
        names = [self._layers[call].name for call in calls]
        modules = [self._modules[name] for name in names]
        what = _folded(_what(each, brief=depth > 0 and _is_stage(each)) for each in modules)
        return what, _shape(self._layers[calls[-1]])[depth:]


def _shape(layer: Layer) -> tuple[int, ...]:
    return layer.outputs[0][1:] if layer.outputs else ()


def _block(run: Sequence[Sequence[Layer]], what: str, depth: int, around: str) -> Block:
    first, last = (each[0].name.removeprefix(around).removeprefix("body.") for each in (run[0], run[-1]))
    return Block(
        name=first if len(run) == 1 else f"{first} .. {last}",
        depth=depth,
        times=len(run),
        what=what,
        output=_shape(run[-1][-1]),
        parameters=sum(each.parameters for layers in run for each in layers),
        macs=sum(each.cost.macs for layers in run for each in layers),
    )


def _is_stage(module: nn.Module) -> bool:
    """Whether it is a chain with blocks in it that are more than layers in a row."""
    return isinstance(module, nn.Sequential) and not all(map(_is_plain, module))


def _is_plain(module: nn.Module) -> bool:
    return all(map(_is_plain, module)) if type(module) is nn.Sequential else _is_layer(module)


def _is_layer(module: nn.Module) -> bool:
    return isinstance(module, nn.MultiheadAttention) or not any(True for _ in module.children())


def _is_inner(module: nn.Module) -> bool:
    """Whether it is a layer without a kernel, matrix or rule of its own: normalization, activation, dropout."""
    where = type(module).__module__.rpartition(".")[2]
    return _is_layer(module) and (
        isinstance(module, _INNER) or (where in ("activation", "dropout") and type(module) is not nn.MultiheadAttention)
    )


def _what(module: nn.Module, *, brief: bool = True) -> str:
    """A module in words; if `brief`, as within a block, without what `_is_inner`."""
    if _is_layer(module):
        return _layer(module)
    children = [each for each in module.children() if not (brief and _is_inner(each))]
    if not brief and _is_stage(module):
        return f"{len(children)} blocks"
    if isinstance(module, nn.Sequential):
        return _folded(_what(each, brief=brief) for each in children)
    parts = _folded((_what(each) for each in children if not _is_inner(each)), " | ")
    if isinstance(module, nn.ModuleList):
        return parts
    text = type(module).__name__ + (f" ({parts})" if parts else "")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip(" ,|") + "…"


def _folded(texts: Iterable[str], between: str = ", ") -> str:
    """Those that say something, in a line; what repeats at once is told once."""
    said = [each for each in texts if each]
    parts: list[str] = []
    while said:
        period, times = _repeats(said, longest=len(said) // 2 if between == ", " else 1)
        part = between.join(said[:period])
        parts.append(part if times == 1 else f"{times} x ({part})" if ", " in part else f"{times} x {part}")
        said = said[period * times :]
    return between.join(parts)


def _repeats(texts: Sequence[str], longest: int) -> tuple[int, int]:
    """How many of the first texts come again at once, and how often they are there; the shortest such."""
    for period in range(1, longest + 1):
        times = 1
        while texts[times * period : (times + 1) * period] == texts[:period]:
            times += 1
        if times > 1:
            return period, times
    return 1, 1


def _layer(module: nn.Module) -> str:
    """A layer with the numbers that tell it from others of its kind; its channels are told by shapes."""
    match module:
        case nn.modules.conv._ConvNd():
            return _convolution(module)
        case nn.Linear() | nn.Bilinear():
            return "linear"
        case nn.modules.batchnorm._BatchNorm():
            return "batch norm"
        case nn.LayerNorm():
            return "layer norm"
        case nn.GroupNorm():
            return f"group norm of {module.num_groups}"
        case nn.MultiheadAttention():
            return f"attention of {module.num_heads} heads"
        case nn.Dropout():
            return f"dropout {module.p:g}"
        case nn.Identity():
            return ""
        case nn.Flatten():
            return "flatten"
        case nn.AdaptiveAvgPool1d() | nn.AdaptiveAvgPool2d() | nn.AdaptiveAvgPool3d():
            sizes = _by(module.output_size, int(type(module).__name__[-2]))
            return "global mean pool" if set(sizes) <= set("1 x") else f"mean pool to {sizes}"
    kind = type(module)
    if kind in _POOLS:
        axes = int(kind.__name__[-2])
        return f"{_POOLS[kind]} {_by(module.kernel_size, axes)}{_over(module.stride, axes)}"
    return kind.__name__


def _convolution(module: nn.modules.conv._ConvNd) -> str:
    axes = len(module.kernel_size)
    kind = "transposed conv" if module.transposed else "conv"
    if module.groups == module.in_channels > 1:
        kind = f"depthwise {kind}"
    dilated = f" dilated {_by(module.dilation, axes)}" if max(module.dilation) > 1 else ""
    groups = f" of {module.groups} groups" if 1 < module.groups < module.in_channels else ""
    return f"{kind} {_by(module.kernel_size, axes)}{_over(module.stride, axes)}{dilated}{groups}"


def _over(stride: Any, axes: int) -> str:
    sizes = _each(stride, axes)
    return "" if set(sizes) == {1} else f" / {sizes[0]}" if len(set(sizes)) == 1 else f" / {_by(sizes, axes)}"


def _by(sizes: Any, axes: int) -> str:
    return " x ".join(map(str, _each(sizes, axes)))


def _each(sizes: Any, axes: int) -> tuple[int, ...]:
    """A number for each axis, as torch takes one for all."""
    return tuple(sizes) if isinstance(sizes, Sequence) else (sizes,) * axes
