"""The weight matrices of torch's layers: which parameter, which rows of it, how many numbers meet there."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils.parametrize import is_parametrized

from gradus.nn.schemes import Fans

Role = Literal["weight", "embedding", "inputs", "recurrent", "attention"]
NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
_RECURRENT = (nn.RNNBase, nn.RNNCellBase)
_GATES = {nn.LSTM: 4, nn.LSTMCell: 4, nn.GRU: 3, nn.GRUCell: 3}


@dataclass(frozen=True)
class Block:
    """One weight matrix: a parameter, or some of its rows.

    Attributes:
        parameter: its name within the layer.
        fans: of the layer as it is, its groups and strides counted.
        role: what the layer uses it for.
        rows: where it is a part, as an LSTM keeps the matrices of its four gates in one.
        transposed: its first axis is that of inputs.
        groups: how many matrices lie one after the other along the first axis, from other inputs to other outputs.
    """

    parameter: str
    fans: Fans
    role: Role = "weight"
    rows: slice | None = None
    transposed: bool = False
    groups: int = 1

    def of(self, parameter: Tensor) -> tuple[Tensor, ...]:
        """The views of `parameter` that are this matrix, or one for each group; outputs first."""
        matrices = (parameter if self.rows is None else parameter[self.rows]).chunk(self.groups)
        return tuple(each.transpose(0, 1) for each in matrices) if self.transposed else matrices


def is_recurrent(layer: nn.Module) -> bool:
    """Whether a layer has matrices from state to state, in torch's names."""
    return isinstance(layer, _RECURRENT)


def gates(layer: nn.Module) -> int:
    """How many matrices a recurrent layer keeps in one parameter."""
    return next((number for kind, number in _GATES.items() if isinstance(layer, kind)), getattr(layer, "chunks", 1))


def blocks(layer: nn.Module) -> list[Block]:
    """The weight matrices of a layer; none of a layer that is not understood."""
    match layer:
        case _ConvTransposeNd():
            return [Block("weight", _transposed_fans(layer), transposed=True, groups=layer.groups)]
        case _ConvNd():
            field = math.prod(layer.kernel_size)
            inputs, outputs = (each // layer.groups * field for each in (layer.in_channels, layer.out_channels))
            return [Block("weight", Fans(inputs, outputs), groups=layer.groups)]
        case nn.Linear():
            return [Block("weight", Fans(layer.in_features, layer.out_features))]
        case nn.Bilinear():
            meeting = layer.in1_features * layer.in2_features
            return [Block("weight", Fans(meeting, layer.out_features))]
        case nn.Embedding() | nn.EmbeddingBag():
            # It is a linear layer of which one input is 1 and the others are 0.
            return [Block("weight", Fans(1, layer.embedding_dim), "embedding")]
        case nn.MultiheadAttention():
            return list(_of_attention(layer))
    return list(_of_recurrence(layer)) if is_recurrent(layer) else []


def biases(layer: nn.Module) -> list[str]:
    """The parameters of an understood layer that are added."""
    return [name for name in _own_parameters(layer) if "bias" in name and name not in ("bias_k", "bias_v")]


def own(layer: nn.Module) -> dict[str, Any]:
    """A layer's own parameters by name, those that a parametrization computes as they are computed."""
    return {name: getattr(layer, name) for name in _own_parameters(layer)}


def _own_parameters(layer: nn.Module) -> list[str]:
    computed = cast(nn.ModuleDict, layer.parametrizations).keys() if is_parametrized(layer) else ()
    plain = dict(layer.named_parameters(recurse=False, remove_duplicate=False))
    return [*plain, *computed]


def _transposed_fans(layer: _ConvTransposeNd) -> Fans:
    """An input goes to a whole kernel of outputs; in one output meet only those a stride apart."""
    field, step = math.prod(layer.kernel_size), math.prod(layer.stride)
    return Fans(layer.in_channels // layer.groups * field / step, layer.out_channels // layer.groups * field)


def _of_attention(layer: nn.MultiheadAttention) -> Iterator[Block]:
    width = layer.embed_dim
    if layer.in_proj_weight is not None:
        for at in range(3):
            yield Block("in_proj_weight", Fans(width, width), "attention", slice(at * width, (at + 1) * width))
        return
    for name, inputs in (("q", width), ("k", layer.kdim), ("v", layer.vdim)):
        yield Block(f"{name}_proj_weight", Fans(inputs, width), "attention")


def _of_recurrence(layer: nn.Module) -> Iterator[Block]:
    number = gates(layer)
    for name, weight in own(layer).items():
        if not name.startswith("weight_"):
            continue
        if name.startswith("weight_hr"):  # an LSTM's projection of its output
            yield Block(name, Fans(weight.shape[1], weight.shape[0]))
            continue
        rows = weight.shape[0] // number
        role: Role = "recurrent" if name.startswith("weight_hh") else "inputs"
        for at in range(number):
            part = slice(at * rows, (at + 1) * rows) if number > 1 else None
            yield Block(name, Fans(weight.shape[1], rows), role, part)
