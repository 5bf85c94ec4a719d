"""Which of the first two axes of what a model is given holds examples, and which the steps of a sequence."""

import math

from torch import Tensor

from gradus.diagnosis.causality import Shown, is_next

# N examples, T steps

_FEWEST, _FEWEST_LENGTHS = 8, 3
_CHANGES_LITTLE, _CHANGES = 0.9, 1.0


def examples_first(given: Tensor, target: Tensor | None) -> bool:
    """Whether it is (N, T, ...), as far as numbers tell: there is one target for each row, or rows and no columns are
    what a sequence is: their next steps are the targets, their ends are filled up, or they change little by little.
    """
    rows, columns = given.shape[:2]
    if target is not None and rows != columns and target.shape[:1] == (rows,) and target.shape[1:2] != (columns,):
        return True
    sequence = given.detach()
    if target is not None and [is_next(target, Shown(sequence, axis)) for axis in (0, 1)] == [False, True]:
        return True
    # What was turned around by the program is as it is meant to be.
    if min(rows, columns) < _FEWEST or sequence.stride(0) < sequence.stride(1):
        return False
    if [_is_filled_up(sequence, axis) for axis in (0, 1)] == [False, True]:
        return True
    known = [each for each in (sequence, target) if each is not None and each.shape[:2] == (rows, columns)]
    little = min(_CHANGES_LITTLE, 2 - 6 / math.sqrt(columns))  # by three deviations
    return any(_change(each, 1) < little and _change(each, 0) > _CHANGES for each in known)


def _is_filled_up(sequence: Tensor, axis: int) -> bool:
    """Whether each of several lengths is followed by one number up to the end."""
    if sequence.dim() != 2:
        return False
    steps = sequence.movedim(axis, -1)
    filling = steps == steps[:, -1].mode().values
    lengths = (~filling).sum(-1)
    return bool((filling[:, 1:] >= filling[:, :-1]).all()) and len(lengths.unique()) >= _FEWEST_LENGTHS


def _change(sequence: Tensor, axis: int) -> float:
    """sum (x_t+1 - x_t)^2 / sum (x_t - mean)^2       von Neumann (1941): about 2, +- 2 / sqrt(T), of no order."""
    x = sequence.movedim(axis, 0).flatten(1).float()
    return float((x.diff(dim=0).square().sum(0) / (x - x.mean(0)).square().sum(0)).nanmedian())
