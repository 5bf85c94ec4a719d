"""Which of torch's functions have an explicit backward pass here, and its equations.

In the equations y is what a function makes, x and other what it takes, W its weight and b its bias; dx is the
derivative of the loss with respect to x. They are those of one example, a column; sums over examples are left out. A
loss that is a mean over N gives everyone the share 1 / N.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from inspect import Parameter, Signature, signature
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.nn.backprop import activations, convolutions, losses, normalization, pooling, shapes
from gradus.nn.backprop.sums import add, divide, dropout, linear, matmul, mean, multiply, subtract, total

_INPLACE = Parameter("inplace", Parameter.POSITIONAL_OR_KEYWORD, default=False)


@dataclass(frozen=True)
class Rule:
    """What stands in for one of torch's functions.

    Attributes:
        call: takes the same arguments and computes the same, with an explicit backward pass.
        letter: what a textbook calls its result.
        value: the equation of its result, to which a bias is added if there is one.
        gradients: the equation of the derivative of each argument.
        evaluation: those where statistics are constants, if they differ.
        changes: whether it writes its result over its first argument.
        view: whether torch's result shares the memory of its first argument.
    """

    call: Callable[..., Tensor]
    letter: str
    value: str
    gradients: Mapping[str, str]
    evaluation: Mapping[str, str] | None = None
    changes: bool = False
    view: bool = False

    @property
    def name(self) -> str:
        return self.call.__name__

    @cached_property
    def _signature(self) -> Signature:
        known = signature(self.call)
        if any(each.kind is not Parameter.POSITIONAL_OR_KEYWORD for each in known.parameters.values()):
            return known
        return known.replace(parameters=[*known.parameters.values(), _INPLACE])  # where torch has it: last

    def arguments(self, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a call of torch's function, by our names.

        Raises:
            InputError: where it is asked for what we do not have.
        """
        given = {name: each for name, each in keywords.items() if each is not None and not name.startswith("_")}
        if "input" in given:
            args = (given.pop("input"), *args)
        try:
            return self._signature.bind(*args, **given).arguments
        except TypeError as error:
            raise InputError(self.name, f"has no explicit backward pass for this call: {error}") from error

    def equations(self, arguments: Mapping[str, Any]) -> Mapping[str, str]:
        """`gradients`, as they are for a call with these arguments."""
        return self.gradients if self.evaluation is None or arguments.get("training") else self.evaluation

    def writes(self, arguments: Mapping[str, Any]) -> bool:
        """Whether a call with these arguments writes over the first."""
        return self.changes or bool(arguments.get("inplace"))

    def __call__(self, arguments: dict[str, Any]) -> Tensor:
        """The result, written over the first argument where that is what was asked for."""
        inplace = self.writes(arguments)
        arguments.pop("inplace", None)
        bound = self._signature.bind_partial()
        bound.arguments.update(arguments)
        if not inplace:
            return self.call(*bound.args, **bound.kwargs)
        first, *others = bound.args
        return shapes.write(first, self.call(shapes.copy(first), *others, **bound.kwargs))


def rule_of(function: Any) -> Rule | None:
    """The rule for one of torch's functions."""
    return _RULES.get(function)


def _over(axes: int, call: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Pooling over so many axes; ours takes their number from the input, which may be without a batch."""

    @wraps(call)
    def checked(x: Tensor, *arguments: Any, **options: Any) -> Tensor:
        if x.ndim != axes + 2:
            raise InputError(call.__name__, f"the input must have {axes + 2} axes", tuple(x.shape), "One for examples.")
        return call(x, *arguments, **options)

    return checked


def _negative(x: Tensor) -> Tensor:
    return multiply(x, -1)


def _subtracted_from(x: Tensor, other: Any) -> Tensor:
    return add(multiply(x, -1), other)


def _activation(call: Callable[..., Tensor], *, changes: bool = False) -> Rule:
    name = call.__name__
    return Rule(call, "a", f"{name}({{x}})", {"x": f"d{{y}} * {name}'({{x}})"}, changes=changes)


_LINEAR = Rule(linear, "z", "{weight} {x}", {"x": "{weight}^T d{y}", "weight": "d{y} {x}^T", "bias": "d{y}"})
_CONVOLUTION = Rule(
    convolutions.convolution,
    "z",
    "conv({weight}, {x})",
    {"x": "conv(rot180({weight}), spread(d{y}))", "weight": "conv(d{y}, {x})", "bias": "sum(d{y})"},
)
_TRANSPOSED = Rule(
    convolutions.transposed_convolution,
    "z",
    "conv(rot180({weight}), spread({x}))",
    {"x": "conv({weight}, d{y})", "weight": "conv({x}, d{y})", "bias": "sum(d{y})"},
)
_MAX_POOL, _MEAN_POOL = {"x": "to_largest(d{y})"}, {"x": "spread_evenly(d{y})"}
_SCALE = {"weight": "sum(d{y} * n)", "bias": "sum(d{y})"}
_STANDARDIZED = _SCALE | {"x": "(dn - mean(dn) - n * mean(dn * n)) / std, dn = {weight} * d{y}"}
_CONSTANT = _SCALE | {"x": "{weight} * d{y} / std"}
_SUM = {"x": "d{y}", "other": "d{y}"}
_PRODUCT = {"x": "d{y} * {other}", "other": "d{y} * {x}"}
_SQUARED_ERROR = {"x": "2 ({x} - {target}){share}", "target": "2 ({target} - {x}){share}"}
_RESHAPED = {"x": "reshape(d{y})"}

_RESHAPE = Rule(shapes.reshape, "v", "reshape({x})", _RESHAPED, view=True)
_FLATTEN = Rule(shapes.flatten, "v", "flatten({x})", _RESHAPED, view=True)
_COPY = Rule(shapes.copy, "c", "{x}", {"x": "d{y}"})
_CONTIGUOUS = Rule(shapes.copy, "c", "{x}", {"x": "d{y}"}, view=True)
_ADD = Rule(add, "s", "{x} + {other}", _SUM)
_SUBTRACT = Rule(subtract, "s", "{x} - {other}", {"x": "d{y}", "other": "-d{y}"})
_MULTIPLY = Rule(multiply, "m", "{x} * {other}", _PRODUCT)
_RELU, _SIGMOID, _TANH = (_activation(each) for each in (activations.relu, activations.sigmoid, activations.tanh))

_TRANSPOSED_VIEWS = Tensor.T.__get__, Tensor.mT.__get__  # type: ignore[attr-defined]

_RULES: dict[Any, Rule] = {
    functional.linear: _LINEAR,
    **dict.fromkeys((torch.conv1d, torch.conv2d, torch.conv3d), _CONVOLUTION),
    **dict.fromkeys((torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d), _TRANSPOSED),
    **{
        getattr(functional, f"{name}{axes}d"): Rule(_over(axes, call), "p", value, gradients)
        for axes in (1, 2, 3)
        for name, call, value, gradients in (
            ("max_pool", pooling.max_pool, "max_pool({x})", _MAX_POOL),
            ("avg_pool", pooling.mean_pool, "mean_pool({x})", _MEAN_POOL),
            ("adaptive_max_pool", pooling.adaptive_max_pool, "max_pool({x})", _MAX_POOL),
            ("adaptive_avg_pool", pooling.adaptive_mean_pool, "mean_pool({x})", _MEAN_POOL),
        )
    },
    **dict.fromkeys((Tensor.mean, torch.mean), Rule(mean, "p", "mean({x})", {"x": "spread_evenly(d{y})"})),
    functional.batch_norm: Rule(normalization.batch_norm, "n", "{weight} * n", _STANDARDIZED, _CONSTANT),
    functional.layer_norm: Rule(normalization.layer_norm, "n", "{weight} * n", _STANDARDIZED),
    functional.group_norm: Rule(normalization.group_norm, "n", "{weight} * n", _STANDARDIZED),
    **dict.fromkeys((functional.relu, torch.relu, Tensor.relu), _RELU),
    **dict.fromkeys((torch.relu_, Tensor.relu_), _activation(activations.relu, changes=True)),
    **dict.fromkeys((functional.sigmoid, torch.sigmoid, Tensor.sigmoid), _SIGMOID),
    **dict.fromkeys((torch.sigmoid_, Tensor.sigmoid_), _activation(activations.sigmoid, changes=True)),
    **dict.fromkeys((functional.tanh, torch.tanh, Tensor.tanh), _TANH),
    **dict.fromkeys((torch.tanh_, Tensor.tanh_), _activation(activations.tanh, changes=True)),
    **{
        getattr(functional, call.__name__): _activation(call)
        for call in (
            *(activations.elu, activations.gelu, activations.hardsigmoid, activations.hardswish),
            *(activations.hardtanh, activations.leaky_relu, activations.logsigmoid, activations.mish),
            *(activations.relu6, activations.selu, activations.silu, activations.softplus, activations.softsign),
        )
    },
    functional.prelu: Rule(
        activations.prelu,
        "a",
        "prelu({x}, {weight})",
        {"x": "d{y} * prelu'({x})", "weight": "sum(d{y} * {x}) where {x} <= 0"},
    ),
    **dict.fromkeys(
        (functional.softmax, torch.softmax, Tensor.softmax),
        Rule(losses.softmax, "a", "softmax({x})", {"x": "{y} * (d{y} - sum(d{y} * {y}))"}),
    ),
    **dict.fromkeys(
        (functional.log_softmax, torch.log_softmax, Tensor.log_softmax),
        Rule(losses.log_softmax, "a", "log_softmax({x})", {"x": "d{y} - softmax({x}) * sum(d{y})"}),
    ),
    functional.dropout: Rule(dropout, "r", "mask * {x}", {"x": "mask * d{y}"}),
    **dict.fromkeys((torch.flatten, Tensor.flatten), _FLATTEN),
    **dict.fromkeys((torch.reshape, Tensor.reshape, Tensor.view), _RESHAPE),
    **dict.fromkeys(
        (torch.unflatten, Tensor.unflatten), Rule(shapes.unflatten, "v", "reshape({x})", _RESHAPED, view=True)
    ),
    functional.pad: Rule(shapes.pad, "b", "pad({x})", {"x": "crop(d{y})"}),
    **dict.fromkeys((torch.clone, Tensor.clone), _COPY),
    Tensor.contiguous: _CONTIGUOUS,
    **dict.fromkeys((torch.add, Tensor.add), _ADD),
    Tensor.add_: Rule(add, "s", "{x} + {other}", _SUM, changes=True),
    Tensor.sub_: replace(_SUBTRACT, changes=True),
    Tensor.mul_: replace(_MULTIPLY, changes=True),
    **dict.fromkeys((torch.sub, Tensor.sub), _SUBTRACT),
    **dict.fromkeys((torch.mul, Tensor.mul), _MULTIPLY),
    **dict.fromkeys((torch.div, Tensor.div), Rule(divide, "m", "{x} / {other}", {"x": "d{y} / {other}"})),
    **dict.fromkeys((torch.neg, Tensor.neg), Rule(_negative, "s", "-{x}", {"x": "-d{y}"})),
    **dict.fromkeys(
        (torch.rsub, Tensor.__rsub__), Rule(_subtracted_from, "s", "{other} - {x}", {"x": "-d{y}", "other": "d{y}"})
    ),
    **dict.fromkeys(
        (torch.matmul, Tensor.matmul, torch.mm, Tensor.mm),
        Rule(matmul, "z", "{x} {other}", {"x": "d{y} {other}^T", "other": "{x}^T d{y}"}),
    ),
    **dict.fromkeys((torch.sum, Tensor.sum), Rule(total, "s", "sum({x})", {"x": "spread(d{y})"})),
    **dict.fromkeys(
        (torch.pow, Tensor.pow, Tensor.__pow__),
        Rule(activations.power, "m", "{x}^{exponent}", {"x": "d{y} * {exponent} {x}^({exponent} - 1)"}),
    ),
    **dict.fromkeys((torch.square, Tensor.square), Rule(activations.square, "m", "{x}^2", {"x": "d{y} * 2 {x}"})),
    **dict.fromkeys((torch.exp, Tensor.exp), Rule(activations.exp, "m", "exp({x})", {"x": "d{y} * {y}"})),
    **dict.fromkeys((torch.log, Tensor.log), Rule(activations.log, "m", "log({x})", {"x": "d{y} / {x}"})),
    **dict.fromkeys((torch.squeeze, Tensor.squeeze), Rule(shapes.squeeze, "v", "reshape({x})", _RESHAPED, view=True)),
    **dict.fromkeys(
        (torch.unsqueeze, Tensor.unsqueeze), Rule(shapes.unsqueeze, "v", "reshape({x})", _RESHAPED, view=True)
    ),
    **dict.fromkeys(
        (torch.transpose, Tensor.transpose, torch.t, Tensor.t, *_TRANSPOSED_VIEWS),
        Rule(shapes.transpose, "v", "{x}^T", {"x": "d{y}^T"}, view=True),
    ),
    functional.cross_entropy: Rule(
        losses.softmax_cross_entropy,
        "J",
        "cross_entropy({x}, {target})",
        {"x": "({total}softmax({x}) - {target}){share}"},
    ),
    functional.mse_loss: Rule(losses.mean_squared_error, "J", "{reduction}(({x} - {target})^2)", _SQUARED_ERROR),
    functional.binary_cross_entropy_with_logits: Rule(
        losses.sigmoid_cross_entropy,
        "J",
        "cross_entropy(sigmoid({x}), {target})",
        {"x": "(sigmoid({x}) - {target}){share}"},
    ),
}
