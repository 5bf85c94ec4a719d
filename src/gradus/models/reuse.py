"""Networks put to other use: their feature maps, attention, other classes, and layers that no longer learn."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any, Protocol, Self, TypeGuard

import torch
from torch import Tensor, nn

from gradus.core.errors import InputError, nearest
from gradus.core.graph import trace
from gradus.core.untouched import untouched

_POOLS = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
"""With one of these, a dropout or the output, the end of a network begins."""


class FeatureMaps(nn.Module):
    """The last maps of each resolution, from fine to coarse, as detectors and segmenters take them.

    Shapes: (N, C, H, W) to a list of (N, channels[i], H / strides[i], W / strides[i]), sides rounded.

    Args:
        model: of the catalogue; what comes after its last maps is left out.
        input_shape: of one example.
    Raises:
        InputError: if the model has no maps.
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]

    def __init__(self, model: nn.Module, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        body = chain(model)
        last: dict[int, tuple[str, int]] = {}
        shape, stride = (1, *input_shape), 1
        for name, given in _outputs(body, input_shape).items():
            ends = name in {"dropout", "output"} or isinstance(body.get_submodule(name), _POOLS)
            if ends or len(given) != len(shape) or len(given) < 3 or (_side(given) == 1 and _side(shape) > 2):
                break
            # All halve, or halve twice; of few pixels the border takes a share, and in none does a layer make more.
            stride *= 2 ** max(0, round(log2(_side(shape) / _side(given))))
            last[stride] = (name, given[1])
            shape = given
        if not last:
            raise InputError("features_only", "needs a network whose layers give maps", repair="Choose another model.")
        self.kept = tuple(name for name, _ in last.values())
        self.channels = tuple(channels for _, channels in last.values())
        self.strides = tuple(last)
        names = [name for name, _ in body.named_children()]
        kept = names[: names.index(self.kept[-1]) + 1]
        self.body = nn.Sequential(OrderedDict((name, body.get_submodule(name)) for name in kept))

    def forward(self, x: Tensor) -> list[Tensor]:
        maps: list[Tensor] = []
        for name, layer in self.body.named_children():
            x = layer(x)
            if name in self.kept:
                maps.append(x)
        return maps


def _side(shape: Sequence[int]) -> int:
    """The longer side of maps, whose shape ends in height and width, or in one side alone."""
    return max(shape[2:][-2:])


def _outputs(body: nn.Sequential, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The shape of what each layer of a chain gives for one example."""
    calls = trace(body, [torch.empty(1, *input_shape, device="meta")]).calls
    return {call.place: call.outputs[0].shape for call in calls if call.parent == 0 and call.outputs}


def chain(model: nn.Module) -> nn.Sequential:
    """The layers a model passes its input through, one after the other."""
    body = getattr(model, "body", model)
    if not isinstance(body, nn.Sequential):
        raise InputError("model", "must be a chain of layers, or have one as `body`", type(model).__name__)
    return body


class Attending(Protocol):
    """A layer with soft attention: what it multiplies, and with what."""

    def weights(self, x: Tensor, /) -> Tensor: ...


class Framing(Protocol):
    """A layer that reads parts of its input: the corners of each, as places from -1 to 1, (N, T, K, 4, 2)."""

    def frames(self, x: Tensor, /) -> Tensor: ...


# A layer may keep numbers under these names, which are no answer to a question.
def _is_attending(layer: nn.Module) -> TypeGuard[Attending]:
    return callable(getattr(layer, "weights", None))


def _is_framing(layer: nn.Module) -> TypeGuard[Framing]:
    return callable(getattr(layer, "frames", None))


@dataclass(frozen=True)
class Attended:
    """What a network attended to, by the name of each layer with attention; the network itself is "".

    Attributes:
        weights: of soft attention. (N, C, 1, 1) of maps, as of squeeze-and-excitation; (N, 1, H, W) of places; of both
            (N, C, H, W), as of a mask branch; (N, heads, T, T) of tokens, what each takes of every other.
        frames: of what reads a part of the image alone, the corners of that part, (N, T, K, 4, 2), x before y, from -1
            to 1 between the edges: of a spatial transformer one, of a glimpse sensor K windows at each of T glimpses.
    """

    weights: dict[str, Tensor]
    frames: dict[str, Tensor]


@torch.no_grad()
def attention(model: nn.Module, x: Tensor) -> Attended:
    """What each layer with attention in a network attends to of an input, in evaluation mode.

    `gradus.report.attention.write_attention` draws it.

    Args:
        x: inputs, N of them.
    Raises:
        InputError: for a network without attention.
    Example:
        >>> from gradus.models import create_model
        >>> attention(create_model("st_cnn"), torch.zeros(2, 1, 42, 42)).frames["transformer"].shape
        torch.Size([2, 1, 1, 4, 2])
    """
    layers = [name for name, each in model.named_modules() if _is_attending(each) or _is_framing(each)]
    if not layers:
        raise InputError("attention", "needs a network with attention", repair="Such as `se_resnet18`.")
    found = Attended({}, {})

    def hook(name: str) -> Callable[[Any, tuple[Tensor, ...]], None]:
        def ask(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
            if _is_attending(layer):
                found.weights[name] = layer.weights(given[0])
            elif _is_framing(layer):
                found.frames[name] = layer.frames(given[0])

        return ask

    with untouched(model):
        for name in layers:
            model.get_submodule(name).register_forward_pre_hook(hook(name))
        model.eval()(x)
    return found


def attention_weights(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """What each layer with soft attention in a network weighs the parts of an input with: `attention(...).weights`.

    Raises:
        InputError: for a network without soft attention.
    Example:
        >>> from gradus.models import create_model
        >>> weights = attention_weights(create_model("se_resnet18"), torch.zeros(2, 3, 64, 64))
        >>> len(weights), weights["stage1.0.branch.gate"].shape
        (8, torch.Size([2, 64, 1, 1]))
    """
    if not any(_is_attending(each) for each in model.modules()):
        raise InputError("attention_weights", "needs a network with attention", repair="Such as `se_resnet18`.")
    return attention(model, x).weights


def reset_classifier(model: nn.Module, num_classes: int) -> None:
    """Give a network of the catalogue a new output layer, of first weights as torch draws them.

    Args:
        num_classes: outputs; 0 for none, so that the network gives what the output layer was given.
    Raises:
        InputError: for a negative number, or a network whose last layer with weights is not its `output`.
    """
    if num_classes < 0:
        raise InputError("num_classes", "must not be negative", num_classes)
    body = chain(model)
    output = getattr(body, "output", None)
    if isinstance(output, nn.Linear):
        new: nn.Module = nn.Linear(output.in_features, num_classes) if num_classes else nn.Identity()
    elif isinstance(output, nn.Conv2d):
        new = nn.Conv2d(output.in_channels, num_classes, 1) if num_classes else nn.Identity()
    else:
        raise InputError("num_classes", "needs a network that ends in an output layer", type(output).__name__)
    body.output = new.to(output.weight.device, output.weight.dtype)
    # Classifiers half-way are of the same classes; where there are none they have nothing to learn.
    half_way = getattr(model, "auxiliary", None)
    if isinstance(half_way, nn.ModuleDict):
        if not num_classes:
            half_way.clear()
        for head in half_way.values():
            reset_classifier(head, num_classes)


def freeze(model: nn.Module, through: str) -> list[str]:
    """Stop layers from learning: those from the first to that called `through`.

    Their parameters ask for no gradient and their batch normalizations keep the statistics they have, in training too.

    Args:
        through: a layer of the network's chain, as "stage3"; all before it are frozen too.
    Returns:
        The names of the layers that are frozen.
    Raises:
        InputError: for an unknown layer.
    """
    body = chain(model)
    names = [name for name, _ in body.named_children()]
    if through not in names:
        raise InputError("freeze", "unknown layer", through, nearest(through, names))
    frozen = names[: names.index(through) + 1]
    for name in frozen:
        layer = body.get_submodule(name)
        layer.requires_grad_(False)
        setattr(body, name, _still(layer))
    return frozen


class _Still(nn.Module):
    still = True

    def train(self, mode: bool = True) -> Self:
        return super().train(False)


class StillBatchNorm1d(_Still, nn.BatchNorm1d):
    """A batch normalization that stays in evaluation mode, whatever mode its network is put in."""


class StillBatchNorm2d(_Still, nn.BatchNorm2d):
    """Of images; see `StillBatchNorm1d`."""


class StillBatchNorm3d(_Still, nn.BatchNorm3d):
    """Of volumes; see `StillBatchNorm1d`."""


_STILL = {nn.BatchNorm1d: StillBatchNorm1d, nn.BatchNorm2d: StillBatchNorm2d, nn.BatchNorm3d: StillBatchNorm3d}


def _still(layer: nn.Module) -> nn.Module:
    """The layer with every batch normalization within it kept as it is; parameters and names stay the same."""
    for kind, still in _STILL.items():
        if type(layer) is kind:
            kept = still(layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats)
            kept._parameters, kept._buffers = layer._parameters, layer._buffers
            return kept.eval()
    for name, child in layer.named_children():
        setattr(layer, name, _still(child))
    return layer
