"""What the output of a layer meets in a network: an activation, a pixel shuffle, the sum at a branch's end."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.core.graph import Operation, Trace, trace
from gradus.nn.weights import NORMS, blocks, own

_MIXING = {
    *("convolution", "addmm", "mm", "bmm", "baddbmm", "addmv", "mv", "dot", "_trilinear", "embedding"),
    *("_embedding_bag", "mkldnn_rnn_layer", "lstm", "gru", "rnn_tanh", "rnn_relu"),
    *("_thnn_fused_lstm_cell", "_thnn_fused_gru_cell"),
}
"""Operations that sum over many numbers of what comes in, with weights."""
_NORMALIZING = {
    *("native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm", "miopen_batch_norm"),
    *("native_layer_norm", "native_group_norm", "_fused_rms_norm"),
}
_MEASURED = {
    *("celu", "elu", "gelu", "hardtanh", "hardswish", "log_sigmoid_forward", "mish", "silu", "sin", "softplus"),
    "threshold",
}
_SELU_SCALE = 1.0507009873554805
OUTPUT, LINEAR, GATE = "output", "linear", "gate"


@dataclass(frozen=True)
class Meeting:
    """What a layer's output comes to.

    Attributes:
        what: the activation's name; "output", "linear" (another layer with nothing between), "gate" (logistic, then
            multiplied with something).
        leak: of a rectifier, its slope below 0.
        gain: of another activation, 1 / sqrt(E f(z)^2) for z standard normal; None where it has a rule of its own.
        shuffle: by how much a pixel shuffle on the way enlarges; 1 if there is none.
    """

    what: str
    leak: float = 0.0
    gain: float | None = None
    shuffle: int = 1


@dataclass
class Reading:
    """What `read` finds.

    Attributes:
        meetings: of each layer by its place.
        branch_ends: places of the last normalization of each residual branch.
        order: places of layers as they are called.
        guess: why it goes by the order in which modules were made, and not by what they do; "" if it does not.
    """

    meetings: dict[str, Meeting] = field(default_factory=dict)
    branch_ends: frozenset[str] = frozenset()
    order: list[str] = field(default_factory=list)
    guess: str = ""


def read(model: nn.Module, example: Sequence[Any] | None) -> Reading:
    """Follow the output of every layer through the network, on the shapes of `example`; nothing is computed.

    Raises:
        InputError: if the model cannot be called with it.
    """
    if example is None:
        return _guessed(model, "no example of the input was given")
    try:
        seen = trace(model, example)
    except InputError:
        seen = trace(model, example, run=True)  # some operations cannot be stood in for
    if seen.unresolved:
        return _guessed(model, f"it cannot be followed: {seen.unresolved}")
    return _Network(model, seen).reading()


class _Network:
    def __init__(self, model: nn.Module, seen: Trace) -> None:
        self.model = model
        self.operations = seen.operations
        self.calls = seen.calls
        self.learned = dict(model.named_parameters(remove_duplicate=False))
        self.state = seen.state
        self.within: dict[int, list[Operation]] = defaultdict(list)
        self.names: dict[int, str] = {}  # of parameters, by storage: a view of one has no name
        for each in seen.operations:
            self.within[each.call].append(each)
            self.names |= {value.storage: value.name for value in each.inputs if value.name}

    def reading(self) -> Reading:
        starts: dict[str, tuple[set[int], int]] = {}
        for call in self.calls:
            starts.setdefault(call.place, ({each.number for each in call.outputs[:1]}, call.ended))
        meetings = {}
        for place, layer in self.model.named_modules():
            if blocks(layer):
                start = starts.get(place) or self._by_parameter(place)
                if start is not None:
                    meetings[place] = self._meeting(*start)
        return Reading(meetings, self._branch_ends(), list(starts))

    def _by_parameter(self, place: str) -> tuple[set[int], int] | None:
        """Where the weight of a layer that is never called itself has made something, as within attention."""
        storages = {each.storage for op in self.operations for each in op.inputs if each.name == f"{place}.weight"}
        for at, op in enumerate(self.operations):
            if _name(op) in _MIXING and any(each.storage in storages for each in op.inputs):
                return {op.results[0].number}, at + 1
        return None

    def _meeting(self, live: set[int], start: int) -> Meeting:
        """The first thing that matters on the way of the tensors `live`."""
        shuffle = 1
        for at in range(start, len(self.operations)):
            op = self.operations[at]
            if not any(each.number in live for each in op.inputs):
                continue
            if _name(op) in _MIXING:
                return Meeting(LINEAR, shuffle=shuffle)
            found = self._activation(op)
            if found is not None:
                shuffle = shuffle if shuffle > 1 else self._shuffle_after(op, at)
                if found.what == "sigmoid":
                    found = self._use_of_logistic(op, at)
                return Meeting(found.what, found.leak, found.gain, shuffle)
            if _name(op) == "pixel_shuffle":
                shuffle = int(op.arguments[1])
            live |= {each.number for each in op.results}
        return Meeting(OUTPUT, shuffle=shuffle)

    def _activation(self, op: Operation) -> Meeting | None:
        """What an operation is, if it is an activation."""
        if op.call >= 0:
            call = self.calls[op.call]
            layer = self.model.get_submodule(call.place)
            if type(layer).__name__ == "Maxout":  # the largest of k numbers
                pieces = call.inputs[0].elements // call.outputs[0].elements
                return Meeting("maxout", gain=_gain_of_largest(pieces))
            within = self.within[op.call]
            known = self._of_operation(op) if len(within) == 1 else None
            if known is None and not any(True for _ in layer.children()) and all(map(_is_pointwise, within)):
                return measured(type(layer).__name__.lower(), layer)  # whatever it makes of its operations
        return self._of_operation(op)

    def _of_operation(self, op: Operation) -> Meeting | None:
        name, arguments = _name(op), op.arguments
        match name:
            case "relu" | "tanh" | "sigmoid":
                return Meeting(name)
            case "hardsigmoid":
                return Meeting("sigmoid")
            case "_softmax" | "_log_softmax":
                return Meeting(OUTPUT)
            case "leaky_relu":
                return Meeting(name, leak=float(arguments[1]) if len(arguments) > 1 else 0.01)
            case "_prelu_kernel" | "prelu":
                return Meeting("prelu", leak=float(self.learned[self.names[op.inputs[1].storage]].detach().mean()))
            case "hardtanh" if len(arguments) > 1 and arguments[1] == 0:
                return Meeting("relu")
            case "clamp_min" if arguments[1] == 0:
                return Meeting("relu")
            case "clamp" if arguments[1] == 0:
                return Meeting("relu")
            case "elu" if len(arguments) > 2 and math.isclose(arguments[2], _SELU_SCALE, rel_tol=1e-6):
                return Meeting("selu")
        if name in _MEASURED:
            return measured(name, lambda z: _plain(op.target)(z, *arguments[1:], **op.keywords))
        return None

    def _shuffle_after(self, op: Operation, at: int) -> int:
        """The factor of a pixel shuffle right after an activation."""
        results = {each.number for each in op.results}
        for later in self.operations[at + 1 :]:
            if any(each.number in results for each in later.inputs):
                return int(later.arguments[1]) if _name(later) == "pixel_shuffle" else 1
        return 1

    def _use_of_logistic(self, op: Operation, at: int) -> Meeting:
        """Whether its result is multiplied with another tensor of the pass, is an output, or goes into a layer."""
        results = {each.number for each in op.results}
        for later in self.operations[at + 1 :]:
            if not any(each.number in results for each in later.inputs):
                continue
            if later.is_view:
                results |= {each.number for each in later.results}
                continue
            factors = [each.number for each in later.inputs if not each.name]
            if _name(later) != "mul" or len(factors) != 2:
                return Meeting("sigmoid")
            swish = op.inputs[0].number in factors and measured("silu", functional.silu)
            return swish or Meeting(GATE)
        return Meeting(OUTPUT)

    def _branch_ends(self) -> frozenset[str]:
        """The last normalization before each sum of a shortcut and a branch that is longer."""
        depth: dict[int, int] = {}  # layers on the longest way to a tensor
        before: dict[int, int] = {}  # the tensors a tensor comes from, as the bits of a number
        norm: dict[int, str] = {}  # the normalization whose output a tensor is, but for dropout and views
        ends = set()
        for op in self.operations:
            given = [each for each in op.inputs if each.storage not in self.state]
            if _name(op) == "add" and len(given) == 2 and given[0].number != given[1].number:
                branch, shortcut = sorted((each.number for each in given), key=lambda each: -depth.get(each, 0))
                common = before.get(branch, 1 << branch) & before.get(shortcut, 1 << shortcut)
                fork = max((depth.get(each, 0) for each in _bits(common)), default=None)
                if fork is not None and depth.get(branch, 0) > depth.get(shortcut, 0) <= fork + 1 and branch in norm:
                    ends.add(norm[branch])
            deep = max((depth.get(each.number, 0) for each in given), default=0) + (_name(op) in _MIXING)
            origin = 0
            for each in given:
                origin |= before.get(each.number, 1 << each.number)
            name = next((norm[each.number] for each in given if each.number in norm), "") if len(given) == 1 else ""
            if _name(op) in _NORMALIZING:
                name = next((each.name.rpartition(".")[0] for each in op.inputs if each.name.endswith("weight")), "")
            elif not (op.is_view or _name(op) in ("clone", "mul", "div")):
                name = ""
            for each in op.results:
                depth[each.number], before[each.number] = deep, origin | (1 << each.number)
                norm.pop(each.number, None)
                if name:
                    norm[each.number] = name
        return frozenset(ends)


def measured(name: str, activation: Callable[[Tensor], Tensor]) -> Meeting | None:
    """An activation by its second moment over a standard normal input; None of what is linear or cannot be asked."""
    z = _line()
    try:
        with torch.no_grad():
            value = activation(z.clone())
    except Exception:
        return None
    slopes = value.diff()
    if value.shape != z.shape or not value.isfinite().all() or (slopes - slopes[0]).abs().max() < 1e-9:
        return None
    moment = _normal_mean(value**2, z)
    return Meeting(name, gain=1 / math.sqrt(moment)) if moment > 0 else None


def _gain_of_largest(pieces: int) -> float:
    """Of the largest of so many independent standard normals, whose density is k phi(z) Phi(z)^(k - 1)."""
    z = _line()
    return 1 / math.sqrt(_normal_mean(z**2 * pieces * torch.special.ndtr(z) ** (pieces - 1), z))


def _normal_mean(value: Tensor, z: Tensor) -> float:
    """The mean of what a standard normal z makes, by the trapezoidal rule."""
    return float(torch.trapezoid(value * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi), z))


def _line() -> Tensor:
    return torch.linspace(-10, 10, 20_001, dtype=torch.float64)


def _guessed(model: nn.Module, reason: str) -> Reading:
    """By the order of modules: after a layer comes the first activation before the next layer."""
    leaves = [(place, each) for place, each in model.named_modules() if not any(True for _ in each.children())]
    layers = [at for at, (_, each) in enumerate(leaves) if blocks(each)]
    reading = Reading(order=[leaves[at][0] for at in layers], guess=reason)
    for at, following in pairwise([*layers, len(leaves)]):
        found = (_alone(each) for _, each in leaves[at + 1 : following])
        meeting = next((each for each in found if each is not None), None)
        reading.meetings[leaves[at][0]] = meeting or Meeting(OUTPUT if following == len(leaves) else LINEAR)
    return reading


def _alone(layer: nn.Module) -> Meeting | None:
    """What a module by itself is, if it is an activation."""
    if isinstance(layer, NORMS) or len(own(layer)) > isinstance(layer, nn.PReLU):
        return None
    try:
        seen = trace(layer, [torch.zeros(2, 4)])
    except InputError:
        return None
    network = _Network(layer, seen)
    return next((found for op in seen.operations if (found := network._activation(op)) is not None), None)


def _name(op: Operation) -> str:
    """Without the namespace and without the mark of working in place."""
    return op.name.removeprefix("aten::").removesuffix("_")


def _plain(target: Any) -> Any:
    """An operation's twin that leaves its input alone."""
    name = target.name().removeprefix("aten::")
    base, _, overload = name.partition(".")
    return getattr(getattr(torch.ops.aten, base.removesuffix("_")), overload or "default")


def _is_pointwise(op: Operation) -> bool:
    return torch.Tag.pointwise in getattr(op.target, "tags", ()) or op.is_view


def _bits(number: int) -> Iterator[int]:
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low
