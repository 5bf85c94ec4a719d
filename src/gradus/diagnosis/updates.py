"""What a step did to the parameters: gradients, what they changed, and how much of them is noise."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Optimizer

from gradus.diagnosis import measure
from gradus.diagnosis.memory import Memory
from gradus.diagnosis.places import Places
from gradus.diagnosis.signs import LayerSigns, ParameterSigns, layer_of


@dataclass(frozen=True)
class _Noted:
    """A parameter before a step: a sample of it, what its gradient is to be multiplied by, its gradient's figures and
    a sample of that, which may both be gone after a step by hand; and whether, before the first step, all its units
    are the same.
    """

    place: str
    parameter: Tensor
    before: Tensor
    factor: float
    gradient: list[Tensor] | None = None
    slope: Tensor | None = None
    alike: bool = False


class Updates:
    """Gathers the signs of parameters in one step.

    Args:
        layers: those that have run so far, by which tables of embeddings are told.

    Attributes:
        batch: examples of the step; 0 if it is not known.
        tables, turned: ids of parameters of which rows are looked up by number, and of those as in ``x @ w``.
        rates: of all groups that stepped.
        noise: of the gradient, in examples.
    """

    def __init__(self, step: int, places: Places, memory: Memory, layers: Mapping[str, LayerSigns]) -> None:
        self.parameters: dict[str, ParameterSigns] = {}
        self.rates: list[float] = []
        self.noise: float | None = None
        self.batch = 0
        self.tables: set[int] = set()
        self.turned: set[int] = set()
        self._step, self._places, self._memory, self._layers = step, places, memory, layers
        self._before: dict[Optimizer, list[_Noted]] = {}
        self._by_hand: list[_Noted] = []

    def before_step(self, optimizer: Optimizer) -> None:
        """An optimizer is about to step: gradients, and weights as they are."""
        scale = getattr(optimizer, "grad_scale", None)
        factor = 1.0 if scale is None else 1.0 / float(scale)
        gradients: list[Tensor] = []
        noted: list[_Noted] = []
        for group in optimizer.param_groups:
            self.rates.append(float(group.get("lr", math.nan)))
            for parameter in group["params"]:
                place = self._places.parameter(parameter) or f":{len(noted)}"
                alike = not self._step and parameter.dim() > 1 and measure.identical_rows(parameter)
                noted.append(_Noted(place, parameter, measure.sample(parameter).clone(), factor, alike=alike))
                if parameter.grad is not None and len(gradients) < 64:
                    gradients.append(measure.sample(parameter.grad).clone())
        self._before[optimizer] = noted
        self.noise = self._noise_scale(gradients) if self.noise is None else self.noise

    def after_step(self, optimizer: Optimizer) -> None:
        """It has stepped: what the gradients were, and what they changed."""
        self._read_parameters(self._before.pop(optimizer, []))

    def note_by_hand(self, reached: Sequence[Tensor]) -> None:
        """A backward pass that led to these is over, and the program changes parameters by itself.

        From the loss on they come last layer first; an optimizer has them in the order in which they are used.
        """
        leaves = [each for each in reached if each.grad is not None][::-1]
        self._by_hand = [
            _Noted(
                self._places.parameter(each) or f":{number}",
                each,
                measure.sample(each).clone(),
                1.0,
                _gradient_figures(each.grad),
                _slope(each.grad, clone=True),
            )
            for number, each in enumerate(leaves)
        ]

    def _read_parameters(self, noted: Sequence["_Noted"]) -> None:
        if not noted:
            return
        measured: list[list[Tensor]] = []
        for each in noted:
            change = measure.sample(each.parameter).to(each.before.dtype) - each.before
            numbers = [_norm(each.parameter), measure.root_mean_square(each.before), measure.root_mean_square(change)]
            slope = each.slope if each.slope is not None else _slope(each.parameter.grad)
            alike = slope is not None and slope.shape == change.shape
            numbers.append(measure.agreement(change, slope) if slope is not None and alike else torch.zeros(()))
            measured.append(numbers + (each.gradient or _gradient_figures(each.parameter.grad)))
        flat = iter(measure.figures([each for numbers in measured for each in numbers]))
        for each, numbers in zip(noted, measured, strict=True):
            values = [next(flat) for _ in numbers]
            elements, matrix = each.parameter.numel(), each.parameter.dim() > 1
            has_gradient = len(values) == 6
            self.parameters[each.place] = ParameterSigns(
                elements=elements,
                matrix=matrix,
                weight=values[1],
                gradient=values[4] / math.sqrt(max(elements, 1)) * each.factor if has_gradient else None,
                zero=values[5] if has_gradient else 0.0,
                update=values[2],
                uphill=values[3],
                identical=matrix and self._step < 12 and self._identical(each),
                constant=matrix and not self._step and bool((each.before == each.before[:1]).all()),
                alike=each.alike,
                embedding=self._is_embedding(each),
                fan_in=self._units_first(each)[0].numel() if matrix else 1,
                finite=all(map(math.isfinite, values)),
            )

    def _identical(self, noted: "_Noted") -> bool:
        """Whether all units are the same: rows, of a table of embeddings columns."""
        turned = self._is_embedding(noted) or id(noted.parameter) in self.turned
        weight, gradient = noted.parameter, noted.parameter.grad
        if gradient is not None and gradient.is_sparse:
            gradient = None
        if turned:
            weight, gradient = weight.T, None if gradient is None else gradient.T
        return measure.identical_rows(weight, gradient)

    def _units_first(self, noted: "_Noted") -> Tensor:
        return noted.parameter.T if id(noted.parameter) in self.turned else noted.parameter

    def _is_embedding(self, noted: "_Noted") -> bool:
        if id(noted.parameter) in self.tables or layer_of(noted.place) in self._places.tables:
            return True
        owner = self._layers.get(layer_of(noted.place))
        return owner is not None and owner.type.startswith("Embedding")

    def _noise_scale(self, gradients: list[Tensor]) -> float | None:
        """From this gradient and that of the step before: tr(S) / |G|^2, in examples.

        Of independent g1, g2: E[g1 . g2] = |G|^2 and E[|g|^2] = |G|^2 + tr(S) / B. A sample of the elements will do.
        Source: McCandlish et al. (2018), An empirical model of large-batch training, arXiv 1812.06162.
        """
        before, self._memory.gradient = self._memory.gradient, (self._step, gradients)
        if before is None or before[0] != self._step - 1 or len(before[1]) != len(gradients) or not self.batch:
            return None
        if any(one.shape != two.shape for one, two in zip(before[1], gradients, strict=True)):
            return None
        both = [(one @ two, one @ one, two @ two) for one, two in zip(before[1], gradients, strict=True)]
        if not both:
            return None
        common, first, second = (sum(measure.figures([each[k] for each in both])) for k in range(3))
        if common <= 0 or not math.isfinite(common):
            return None
        return max(0.0, self.batch * ((first + second) / 2 - common) / common)

    def finish(self) -> None:
        """The step is over."""
        self._read_parameters(self._by_hand)


def _gradient_figures(gradient: Tensor | None) -> list[Tensor]:
    """Norm, and share of zeros; nothing where there is no gradient."""
    if gradient is None:
        return []
    return [_norm(gradient), (measure.sample(gradient) == 0).float().mean()]


def _slope(gradient: Tensor | None, *, clone: bool = False) -> Tensor | None:
    """A sample of a gradient that has the elements of that of its parameter."""
    if gradient is None or gradient.is_sparse:
        return None
    return measure.sample(gradient).clone() if clone else measure.sample(gradient)


def _norm(tensor: Tensor) -> Tensor:
    dense = tensor.coalesce().values() if tensor.is_sparse else tensor.detach()
    # The sum of the squares of half precision overflows beyond 65,504.
    half = dense.dtype in (torch.float16, torch.bfloat16)
    norm: Tensor = torch.linalg.vector_norm(dense, dtype=torch.float32 if half else None)
    return norm
