"""Filling a model's parameters, one by one, and the table of what was done."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import ParametrizationList, is_parametrized

from gradus.nn import initializers
from gradus.nn.schemes import Draw, Moments, moments
from gradus.nn.weights import NORMS, Block, biases, blocks, gates, is_recurrent, own

_COLUMNS = ("place", "layer", "parameter", "scheme", "options", "asked", "drawn", "why")

Choose = Callable[[str, nn.Module, Block], tuple[str, dict[str, Any], str]]
"""The scheme of a weight matrix, its options, and why."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was done to one parameter.

    Attributes:
        place: path of its layer in the model.
        layer: the layer's type.
        parameter: its name within the layer, with the rows of it that are one matrix: ``weight_hh_l0[0:64]``.
        scheme: by which it was drawn; "" if it was left as it was.
        options: of the scheme.
        why: the activation seen, or why it was left.
        asked, drawn: mean and deviation that the scheme aims at, and those it came to.
    """

    place: str
    layer: str
    parameter: str
    scheme: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    asked: Moments | None = None
    drawn: Moments | None = None


class Initialization(tuple[Row, ...]):
    """What `initialize` did, parameter by parameter; prints as a table."""

    __slots__ = ()

    def __str__(self) -> str:
        cells = [_COLUMNS, *map(_cells, self)]
        widths = [max(len(row[at]) for row in cells) for at in range(len(_COLUMNS))]
        return "\n".join(
            "  ".join(each.ljust(width) for each, width in zip(row, widths, strict=True)).rstrip() for row in cells
        )

    @property
    def left(self) -> list[Row]:
        """The parameters that were not touched."""
        return [row for row in self if not row.scheme]


class Filling:
    """One pass over a model's parameters."""

    def __init__(self, model: nn.Module, choose: Choose, generator: torch.Generator | None) -> None:
        self._model, self._choose, self._generator = model, choose, generator
        self._seen: dict[int, str] = {}

    def rows(self) -> list[Row]:
        found: list[Row] = []
        for place, layer in self._model.named_modules():
            if isinstance(layer, ParametrizationList):  # is set through what it computes
                continue
            for name, parameter in own(layer).items():
                if isinstance(parameter, Tensor):
                    found += self._parameter(Row(place=place, layer=_type(layer), parameter=name), layer, parameter)
            ready = not (_is_frozen(layer.parameters(recurse=False)) or any(map(is_lazy, layer.buffers(recurse=False))))
            if isinstance(layer, _NormBase) and ready:
                layer.reset_running_stats()
        return found

    def _parameter(self, row: Row, layer: nn.Module, parameter: Tensor) -> list[Row]:
        name, computed = row.parameter, is_parametrized(layer, row.parameter)
        matrices = [each for each in blocks(layer) if each.parameter == name]
        numbers = _constants(layer, name)
        obstacle = self._obstacle(layer, name, parameter)
        if not obstacle and not matrices and not numbers:
            obstacle = "not a parameter known here" if blocks(layer) else "not a layer known here"
        if obstacle:
            return [replace(row, why=obstacle)]
        if not computed:
            self._seen[id(parameter)] = f"{row.place}.{name}".lstrip(".")
        with torch.no_grad():
            weight = parameter.detach().clone() if computed else parameter
            rows = [self._matrix(row, layer, each, weight) for each in matrices]
            rows += [constant(row, weight, *each) for each in numbers]
            padding = getattr(layer, "padding_idx", None)
            if padding is not None:
                weight[padding] = 0
            if computed:
                setattr(layer, name, weight)
                weight, parts = own(layer)[name], [*(each.rows for each in matrices), *(rows for rows, *_ in numbers)]
                rows = [replace(each, drawn=moments(_part(weight, at))) for each, at in zip(rows, parts, strict=True)]
        return rows

    def _matrix(self, row: Row, layer: nn.Module, block: Block, weight: Tensor) -> Row:
        scheme, options, why = self._choose(row.place, layer, block)
        card = initializers.get(scheme)
        draw: Draw = card.build(**card.validate(options))
        asked = [draw(each, block.fans, self._generator) for each in block.of(weight)][-1]
        drawn = moments(_part(weight, block.rows))
        return replace(_of_rows(row, block.rows), scheme=scheme, options=options, why=why, asked=asked, drawn=drawn)

    def _obstacle(self, layer: nn.Module, name: str, parameter: Tensor) -> str:
        """Why a parameter cannot be drawn; "" if it can."""
        if is_lazy(parameter):
            return "lazy: call the model once before"
        if not parameter.numel():
            return "empty"
        if id(parameter) in self._seen:
            return f"shared: drawn as {self._seen[id(parameter)]}"
        if not parameter.is_floating_point():
            return "complex" if parameter.is_complex() else "quantized"
        if _is_frozen(_behind(layer, name, parameter)):
            return "frozen"
        return "on the meta device" if parameter.is_meta else ""


def _constants(layer: nn.Module, name: str) -> list[tuple[slice | None, float, str]]:
    """What a bias, or a parameter of a normalization, starts as: rows, value and why."""
    if isinstance(layer, NORMS):
        return [(None, float(name == "weight"), "normalization")]
    if isinstance(layer, nn.PReLU):
        return [(None, layer.init, "its own slope")]
    if not blocks(layer) or name not in biases(layer):
        return []
    parts: list[tuple[slice | None, float, str]] = [(None, 0.0, "bias")]
    if is_recurrent(layer) and gates(layer) == 4 and name.startswith("bias_ih"):
        hidden = cast(int, layer.hidden_size)
        parts.append((slice(hidden, 2 * hidden), 1.0, "forget gate open, Jozefowicz et al. (2015)"))
    return parts


def constant(row: Row, weight: Tensor, rows: slice | None, value: float, why: str) -> Row:
    """Set `rows` of a weight, or all of it, to a number."""
    part = _part(weight, rows)
    part.fill_(value)
    return replace(
        _of_rows(row, rows),
        scheme="constant",
        options={"value": value},
        why=why,
        asked=Moments(value, 0.0),
        drawn=moments(part),
    )


def _behind(layer: Any, name: str, parameter: Tensor) -> list[Tensor]:
    """What is learned: the parameter, or what it is computed from."""
    return [*layer.parametrizations[name].parameters()] if is_parametrized(layer, name) else [parameter]


def _is_frozen(parameters: Iterable[Tensor]) -> bool:
    """Whether there are any, and none is to learn."""
    learning = [each.requires_grad for each in parameters]
    return bool(learning) and not any(learning)


def _part(weight: Tensor, rows: slice | None) -> Tensor:
    return weight if rows is None else weight[rows]


def _of_rows(row: Row, rows: slice | None) -> Row:
    return row if rows is None else replace(row, parameter=f"{row.parameter}[{rows.start}:{rows.stop}]")


def _type(layer: nn.Module) -> str:
    return type(layer).__name__.removeprefix("Parametrized")


def _cells(row: Row) -> tuple[str, ...]:
    options = ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in row.options.items()
    )
    return (
        row.place,
        row.layer,
        row.parameter,
        row.scheme or "left as it is",
        options,
        *("" if each is None else f"{each.mean:.2g} +- {each.deviation:.3g}" for each in (row.asked, row.drawn)),
        row.why,
    )
