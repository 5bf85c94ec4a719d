"""First weights for a whole network, by one scheme or by what suits each layer; and a table of what was done."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.parametrize import is_parametrized

from gradus.core.errors import InputError
from gradus.core.graph import unwrapped
from gradus.core.untouched import put_back, untouched
from gradus.nn import initializers
from gradus.nn.filling import Filling, Initialization, Row, constant
from gradus.nn.reading import GATE, LINEAR, OUTPUT, Meeting, Reading, read
from gradus.nn.schemes import Auto, LayerSequential, moments
from gradus.nn.weights import Block, blocks, is_recurrent, own

__all__ = ["Initialization", "Row", "initialize", "read"]


def initialize(
    model: nn.Module,
    scheme: str = "auto",
    *,
    example: Any = None,
    generator: torch.Generator | None = None,
    **options: Any,
) -> Initialization:
    """Draw the first weights of `model` anew.

    A scheme by name fills every weight matrix of the layers it understands: linear, convolution (transposed too),
    bilinear, embedding, attention, recurrent. Biases become 0, normalizations 1 and 0, the sum of an LSTM's two forget
    biases 1. What is shared is drawn once. What is frozen, lazy, complex, quantized or of a layer not understood is
    left as it is, and its row says so; a frozen normalization keeps its running statistics.

    Args:
        scheme: as `gradus initializers` lists them. "auto" chooses for each layer by the activation that follows it.
        example: what the model is called with, a tensor or a tuple. To "auto" only shapes matter, and without one it
            goes by the order of modules; "lsuv" scales to these very numbers.
        generator: of the random numbers; by default torch's own.
        options: of the scheme.
    Returns:
        A row for each weight matrix, bias and normalization, in the model's order.
    Raises:
        InputError: for an unknown scheme or option, a scheme that a weight's shape does not allow, an example that the
            model cannot be called with, or "lsuv" without one, or with one that is not finite.
    Example:
        >>> from torch import nn
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
        >>> [(row.parameter, row.scheme, row.why) for row in initialize(net, example=torch.zeros(1, 4))][0]
        ('weight', 'xavier_uniform', 'tanh follows')
    """
    card = initializers.get(scheme, "scheme")
    settings = card.build(**card.validate(options))
    model = unwrapped(model)
    inputs = None if example is None else example if isinstance(example, tuple | list) else (example,)
    match settings:
        case Auto():
            reading = read(model, inputs)
            rows = Filling(model, partial(_chosen, settings, reading, _tied(model)), generator).rows()
            return Initialization(_zero_gamma(model, rows, reading.branch_ends) if settings.zero_gamma else rows)
        case LayerSequential():
            if inputs is None:
                raise InputError("initializer `lsuv`", "needs a batch of the data", repair="Give it as `example`.")
            return Initialization(_layer_sequential(model, inputs, settings, generator))

    def choose(place: str, layer: nn.Module, block: Block) -> tuple[str, dict[str, Any], str]:
        if card.name == "identity" and block.role == "inputs":  # of a recurrence it is meant for the state
            return "xavier_uniform", {}, "into a recurrence"
        return card.name, options, "as asked"

    return Initialization(Filling(model, choose, generator).rows())


def _tied(model: nn.Module) -> set[int]:
    """Identities of the parameters that some layer multiplies by: an embedding may be one of them."""
    return {
        id(getattr(layer, block.parameter))
        for layer in model.modules()
        for block in blocks(layer)
        if block.role != "embedding"
    }


def _chosen(
    settings: Auto, reading: Reading, tied: set[int], place: str, layer: nn.Module, block: Block
) -> tuple[str, dict[str, Any], str]:
    """What suits a weight matrix."""
    match block.role:
        case "embedding" if id(getattr(layer, block.parameter)) in tied:
            return "normal", {"std": block.fans.outputs**-0.5}, "also the weight of an output layer"
        case "embedding":
            return "normal", {"std": 1.0}, "each number of a symbol has variance 1"
        case "attention":
            return "xavier_uniform", {}, "attention"
        case "inputs":
            return "xavier_uniform", {}, "into a recurrence"
        case "recurrent" if getattr(layer, "nonlinearity", "") == "relu":
            return "identity", {}, "recurrence of ReLU"
        case "recurrent":
            return "orthogonal", {}, "recurrence"
    meeting = reading.meetings.get(place)
    if meeting is None:
        return "lecun_normal", {}, "not called with this example" if not reading.guess else "nothing is known of it"
    if not (isinstance(layer, _ConvNd) and layer.out_channels // layer.groups % meeting.shuffle**2 == 0):
        meeting = replace(meeting, shuffle=1)
    scheme, options = _suited(meeting, settings)
    why = {OUTPUT: "output", LINEAR: "no activation follows", GATE: "a gate follows"}
    said = why.get(meeting.what, f"{meeting.what} follows") + (", then a pixel shuffle" if meeting.shuffle > 1 else "")
    return scheme, options, said + (", by module order" if reading.guess else "")


def _suited(meeting: Meeting, settings: Auto) -> tuple[str, dict[str, Any]]:
    given = {"gain": meeting.gain} if meeting.gain is not None else {"leak": meeting.leak} if meeting.leak else {}
    if meeting.shuffle > 1:
        linear = {"gain": 1.0} if meeting.what in (OUTPUT, LINEAR, GATE) else given
        return "icnr", {"factor": meeting.shuffle, **linear}
    match meeting.what:
        case "tanh":
            return "xavier_uniform", {"gain": nn.init.calculate_gain("tanh")}
        case "sigmoid":
            return "xavier_uniform_logistic", {}
        case "gate":
            return "xavier_uniform", {}
        case "selu" | "output" | "linear":
            return "lecun_normal", {}
    return "kaiming_normal", given | ({"fan": settings.fan} if settings.fan != "fan_in" else {})


def _zero_gamma(model: nn.Module, rows: list[Row], places: frozenset[str]) -> list[Row]:
    """The scale of the normalization that ends a residual branch starts at 0: the block is its shortcut."""

    def closed(row: Row) -> Row:
        if not row.scheme or row.place not in places or row.parameter != "weight":
            return row
        with torch.no_grad():
            return constant(row, own(model.get_submodule(row.place))["weight"], None, 0.0, "ends a residual branch")

    return [closed(row) for row in rows]


def _layer_sequential(
    model: nn.Module, inputs: Sequence[Any], settings: LayerSequential, generator: torch.Generator | None
) -> list[Row]:
    """Orthogonal weights, then one forward pass in which every layer is scaled before the next one sees its output."""
    auto = Auto("fan_in", zero_gamma=False)
    ordinary, tied = Reading(), _tied(model)

    def choose(place: str, layer: nn.Module, block: Block) -> tuple[str, dict[str, Any], str]:
        if block.role == "weight" and not is_recurrent(layer):
            return "orthogonal", {}, "not called with this batch"
        return _chosen(auto, ordinary, tied, place, layer, block)

    rows = Filling(model, choose, generator).rows()
    drawn = {row.place for row in rows if row.scheme == "orthogonal" and row.parameter == "weight"}
    outcome: dict[str, str] = {}

    def scaling(place: str) -> Any:
        def scale(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Tensor) -> Tensor | None:
            if place in outcome:
                return None
            for count in range(settings.iterations + 1):
                variance = float(output.double().var(correction=0))
                if not math.isfinite(variance):
                    raise InputError("initializer `lsuv`", f"needs finite numbers, and `{place}` gives others")
                outcome[place] = f"variance of the output {variance:.3g} after {count} scaling{'s' * (count != 1)}"
                if abs(variance - 1) < settings.tolerance or variance == 0 or count == settings.iterations:
                    break
                _scale(layer, variance**-0.5)
                output = layer.forward(*args, **kwargs)
            return output

        return scale

    with _as_first_trained(model):
        handles = [
            model.get_submodule(place).register_forward_hook(scaling(place), with_kwargs=True) for place in drawn
        ]
        try:
            model(*inputs)
        finally:
            for each in handles:
                each.remove()
    return [
        replace(
            row, scheme="lsuv", why=outcome[row.place], drawn=moments(own(model.get_submodule(row.place))["weight"])
        )
        if row.place in outcome and row.parameter == "weight"
        else row
        for row in rows
    ]


def _scale(layer: nn.Module, factor: float) -> None:
    weight = own(layer)["weight"]
    if is_parametrized(layer, "weight"):
        layer.weight = weight * factor
    else:
        weight.mul_(factor)


@contextmanager
def _as_first_trained(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, but that batches are normalized by their own statistics; the model's come out as they were."""
    with put_back(model.buffers()), untouched(model), torch.no_grad():
        model.eval()
        for layer in model.modules():
            if isinstance(layer, _NormBase):
                layer.train()
        yield
