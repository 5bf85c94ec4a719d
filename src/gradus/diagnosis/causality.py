"""Whether a model that is to tell what comes next in a sequence is shown it."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gradus.diagnosis import shadow
from gradus.diagnosis.measure import tensors_in

# N examples, T steps, V answers

_SHORTEST = 4
_ROWS = 4
_MOST_VALUES = 1_000_000
_MOST_ALIKE = 0.9


class Shown(NamedTuple):
    """A sequence, the last step of which changes what a model says at those before.

    Attributes:
        axis: that of its steps.
    """

    tensor: Tensor
    axis: int


def shown(model: nn.Module, args: Any, kwargs: Any, result: Tensor) -> list[Shown]:
    """The sequences that a model sees as a whole when it answers at each of their steps.

    A copy runs in evaluation mode, as in `shadow.look_beside`, on what the model was given and on the same with another
    last step.

    Args:
        result: what it made of them, (N, T, ...), (T, N, ...), or (N T, V).
    """
    given = [each for each in (*tensors_in(args), *tensors_in(kwargs)) if _is_sequence(each, result)]
    if not given or sum(each.numel() for each in model.parameters()) > shadow.MOST_ELEMENTS:
        return []
    try:
        with shadow.beside(model) as twin:
            return [
                Shown(each, axis) for each in given for axis in (1, 0) if _looks_ahead(twin, args, kwargs, each, axis)
            ]
    except Exception:  # whatever a stranger's model does with what it was not made for says nothing about the run
        return []


def _is_sequence(given: Tensor, result: Tensor) -> bool:
    if given.dim() not in {2, 3} or given.is_complex() or given.numel() > _MOST_VALUES:
        return False  # images, and what takes long
    flat = result.dim() == 2 and result.shape[0] == given.shape[0] * given.shape[1]
    return flat or (result.dim() > 2 and result.shape[:2] == given.shape[:2])


def _looks_ahead(twin: nn.Module, args: Any, kwargs: Any, sequence: Tensor, axis: int) -> bool:
    if sequence.shape[axis] < _SHORTEST:
        return False
    rows = min(_ROWS, len(sequence)) if axis == 1 else len(sequence)
    other = _with_other_end(sequence, axis)
    before, again, after = (
        _answers(
            twin, shadow.rows_of(one, len(sequence), rows), shadow.rows_of(two, len(sequence), rows), sequence, rows
        )
        for one, two in ((args, kwargs), (args, kwargs), _exchanged((args, kwargs), sequence, other))
    )
    if before is None or after is None or again is None or not torch.equal(before, again):
        return False
    steps = sequence.shape[axis] - 1
    one, two = before.narrow(axis, 0, steps), after.narrow(axis, 0, steps)
    return float((one - two).abs().max()) >= 1e-3 * (float(one.abs().mean()) + 1e-12)


def _answers(twin: nn.Module, args: Any, kwargs: Any, sequence: Tensor, rows: int) -> Tensor | None:
    """What is said at each step, (rows, T, ...)."""
    said = shadow.output_of(twin, (args, kwargs))
    if said is not None and said.dim() == 2:
        said = said.reshape(rows, sequence.shape[1], -1)
    return said


def _with_other_end(sequence: Tensor, axis: int) -> Tensor:
    """The same but for the last step, which gets what another example has there, or the first step."""
    other = sequence.detach().clone()
    last = other.select(axis, -1)
    last.copy_(other.select(axis, 0) if not sequence.is_floating_point() else 1 - last)
    return other


def _exchanged(value: Any, old: Tensor, new: Tensor) -> Any:
    if value is old:
        return new
    if isinstance(value, tuple | list):
        return tuple(_exchanged(each, old, new) for each in value)
    if isinstance(value, dict):
        return {name: _exchanged(each, old, new) for name, each in value.items()}
    return value


def is_next(target: Tensor, sequence: Shown) -> bool:
    """Whether targets, in any shape, are the steps of a sequence, each at the step before."""
    tensor, axis = sequence
    steps = tensor.shape[axis] - 1
    now, later = tensor.detach().narrow(axis, 0, steps), tensor.detach().narrow(axis, 1, steps)
    if target.numel() == later.numel():
        aims = target.detach().reshape(later.shape)
    elif target.numel() == tensor.numel():
        aims = target.detach().reshape(tensor.shape).narrow(axis, 0, steps)
    else:
        return False
    counts = aims >= 0 if not aims.is_floating_point() else torch.ones_like(aims, dtype=torch.bool)
    number = int(counts.sum())  # those below 0 are passed over by losses of classes
    alike = int((aims.to(now) == now)[counts].sum())
    return alike < _MOST_ALIKE * number and bool((aims.to(later) == later)[counts].all())
