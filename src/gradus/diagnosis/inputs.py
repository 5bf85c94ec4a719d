"""What goes into a model: ranges, columns, rows that come again."""

import math
import statistics
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gradus.diagnosis.measure import MOST, figures
from gradus.diagnosis.signs import InputSigns

# N examples, F columns

_MOST_VALUES = 16 * MOST
_ROW = 1024
_COLUMNS = 64
_FEW_ROWS = 8
_CHANNELS = 16
_FEW = 4
"""Examples of a class, of which no column is the same by chance alone."""
_GAP = 0.5
"""Deviations within groups that lie between them: so far apart bins are not."""


def read_input(
    tensor: Tensor, *, target: Tensor | None = None, normalized: bool = False, prints: Sequence[int] | None = None
) -> InputSigns | None:
    """A floating input as signs; None of class numbers, tokens, and what is not a batch.

    Args:
        tensor: (N, ...).
        target: of the loss, to see whether one column of a table tells it, or it is the input itself.
        normalized: whether the model scales it before anything else.
        prints: its `row_prints`, where they are known.
    """
    if not tensor.is_floating_point() or tensor.dim() < 2 or not tensor.numel() or tensor.layout is not torch.strided:
        return None
    rows_NF = tensor.detach().reshape(tensor.shape[0], -1)
    rows_NF = rows_NF[: max(2, _MOST_VALUES // rows_NF.shape[1])].float()
    known = torch.isfinite(rows_NF)
    bad = 1 - float(known.float().mean())
    if bad:
        rows_NF = torch.where(known, rows_NF, torch.zeros_like(rows_NF))
    deviation_F, middle_F = torch.std_mean(rows_NF, dim=0, correction=0)
    # Of a sum of equal numbers the deviation can come out a little above zero.
    still_F = deviation_F <= 1e-6 * middle_F.abs()
    mean, std, low, high, varied, constant = figures([
        rows_NF.mean(),
        rows_NF.std(correction=0),
        rows_NF.min(),
        rows_NF.max(),
        deviation_F.square().mean().sqrt(),
        still_F.float().mean(),
    ])  # fmt: skip
    columns = rows_NF.shape[1] if tensor.dim() == 2 else 0
    spread, loud, telling = 1.0, 0.0, (0.0, 0.0)
    moving = deviation_F[~still_F]
    if len(moving) and len(moving) < len(deviation_F):
        loud = float(middle_F[still_F].abs().max() / moving.median().clamp_min(1e-12))
    if columns > 1 and target is not None:
        telling = _tells(rows_NF, target)
    apart = columns > 1
    axis = channel_axis(tensor.shape)
    if axis:
        apart = True
        channels_MF = rows_NF.reshape(-1, *tensor.shape[1:]).movedim(axis, -1).flatten(0, -2)
        deviation_F, middle_F = torch.std_mean(channels_MF, dim=0, correction=0)
        moving = deviation_F[deviation_F > 1e-6 * middle_F.abs()]
    if apart and len(moving) > 1:
        spread = float(moving.max() / moving.median().clamp_min(1e-12))
    return InputSigns(
        shape=tuple(tensor.shape),
        mean=mean,
        std=std,
        low=low,
        high=high,
        non_finite=bad,
        varied=varied,
        columns=columns,
        constant=constant,
        loud_constant=loud,
        spread=spread,
        values=int(rows_NF[:64].unique().numel()) if rows_NF.shape[1] <= _COLUMNS else 0,
        tells_target=telling[0],
        also_tells=telling[1],
        restored=target is not None and _is_copy(target, tensor),
        repeated_rows=_repeated(row_prints(tensor) if prints is None else prints),
        normalized=normalized,
        column_means=tuple(middle_F[:_COLUMNS].tolist()) if apart else (),
        column_stds=tuple(deviation_F[:_COLUMNS].tolist()) if apart else (),
    )


def channel_axis(shape: Sequence[int]) -> int:
    """Where the channels of sequences are, the lesser of two axes, or of images; 0 of tables, and if they are many."""
    axis = 2 if len(shape) == 3 and shape[2] <= shape[1] else 1
    return axis if len(shape) > 2 and 1 < shape[axis] <= _CHANNELS else 0


def _is_copy(target: Tensor, tensor: Tensor) -> bool:
    """Whether the targets are the numbers of an input, in any shape, once or for each of several samples."""
    if target.layout is not torch.strided or not target.numel() or target.numel() % tensor.numel():
        return False
    first = target.detach().reshape(-1)[: tensor.numel()]
    return torch.equal(first.to(tensor), tensor.detach().reshape(-1))


def _tells(rows_NF: Tensor, target: Tensor) -> tuple[float, float]:
    """How well the two most telling columns give the target away: by correlation, without its sign, or 1 if exactly."""
    values = target.detach().float().flatten()
    if values.numel() != rows_NF.shape[0] or len(values) < 16 or float(values.std()) == 0:
        return 0.0, 0.0
    columns = rows_NF - rows_NF.mean(dim=0)
    centred = values - values.mean()
    norms = columns.norm(dim=0) * centred.norm()
    correlations = (centred @ columns).abs() / norms.clamp_min(1e-12)
    telling_F = torch.where(norms > 0, correlations, torch.zeros_like(correlations))
    exactly_F = _splits(rows_NF, values) | _follows(rows_NF, values)
    first, second = torch.where(exactly_F, 1.0, telling_F).topk(2).values.tolist()
    return first, second


def _follows(rows_NF: Tensor, values: Tensor) -> Tensor:
    """Columns (F,) that are made of the target: one number for each class, or one that rises or falls as it rises.

    Such as in which bin it lies. In which of several groups that lie apart it is tells as much, and is no leak.
    """
    sorted_N, order = values.sort()
    steps_MF, classes_M = rows_NF[order].diff(dim=0), sorted_N.diff() != 0
    if int(classes_M.sum()) < 0.5 * len(values):
        return ((steps_MF != 0) == classes_M[:, None]).all(dim=0)
    found_F = (steps_MF >= 0).all(dim=0) | (steps_MF <= 0).all(dim=0)
    for column in found_F.nonzero().flatten().tolist():
        after = steps_MF[:, column].nonzero().flatten() + 1
        bins = sorted_N.tensor_split(after.tolist())
        several = len(bins) > 2 or min(len(each) for each in bins) >= _FEW
        within = math.sqrt(sum(float((each - each.mean()).square().sum()) for each in bins) / len(values))
        together = (
            len(bins) > 0.5 * len(values) or float((sorted_N[after] - sorted_N[after - 1]).median()) < _GAP * within
        )
        found_F[column] = len(bins) > 1 and several and together
    return found_F


def _splits(rows_NF: Tensor, values: Tensor) -> Tensor:
    """Columns (F,) that hold one number for all examples of one of two classes, and others for those of the other."""
    found_F = torch.zeros(rows_NF.shape[1], dtype=torch.bool, device=rows_NF.device)
    high = values == values.max()
    if not bool((high | (values == values.min())).all()) or not _FEW <= int(high.sum()) <= len(values) - _FEW:
        return found_F
    for one, other in ((rows_NF[high], rows_NF[~high]), (rows_NF[~high], rows_NF[high])):
        found_F |= (one == one[0]).all(dim=0) & (other != one[0]).all(dim=0)
    return found_F


def _repeated(prints: Sequence[int]) -> float:
    """Share of rows that are in the batch more than once."""
    return 1 - len(set(prints)) / len(prints) if prints else 0.0


def row_prints(tensor: Tensor, most: int = 64) -> list[int]:
    """A number for each of the first rows, equal where rows are; of tokens whatever they are padded to."""
    if not tensor.numel() or tensor.layout is not torch.strided:
        return []
    rows = tensor.detach()[:most].flatten(1) if tensor.dim() > 1 else tensor.detach()[:most, None]
    if rows.is_complex():
        rows = torch.view_as_real(rows.resolve_conj()).flatten(1)
    if rows.shape[1] > _ROW:
        rows = rows[:, :: -(-rows.shape[1] // _ROW)]
    content = rows.to(device="cpu", dtype=torch.float32).contiguous().numpy()
    padded = b"" if tensor.is_floating_point() else b"\0"
    return [hash(row.tobytes().strip(padded)) for row in content]


def begins_with_normalization(model: nn.Module) -> bool:
    """Whether the first layer with anything to learn or keep normalizes.

    Or the second does, channel by channel, what a convolution makes: the inputs' scale and mean are gone then, and the
    convolution's gradient does not depend on them.
    """
    convolves = False
    for module in model.modules():
        if list(module.children()):
            continue
        name = type(module).__name__
        if "Norm" in name:
            return not convolves or "BatchNorm" in name or "InstanceNorm" in name
        if any(True for _ in module.parameters(recurse=False)):
            if convolves or not isinstance(module, nn.modules.conv._ConvNd):
                return False
            convolves = True
    return False


def calm(tensor: Tensor) -> bool:
    """Whether what the first layer is given is scaled: values near zero, and no column of a table far wider."""
    signs = read_input(tensor)
    if signs is None:
        return False
    near = max(abs(signs.low), abs(signs.high)) <= 50 or (signs.std <= 10 and abs(signs.mean) <= 10)
    return near and signs.spread <= 1000


def distance(train: list[InputSigns], now: list[InputSigns]) -> tuple[float, float]:
    """How far inputs lie from those of training: difference of means in deviations, ratio of deviations.

    Of tables it is the median over the columns that move, by which columns scaled each in its own way are seen. A few
    rows, such as the one a program asks about at its end, tell neither.
    """
    if not train or sum(each.shape[0] for each in now) < _FEW_ROWS:
        return 0.0, 1.0
    whole = _apart(
        *_pooled(train, [(each.mean, each.std) for each in train]),
        *_pooled(now, [(each.mean, each.std) for each in now]),
    )
    columns = [
        _apart(*before, *after)
        for before, after in zip(_by_column(train), _by_column(now), strict=False)
        if before[1] > 1e-6
    ]
    if len(columns) < 2:
        return whole
    shift = statistics.median(each[0] for each in columns)
    scale = statistics.median(each[1] for each in columns)
    return max(whole[0], shift), whole[1] if abs(math.log(whole[1] + 1e-9)) > abs(math.log(scale + 1e-9)) else scale


def _apart(mean: float, std: float, other: float, other_std: float) -> tuple[float, float]:
    if not all(map(math.isfinite, (mean, std, other, other_std))) or std == 0:
        return 0.0, 1.0
    return abs(other - mean) / std, other_std / std


def _by_column(group: list[InputSigns]) -> list[tuple[float, float]]:
    figures = (zip(each.column_means, each.column_stds, strict=True) for each in group if each.columns)
    return [_pooled(group, column) for column in zip(*figures, strict=False)]


def _pooled(group: list[InputSigns], figures: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Mean and deviation of all rows of a group, from those of its members: one row alone has no deviation."""
    rows = [each.shape[0] for each in group]
    mean = statistics.fmean((each for each, _ in figures), rows)
    square = statistics.fmean(((each - mean) ** 2 + std * std for each, std in figures), rows)
    return mean, math.sqrt(square)
